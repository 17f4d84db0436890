package op

import (
	"fmt"
	"slices"

	"dropquant/engine/kernel"
	"dropquant/engine/tensor"
)

// The operators of the domain dropquant in this file are Conv, Gemm and MatMul of float32 that add up their products in the order of ONNX
// Runtime on x86-64. It does not know weights behind a DequantizeLinear beforehand, and multiplies matrices. The operators
// stand in no file: engine/intsim lowers graphs to them. Shapes for which no order is known are computed like any other.
//
// The order is that of one thread. With so many that each has fewer than 64 columns blocks become longer.
//
// Sources: mlas/lib/sgemm.cpp (MlasSgemmOperation), convolve.cpp (MlasConvPrepare, MlasConvOperation), FgemmKernelFma3Common.h,
// FgemmKernelAvx512FCommon.h, SgemmKernelM1Avx.S and SgemmKernelM1TransposeBAvx.S of ONNX Runtime; seen in 1.32.

// sgemmOrder is the order of a product of [m, k] by [k, n]. apart tells that a row of the right operand, or of the result, does not
// lie right behind the one before, so that one column is no vector.
func sgemmOrder(m, n, k int, transA, transB, apart bool) kernel.Order {
	switch {
	case m == 1 && !transA && transB, m > 1 && n == 1 && !transA && !apart:
		return kernel.Order{Sums: kernel.InLanes}
	case m == 1 && !transA, n == 1 && !apart:
		return kernel.Order{Sums: kernel.InFours}
	}
	block := 128
	if n < k && !transA {
		for width := 128; width > 16 && width/2 >= n; width /= 2 {
			block *= 2
		}
	}
	return kernel.Order{Sums: kernel.InBlocks, Block: block}
}

// nchwcOrder is the order of a convolution of weights that the runtime knows beforehand, and false where it multiplies matrices all the same: it
// lays channels out in blocks of a vector of so many lanes.
//
// Sources: optimizer/nchwc_transformer.cc (TransformConv), mlas/lib/snchwc.cpp, SconvKernelCommon.h.
func nchwcOrder(s *kernel.ConvShape, lanes int) (kernel.Order, bool) {
	const aligned, batch = 4, 128 // channels that can be laid out, and those that a kernel of 1x1 adds up at once
	in, out, taps := s.InC/s.Group, s.OutC/s.Group, s.KH*s.KW
	natural := kernel.Order{Sums: kernel.InBlocks, Block: taps}
	switch {
	case s.Group > 1 && s.OutC%aligned != 0:
		return kernel.Order{}, false
	case s.Group > 1 && in == 1 && out == 1:
		return natural, true
	case s.Group > 1 && (in%lanes != 0 || out%lanes != 0):
		return kernel.Order{}, false
	case s.Group == 1 && in < lanes:
		return natural, true
	case s.Group == 1 && in%aligned != 0:
		return kernel.Order{}, false
	case taps == 1 && s.PadTop+s.PadBottom+s.PadLeft+s.PadRight == 0:
		return kernel.Order{Sums: kernel.InBlocks, Block: batch}, true
	}
	return kernel.Order{Sums: kernel.InBlocks, Block: taps * lanes, Channels: lanes}, true
}

// orderedConv is OrderedConv, of the inputs and attributes of Conv. Where there is an input 3, of the shape of the result, the sums begin with it. The
// attribute static says that the runtime knows the weights.
func orderedConv(c *Call) error {
	if err := conv(c); err != nil {
		return err
	}
	spec, ok := c.Spec.(*Conv)
	if !ok {
		return nil
	}
	if c.has(3) && !slices.Equal(c.shape(3), c.Out[0].Shape) {
		return fmt.Errorf("a sum of shape %s for a result of %s", tensor.FormatShape(c.shape(3)), tensor.FormatShape(c.Out[0].Shape))
	}
	s := &spec.Shape
	outs, places, inner := s.OutC/s.Group, s.OutH*s.OutW, s.InC/s.Group*s.KH*s.KW
	steps := s.StrideH*s.StrideW*s.DilationH*s.DilationW == 1 && s.PadTop+s.PadBottom+s.PadLeft+s.PadRight == 0
	// A kernel as wide as the input meets rows of it one after the other: the input is the right operand, turned.
	turned := steps && s.InC == s.Group && s.KH*s.KW > 1 && s.KW == s.InW
	o := sgemmOrder(outs, places, inner, false, turned, turned && s.InW > 1)
	if c.int("static", 0) != 0 {
		if blocked, ok := nchwcOrder(s, max(c.Arithmetic.Lanes, 8)); ok {
			o = blocked
		}
	}
	c.Spec = nil
	weights, scratch := kernel.ConvMemory(s, true)
	c.Work = weights + scratch
	var packed *kernel.OrderedConv
	constant := c.known(1) != nil && (!c.has(2) || c.known(2) != nil)
	c.Run = func(in, out []*tensor.Tensor) error {
		k := packed
		if k == nil {
			var bias []float32
			if len(in) > 2 && in[2] != nil {
				bias = in[2].F32()
			}
			k = kernel.NewOrderedConv(*s, o, in[1].F32(), bias).Share(c.Scratch)
			if constant {
				packed = k
			}
		}
		perIn, perOut := s.InC*s.InH*s.InW, s.OutC*places
		onto := len(in) > 3 && in[3] != nil
		if onto {
			copy(out[0].F32(), in[3].F32())
		}
		for i := range spec.Batch {
			k.Run(out[0].F32()[i*perOut:][:perOut], in[0].F32()[i*perIn:], onto)
		}
		return nil
	}
	return nil
}

// orderedGemm is OrderedGemm, of the inputs and attributes of Gemm: its sums begin with the bias.
func orderedGemm(c *Call) error {
	if err := gemm(c); err != nil {
		return err
	}
	s, ok := c.Spec.(*Gemm)
	c.Spec = nil
	if !ok || s.Alpha != 1 || s.Beta != 1 {
		return nil
	}
	s.ordered = true
	if !c.has(2) {
		return nil
	}
	s.onto = true
	shape := c.Out[0].Shape
	zero, bias := []int{1}, c.shape(2)
	spread := pair(zero, bias, shape)
	none := tensor.New(tensor.Float32, 1)
	c.Run = func(in, out []*tensor.Tensor) error {
		spread.compute(opAdd, out[0], none, in[2])
		s.multiply(out[0], in[0], in[1], 0, 0, 0, c.Scratch)
		return nil
	}
	return nil
}

// orderedMatMul is OrderedMatMul, of the inputs of MatMul.
func orderedMatMul(c *Call) error {
	if err := matMul(c); err != nil {
		return err
	}
	if s, ok := c.Spec.(*Gemm); ok {
		s.ordered = true
	}
	c.Spec = nil
	return nil
}
