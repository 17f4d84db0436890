package calib

import (
	"testing"

	"dropquant/engine/quant"
)

func TestCandidates(t *testing.T) {
	for name, s := range samples() {
		for _, g := range grids {
			got, err := Candidates(s, g, Options{})
			if err != nil || len(got) == 0 || got[0].Method != Default {
				t.Fatalf("%s on %v: %v, %v", name, g, got, err)
			}
			for i, a := range got {
				lo, hi, _ := Range(a.Method, s, g, Options{})
				if a.Lo != lo || a.Hi != hi {
					t.Errorf("%s on %v: %+v, the method says %v…%v", name, g, a, lo, hi)
				}
				for _, b := range got[:i] {
					if p, q := g.Params(a.Lo, a.Hi), g.Params(b.Lo, b.Hi); p.Scale[0] == q.Scale[0] && p.Zero[0] == q.Zero[0] {
						t.Errorf("%s on %v: %s and %s are the same", name, g, a.Method, b.Method)
					}
				}
			}
		}
	}
	if got, err := Candidates(statOf(), quant.U8, Options{}); len(got) != 1 || err != ErrNoValues {
		t.Errorf("of nothing: %v, %v", got, err)
	}
	if got, err := Candidates(statOf([]float32{1}), quant.Grid{}, Options{}); got != nil || err == nil {
		t.Errorf("on no grid: %v, %v", got, err)
	}
}
