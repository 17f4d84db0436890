package target

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"dropquant/engine/graph"
	"dropquant/engine/op"
	"dropquant/engine/quant"
	"dropquant/engine/tensor"
)

// TestPairs: which places of a filter, counted tap by tap, share an int16.
func TestPairs(t *testing.T) {
	for _, c := range []struct {
		name string
		f    Filters
		want []quant.Pair
	}{
		{"point, even", Filters{Out: 1, In: 4, Groups: 1, Taps: 1}, []quant.Pair{{0, 1}, {2, 3}}},
		{"point, odd", Filters{Out: 1, In: 3, Groups: 1, Taps: 1}, []quant.Pair{{0, 1}}},
		{"window, even", Filters{Out: 1, In: 2, Groups: 1, Taps: 3}, []quant.Pair{{0, 1}, {2, 3}, {4, 5}}},
		// Three channels: in a row 0 and 1, then 2 with the next tap's 0; tap by tap 0 and 1 of each.
		{"window, odd", Filters{Out: 1, In: 3, Groups: 1, Taps: 3}, []quant.Pair{{0, 1}, {2, 3}, {4, 5}, {6, 7}, {3, 4}}},
		{"one channel", Filters{Out: 4, In: 1, Groups: 2, Taps: 4}, []quant.Pair{{0, 1}, {2, 3}}},
		{"depthwise", Filters{Out: 2, In: 1, Groups: 2, Taps: 9}, nil},
	} {
		if got := c.f.pairs(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// fullRange is the weighted operators in every layout, with weights of which most filters overflow.
var fullRange = []struct{ name, text string }{
	{"point", "input x float32[1,8,4,4]\nconst w float32[6,8,1,1] = seq\nlayer: y = Conv(x, w)\noutput y"},
	{"window", "input x float32[1,3,9,9]\nconst w float32[6,3,3,3] = seq\nlayer: y = Conv(x, w) {strides=[2,2]}\noutput y"},
	{"odd", "input x float32[1,5,6,6]\nconst w float32[7,5,3,3] = seq\nlayer: y = Conv(x, w)\noutput y"},
	{"groups", "input x float32[1,8,5,5]\nconst w float32[6,4,3,3] = seq\nlayer: y = Conv(x, w) {group=2}\noutput y"},
	{"odd_groups", "input x float32[1,6,5,5]\nconst w float32[8,3,3,3] = seq\nlayer: y = Conv(x, w) {group=2}\noutput y"},
	{"multiplier", "input x float32[1,4,6,6]\nconst w float32[8,1,3,3] = seq\nlayer: y = Conv(x, w) {group=4}\noutput y"},
	{"depthwise", "input x float32[1,16,6,6]\nconst w float32[16,1,3,3] = seq\nlayer: y = Conv(x, w) {group=16}\noutput y"},
	{"gemm", "input x float32[2,9]\nconst w float32[9,5] = seq\nlayer: y = Gemm(x, w)\noutput y"},
	{"gemm_transposed", "input x float32[2,10]\nconst w float32[5,10] = seq\nlayer: y = Gemm(x, w) {transB=1}\noutput y"},
	{"matmul", "input x float32[3,16]\nconst w float32[16,5] = seq\nlayer: y = MatMul(x, w)\noutput y"},
	{"transposed", "input x float32[1,8,4,4]\nrelu: r = Relu(x)\nconst w float32[8,6,2,2] = seq\nlayer: y = ConvTranspose(r, w) {strides=[2,2]}\noutput y"},
	{"shared", "input x float32[1,8,4,4]\nconst w float32[8,8,1,1] = seq\nlayer: a = Conv(x, w)\nagain: y = Conv(a, w)\noutput y"},
}

// parseFull reads an entry of fullRange and gives its weights.
func parseFull(t *testing.T, name, text string) *graph.Graph {
	t.Helper()
	g := parse(t, fmt.Sprintf("graph %q opset 13\n%s\n", name, text))
	random := rand.New(rand.NewPCG(5, 6))
	w := node(g, "layer").Inputs[1].Const.F32()
	for i := range w {
		w[i] = float32(random.Float64()*2 - 0.6) // mostly positive: sums run away
	}
	return g
}

// TestRound: with AnyCPU no filter can overflow, whatever its layout; without, most do; and what the layer computes changes little.
func TestRound(t *testing.T) {
	for _, c := range fullRange {
		for _, base := range []*Target{OpenVINO, ONNXRuntime} {
			for _, perTensor := range []bool{false, true} {
				exact := *base
				exact.PerTensor = perTensor
				plainTarget := exact
				exact.AnyCPU = true
				g := parseFull(t, c.name, c.text)
				codes := func(t *Target) *tensor.Tensor {
					p := Place(g, t)
					return p.Round(p.Weights[0], plain(p)).Codes
				}
				n := node(g, "layer")
				p := Place(g, &exact)
				r := p.Round(p.Weights[0], plain(p))
				if p.Decision(n).State == Int8 {
					if s := Saturating(n, r.Codes); s != nil {
						t.Errorf("%s for %s: channels %v overflow", c.name, base.Name, s)
					}
				}
				if s := Saturating(n, codes(&plainTarget)); (s == nil) != (c.name == "depthwise") {
					t.Errorf("%s for %s: without care channels %v overflow", c.name, base.Name, s)
				}
				step := float64(0)
				for _, s := range r.Params.Scale {
					step = max(step, float64(s))
				}
				for i, v := range r.Params.Reals(r.Codes).F32() {
					if d := float64(v - n.Inputs[1].Const.F32()[i]); d > 12*step || d < -12*step {
						t.Errorf("%s for %s: weight %d is off by %.1f steps", c.name, base.Name, i, d/step)
						break
					}
				}
			}
		}
	}
}

// TestFilters reads a weight of every layout back through At.
func TestFilters(t *testing.T) {
	for _, c := range fullRange {
		g := parseFull(t, c.name, c.text)
		if err := op.Infer(g, nil); err != nil {
			t.Fatal(err)
		}
		n := node(g, "layer")
		w := n.Inputs[1].Const
		f, ok := FiltersOf(n, w)
		if !ok {
			t.Fatalf("%s has no layout", c.name)
		}
		seen := map[int]bool{}
		for o := range f.Out {
			for _, at := range f.places() {
				seen[f.At(o, 0)+at] = true
			}
		}
		if len(seen) != w.Len() || f.Out*f.In*f.Taps != w.Len() {
			t.Errorf("%s: %d places of %d elements in %d filters of %d", c.name, len(seen), w.Len(), f.Out, f.In*f.Taps)
		}
	}
}
