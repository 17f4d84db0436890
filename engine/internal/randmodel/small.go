package randmodel

import (
	"dropquant/engine/graph"
	"dropquant/engine/tensor"
)

// plane is an image of c channels in a small network.
type plane struct {
	v       *graph.Value
	c, h, w int
}

// below returns a number from 0 to n − 1.
func (b *builder) below(n int) int { return int(b.next() >> 11 % uint64(n)) }

// one reports true once in n times.
func (b *builder) one(n int) bool { return b.below(n) == 0 }

// pick returns one of a list.
func pick[T any](b *builder, of ...T) T { return of[b.below(len(of))] }

// Small is a network of a few layers drawn by the seed: convolutions of all kinds, sums, products, pools and moves in an order that no published network has, values
// with several readers, and one to three outputs. Its input is "x".
func Small(seed uint64) *graph.Graph {
	b := &builder{g: graph.New("small", pick(&builder{state: seed}, 13, 13, 17, 21)), state: seed ^ 0x5eed, gain: 1.5}
	in := plane{c: pick(b, 1, 3, 3, 4, 8, 16, 17, 32), h: 4 + b.below(8), w: 4 + b.below(8)}
	in.v = b.g.AddInput("x", tensor.Float32, 1, in.c, in.h, in.w)
	planes := []plane{in}
	for steps := 3 + b.below(7); steps > 0; {
		from := planes[len(planes)-1]
		if b.one(4) {
			from = planes[b.below(len(planes))]
		}
		l := layers[b.below(len(layers))]
		if y, ok := l(b, from, planes); ok {
			planes = append(planes, y)
			steps--
		}
	}
	last := planes[len(planes)-1]
	b.ending(last)
	for n := b.below(3); n > 0 && len(planes) > 2; n-- {
		if v := planes[1+b.below(len(planes)-2)].v; !b.g.IsOutput(v) {
			b.g.AddOutput(v)
		}
	}
	b.g.RemoveDead()
	return b.g
}

// ending gives the network its first output.
func (b *builder) ending(x plane) {
	switch b.below(4) {
	case 0: // a classifier
		flat := b.node("Flatten", nil, b.node("GlobalAveragePool", nil, x.v))
		b.g.AddOutput(b.product(flat, x.c, 5+b.below(12)))
	case 1: // one of all pixels
		b.g.AddOutput(b.product(b.node("Flatten", nil, x.v), x.c*x.h*x.w, 5+b.below(12)))
	case 2: // tokens
		y := b.node("Transpose", []graph.Attr{{Name: "perm", Value: []int64{0, 2, 1}}}, b.node("Reshape", nil, x.v, b.integers("shape", 1, int64(x.c), -1)))
		y = b.tokens(y, x.c, 6+b.below(12))
		if b.one(2) {
			y = b.node("Softmax", []graph.Attr{{Name: "axis", Value: int64(-1)}}, y)
		}
		b.g.AddOutput(y)
	default:
		b.g.AddOutput(b.conv2(x, 4+b.below(8), 1, 1, 1, 1, true).v)
	}
}

// product is a fully connected layer.
func (b *builder) product(x *graph.Value, in, out int) *graph.Value {
	if b.one(2) {
		ins := []*graph.Value{x, b.weight("fc", in, in, out)}
		if b.one(2) {
			ins = append(ins, b.constant("fc_bias", b.uniform(out, 0.1), out))
		}
		return b.node("Gemm", nil, ins...)
	}
	return b.node("Gemm", []graph.Attr{{Name: "transB", Value: int64(1)}}, x, b.weight("fc", in, out, in), b.constant("fc_bias", b.uniform(out, 0.1), out))
}

// tokens is a matrix product of a sequence, most often with a bias.
func (b *builder) tokens(x *graph.Value, in, out int) *graph.Value {
	y := b.node("MatMul", nil, x, b.weight("tokens", in, in, out))
	if !b.one(4) {
		y = b.node("Add", nil, y, b.constant("tokens_bias", b.uniform(out, 0.1), out))
	}
	return y
}
