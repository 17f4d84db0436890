package op

import (
	"fmt"

	"dropquant/engine/kernel"
	"dropquant/engine/tensor"
)

// qlinearConv is QLinearConv of ONNX: inputs x, scale, zero point, w, scale, zero point, the scale and
// zero point of the result, and a bias in units of the product of the scales of x and w.
//
// The sum with its bias is multiplied by x's scale times w's scale over the result's in float32,
// clamped and rounded. Source: core/providers/cpu/quantization/qlinearconv.cc, mlas/lib/convsym.cpp.
func qlinearConv(c *Call) error {
	if !c.has(3) || !c.has(7) {
		return fmt.Errorf("the weights or the zero point of the result are missing")
	}
	dt := c.dtype(7)
	spec, err := c.conv8(0, 3, dt)
	if err != nil {
		return err
	}
	if err := c.parameters(0, 3, 6, 8, spec.Shape.OutC); err != nil {
		return err
	}
	c.prepared(inputs(1, 9), func(in []*tensor.Tensor) Run {
		xs, ys := in[1].F32()[0], in[6].F32()[0]
		ep := codesEpilogue(in[7])
		ep.Scale = perChannel(in[4], spec.Shape.OutC, func(ws float32) float32 { return float32(xs*ws) / ys })
		ep.Offset = offsets(at(in, 8))
		return spec.pack(in[3], in[5], codeAt(in[2], 0), ep, c.Scratch).codes
	})
	return nil
}

// parameters checks the scales and zero points of x and w, which follow them, of the result, which begin
// at y where that is not negative, and a bias of n int32.
func (c *Call) parameters(x, w, y, bias, n int) error {
	if err := c.one(c.dtype(x), []int{x + 1}, []int{x + 2}); err != nil {
		return err
	}
	if !c.has(w + 1) {
		return fmt.Errorf("the scale of the weights is missing")
	}
	if err := c.per(w+1, n, tensor.Float32); err != nil {
		return err
	}
	if err := c.per(w+2, n, c.dtype(w)); err != nil {
		return err
	}
	if y >= 0 {
		if !c.has(y+1) || !eightBits.Has(c.dtype(y+1)) {
			return errNotCodes
		}
		if err := c.one(c.dtype(y+1), []int{y}, []int{y + 1}); err != nil {
			return err
		}
	}
	if c.has(bias) && (c.dtype(bias) != tensor.Int32 || product(c.shape(bias)) != n) {
		return fmt.Errorf("a bias of %v%s for %d channels", c.dtype(bias), tensor.FormatShape(c.shape(bias)), n)
	}
	return nil
}

// codesEpilogue ends in the bytes of codes with that zero point; those of int8 codes are flipped after it.
func codesEpilogue(zero *tensor.Tensor) kernel.Epilogue8 {
	ep := kernel.Epilogue8{OutZero: codeAt(zero, 0), OutHi: 255}
	if zero != nil && zero.DType == tensor.Int8 {
		ep.OutZero += 128
	}
	return ep
}

// perChannel applies f to one scale for each of n channels.
func perChannel(scales *tensor.Tensor, n int, f func(s float32) float32) []float32 {
	out, s := make([]float32, n), scales.F32()
	for i := range out {
		out[i] = f(s[min(i, len(s)-1)])
	}
	return out
}

func offsets(bias *tensor.Tensor) []int32 {
	if bias == nil {
		return nil
	}
	return tensor.Data[int32](bias)
}

func floatBias(bias *tensor.Tensor) []float32 {
	if bias == nil {
		return nil
	}
	return bias.F32()
}

func (p *product8) codes(in, out []*tensor.Tensor) error {
	p.Codes(out[0], in[0], nil)
	return nil
}

func (p *product8) floats(in, out []*tensor.Tensor) error {
	p.Float(out[0].F32(), in[0], nil)
	return nil
}

func (p *product8) ints(in, out []*tensor.Tensor) error {
	p.Sums(tensor.Data[int32](out[0]), in[0])
	return nil
}

// convInteger is ConvInteger of ONNX: inputs x, w and their zero points.
func convInteger(c *Call) error {
	spec, err := c.conv8(0, 1, tensor.Int32)
	if err != nil {
		return err
	}
	if err := c.one(c.dtype(0), nil, []int{2}); err != nil {
		return err
	}
	if err := c.per(3, spec.Shape.OutC, c.dtype(1)); err != nil {
		return err
	}
	c.prepared(inputs(1, 4), func(in []*tensor.Tensor) Run {
		return spec.pack(in[1], at(in, 3), codeAt(at(in, 2), 0), kernel.Epilogue8{}, c.Scratch).ints
	})
	return nil
}

// intConv is IntConv of the domain dropquant, the integer convolution of runtimes that go on in float32:
//
//	y = float32(Σ (x − x_zero)·(w − w_zero))·scale[o] + bias[o]
//
// each operation rounded to float32. Inputs: x, x_zero (one, may be omitted), w, w_zero (one or one for each output
// channel, may be omitted), scale (likewise), bias (float32, one for each output channel, may be omitted). x and w are
// int8 or uint8, attributes those of Conv. It stands in no file: engine/intsim lowers graphs to it.
func intConv(c *Call) error {
	spec, err := c.conv8(0, 2, tensor.Float32)
	if err != nil {
		return err
	}
	if err := c.intParameters(spec.Shape.OutC); err != nil {
		return err
	}
	v := &IntConv{spec, c.Scratch}
	c.Spec = v
	c.prepared(inputs(1, 6), func(in []*tensor.Tensor) Run { return v.pack(in, v.epilogue(in)).floats })
	return nil
}

func same(s float32) float32 { return s }

// intParameters checks what IntConv and IntMatMul read beside the data.
func (c *Call) intParameters(n int) error {
	if err := c.one(c.dtype(0), nil, []int{1}); err != nil {
		return err
	}
	if err := c.per(3, n, c.dtype(2)); err != nil {
		return err
	}
	if !c.has(4) {
		return fmt.Errorf("input 4, the scale, is missing")
	}
	if err := c.per(4, n, tensor.Float32); err != nil {
		return err
	}
	if c.has(5) && (c.dtype(5) != tensor.Float32 || product(c.shape(5)) != n) {
		return fmt.Errorf("a bias of %v%s for %d channels", c.dtype(5), tensor.FormatShape(c.shape(5)), n)
	}
	return nil
}
