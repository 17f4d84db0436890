package randmodel

import (
	"dropquant/engine/graph"
	"dropquant/engine/tensor"
)

// side puts planes side by side.
func side(b *builder, x plane, others []plane) (plane, bool) {
	y, ok := b.like(x, others, false)
	if !ok {
		y = b.act(b.conv2(x, 4+b.below(5), 1, 1, 1, 1, true))
	}
	parts := []*graph.Value{x.v, y.v}
	out := plane{nil, x.c + y.c, x.h, x.w}
	if z, ok := b.like(y, others, false); ok && b.one(3) {
		parts, out.c = append(parts, z.v), out.c+z.c
	}
	out.v = b.node("Concat", []graph.Attr{{Name: "axis", Value: int64(1)}}, parts...)
	return out, out.c < 90
}

// shuffle splits the channels, convolves one half, and mixes them as ShuffleNet does.
func shuffle(b *builder, x plane, _ []plane) (plane, bool) {
	if x.c%2 != 0 {
		return x, false
	}
	half := x.c / 2
	split := b.g.AddNode("Split", b.name("Split"), []*graph.Value{x.v, b.integers("sizes", int64(half), int64(half))}, []graph.Attr{{Name: "axis", Value: int64(1)}}, "half", "half")
	y := b.act(b.conv2(plane{split.Outputs[1], half, x.h, x.w}, half, pick(b, 1, 3), 1, 1, 1, true))
	v := b.node("Concat", []graph.Attr{{Name: "axis", Value: int64(1)}}, split.Outputs[0], y.v)
	if b.one(2) {
		v = b.node("Reshape", nil, v, b.integers("shape", 1, 2, int64(half), int64(x.h), int64(x.w)))
		v = b.node("Transpose", []graph.Attr{{Name: "perm", Value: []int64{0, 2, 1, 3, 4}}}, v)
		v = b.node("Reshape", nil, v, b.integers("shape", 1, int64(x.c), int64(x.h), int64(x.w)))
	}
	return plane{v, x.c, x.h, x.w}, true
}

// part takes some of the channels or pixels.
func part(b *builder, x plane, _ []plane) (plane, bool) {
	if b.one(2) && x.c > 2 {
		from, to := int64(b.below(2)), int64(x.c-b.below(2))
		v := b.node("Slice", nil, x.v, b.integers("from", from), b.integers("to", to), b.integers("axes", 1))
		return plane{v, int(to - from), x.h, x.w}, true
	}
	v := b.node("Slice", nil, x.v, b.integers("from", 0, 0), b.integers("to", 100, 100), b.integers("axes", 2, 3), b.integers("steps", 2, 2))
	return plane{v, x.c, (x.h + 1) / 2, (x.w + 1) / 2}, x.h > 2 && x.w > 2
}

func pool(b *builder, x plane, _ []plane) (plane, bool) {
	k, stride := pick(b, 2, 3), pick(b, 1, 2, 2)
	p := int64(k / 2)
	attrs := []graph.Attr{{Name: "kernel_shape", Value: []int64{int64(k), int64(k)}}, {Name: "strides", Value: []int64{int64(stride), int64(stride)}}, {Name: "pads", Value: []int64{0, 0, p, p}}}
	op := pick(b, "MaxPool", "MaxPool", "AveragePool")
	if op == "AveragePool" {
		attrs = append(attrs, graph.Attr{Name: "count_include_pad", Value: int64(b.below(2))})
	}
	size := func(n int) int { return (n+k/2-k)/stride + 1 }
	return plane{b.node(op, attrs, x.v), x.c, size(x.h), size(x.w)}, x.h > 3 && x.w > 3
}

// double is an upsampling.
func double(b *builder, x plane, _ []plane) (plane, bool) {
	attrs := []graph.Attr{{Name: "mode", Value: "nearest"}, {Name: "coordinate_transformation_mode", Value: "asymmetric"}, {Name: "nearest_mode", Value: "floor"}}
	if b.one(3) {
		attrs = []graph.Attr{{Name: "mode", Value: "linear"}, {Name: "coordinate_transformation_mode", Value: "half_pixel"}}
	}
	v := b.node("Resize", attrs, x.v, nil, b.constant("scales", []float32{1, 1, 2, 2}, 4))
	return plane{v, x.c, 2 * x.h, 2 * x.w}, x.h*x.w < 80
}

// border pads the pixels.
func border(b *builder, x plane, _ []plane) (plane, bool) {
	in := []*graph.Value{x.v, b.integers("pads", 0, 0, 1, 1, 0, 0, 1, 0)}
	mode := pick(b, "constant", "constant", "reflect", "edge")
	if mode == "constant" && b.one(3) {
		in = append(in, b.g.AddConst("filling", tensor.Scalar(float32(0.5))))
	}
	return plane{b.node("Pad", []graph.Attr{{Name: "mode", Value: mode}}, in...), x.c, x.h + 2, x.w + 1}, x.h > 1 && x.w > 1
}

func activation(b *builder, x plane, _ []plane) (plane, bool) {
	y := b.act(x)
	return y, y.v != x.v
}

// block puts squares of pixels on channels, or takes them from there.
func block(b *builder, x plane, _ []plane) (plane, bool) {
	two := []graph.Attr{{Name: "blocksize", Value: int64(2)}}
	if x.c%4 == 0 && x.h*x.w < 80 {
		return plane{b.node("DepthToSpace", two, x.v), x.c / 4, 2 * x.h, 2 * x.w}, true
	}
	if x.h%2 != 0 || x.w%2 != 0 || x.c > 16 {
		return x, false
	}
	return plane{b.node("SpaceToDepth", two, x.v), 4 * x.c, x.h / 2, x.w / 2}, true
}

// extreme is a reduction over the pixels, beside which the plane goes on.
func extreme(b *builder, x plane, _ []plane) (plane, bool) {
	var v *graph.Value
	switch op := pick(b, "ReduceMax", "ReduceMin", "ReduceMean", "GlobalMaxPool"); {
	case op == "GlobalMaxPool":
		v = b.node(op, nil, x.v)
	case b.g.Opset[""] < 18:
		v = b.node(op, []graph.Attr{{Name: "axes", Value: []int64{2, 3}}}, x.v)
	default:
		v = b.node(op, nil, x.v, b.integers("axes", 2, 3))
	}
	if b.one(2) {
		return b.act(b.conv2(plane{v, x.c, 1, 1}, 8, 1, 1, 1, 1, true)), true
	}
	return plane{b.node(pick(b, "Add", "Mul"), nil, x.v, v), x.c, x.h, x.w}, true
}

// sequence takes the plane through a matrix product over its channels.
func sequence(b *builder, x plane, _ []plane) (plane, bool) {
	y := b.node("Transpose", []graph.Attr{{Name: "perm", Value: []int64{0, 2, 3, 1}}}, x.v)
	out := pick(b, 8, 12, 16)
	y = b.tokens(y, x.c, out)
	return b.act(plane{b.node("Transpose", []graph.Attr{{Name: "perm", Value: []int64{0, 3, 1, 2}}}, y), out, x.h, x.w}), true
}
