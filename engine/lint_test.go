package engine

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"dropquant/engine/internal/randmodel"
	"dropquant/engine/target"
)

// TestOwnFilesAreSound quantizes small random networks for every target: in no file does the linter of that target find what the runtime refuses or
// computes wrongly.
func TestOwnFilesAreSound(t *testing.T) {
	t.Parallel()
	const seeds = 60
	for seed := range uint64(seeds) {
		g := randmodel.Small(seed)
		m, err := g.ToONNX()
		if err != nil {
			t.Fatal(err)
		}
		file, shape := File{"small.onnx", m.Marshal()}, g.Inputs[0].Shape
		for _, to := range target.Targets {
			loaded, err := Load(file, nil)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			r, err := Quantize(loaded, Options{Target: to.Name}, normal(seed, shape, 2), 1, nil)
			if err != nil {
				t.Fatalf("seed %d for %s: %v", seed, to.Name, err)
			}
			report, err := Lint(File{"q.onnx", bytes.Join(r.Model, nil)}, nil, to.Name)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range report.Findings {
				if f.Effect == target.Wrong || f.Effect == target.Refused {
					t.Errorf("seed %d for %s: %s (%s): %s: %s", seed, to.Name, f.Node, f.Op, f.ID, f.Text)
				}
			}
		}
	}
}

// normal are arrays of normal noise.
func normal(seed uint64, shape []int, n int) Images {
	return Images{Len: n, Open: func(i int) (File, error) {
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		values := make([]float32, shape[0]*shape[1]*shape[2]*shape[3])
		for k := range values {
			values[k] = float32(random.NormFloat64())
		}
		return npy(fmt.Sprintf("%d.npy", i), values, shape...), nil
	}}
}
