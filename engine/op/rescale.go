package op

import (
	"fmt"
	"math"

	"dropquant/engine/kernel"
	"dropquant/engine/tensor"
)

// A rescaling is what requantize and rescale have in common: x·factor + shift, factor and shift of one element or one
// for each channel.
type rescaling struct {
	outer, channels, inner int
	fused                  bool // rounded once and not after the product too
}

// rescaling reads x, factor and shift.
func (c *Call) rescaling() (*rescaling, error) {
	x := c.shape(0)
	r := &rescaling{outer: 1, channels: 1, inner: product(x), fused: c.int("fused", 0) != 0}
	for k, name := range [...]string{"factor", "shift"} {
		i := k + 1
		n := product(c.shape(i))
		if c.dtype(i) != tensor.Float32 || n != 1 && (len(x) < 2 || n != x[1]) {
			return nil, fmt.Errorf("the %s is %v%s for data of shape %s", name, c.dtype(i), tensor.FormatShape(c.shape(i)), tensor.FormatShape(x))
		}
		if n != 1 {
			r.outer, r.channels, r.inner = x[0], x[1], product(x[2:])
		}
	}
	return r, nil
}

// runs calls f for each stretch of elements with its factor and shift.
func (r *rescaling) runs(factor, shift []float32, f func(from, to int, factor, shift float32)) {
	for i := range r.outer * r.channels {
		c := i % r.channels
		f(i*r.inner, (i+1)*r.inner, factor[min(c, len(factor)-1)], shift[min(c, len(shift)-1)])
	}
}

// requantize is Requantize of the domain dropquant, how runtimes that keep floats between their integer layers make codes:
//
//	y = clamp(round(x·factor + shift) + zero, lo, hi)
//
// y is uint8, rounding is half to even, NaN becomes lo. Inputs: x, factor and shift (float32, one element or one for each
// channel of x). Attributes: fused rounds x·factor + shift once, zero is 0, lo and hi are 0 and 255 when absent. It stands in no
// file: engine/intsim lowers graphs to it.
func requantize(c *Call) error {
	r, err := c.rescaling()
	if err != nil {
		return err
	}
	lo, hi, zero := int32(c.int("lo", 0)), int32(c.int("hi", 255)), int32(c.int("zero", 0))
	if lo < 0 || hi > 255 || lo > hi {
		return fmt.Errorf("codes from %d to %d", lo, hi)
	}
	if err := c.set(0, tensor.Uint8, c.shape(0)...); err != nil {
		return err
	}
	c.Spec = &Requantize{r.fused, lo, hi, zero}
	c.Run = func(in, out []*tensor.Tensor) error {
		x, y := in[0].F32(), tensor.Data[uint8](out[0])
		r.runs(in[1].F32(), in[2].F32(), func(from, to int, factor, shift float32) {
			if r.fused && shift != 0 {
				kernel.QuantizeU8FMA(y[from:to], x[from:to], factor, shift, zero, lo, hi)
			} else {
				kernel.QuantizeU8Mul(y[from:to], x[from:to], factor, shift, zero, lo, hi)
			}
		})
		return nil
	}
	return nil
}

// Requantize is the Spec of requantize.
type Requantize struct {
	fused        bool
	lo, hi, zero int32
}

// rescale is Rescale of the domain dropquant: y = clip(x·factor + shift, lo, hi), float32. Inputs as of Requantize, then a
// tensor that is added, which shift then only stands in for, or none; attributes fused, lo and hi, which are infinite when
// absent.
func rescale(c *Call) error {
	r, err := c.rescaling()
	if err != nil {
		return err
	}
	if c.has(3) && (c.dtype(3) != tensor.Float32 || tensor.FormatShape(c.shape(3)) != tensor.FormatShape(c.shape(0))) {
		return fmt.Errorf("%v%s is added to data of shape %s", c.dtype(3), tensor.FormatShape(c.shape(3)), tensor.FormatShape(c.shape(0)))
	}
	lo, hi := c.Node.Float("lo", float32(math.Inf(-1))), c.Node.Float("hi", float32(math.Inf(1)))
	if err := c.set(0, tensor.Float32, c.shape(0)...); err != nil {
		return err
	}
	c.Run = func(in, out []*tensor.Tensor) error {
		x, y, add := in[0].F32(), out[0].F32(), at(in, 3)
		r.runs(in[1].F32(), in[2].F32(), func(from, to int, factor, shift float32) {
			x, y, plus := x[from:to], y[from:to], []float32(nil)
			if add != nil {
				plus = add.F32()[from:to]
			}
			if r.fused {
				kernel.MulAdd(y, x, plus, factor, shift, lo, hi)
				return
			}
			for i, v := range x {
				if plus != nil {
					shift = plus[i]
				}
				y[i] = min(max(float32(v*factor)+shift, lo), hi)
			}
		})
		return nil
	}
	return nil
}

// roundBlocks is RoundBlocks of the domain dropquant: x as the reals of 8-bit codes of which each block of so many elements along the last axis has a scale of its own,
// its largest magnitude over 127. Inputs: x, float32; attribute block. Rounding is half to even. It stands in no file: engine/intsim lowers graphs to it.
//
// Source: mlas/lib/sqnbitgemm_kernel_avx2.cpp (QuantizeARow_CompInt8) of ONNX Runtime.
func roundBlocks(c *Call) error {
	x, block := c.shape(0), c.int("block", 0)
	if len(x) == 0 || block < 1 {
		return fmt.Errorf("blocks of %d in data of shape %s", block, tensor.FormatShape(x))
	}
	if err := c.set(0, tensor.Float32, x...); err != nil {
		return err
	}
	width := x[len(x)-1]
	c.Run = func(in, out []*tensor.Tensor) error {
		x, y := in[0].F32(), out[0].F32()
		for from := 0; from < len(x); from += width {
			for k := 0; k < width; k += block {
				roundBlock(y[from+k:from+min(k+block, width)], x[from+k:])
			}
		}
		return nil
	}
	return nil
}

func roundBlock(y, x []float32) {
	most := float32(0)
	for _, v := range x[:len(y)] {
		most = max(most, v, -v)
	}
	scale, inverse := most/127, float32(0)
	if most > 0 {
		inverse = 127 / most
	}
	for i := range y {
		y[i] = float32(math.RoundToEven(float64(x[i]*inverse))) * scale
	}
}
