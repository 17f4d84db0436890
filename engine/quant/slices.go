package quant

import (
	"fmt"

	"dropquant/engine/tensor"
)

// Code is the Go type of a stored code.
type Code interface{ int8 | uint8 | int16 | uint16 }

// Quantize writes the codes of src to dst by equation (3). shape is the shape
// of src; it is read only when p is per channel. NaN becomes QMin. It panics
// when lengths, shape and parameters disagree.
func Quantize[T Code](dst []T, src []float32, shape []int, p Params) {
	p.runs(len(src), len(dst), shape, func(c, from, to int) {
		s, z := p.Scale[c], p.Zero[c]
		lo, hi := float32(p.QMin-z), float32(p.QMax-z)
		d := dst[from:to]
		for i, x := range src[from:to] {
			d[i] = T(int32(code(x, s, lo, hi)) + z)
		}
	})
}

// Dequantize writes the reals of the codes src to dst by equation (2): the
// subtraction in integers, one float32 multiplication.
func Dequantize[T Code | int32](dst []float32, src []T, shape []int, p Params) {
	p.runs(len(src), len(dst), shape, func(c, from, to int) {
		s, z := p.Scale[c], p.Zero[c]
		d := dst[from:to]
		for i, q := range src[from:to] {
			d[i] = float32(int32(q)-z) * s
		}
	})
}

// FakeQuantize writes what Quantize and then Dequantize would: the reals of the
// nearest codes. dst may be src.
func FakeQuantize(dst, src []float32, shape []int, p Params) {
	p.runs(len(src), len(dst), shape, func(c, from, to int) {
		s, z := p.Scale[c], p.Zero[c]
		lo, hi := float32(p.QMin-z), float32(p.QMax-z)
		d := dst[from:to]
		for i, x := range src[from:to] {
			d[i] = code(x, s, lo, hi) * s
		}
	})
}

// Clipped returns how many values of src lie outside the reals of p by more
// than half a step, the ones that clamping and not rounding moves. NaN counts.
func Clipped(src []float32, shape []int, p Params) int {
	n := 0
	p.runs(len(src), len(src), shape, func(c, from, to int) {
		s, z := p.Scale[c], p.Zero[c]
		lo, hi := float32(p.QMin-z)-0.5, float32(p.QMax-z)+0.5
		for _, x := range src[from:to] {
			if v := x / s; !(v >= lo && v <= hi) {
				n++
			}
		}
	})
	return n
}

// Tensor returns the codes of a float32 tensor as a tensor of p.DType and the
// same shape.
func (p Params) Tensor(t *tensor.Tensor) *tensor.Tensor {
	out := tensor.New(p.DType, t.Shape...)
	switch p.DType {
	case tensor.Int8:
		Quantize(tensor.Data[int8](out), t.F32(), t.Shape, p)
	case tensor.Uint8:
		Quantize(tensor.Data[uint8](out), t.F32(), t.Shape, p)
	case tensor.Int16:
		Quantize(tensor.Data[int16](out), t.F32(), t.Shape, p)
	case tensor.Uint16:
		Quantize(tensor.Data[uint16](out), t.F32(), t.Shape, p)
	default:
		panic(fmt.Sprintf("bug: quantize to %v", p.DType))
	}
	return out
}

// Reals returns the reals of a tensor of codes.
func (p Params) Reals(t *tensor.Tensor) *tensor.Tensor {
	out := tensor.New(tensor.Float32, t.Shape...)
	switch t.DType {
	case tensor.Int8:
		Dequantize(out.F32(), tensor.Data[int8](t), t.Shape, p)
	case tensor.Uint8:
		Dequantize(out.F32(), tensor.Data[uint8](t), t.Shape, p)
	case tensor.Int16:
		Dequantize(out.F32(), tensor.Data[int16](t), t.Shape, p)
	case tensor.Uint16:
		Dequantize(out.F32(), tensor.Data[uint16](t), t.Shape, p)
	case tensor.Int32:
		Dequantize(out.F32(), tensor.Data[int32](t), t.Shape, p)
	default:
		panic(fmt.Sprintf("bug: dequantize from %v", t.DType))
	}
	return out
}

// runs calls f with each run of elements that share a channel, in order.
func (p Params) runs(n, m int, shape []int, f func(c, from, to int)) {
	if n != m {
		panic(fmt.Sprintf("bug: quantize %d elements into %d", n, m))
	}
	if p.PerTensor() {
		f(0, 0, n)
		return
	}
	channelRuns(n, shape, p.Axis, len(p.Scale), f)
}

// channelRuns walks a row-major tensor of n elements and this shape whose axis
// has the given number of channels.
func channelRuns(n int, shape []int, axis, channels int, f func(c, from, to int)) {
	if axis >= len(shape) || shape[axis] != channels || tensor.Size(shape) != n {
		panic(fmt.Sprintf("bug: %d channels along axis %d of %v with %d elements", channels, axis, shape, n))
	}
	inner := tensor.Size(shape[axis+1:])
	if inner == 0 {
		return
	}
	for c, from := 0, 0; from < n; from += inner {
		f(c, from, from+inner)
		if c++; c == channels {
			c = 0
		}
	}
}
