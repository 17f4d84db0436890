package tune

import (
	"math"
	"testing"

	"dropquant/engine/graph"
	"dropquant/engine/op"
	"dropquant/engine/quant"
	"dropquant/engine/target"
	"dropquant/engine/tensor"
)

// Every layer that can be corrected in one graph: with a bias, without one, in groups, and the two layouts of Gemm.
const layers = `graph "layers" opset 13
input x float32[1,4,3,3]
const w float32[2,4,1,1] = {0.5 -1 0.25 2 1 1.3 -1 0.7}
const b float32[2] = {0.1 -0.2}
const d float32[2,1,3,3] = seq
const f float32[3,2] = {1 0.3 -0.6 0.2 0.9 -1}
const h float32[3,2] = {0.2 -1 0.4 1 1 0.1}
conv: c = Conv(x, w, b)
relu: r = Relu(c)
depthwise: e = Conv(r, d) {group=2}
relu2: s = Relu(e)
flat: t = Flatten(s)
fc: u = Gemm(t, f) {transB=1}
relu3: v = Relu(u)
last: y = Gemm(v, h)
output y
`

// plan returns the plan of a graph for OpenVINO with every group on a coarse grid of 0…4, and those parameters.
func plan(t *testing.T) (*target.Plan, map[*target.Group]quant.Params) {
	t.Helper()
	g, err := graph.Parse(layers)
	if err != nil {
		t.Fatal(err)
	}
	if err := op.Infer(g, nil); err != nil {
		t.Fatal(err)
	}
	p := target.Place(g, target.OpenVINO)
	acts := map[*target.Group]quant.Params{}
	for _, group := range p.Groups() {
		acts[group] = quant.Grid{DType: tensor.Uint8, Bits: 3}.Params(-1, 4)
	}
	return p, acts
}

// TestBias compares the corrections with the mean of what the layers really give, computed by hand for inputs of any kind. A second
// set of parameters must not matter.
func TestBias(t *testing.T) {
	p, acts := plan(t)
	others := map[*target.Group]quant.Params{}
	for group := range acts {
		others[group] = quant.Grid{DType: tensor.Uint8}.Params(0, 1)
	}
	b := NewBias(p, others, acts)
	inputs := map[string][]float32{}
	images := make([]Means, 2)
	for i, d := range p.Nodes {
		n := d.Node
		if d.Weight == nil {
			continue
		}
		v := n.Inputs[0]
		size := tensor.Size(v.Shape)
		for image := range images {
			x := make([]float32, size)
			for k := range x {
				x[k] = float32((k*5+i*3+image*7)%11)/3 - 1
			}
			inputs[n.Name] = append(inputs[n.Name], x...)
			images[image] = b.See(images[image], v, tensor.Of(x, v.Shape...))
		}
	}
	before := map[string][]float32{}
	weights := map[string]*tensor.Tensor{}
	for _, d := range p.Nodes {
		if d.Weight != nil {
			weights[d.Node.Name] = d.Weight.Value.Const
			if c := d.Node.Input(2); c != nil {
				before[d.Node.Name] = c.Const.F32()
			}
		}
	}
	if n := b.Apply(p, acts, images, 1); n != 4 {
		t.Fatalf("%d layers corrected, want 4", n)
	}
	if err := p.Graph().Check(); err != nil {
		t.Fatal(err)
	}
	for _, d := range p.Nodes {
		if d.Weight == nil {
			continue
		}
		want := shiftByHand(t, d, inputs[d.Node.Name], acts[p.GroupOf(d.Node.Inputs[0])])
		got := d.Node.Input(2).Const.F32()
		for o := range want {
			if old := before[d.Node.Name]; old != nil {
				want[o] += float64(old[o])
			}
			if math.Abs(want[o]-float64(got[o])) > 1e-5 {
				t.Errorf("%s: output %d gets the bias %v, want %v", d.Node.Name, o, got[o], want[o])
			}
		}
	}
}

// shiftByHand returns the mean difference of each output channel, tap by tap, of a layer without padding whose input is
// the same at every position as far as the rule goes.
func shiftByHand(t *testing.T, d target.Decision, x []float32, act quant.Params) []float64 {
	t.Helper()
	n, w := d.Node, d.Weight.Value.Const
	channels := n.Inputs[0].Shape[1]
	inner := tensor.Size(n.Inputs[0].Shape[2:])
	images := len(x) / (channels * inner)
	rough, roughW := make([]float32, len(x)), make([]float32, w.Len())
	quant.FakeQuantize(rough, x, []int{len(x)}, act)
	quant.FakeQuantize(roughW, w.F32(), w.Shape, d.Weight.Params())
	mean := func(v []float32, c int) (m float64) {
		for i := range images {
			for k := range inner {
				m += float64(v[(i*channels+c)*inner+k])
			}
		}
		return m / float64(images*inner)
	}
	at := func(o, c int) (first, taps, input int) { // where the filter of output o and input c lies
		switch n.Name {
		case "depthwise":
			return o * 9, 9, o
		case "last":
			return c*2 + o, 1, c
		}
		in := w.Shape[1]
		return o*in + c, 1, c
	}
	outs := map[string]int{"conv": 2, "depthwise": 2, "fc": 3, "last": 2}[n.Name]
	ins := map[string]int{"conv": 4, "depthwise": 1, "fc": 2, "last": 3}[n.Name]
	shift := make([]float64, outs)
	for o := range outs {
		for c := range ins {
			first, taps, input := at(o, c)
			for k := first; k < first+taps; k++ {
				shift[o] += float64(w.F32()[k])*mean(x, input) - float64(roughW[k])*mean(rough, input)
			}
		}
	}
	return shift
}

// TestBiasLeavesWhatIsNotFinite: a correction that is not a number is none.
func TestBiasLeavesWhatIsNotFinite(t *testing.T) {
	p, acts := plan(t)
	b := NewBias(p, acts)
	v := p.Nodes[0].Node.Inputs[0]
	x := tensor.New(tensor.Float32, v.Shape...)
	x.F32()[3] = float32(math.Inf(1))
	if n := b.Apply(p, acts, []Means{b.See(nil, v, x)}, 0); n != 0 {
		t.Errorf("%d layers corrected by an infinite mean", n)
	}
	if n := b.Apply(p, acts, []Means{nil, {nil, {1}}}, 0); n != 0 {
		t.Errorf("%d layers corrected without a mean", n)
	}
}
