package intsim

import (
	"math"
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/quant"
	"dropquant/engine/target"
	"dropquant/engine/tensor"
)

// multiply lowers a unit that multiplies codes by constant weights. Other units compute on reals, and the form of the codes behind
// them says what the runtime does.
func multiply(l *lowering, u *target.Unit) error {
	n := u.Node
	switch n.Op {
	case "AveragePool":
		l.meansOfCodes(n)
		return nil
	case "Add":
		l.mergeSum(u)
		return nil
	}
	kernel := map[string]string{"Conv": "IntConv", "Gemm": "IntMatMul", "MatMul": "IntMatMul"}[n.Op]
	x, w := l.codes[n.Inputs[0]], l.codes[n.Input(1)]
	if kernel == "" || x.value == nil || w.value == nil || w.value.Const == nil || w.params.DType != tensor.Int8 {
		return nil
	}
	shape, attrs := w.value.Const.Shape, n.Attrs
	outs := shape[0]
	switch {
	case n.Op == "MatMul":
		outs = shape[len(shape)-1]
	case n.Op == "Gemm":
		attrs = []graph.Attr{{Name: "transB", Value: int64(n.Int("transB", 0))}}
		if n.Int("transB", 0) == 0 {
			outs = shape[1]
		}
	}
	bias := n.Input(2)
	if n.Op == "Conv" && l.b.making == byOneDNN {
		w.params, bias = l.normalized(u, w.params, bias)
	}
	scale, ok := products(x.params, w.params, outs)
	if !ok || !perTensorZero(x.params) {
		return nil
	}
	if n.Op == "Conv" && l.b.making == byOneDNN {
		l.activate(u)
	}
	n.Op, n.Domain, n.Attrs = kernel, own, attrs
	l.g.SetOpset(own, 1)
	zero := x.params
	zero.Scale, zero.Zero = zero.Scale[:1], zero.Zero[:1]
	var zeros *graph.Value
	if slices.ContainsFunc(w.params.Zero, func(z int32) bool { return z != 0 }) {
		zeros = l.zero(w.params)
	}
	for i, v := range []*graph.Value{x.value, l.zero(zero), w.value, zeros, l.g.AddConst("scales", tensor.Of(scale, outs)), bias} {
		l.g.SetInput(n, i, v)
	}
	layer := layer{name: n.Name, kernel: n}
	if c := u.Codes; c != nil && c.Q != nil {
		layer.out = &carried{c.Q.Outputs[0], inRuntime(c)}
	}
	l.layers = append(l.layers, layer)
	return nil
}

// normalized takes a BatchNormalization into the scales of the weights and the bias of the convolution before it, as OpenVINO does before it has
// integers.
//
// Source: transformations batch_norm_decomposition.cpp and conv_mul_fusion.cpp.
func (l *lowering) normalized(u *target.Unit, w quant.Params, bias *graph.Value) (quant.Params, *graph.Value) {
	if len(u.Fused) == 0 || u.Fused[0].Op != "BatchNormalization" || bias != nil && bias.Const == nil {
		return w, bias
	}
	norm := u.Fused[0]
	if slices.ContainsFunc(norm.Inputs[1:], func(v *graph.Value) bool { return v == nil || v.Const == nil || v.DType != tensor.Float32 }) {
		return w, bias
	}
	gamma, beta, mean, variance := norm.Inputs[1].Const.F32(), norm.Inputs[2].Const.F32(), norm.Inputs[3].Const.F32(), norm.Inputs[4].Const.F32()
	scales, zeros, shift := make([]float32, len(gamma)), make([]int32, len(gamma)), make([]float32, len(gamma))
	for o, g := range gamma {
		g /= float32(math.Sqrt(float64(variance[o] + norm.Float("epsilon", 1e-5))))
		scales[o], zeros[o] = w.Scale[min(o, len(w.Scale)-1)]*g, w.Zero[min(o, len(w.Zero)-1)]
		shift[o] = beta[o] - float32(mean[o]*g)
		if bias != nil {
			shift[o] += float32(bias.Const.F32()[o] * g)
		}
	}
	w.Scale, w.Zero, w.Axis = scales, zeros, 0
	u.Fused = u.Fused[1:]
	l.g.TakeOutput(u.Node, 0, norm, 0)
	return w, l.g.AddConst("bias", tensor.Of(shift, len(shift)))
}

// meansOfCodes gives who reads means in float the means of codes less the zero point: padding that counts is the code 0.
func (l *lowering) meansOfCodes(n *graph.Node) {
	c := l.codes[n.Inputs[0]]
	if n.Int("count_include_pad", 0) == 0 || c.params.DType != tensor.Uint8 || !c.params.PerTensor() || c.params.Zero[0] == 0 || l.b.making != byOneDNN {
		return
	}
	y := l.op("", n.Op, []*graph.Value{l.float(c.value)}, n.Attrs...)
	y = l.op("", "Sub", []*graph.Value{y, l.vector([]float32{float32(c.params.Zero[0])})})
	l.g.ReplaceUses(n.Outputs[0], l.op("", "Mul", []*graph.Value{y, l.vector(c.params.Scale)}), nil)
}

// activate puts oneDNN's own functions in the place of the Sigmoid and the x·Sigmoid(x) that a convolution applies.
func (l *lowering) activate(u *target.Unit) {
	for _, n := range u.Fused {
		if n.Op == "Sigmoid" {
			n.Op, n.Domain, n.Attrs = "Logistic", own, nil
			continue
		}
		gate := slices.IndexFunc(n.Inputs, func(v *graph.Value) bool { return v != nil && v.Producer != nil && v.Producer.Op == "Logistic" })
		if n.Op != "Mul" || gate < 0 { // a gate of HardSigmoid is computed as it stands
			continue
		}
		x := n.Inputs[1-gate]
		n.Op, n.Domain, n.Attrs = "Swish", own, nil
		l.g.SetInput(n, 0, x)
		l.g.SetInput(n, 1, nil)
		n.Inputs = n.Inputs[:1]
	}
}

// products returns the scales of the sums, one for each output.
func products(x, w quant.Params, outs int) (scale []float32, ok bool) {
	if len(x.Scale) != 1 && len(x.Scale) != outs || len(w.Scale) != 1 && len(w.Scale) != outs {
		return nil, false
	}
	scale = make([]float32, outs)
	for o := range scale {
		scale[o] = x.Scale[min(o, len(x.Scale)-1)] * w.Scale[min(o, len(w.Scale)-1)]
	}
	return scale, true
}

// afterProduct is the form behind a convolution or product.
//
// The sums are scaled and biased, activated, and turned into levels. Behind a convolution without a bias, and with nothing but a Relu
// between, the levels take in the scales of the sums, channel by channel.
func (l *lowering) afterProduct(u *target.Unit, at levels) rounding {
	n := u.Node
	f := rounding{x: u.Out, factor: at.factors(), shift: at.shifts(), fused: true, plain: true, hi: at.last}
	for _, a := range u.Fused {
		switch clip, ok := clipOf(a); {
		case !ok:
			f.plain = false
		case a.Op == "Relu" && at.zero != 0:
			f.plain, f.lo = false, at.zero
		default:
			f = f.bounded(clip[0], clip[1])
		}
	}
	if n.Op == "IntConv" && n.Input(5) == nil && !slices.ContainsFunc(u.Fused, func(a *graph.Node) bool { return a.Op != "Relu" }) {
		at = at.over(n.Inputs[4].Const.F32())
		one := make([]float32, len(n.Inputs[4].Const.F32()))
		for i := range one {
			one[i] = 1
		}
		in := slices.Clone(n.Inputs)
		in[4] = l.g.AddConst("ones", tensor.Of(one, len(one)))
		f.x, f.factor, f.shift, f.fused = l.op(own, n.Op, in[:5], n.Attrs...), at.factors(), at.shifts(), false
		for i := range l.layers {
			if l.layers[i].kernel == n {
				l.layers[i].kernel = f.x.Producer
			}
		}
	}
	return f
}

// clipOf returns the bounds of a Relu or of a Clip with constant bounds.
func clipOf(n *graph.Node) (bounds [2]float32, ok bool) {
	const most = 3.4028234663852886e38
	bounds = [2]float32{-most, most}
	switch n.Op {
	case "Relu":
		bounds[0] = 0
		return bounds, true
	case "Clip":
		bounds[0], bounds[1] = n.Float("min", bounds[0]), n.Float("max", bounds[1])
		for i := range bounds {
			v := n.Input(i + 1)
			if v == nil {
				continue
			}
			if v.Const == nil || v.Const.DType != tensor.Float32 || v.Const.Len() != 1 {
				return bounds, false
			}
			bounds[i] = v.Const.F32()[0]
		}
		return bounds, true
	}
	return bounds, false
}
