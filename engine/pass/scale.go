package pass

import (
	"slices"

	"dropquant/engine/graph"
)

// FoldScale folds a product with, or a sum with, a constant per channel into the layer that feeds it.
//
// Rule:   (W·x + b)·s = (s·W)·x + s·b   (W·x + b) + t = W·x + (b + t); Div and Sub likewise
// Needs:  s and t float32 constants with one element, or one per output channel on the channel axis;
// W, b constants; nothing else reads the output of the layer.
// Source: linearity; NVIDIA's and Intel's converters do the same before they look for BatchNormalization.
func FoldScale(g *graph.Graph) error {
	for _, n := range slices.Clone(g.Nodes) {
		if !named(n, "Mul", "Add", "Div", "Sub") || len(n.Inputs) != 2 || !oneOutput(n) {
			continue
		}
		x, c := n.Inputs[0], n.Inputs[1]
		if f32(c) == nil && named(n, "Mul", "Add") {
			x, c = c, x
		}
		l := layerBefore(g, n, x)
		if l == nil || f32(c) == nil {
			continue
		}
		k := perChannel(c, l)
		if k == nil || n.Op == "Div" && slices.Contains(k, 0) {
			continue
		}
		scale, shift := make([]float64, l.channels), make([]float64, l.channels)
		for i := range scale {
			scale[i] = 1
			switch e := float64(k[i]); n.Op {
			case "Mul":
				scale[i] = e
			case "Div":
				scale[i] = 1 / e
			case "Add":
				shift[i] = e
			case "Sub":
				shift[i] = -e
			}
		}
		l.apply(g, scale, shift)
		g.TakeOutput(l.node, 0, n, 0)
	}
	g.RemoveDead()
	return nil
}

// perChannel spreads a constant over the channels of a layer's output, or returns nil when it varies
// along another axis or would widen the output.
func perChannel(v *graph.Value, l *layer) []float32 {
	data, shape := v.Const.F32(), v.Const.Shape
	rank := 2 // the output of Gemm
	channelAxis := 1
	if l.node.Op != "Gemm" {
		rank = l.weights.Rank()
	}
	if len(shape) > rank {
		return nil
	}
	for i, d := range shape { // aligned from the right
		if d != 1 && (i+rank-len(shape) != channelAxis || d != l.channels) {
			return nil
		}
	}
	if len(data) == l.channels {
		return data
	}
	if len(data) != 1 {
		return nil
	}
	out := make([]float32, l.channels)
	for i := range out {
		out[i] = data[0]
	}
	return out
}
