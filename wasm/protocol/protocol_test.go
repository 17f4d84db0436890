package protocol

import (
	"encoding/json"
	"slices"
	"testing"
)

// Whatever the number of workers, each image is in exactly one share, and the shares are even.
func TestShard(t *testing.T) {
	for _, n := range []int{0, 1, 2, 7, 8, 9, 100} {
		for k := 1; k <= 9; k++ {
			var all []int
			for w := range k {
				share := Shard(n, w, k)
				if len(share) < n/k || len(share) > (n+k-1)/k {
					t.Errorf("%d images on %d workers: worker %d has %d", n, k, w, len(share))
				}
				if !slices.IsSorted(share) {
					t.Errorf("%d images on %d workers: share %d is out of order", n, k, w)
				}
				all = append(all, share...)
			}
			slices.Sort(all)
			for i := range n {
				if i >= len(all) || all[i] != i {
					t.Fatalf("%d images on %d workers: the shares are %v", n, k, all)
				}
			}
		}
	}
}

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
