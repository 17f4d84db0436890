package randmodel

import (
	"math"

	"dropquant/engine/graph"
	"dropquant/engine/tensor"
)

// YOLOXS is YOLOX-s (Ge et al., 2021: depth 0.33, width 0.5) as its authors export it, with the batch normalizations folded,
// SiLU as Sigmoid and Mul, and the head not decoded: [1, 3, 640, 640] → [1, 8400, 85].
func YOLOXS(seed uint64) *graph.Graph {
	// SiLU keeps 0.36 of the power of a unit normal.
	b := &builder{g: graph.New("yolox_s", 13), state: seed, gain: 2.4}
	x := feature{b.g.AddInput("images", tensor.Float32, 1, 3, 640, 640), 3}

	// The backbone, CSPDarknet.
	x = b.unit(b.focus(x), 32, 3, 1)
	x = b.csp(b.unit(x, 64, 3, 2), 64, 1, true)
	c3 := b.csp(b.unit(x, 128, 3, 2), 128, 3, true)
	c4 := b.csp(b.unit(c3, 256, 3, 2), 256, 3, true)
	c5 := b.csp(b.pyramid(b.unit(c4, 512, 3, 2), 512), 512, 1, false)

	// The neck, PAFPN: down the scales, and up again.
	p5 := b.unit(c5, 256, 1, 1)
	p4 := b.unit(b.csp(b.concat(b.double(p5), c4), 256, 1, false), 128, 1, 1)
	n3 := b.csp(b.concat(b.double(p4), c3), 128, 1, false)
	n4 := b.csp(b.concat(b.unit(n3, 128, 3, 2), p4), 256, 1, false)
	n5 := b.csp(b.concat(b.unit(n4, 256, 3, 2), p5), 512, 1, false)

	var scales []*graph.Value
	for _, level := range []feature{n3, n4, n5} {
		scales = append(scales, b.head(level))
	}
	all := b.node("Concat", []graph.Attr{{Name: "axis", Value: int64(2)}}, scales...)
	return b.output(b.node("Transpose", []graph.Attr{{Name: "perm", Value: []int64{0, 2, 1}}}, all), "output", 1, 8400, 85)
}

// unit is a convolution and SiLU.
func (b *builder) unit(x feature, out, k, stride int) feature {
	y := b.conv(x, out, k, stride)
	return feature{b.node("Mul", nil, y.v, b.node("Sigmoid", nil, y.v)), out}
}

// focus puts every second pixel of both directions on channels of its own.
func (b *builder) focus(x feature) feature {
	every := func(v *graph.Value, axis, first int64) *graph.Value {
		return b.node("Slice", nil, v, b.integers("starts", first), b.integers("ends", math.MaxInt64), b.integers("axes", axis), b.integers("steps", 2))
	}
	var parts []feature
	for _, at := range [][2]int64{{0, 0}, {1, 0}, {0, 1}, {1, 1}} {
		parts = append(parts, feature{every(every(x.v, 2, at[0]), 3, at[1]), x.c})
	}
	return b.concat(parts...)
}

// csp is a cross stage partial layer of n bottlenecks.
func (b *builder) csp(x feature, out, n int, shortcut bool) feature {
	hidden := out / 2
	a, side := b.unit(x, hidden, 1, 1), b.unit(x, hidden, 1, 1)
	for range n {
		y := b.unit(b.unit(a, hidden, 1, 1), hidden, 3, 1)
		if shortcut {
			y.v = b.node("Add", nil, y.v, a.v)
		}
		a = y
	}
	return b.unit(b.concat(a, side), out, 1, 1)
}

// pyramid is spatial pyramid pooling.
func (b *builder) pyramid(x feature, out int) feature {
	x = b.unit(x, x.c/2, 1, 1)
	return b.unit(b.concat(x, b.maxPool(x, 5, 1), b.maxPool(x, 9, 1), b.maxPool(x, 13, 1)), out, 1, 1)
}

// double repeats every pixel in both directions.
func (b *builder) double(x feature) feature {
	scales := b.constant("scales", []float32{1, 1, 2, 2}, 4)
	attrs := []graph.Attr{
		{Name: "coordinate_transformation_mode", Value: "asymmetric"}, {Name: "mode", Value: "nearest"}, {Name: "nearest_mode", Value: "floor"},
	}
	return feature{b.node("Resize", attrs, x.v, nil, scales), x.c}
}

// head gives the box, its score and those of 80 classes for each place of one scale: [1, 85, places].
func (b *builder) head(x feature) *graph.Value {
	x = b.unit(x, 128, 1, 1)
	class := b.unit(b.unit(x, 128, 3, 1), 128, 3, 1)
	place := b.unit(b.unit(x, 128, 3, 1), 128, 3, 1)
	score := func(x feature, n int) feature { return feature{b.node("Sigmoid", nil, b.conv(x, n, 1, 1).v), n} }
	all := b.concat(b.conv(place, 4, 1, 1), score(place, 1), score(class, 80))
	return b.node("Reshape", nil, all.v, b.integers("shape", 1, 85, -1))
}
