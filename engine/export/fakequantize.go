package export

import (
	"dropquant/engine/graph"
	"dropquant/engine/quant"
	"dropquant/engine/tensor"
)

// Domain is that of FakeQuantize in ONNX files.
const Domain = "org.openvinotoolkit"

// FakeQuantize returns g as an ONNX graph with FakeQuantize nodes in place of the pairs. Weights become float constants that
// lie on their grids, with a FakeQuantize behind; biases become float. It is the form that MMRazor writes for OpenVINO, whose ONNX
// reader takes it; other runtimes do not.
//
// Source: MMRazor's OpenVinoQuantizeExportor; OpenVINO's operation FakeQuantize-1.
func FakeQuantize(g *graph.Graph) (*graph.Graph, error) {
	out := g.Clone()
	all, err := pairs(out)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		x := p.x
		if p.codes != nil {
			x = out.AddConst(sourceName(p), p.params.Reals(p.codes))
		}
		n := p.dq // becomes what stands for the pair; its output keeps its name
		if p.codes != nil && p.codes.DType == tensor.Int32 {
			n.Op, n.Attrs = "Identity", nil
			out.SetInput(n, 0, x)
			out.SetInput(n, 1, nil)
			out.SetInput(n, 2, nil)
			continue
		}
		grid := p.narrow()
		low, high := limits(grid)
		shape := shapeOf(grid, len(x.Shape))
		lo, hi := out.AddConst(x.Name+"_low", tensor.Of(low, shape...)), out.AddConst(x.Name+"_high", tensor.Of(high, shape...))
		n.Op, n.Domain = "FakeQuantize", Domain
		n.Attrs = []graph.Attr{{Name: "levels", Value: int64(grid.QMax) - int64(grid.QMin) + 1}}
		for i, v := range []*graph.Value{x, lo, hi, lo, hi} {
			out.SetInput(n, i, v)
		}
	}
	out.SetOpset(Domain, 1)
	if err := out.Sort(); err != nil {
		return nil, err
	}
	out.RemoveDead()
	return out, out.Check()
}

// limits returns the reals of the lowest and highest codes, channel by channel.
func limits(p quant.Params) (low, high []float32) {
	for c := range p.Scale {
		lo, hi := p.Real(c)
		low, high = append(low, lo), append(high, hi)
	}
	return low, high
}

// shapeOf returns the shape in which parameters broadcast against a tensor of this rank.
func shapeOf(p quant.Params, rank int) []int {
	if p.PerTensor() {
		return []int{}
	}
	shape := make([]int, rank)
	for i := range shape {
		shape[i] = 1
	}
	shape[p.Axis] = len(p.Scale)
	return shape
}
