package dataset

import (
	"encoding/json"
	"testing"
)

func TestParsePreset(t *testing.T) {
	for _, p := range Presets {
		data, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ParsePreset(data); err != nil || got != p {
			t.Errorf("%s comes back as %+v, %v", data, got, err)
		}
	}
	for _, text := range []string{"", "[]", `{"scael": 1}`, `{"std": [0, 1, 1]}`, `{"crop": 0}`, `{"mode": "fill"}`} {
		if _, err := ParsePreset([]byte(text)); err == nil {
			t.Errorf("%s is taken for a preset", text)
		}
	}
}
