package randmodel

import (
	"dropquant/engine/graph"
)

// layers are what a small network is drawn from. Each gives the plane behind x, or false where it does not fit; others are all that there are.
// What stands twice is drawn twice as often.
var layers = []func(b *builder, x plane, others []plane) (plane, bool){
	convolution, convolution, convolution, convolution, depthwise, depthwise, grouped, transposed,
	residual, residual, residual, sum, times, gate, side, side, shuffle, part, pool, pool, double, border, activation, block, extreme, sequence, constants,
}

// conv2 is a convolution of the kernel k×k.
func (b *builder) conv2(x plane, out, k, stride, group, dilation int, bias bool) plane {
	fan := x.c / group * k * k
	in := []*graph.Value{x.v, b.weight("weight", fan, out, x.c/group, k, k)}
	if bias {
		in = append(in, b.constant("bias", b.uniform(out, 0.1), out))
	}
	p := int64(k / 2 * dilation)
	y := b.node("Conv", []graph.Attr{
		{Name: "group", Value: int64(group)}, {Name: "pads", Value: []int64{p, p, p, p}}, {Name: "dilations", Value: []int64{int64(dilation), int64(dilation)}},
		{Name: "strides", Value: []int64{int64(stride), int64(stride)}},
	}, in...)
	return plane{y, out, (x.h-1)/stride + 1, (x.w-1)/stride + 1}
}

// act applies an activation, or none.
func (b *builder) act(x plane) plane {
	v := x.v
	switch b.below(16) {
	case 0, 1, 2, 3:
		v = b.node("Relu", nil, v)
	case 4, 5:
		v = b.node("Clip", nil, v, b.constant("lo", []float32{0}), b.constant("hi", []float32{pick[float32](b, 6, 1.5)}))
	case 6:
		v = b.node("Clip", nil, v, b.constant("lo", []float32{-0.7}), b.constant("hi", []float32{1.1}))
	case 7:
		v = b.node("LeakyRelu", []graph.Attr{{Name: "alpha", Value: pick[float32](b, 0.01, 0.1, 0.3)}}, v)
	case 8:
		v = b.node("PRelu", nil, v, b.constant("slope", b.uniform(x.c, 0.1), x.c, 1, 1))
	case 9:
		v = b.node("Mul", nil, v, b.node("Sigmoid", nil, v))
	case 10:
		v = b.node("Mul", nil, v, b.node("HardSigmoid", []graph.Attr{{Name: "alpha", Value: float32(1) / 6}}, v))
	case 11:
		if b.g.Opset[""] > 13 {
			v = b.node("HardSwish", nil, v)
		}
	case 12:
		v = b.node(pick(b, "Sigmoid", "Elu", "Tanh", "HardSigmoid", "Softplus"), nil, v)
	}
	return plane{v, x.c, x.h, x.w}
}

func convolution(b *builder, x plane, _ []plane) (plane, bool) {
	k := pick(b, 1, 1, 3, 3, 3, 5)
	return b.act(b.conv2(x, pick(b, 4, 7, 8, 16, 16, 24, 33), k, pick(b, 1, 1, 1, 2), 1, pick(b, 1, 1, 1, 2), !b.one(4))), true
}

func depthwise(b *builder, x plane, _ []plane) (plane, bool) {
	return b.act(b.conv2(x, x.c, pick(b, 3, 3, 5), pick(b, 1, 1, 2), x.c, 1, !b.one(4))), x.c > 1
}

func grouped(b *builder, x plane, _ []plane) (plane, bool) {
	g := pick(b, 2, 3, 4)
	if x.c%g != 0 || x.c == g {
		return x, false
	}
	return b.act(b.conv2(x, g*pick(b, 2, 3, 4, 8), pick(b, 1, 3), 1, g, 1, !b.one(4))), true
}

func transposed(b *builder, x plane, _ []plane) (plane, bool) {
	out := pick(b, 4, 6, 16)
	y := b.node("ConvTranspose", []graph.Attr{{Name: "strides", Value: []int64{2, 2}}}, x.v, b.weight("weight", x.c, x.c, out, 2, 2), b.constant("bias", b.uniform(out, 0.1), out))
	return b.act(plane{y, out, 2 * x.h, 2 * x.w}), x.h*x.w < 80
}

// like returns another plane of the size of x; chosen among all where channels may differ.
func (b *builder) like(x plane, others []plane, channels bool) (plane, bool) {
	start := b.below(len(others))
	for i := range others {
		y := others[(start+i)%len(others)]
		if y.v != x.v && y.h == x.h && y.w == x.w && (y.c == x.c || !channels) {
			return y, true
		}
	}
	return x, false
}

// residual adds to x one or two convolutions of it.
func residual(b *builder, x plane, _ []plane) (plane, bool) {
	y := b.conv2(x, x.c, pick(b, 1, 3), 1, 1, 1, !b.one(4))
	if b.one(2) {
		y = b.conv2(b.act(y), x.c, pick(b, 1, 3), 1, 1, 1, true)
	}
	pair := []*graph.Value{y.v, x.v}
	if b.one(2) {
		pair[0], pair[1] = x.v, y.v
	}
	return b.act(plane{b.node("Add", nil, pair...), x.c, x.h, x.w}), true
}

func sum(b *builder, x plane, others []plane) (plane, bool) {
	y, ok := b.like(x, others, true)
	return b.act(plane{b.node("Add", nil, x.v, y.v), x.c, x.h, x.w}), ok
}

func times(b *builder, x plane, others []plane) (plane, bool) {
	y, ok := b.like(x, others, true)
	return plane{b.node("Mul", nil, x.v, y.v), x.c, x.h, x.w}, ok
}

func constants(b *builder, x plane, _ []plane) (plane, bool) {
	if b.one(2) {
		return plane{b.node("Mul", nil, x.v, b.constant("factor", b.uniform(x.c, 1), 1, x.c, 1, 1)), x.c, x.h, x.w}, true
	}
	return plane{b.node("Add", nil, x.v, b.constant("term", b.uniform(x.c, 0.3), 1, x.c, 1, 1)), x.c, x.h, x.w}, true
}

// gate is squeeze and excitation.
func gate(b *builder, x plane, _ []plane) (plane, bool) {
	y := plane{b.node("GlobalAveragePool", nil, x.v), x.c, 1, 1}
	y = b.conv2(b.act(b.conv2(y, 4, 1, 1, 1, 1, true)), x.c, 1, 1, 1, 1, true)
	return plane{b.node("Mul", nil, x.v, b.node(pick(b, "Sigmoid", "HardSigmoid"), nil, y.v)), x.c, x.h, x.w}, true
}
