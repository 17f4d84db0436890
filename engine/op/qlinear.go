package op

import (
	"errors"
	"fmt"
	"math"

	"dropquant/engine/kernel"
	"dropquant/engine/tensor"
)

// This file has what the rules of quantized operators share. ONNX states what QLinearConv and its kin
// mean up to the order of operations; where it matters they follow ONNX Runtime's CPU kernels on
// x86-64, whose arithmetic is the only one that files with these operators are made for. Sources:
// onnxruntime/core/providers/cpu/quantization, onnxruntime/contrib_ops/cpu/quantization and
// onnxruntime/core/mlas/lib of version 1.32.

// Arithmetic says how the products of integer layers add up in the runtime that is imitated. It is a
// property of a runtime on a processor and not of a file. The zero value is exact.
type Arithmetic struct {
	Conv, Depthwise, Grouped, MatMul Adding // Depthwise: one input and one output channel a group; Grouped: other convolutions of several groups

	Lanes int // of a vector of float32, by which ONNX Runtime lays out channels: see OrderedConv; 0 is 8

	Count bool // pairs that saturate are counted: see Call.Saturated
}

// Adding is how the products of u8 by s8 codes add up in one kind of layer. Weights of u8 codes always add up exactly.
type Adding struct {
	Sums kernel.Sums

	// Block is how many channels the runtime pads a tap to, 1 when it does not, where sums are Paired: the
	// inner dimension is ordered by tap and then by channel, and its slots 2j and 2j+1 make a pair.
	Block int

	// Long, when it is not 0, is the length of the inner dimension beyond which it is cut: in two halves below twice that, in
	// pieces of Long above. Each begins with a whole pair.
	Long int
}

var eightBits = typesOf(tensor.Int8, tensor.Uint8)

// affine is a scale and a zero point.
type affine struct {
	scale float32
	zero  int32
}

// affineAt reads a scale and the zero point after it; an omitted zero point is 0.
func affineAt(in []*tensor.Tensor, scale, zero int) affine {
	return affine{in[scale].F32()[0], codeAt(at(in, zero), 0)}
}

// codeAt returns an element of a tensor of 8-bit codes, 0 when there is no tensor. A tensor of one element serves all.
func codeAt(t *tensor.Tensor, i int) int32 {
	if t == nil {
		return 0
	}
	if t.Len() == 1 {
		i = 0
	}
	if t.DType == tensor.Int8 {
		return int32(tensor.Data[int8](t)[i])
	}
	return int32(tensor.Data[uint8](t)[i])
}

// real returns what a code stands for.
func (p affine) real(code int32) float32 { return p.scale * float32(code-p.zero) }

// code rounds a real as ONNX Runtime's QuantizeLinear does: float32 division, clamp, round half to even.
func (p affine) code(x float32, r [2]int32) int32 { return p.clamped(x/p.scale, r) }

// clamped clamps what is already divided by the scale, rounds half to even and adds the zero point; NaN becomes the lowest code.
func (p affine) clamped(x float32, r [2]int32) int32 {
	lo, hi := float32(r[0]-p.zero), float32(r[1]-p.zero)
	if !(x > lo) {
		x = lo
	}
	return int32(math.RoundToEven(float64(min(x, hi)))) + p.zero
}

// converted rounds half to even as the processor's conversion does, which gives the lowest int32 for what does not fit,
// and saturates to r. Kernels that add the zero point before rounding end so.
func converted(x float32, r [2]int32) int32 {
	if !(x >= -1<<31 && x < 1<<31) {
		return r[0]
	}
	return int32(min(max(math.RoundToEven(float64(x)), float64(r[0])), float64(r[1])))
}

// fma32 returns a·b+c rounded once, as a fused multiply-add does.
func fma32(a, b, c float32) float32 {
	p, d := float64(a)*float64(b), float64(c) // the product is exact
	s := p + d
	t := s - p
	if e := (p - (s - t)) + (d - t); e != 0 && s-s == 0 { // s is rounded: make it odd, so that rounding it again is right
		if bits := math.Float64bits(s); bits&1 == 0 {
			if (e > 0) == (s > 0) {
				bits++
			} else {
				bits--
			}
			s = math.Float64frombits(bits)
		}
	}
	return float32(s)
}

// one checks that the given inputs, where present, are of one element: scales of float32, zero points of the type dt.
func (c *Call) one(dt tensor.DType, scales, zeros []int) error {
	for _, i := range scales {
		if !c.has(i) || c.dtype(i) != tensor.Float32 || product(c.shape(i)) != 1 {
			return fmt.Errorf("input %d is not a scale of one float32", i)
		}
	}
	for _, i := range zeros {
		if c.has(i) && (c.dtype(i) != dt || product(c.shape(i)) != 1) {
			return fmt.Errorf("input %d is %v%s where a zero point of one %v is needed", i, c.dtype(i), tensor.FormatShape(c.shape(i)), dt)
		}
	}
	return nil
}

// per checks that a scale or zero point is one or one for each of n channels. An omitted one passes.
func (c *Call) per(i, n int, dt tensor.DType) error {
	if !c.has(i) {
		return nil
	}
	if k := product(c.shape(i)); c.dtype(i) != dt || k != 1 && k != n {
		return fmt.Errorf("input %d is %v%s where one %v or %d are needed", i, c.dtype(i), tensor.FormatShape(c.shape(i)), dt, n)
	}
	return nil
}

var errNotCodes = errors.New("its data are not 8-bit codes")

// prepared makes Run of what prepare computes from the parameters, which it does once when they are all constant.
func (c *Call) prepared(parameters []int, prepare func(in []*tensor.Tensor) Run) {
	fixed := true
	for _, i := range parameters {
		fixed = fixed && (!c.has(i) || c.known(i) != nil)
	}
	var ready Run
	c.Run = func(in, out []*tensor.Tensor) error {
		run := ready
		if run == nil {
			run = prepare(in)
			if fixed {
				ready = run
			}
		}
		return run(in, out)
	}
}

// inputs lists from…to−1.
func inputs(from, to int) (out []int) {
	for i := from; i < to; i++ {
		out = append(out, i)
	}
	return out
}
