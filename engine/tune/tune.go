// Package tune changes a model, guided by data, so that its quantized form comes closer to the float one.
package tune

import (
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/kernel"
	"dropquant/engine/quant"
	"dropquant/engine/target"
	"dropquant/engine/tensor"
)

// Bias finds what rounding shifts the mean of each output channel of the layers with weights by, and takes it back in
// their biases. Rounding is fair on average over all values, but not over the values of one channel: an activation whose
// small values all round to 0, or weights of one filter that mostly round up, shift what comes out.
//
// Rule:   b'[o] = b[o] + Σ_c (ΣW[o,c]·E[x_c] − ΣŴ[o,c]·E[x̂_c])
// with x the input of the layer in the float model, ^ rounded, E the mean over images and positions, and the inner sums
// over the taps of the filter. Padding at the border is left out of account.
// Needs:  a constant float weight, and a bias that is constant or absent.
// Source: Nagel et al., ICCV 2019, §4.2, with the mean of rounded inputs as in NNCF's fast bias correction; unlike that,
// layers with a bias of 0 or none are corrected too, and depthwise ones.
type Bias struct {
	layers []*layer
	spare  []float32
}

// layer is one weighted node and the means of its input.
type layer struct {
	node   *graph.Node
	params quant.Params // of the input
	axis   int          // of the input's channels
	mean   []float64    // Σ over images of the mean of each channel; nil before the first
	rough  []float64    // the same, rounded
	images int
}

// NewBias prepares to correct the layers of a plan, whose graph must not have been edited yet, under the parameters of
// its groups.
func NewBias(p *target.Plan, acts map[*target.Group]quant.Params) *Bias {
	b := &Bias{}
	for _, d := range p.Nodes {
		n := d.Node
		group := p.GroupOf(n.Input(0))
		if d.State != target.Int8 || d.Weight == nil || group == nil || !correctable(n) {
			continue
		}
		b.layers = append(b.layers, &layer{node: n, params: acts[group], axis: 1})
	}
	return b
}

// correctable reports whether n is an operator with a bias as its third input that is constant or absent.
func correctable(n *graph.Node) bool {
	if n.Op != "Conv" && (n.Op != "Gemm" || n.Int("transA", 0) != 0 || n.Float("alpha", 1) != 1 || n.Float("beta", 1) != 1) {
		return false
	}
	c := n.Input(2)
	return c == nil || c.Const != nil && c.Const.DType == tensor.Float32 && len(c.Shape) == 1
}

// See adds the elements that value v has for one image, in float. Images must come in the same order everywhere:
// sums of floats depend on it.
func (b *Bias) See(v *graph.Value, x *tensor.Tensor) {
	var seen *layer // layers that read the same value under the same parameters have the same means
	for _, l := range b.layers {
		if l.node.Inputs[0].Name != v.Name {
			continue
		}
		if seen == nil || !same(seen.params, l.params) {
			seen = &layer{}
			seen.params, seen.axis = l.params, l.axis
			seen.mean, seen.rough = b.means(x, l)
		}
		l.mean, l.rough = add(l.mean, seen.mean), add(l.rough, seen.rough)
		l.images++
	}
}

func same(a, b quant.Params) bool {
	return a.DType == b.DType && slices.Equal(a.Scale, b.Scale) && slices.Equal(a.Zero, b.Zero)
}

// means returns the mean of each channel of x, [1, C, …], and the same of x rounded.
func (b *Bias) means(x *tensor.Tensor, l *layer) (mean, rough []float64) {
	data := x.F32()
	if len(x.Shape) < 2 || x.Shape[0] != 1 || len(data) == 0 {
		return nil, nil
	}
	b.spare = slices.Grow(b.spare[:0], len(data))[:len(data)]
	p := l.params
	kernel.FakeQuantize(b.spare, data, p.Scale[0], p.Zero[0], p.QMin, p.QMax)
	of := func(values []float32) []float64 {
		out := make([]float32, x.Shape[1])
		kernel.GlobalAveragePool(out, values)
		wide := make([]float64, len(out))
		for i, v := range out {
			wide[i] = float64(v)
		}
		return wide
	}
	return of(data), of(b.spare)
}

func add(a, b []float64) []float64 {
	if a == nil {
		return slices.Clone(b)
	}
	for i := range min(len(a), len(b)) {
		a[i] += b[i]
	}
	return a
}
