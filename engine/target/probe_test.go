package target

import (
	"slices"
	"testing"

	"dropquant/engine/exec"
	"dropquant/engine/graph"
	"dropquant/engine/tensor"
)

// uneven has a depthwise Conv whose second input channel is a thousand times smaller than the first, and its weights
// as much larger: in float both channels of the output count the same.
const uneven = `graph "uneven channels" opset 13
input x float32[1,2,8,8]
const w float32[2,2,1,1] = {1000 0 0 1}
const d float32[2,1,1,1] = {0.001 1}
const k float32[2,2,1,1] = {1 2 3 4}
conv1: c1 = Conv(x, w)
sig: s1 = Sigmoid(c1)
silu: m1 = Mul(c1, s1)
depthwise: c2 = Conv(m1, d) {group=2}
relu: r2 = Relu(c2)
conv3: c3 = Conv(r2, k)
relu3: r3 = Relu(c3)
gap: g = GlobalAveragePool(r3)
last: y = Conv(g, k)
output y
`

func TestProbe(t *testing.T) {
	for _, target := range Targets {
		g := parse(t, uneven)
		p := Place(g, target)
		probe, err := p.Probe(observed(t, g, p), nil)
		if err != nil {
			t.Fatal(err)
		}
		watch := map[*graph.Value]bool{}
		for _, v := range probe.Watch() {
			watch[v] = true
		}
		program, err := exec.Compile(g, nil, exec.Options{Watch: watch})
		if err != nil {
			t.Fatal(err)
		}
		x := tensor.New(tensor.Float32, 1, 2, 8, 8)
		for i := range x.F32() {
			x.F32()[i] = float32(i%13)/6 - 1
		}
		var first []Cost
		for range 2 {
			if _, err := program.Run(map[string]*tensor.Tensor{"x": x}, func(v *graph.Value, x *tensor.Tensor) {
				if err := probe.See(v, x); err != nil {
					t.Fatal(err)
				}
			}); err != nil {
				t.Fatal(err)
			}
			costs := probe.Take()
			if first != nil && !slices.Equal(first, costs) {
				t.Errorf("%s: the same image costs %v, then %v", target.Name, first, costs)
			}
			first = costs
		}
		var fragile []string
		for _, c := range first {
			if c.SQNR() < Fragile {
				fragile = append(fragile, p.Keep(c.Node)...)
			}
		}
		want := []string{"depthwise"}
		if target.Complete {
			want = []string{"conv1", "sig", "silu", "depthwise"}
		}
		if !slices.Equal(fragile, want) {
			t.Errorf("%s: %v stay in float, want %v (%v)", target.Name, fragile, want, first)
		}
		kept := Place(g, target, fragile...)
		for _, v := range kept.Values() {
			if p.GroupOf(v) == nil {
				t.Errorf("%s: %s needs a range that was not needed before", target.Name, v.Name)
			}
		}
	}
}
