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
	inputs []*input
	reads  map[string]int // layer → the input that it reads, by names
	spare  []float32
}

// input is a value that layers read, all of them under the same parameters.
type input struct {
	value  string
	params []quant.Params // of each set
}

// Means are what one image shows: of each input the mean of each channel, and behind them the means once rounded under each
// set of parameters. An input that has none, or was not seen, is nil.
type Means [][]float32

// NewBias prepares to correct the layers of a plan, whose graph must not have been edited yet, under one or several sets
// of parameters of its groups.
func NewBias(p *target.Plan, sets ...map[*target.Group]quant.Params) *Bias {
	b := &Bias{reads: map[string]int{}}
	for _, d := range p.Nodes {
		n := d.Node
		group := p.GroupOf(n.Input(0))
		if d.State != target.Int8 || d.Weight == nil || group == nil || !correctable(n) {
			continue
		}
		in := &input{value: n.Inputs[0].Name}
		for _, acts := range sets {
			in.params = append(in.params, acts[group])
		}
		at := slices.IndexFunc(b.inputs, func(o *input) bool { return o.value == in.value && slices.EqualFunc(o.params, in.params, same) })
		if at < 0 {
			at = len(b.inputs)
			b.inputs = append(b.inputs, in)
		}
		b.reads[n.Name] = at
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

func same(a, b quant.Params) bool {
	return a.DType == b.DType && slices.Equal(a.Scale, b.Scale) && slices.Equal(a.Zero, b.Zero)
}

// See adds to m the elements x that value v has for an image, in float, and returns it. The first m is nil.
func (b *Bias) See(m Means, v *graph.Value, x *tensor.Tensor) Means {
	if m == nil {
		m = make(Means, len(b.inputs))
	}
	for i, in := range b.inputs {
		if in.value == v.Name {
			m[i] = b.means(x, in.params)
		}
	}
	return m
}

// means returns the mean of each channel of x, [1, C, …], and the same of x rounded under each of the parameters.
func (b *Bias) means(x *tensor.Tensor, sets []quant.Params) []float32 {
	data := x.F32()
	if len(x.Shape) < 2 || x.Shape[0] != 1 || len(data) == 0 {
		return nil
	}
	channels := x.Shape[1]
	out := make([]float32, channels*(1+len(sets)))
	kernel.GlobalAveragePool(out[:channels], data)
	b.spare = slices.Grow(b.spare[:0], len(data))[:len(data)]
	for k, p := range sets {
		kernel.FakeQuantize(b.spare, data, p.Scale[0], p.Zero[0], p.QMin, p.QMax)
		kernel.GlobalAveragePool(out[(1+k)*channels:(2+k)*channels], b.spare)
	}
	return out
}

// sums adds up the means of an input over the images, in their order: of the float values, and rounded under a set. They are nil
// without any image.
func (in *input) sums(images []Means, at, set int) (mean, rough []float64, n int) {
	for _, m := range images {
		if at >= len(m) || len(m[at]) == 0 || len(m[at])%(1+len(in.params)) != 0 {
			continue
		}
		channels := len(m[at]) / (1 + len(in.params))
		mean = add(mean, m[at][:channels])
		rough = add(rough, m[at][(1+set)*channels:(2+set)*channels])
		n++
	}
	return mean, rough, n
}

func add(sum []float64, x []float32) []float64 {
	if sum == nil {
		sum = make([]float64, len(x))
	}
	for i := range min(len(sum), len(x)) {
		sum[i] += float64(x[i])
	}
	return sum
}
