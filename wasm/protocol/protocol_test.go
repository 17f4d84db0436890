package protocol

import (
	"encoding/json"
	"testing"
)

func TestMessagesSurvive(t *testing.T) {
	req := Request{ID: 3, Kind: Compare, Options: json.RawMessage(`{"target":"tensorrt"}`), Images: []Image{{Index: 0, Name: "a"}, {Index: 4, Name: "é\""}}, States: 2}
	text, err := json.Marshal(req)
	if err != nil {
		t.Fatal(err)
	}
	var back Request
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(back)
	if err != nil || string(again) != string(text) {
		t.Errorf("%s became %s (%v)", text, again, err)
	}
}
