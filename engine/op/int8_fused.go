package op

import (
	"slices"

	"dropquant/engine/kernel"
	"dropquant/engine/tensor"
)

// IntConv is the Spec of intConv.
type IntConv struct {
	conv    *Conv8
	scratch *kernel.Scratch
}

func (v *IntConv) epilogue(in []*tensor.Tensor) kernel.Epilogue8 {
	return kernel.Epilogue8{Scale: perChannel(in[4], v.conv.Shape.OutC, same), Bias: floatBias(at(in, 5))}
}

func (v *IntConv) pack(in []*tensor.Tensor, ep kernel.Epilogue8) *product8 {
	return v.conv.pack(in[2], at(in, 3), codeAt(in[1], 0), ep, v.scratch)
}

// Float returns the loop that computes the convolution with parameters in of its first operand, adds the second where there is
// one, and applies act, in one pass; or nil where the parameters are not for that.
func (v *IntConv) Float(in []*tensor.Tensor, act Activation) Run {
	if anyNonzero(at(in, 3)) {
		return nil
	}
	ep := v.epilogue(in)
	ep.Act, ep.Lo, ep.Hi = act.Act, act.Lo, act.Hi
	p := v.pack(in, ep)
	return func(in, out []*tensor.Tensor) error {
		p.Float(out[0].F32(), in[0], at(in, 1))
		return nil
	}
}

// Codes is Float with codes made of the reals; or nil where that would round otherwise than one after the other.
func (v *IntConv) Codes(in []*tensor.Tensor, act Activation, codes Coding) Run {
	if anyNonzero(at(in, 3)) || codes.hi == 0 {
		return nil
	}
	ep := v.epilogue(in)
	ep.Act, ep.Lo, ep.Hi = act.Act, act.Lo, act.Hi
	ep.Inv, ep.Shift, ep.Fused, ep.Divisor = codes.factor, codes.shift, codes.fused, codes.divisor
	ep.OutZero, ep.OutLo, ep.OutHi = codes.zero, codes.lo, codes.hi
	if !finite(ep.Scale) || !finite(ep.Bias) { // the clamp then falls together with that of the codes
		return nil
	}
	p := v.pack(in, ep)
	return func(in, out []*tensor.Tensor) error {
		p.Codes(out[0], in[0], at(in, 1))
		return nil
	}
}

// A Coding is how codes are made of reals, as Epilogue8 does it.
type Coding struct {
	factor, shift float32
	fused         bool
	divisor       float32
	zero, lo, hi  int32
}

// Coding returns how it makes codes with one factor and one shift, and whether it is of that form.
func (r *Requantize) Coding(factor, shift []float32) (Coding, bool) {
	if len(factor) != 1 || len(shift) != 1 || !(factor[0] > 0) || !finite(factor) || !finite(shift) {
		return Coding{}, false
	}
	return Coding{factor: factor[0], shift: shift[0], fused: r.fused && shift[0] != 0, zero: r.zero, lo: r.lo, hi: r.hi}, true
}

// Coding returns how it makes 8-bit codes with one scale and one zero point, and whether it is of that form.
func (q *Quantizer) Coding(scales []float32, zeros *tensor.Tensor) (Coding, bool) {
	if len(scales) != 1 || !(scales[0] > 0) || !finite(scales) || !eightBits.Has(q.DType) {
		return Coding{}, false
	}
	return Coding{divisor: scales[0], zero: codeAt(zeros, 0) - q.Lo, hi: 255}, true
}

// anyNonzero reports whether codes, nil for none, are not all 0: products with zero points of weights end in an epilogue of their own.
func anyNonzero(codes *tensor.Tensor) bool {
	if codes == nil {
		return false
	}
	return slices.ContainsFunc(tensor.Bytes(codes), func(c uint8) bool { return c != 0 })
}

func finite(x []float32) bool {
	for _, v := range x {
		if v-v != 0 {
			return false
		}
	}
	return true
}
