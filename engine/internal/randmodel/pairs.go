package randmodel

import (
	"math"

	"dropquant/engine/graph"
	"dropquant/engine/tensor"
)

// style is how a stranger's tool quantizes.
type style struct {
	signed, symmetric bool // codes of activations; of a third of the tools each value has its own
	mixed             bool
	missing           int  // one of so many values has no pair; 0: all have
	perChannel        bool // weights
	asymmetric        bool // weights with zero points
	int32Bias         bool
	own               bool // each reader of a value gets a pair of its own
}

// Quantize puts pairs into a float graph as files of strangers have them, by a style and at places that the seed draws. ranges are the least and
// the greatest element that values of the graph took, by name: only those get pairs.
func Quantize(g *graph.Graph, seed uint64, ranges map[string][2]float32) {
	b := &builder{g: g, state: seed ^ 0x9a175}
	s := style{signed: b.one(2), symmetric: b.one(3), mixed: b.one(4), missing: pick(b, 0, 0, 6, 3), perChannel: !b.one(3), asymmetric: b.one(8), int32Bias: b.one(2), own: b.one(5)}
	nodes := append([]*graph.Node(nil), g.Nodes...)
	scale := map[*graph.Value]float32{} // of the codes that a layer reads
	for _, v := range activations(g) {
		r, ok := ranges[v.Name]
		if !ok || s.missing > 0 && b.one(s.missing) {
			continue
		}
		b.pairs(v, r, s, scale)
	}
	for _, n := range nodes {
		if n.Op == "Conv" || n.Op == "ConvTranspose" || n.Op == "Gemm" || n.Op == "MatMul" {
			b.weights(n, s, scale)
		}
	}
	if err := g.Sort(); err != nil {
		panic(err) // bug: pairs make no circles
	}
}

// activations are the values that depend on the input, in order.
func activations(g *graph.Graph) []*graph.Value {
	list := append([]*graph.Value(nil), g.Inputs...)
	for _, n := range g.Nodes {
		list = append(list, n.Outputs...)
	}
	return list
}

// pairs quantizes v for its readers.
func (b *builder) pairs(v *graph.Value, r [2]float32, s style, scale map[*graph.Value]float32) {
	var last *graph.Value
	for _, u := range append([]graph.Use(nil), v.Uses...) {
		if last == nil || s.own {
			last = b.pair(v, r, s)
			scale[last] = last.Producer.Inputs[1].Const.F32()[0]
		}
		if s.missing == 0 || !b.one(12) { // a reader that was left out
			b.g.SetInput(u.Node, u.Index, last)
		}
	}
}

// pair gives the reals of the codes of v. Now and then the range is too small, and clips.
func (b *builder) pair(v *graph.Value, r [2]float32, s style) *graph.Value {
	signed, symmetric := s.signed, s.symmetric
	if s.mixed {
		signed, symmetric = b.one(2), b.one(2)
	}
	spare := pick[float32](b, 0.6, 1, 1, 1.1)
	lo, hi := min(r[0], 0)*spare, max(r[1], 0)*spare
	if hi-lo < 1e-3 {
		hi = lo + 1e-3
	}
	code, zero := (hi-lo)/255, 0
	switch {
	case symmetric && (signed || lo < 0):
		code, zero = max(-lo, hi)/127, 128
	case !symmetric:
		zero = int(math.RoundToEven(float64(-lo / code)))
	}
	z := b.g.AddConst("zero", tensor.Scalar(uint8(zero)))
	if signed {
		z = b.g.AddConst("zero", tensor.Scalar(int8(zero-128)))
	}
	c := b.g.AddConst("scale", tensor.Scalar(code))
	q := b.node("QuantizeLinear", nil, v, c, z)
	q.DType, q.Shape = z.Const.DType, v.Shape
	y := b.node("DequantizeLinear", nil, q, c, z)
	y.DType, y.Shape = tensor.Float32, v.Shape
	return y
}

// weights stores the constant weights of n as int8, and its bias as int32 where the style has it.
func (b *builder) weights(n *graph.Node, s style, scale map[*graph.Value]float32) {
	if len(n.Inputs) < 2 || n.Inputs[1].Const == nil || s.missing > 0 && b.one(8) {
		return
	}
	w, axis := n.Inputs[1].Const, 0
	if n.Op == "MatMul" || n.Op == "ConvTranspose" || n.Op == "Gemm" && n.Int("transB", 0) == 0 {
		axis = 1
	}
	channels, inner := w.Shape[axis], 1
	for _, d := range w.Shape[axis+1:] {
		inner *= d
	}
	scales := make([]float32, 1)
	if s.perChannel {
		scales = make([]float32, channels)
	}
	at := func(i int) int { return i / inner % channels % len(scales) }
	for i, x := range w.F32() {
		scales[at(i)] = max(scales[at(i)], float32(math.Abs(float64(x)))/127)
	}
	zero := make([]int8, len(scales))
	if s.asymmetric {
		zero[0] = int8(b.below(7) - 3)
	}
	codes := make([]int8, w.Len())
	for i, x := range w.F32() {
		codes[i] = int8(min(max(math.RoundToEven(float64(x/scales[at(i)]))+float64(zero[at(i)]), -128), 127))
	}
	shape, attrs := []int{}, []graph.Attr(nil)
	if s.perChannel {
		shape, attrs = []int{channels}, []graph.Attr{{Name: "axis", Value: int64(axis)}}
	}
	ws := b.g.AddConst("w_scale", tensor.Of(scales, shape...))
	b.g.SetInput(n, 1, b.node("DequantizeLinear", attrs, b.g.AddConst("w", tensor.Of(codes, w.Shape...)), ws, b.g.AddConst("w_zero", tensor.Of(zero, shape...))))
	if x, ok := scale[n.Inputs[0]]; ok && s.int32Bias && n.Input(2) != nil && n.Inputs[2].Const != nil && n.Inputs[2].Const.Len() == channels {
		b.bias(n, x, scales)
	}
}

// bias stores the bias of n at the scale of its products.
func (b *builder) bias(n *graph.Node, x float32, w []float32) {
	real := n.Inputs[2].Const.F32()
	codes, scales := make([]int32, len(real)), make([]float32, len(w))
	for i, s := range w {
		scales[i] = x * s
	}
	for i, r := range real {
		codes[i] = int32(math.RoundToEven(float64(r / scales[i%len(scales)])))
	}
	shape, attrs := []int{}, []graph.Attr(nil)
	if len(scales) > 1 {
		shape, attrs = []int{len(scales)}, []graph.Attr{{Name: "axis", Value: int64(0)}}
	}
	b.g.SetInput(n, 2, b.node("DequantizeLinear", attrs, b.g.AddConst("b", tensor.Of(codes, len(codes))), b.g.AddConst("b_scale", tensor.Of(scales, shape...)), b.g.AddConst("b_zero", tensor.Of(make([]int32, len(scales)), shape...))))
}
