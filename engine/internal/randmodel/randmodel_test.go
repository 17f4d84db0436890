package randmodel_test

import (
	"math"
	"testing"

	"dropquant/engine/exec"
	"dropquant/engine/graph"
	"dropquant/engine/internal/randmodel"
	"dropquant/engine/onnx"
	"dropquant/engine/op"
	"dropquant/engine/tensor"
)

// TestModels runs every model as it comes back from its file: the architectures have the published numbers of
// multiply-accumulates and weights, and what comes out is finite and neither vanishes nor is the same everywhere.
func TestModels(t *testing.T) {
	for _, c := range []struct {
		name         string
		gmacs, mega  float64 // He et al., table 1: 1.8; Ge et al., table 4: 26.8 GFLOPs, 9.0 M weights
		lowest, most float64 // of the largest magnitude
	}{
		{"resnet18", 1.814, 11.68, 0.1, 1e4},
		{"yolox_s", 13.32, 8.95, 0.1, 1e4},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := read(t, c.name)
			if err := op.Infer(g, nil); err != nil {
				t.Fatal(err)
			}
			macs, weights := 0.0, 0.0
			seen := map[*graph.Value]bool{}
			for _, n := range g.Nodes {
				macs += float64(op.MACs(n))
				for _, v := range n.Inputs {
					if v != nil && v.Const != nil && !seen[v] {
						seen[v] = true
						weights += float64(v.Const.Len())
					}
				}
			}
			if math.Abs(macs/1e9/c.gmacs-1) > 0.01 || math.Abs(weights/1e6/c.mega-1) > 0.01 {
				t.Errorf("%.3f GMAC and %.2f M weights, want %.3f and %.2f", macs/1e9, weights/1e6, c.gmacs, c.mega)
			}
			if testing.Short() {
				t.Skip("a forward pass takes a second on a machine without SIMD kernels")
			}
			p, err := exec.Compile(g, nil, exec.Options{})
			if err != nil {
				t.Fatal(err)
			}
			in := tensor.New(tensor.Float32, g.Inputs[0].Shape...)
			for i := range in.F32() {
				in.F32()[i] = float32((i*2654435761)>>8&0xffff)/32768 - 1
			}
			out, err := p.Run(map[string]*tensor.Tensor{g.Inputs[0].Name: in}, nil)
			if err != nil {
				t.Fatal(err)
			}
			lo, hi := math.Inf(1), math.Inf(-1)
			for _, y := range out["output"].F32() {
				lo, hi = math.Min(lo, float64(y)), math.Max(hi, float64(y))
			}
			if peak := math.Max(-lo, hi); !(peak >= c.lowest && peak <= c.most) || lo == hi {
				t.Errorf("the output reaches from %g to %g", lo, hi)
			}
		})
	}
}

// read builds a model and takes it through its file.
func read(t *testing.T, name string) *graph.Graph {
	t.Helper()
	for _, m := range randmodel.Models {
		if m.Name != name {
			continue
		}
		file, err := m.Build(1).ToONNX()
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := onnx.Parse(file.Marshal())
		if err != nil {
			t.Fatal(err)
		}
		g, err := graph.FromONNX(parsed)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	t.Fatalf("no model is called %q", name)
	return nil
}
