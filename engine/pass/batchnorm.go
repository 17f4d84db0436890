package pass

import (
	"math"
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/tensor"
)

// FoldBatchNorm folds a BatchNormalization into the Conv, ConvTranspose or Gemm that feeds it.
//
// Rule:   W'[o] = W[o]·γ[o]/√(σ²[o]+ε)   b'[o] = (b[o]−μ[o])·γ[o]/√(σ²[o]+ε) + β[o]
// Needs:  inference form; W, b, γ, β, μ, σ² float32 constants; nothing else reads the output of the layer.
// Source: Jacob et al., CVPR 2018, §3.2. Computed in float64.
//
// One before a Conv is left: its shift does not commute with the zeros of padding.
func FoldBatchNorm(g *graph.Graph) error {
	for _, bn := range slices.Clone(g.Nodes) {
		if !named(bn, "BatchNormalization") || bn.Int("training_mode", 0) != 0 || bn.Int("spatial", 1) != 1 || !oneOutput(bn) {
			continue
		}
		l := layerBefore(g, bn, bn.Input(0))
		if l == nil {
			continue
		}
		gamma, beta, mean, variance := f32(bn.Input(1)), f32(bn.Input(2)), f32(bn.Input(3)), f32(bn.Input(4))
		if len(gamma) != l.channels || len(beta) != l.channels || len(mean) != l.channels || len(variance) != l.channels {
			continue
		}
		epsilon := float64(bn.Float("epsilon", 1e-5))
		scale, shift := make([]float64, l.channels), make([]float64, l.channels)
		for c := range scale {
			scale[c] = float64(gamma[c]) / math.Sqrt(float64(variance[c])+epsilon)
			shift[c] = float64(beta[c]) - float64(mean[c])*scale[c]
		}
		l.apply(g, scale, shift)
		g.TakeOutput(l.node, 0, bn, 0)
	}
	g.RemoveDead()
	return nil
}

// layer is a weighted operator whose output one node alone reads, with room to scale and shift it.
type layer struct {
	node     *graph.Node
	weights  *tensor.Tensor
	bias     []float32 // nil when it has none
	channels int
	channel  func(i int) int // the output channel of an element of weights
}

// layerBefore returns the layer that produces v for reader alone, or nil.
func layerBefore(g *graph.Graph, reader *graph.Node, v *graph.Value) *layer {
	if v == nil || v.Producer == nil || onlyReader(g, v) != reader || f32(v.Producer.Input(1)) == nil {
		return nil
	}
	n := v.Producer
	l := &layer{node: n, weights: n.Inputs[1].Const}
	shape, group := l.weights.Shape, n.Int("group", 1)
	switch {
	case named(n, "Conv") && len(shape) > 2:
		l.outermost(shape[0])
	case named(n, "ConvTranspose") && len(shape) > 2 && group > 0 && shape[0]%group == 0:
		// [in, out/group, …]: the inputs of group k, in/group of them, make its out/group outputs.
		per, inputs := shape[1], shape[0]/group
		inner := tensor.Size(shape[2:])
		l.channels = per * group
		l.channel = func(i int) int {
			row := i / inner
			return row/per/inputs*per + row%per
		}
	case named(n, "Gemm") && len(shape) == 2 && n.Float("alpha", 1) == 1 && (n.Input(2) == nil || n.Float("beta", 1) == 1):
		if n.Int("transB", 0) != 0 {
			l.outermost(shape[0])
		} else {
			l.channels = shape[1]
			l.channel = func(i int) int { return i % shape[1] }
		}
	default:
		return nil
	}
	if b := n.Input(2); b != nil {
		if l.bias = f32(b); len(l.bias) != l.channels || b.Const.Rank() > 0 && b.Const.Shape[b.Const.Rank()-1] != l.channels {
			return nil
		}
	}
	return l
}

// outermost says that output channels are the first axis of the weights.
func (l *layer) outermost(channels int) {
	l.channels = channels
	run := max(l.weights.Len()/max(channels, 1), 1)
	l.channel = func(i int) int { return i / run }
}

// apply makes the layer compute y·scale + shift, per output channel, in place of y. Other readers of
// the weights keep the old ones.
func (l *layer) apply(g *graph.Graph, scale, shift []float64) {
	w := tensor.New(tensor.Float32, l.weights.Shape...)
	for i, x := range l.weights.F32() {
		w.F32()[i] = float32(float64(x) * scale[l.channel(i)])
	}
	b := make([]float32, l.channels)
	for c := range b {
		old := 0.0
		if l.bias != nil {
			old = float64(l.bias[c])
		}
		b[c] = float32(float64(old*scale[c]) + shift[c])
	}
	setConst(g, l.node, 1, l.node.Name+"_weight", w)
	setConst(g, l.node, 2, l.node.Name+"_bias", tensor.Of(b, l.channels))
}

// setConst makes input i of n the constant t: under the name of the constant that it reads alone, or a fresh one.
func setConst(g *graph.Graph, n *graph.Node, i int, name string, t *tensor.Tensor) {
	if v := n.Input(i); v != nil {
		if onlyReader(g, v) == n {
			v.Const, v.DType, v.Shape = t, t.DType, t.Shape
			return
		}
		name = v.Name + "_folded"
	}
	g.SetInput(n, i, g.AddConst(name, t))
}
