// Package quant is the arithmetic of uniform quantization, and the only place
// that rounds to a grid, clamps to one or picks a zero point.
//
// Two requirements fix the form of the map between real numbers and codes.
// Integer kernels must be able to work on codes alone, so the map is affine:
//
//	real = a·code + b   (1)
//
// And the real number 0 must have an exact code, because padding, ReLU and
// sparse weights produce exact zeros, and an error there would be a bias and
// not a noise. Calling that code zero and the step scale, (1) becomes
//
//	real = scale·(code − zero)   (2)
//
// with scale > 0 a float32 and zero a whole number of the code's own type.
// Inverting (2) needs a rounding and a range:
//
//	code = clamp(rne(real/scale) + zero, qmin, qmax)   (3)
//
// rne rounds to the nearest whole number, ties to the even one. The division is
// a float32 division and not a multiplication by a reciprocal: they differ near
// ties, and ONNX's QuantizeLinear divides.
//
// A [Grid] says which codes exist: a type, a number of bits, and whether zero
// is free (affine) or fixed (symmetric). [Grid.Params] chooses scale and zero
// from a range of reals; [Quantize], [Dequantize] and [FakeQuantize] apply (3),
// (2), and (2) after (3).
//
// Sources: the derivation follows gemmlowp's doc/quantization.md; the rounding
// and saturation are those of the ONNX operators QuantizeLinear-19 and
// DequantizeLinear-19.
package quant

import (
	"errors"
	"fmt"
	"math"

	"dropquant/engine/tensor"
)

// Grid is a set of codes and the rule for zero's place among them.
type Grid struct {
	DType     tensor.DType // Int8, Uint8, Int16 or Uint16: the type that stores a code
	Bits      int          // 2…8, or 9…16 with a 16-bit type; 0 means all of the type's bits
	Symmetric bool         // zero is fixed: 0, or the middle code when an unsigned grid must hold negative reals
	Narrow    bool         // the lowest code is not used, so −127…127 and not −128…127
}

// The grids that the targets use.
var (
	U8  = Grid{DType: tensor.Uint8}                                // affine activations
	S8  = Grid{DType: tensor.Int8, Symmetric: true}                // symmetric activations
	W8  = Grid{DType: tensor.Int8, Symmetric: true, Narrow: true}  // weights
	W7  = Grid{DType: tensor.Int8, Bits: 7, Symmetric: true}       // weights that cannot saturate pairs of int16
	U16 = Grid{DType: tensor.Uint16}                               // affine activations, 16 bits
	S16 = Grid{DType: tensor.Int16, Symmetric: true, Narrow: true} // symmetric activations, 16 bits
)

// storage is the width in bits of each code type, negative for signed ones.
var storage = map[tensor.DType]int{tensor.Int8: -8, tensor.Uint8: 8, tensor.Int16: -16, tensor.Uint16: 16}

// Check reports a grid that does not exist: an element type without codes or a
// width the type does not hold.
func (g Grid) Check() error {
	w, ok := storage[g.DType]
	if !ok {
		return fmt.Errorf("quantization to %v is not possible: use int8, uint8, int16 or uint16", g.DType)
	}
	if g.Bits != 0 && (g.Bits < 2 || g.Bits > max(w, -w)) {
		return fmt.Errorf("%d bits do not fit %v: use 2 to %d", g.Bits, g.DType, max(w, -w))
	}
	return nil
}

// Signed reports whether the code type has negative codes.
func (g Grid) Signed() bool { return storage[g.DType] < 0 }

// bits returns the number of bits in use.
func (g Grid) bits() int {
	w, ok := storage[g.DType]
	if !ok {
		panic(fmt.Sprintf("bug: a grid of %v", g.DType))
	}
	if g.Bits != 0 {
		return g.Bits
	}
	return max(w, -w)
}

// QMin returns the lowest code: −2^(bits−1) or 0, and one more when narrow.
func (g Grid) QMin() int32 {
	var q int32
	if g.Signed() {
		q = -1 << (g.bits() - 1)
	}
	if g.Narrow {
		q++
	}
	return q
}

// QMax returns the highest code: 2^(bits−1)−1 or 2^bits−1.
func (g Grid) QMax() int32 {
	if g.Signed() {
		return 1<<(g.bits()-1) - 1
	}
	return 1<<g.bits() - 1
}

// String returns the grid as "uint8 affine", "int8 symmetric narrow" or
// "int8 symmetric 7 bits".
func (g Grid) String() string {
	s := g.DType.String()
	if g.Symmetric {
		s += " symmetric"
	} else {
		s += " affine"
	}
	if g.Narrow {
		s += " narrow"
	}
	if g.Bits != 0 {
		s += fmt.Sprintf(" %d bits", g.Bits)
	}
	return s
}

// Scales stay between these so that the product of two of them, the scale of
// a bias or of an accumulator, is neither denormal (runtimes flush those to
// zero, and then divide by it) nor infinite.
const (
	MinScale = 1.0 / (1 << 62)
	MaxScale = 1 << 62
)

// Params are the numbers of equation (2) for one tensor.
type Params struct {
	DType tensor.DType // Int8, Uint8, Int16, Uint16, or Int32 for a bias
	Scale []float32    // one, or one per channel; between MinScale and MaxScale (a bias: their products)
	Zero  []int32      // as many as Scale, each between QMin and QMax
	Axis  int          // the channel axis, −1 per tensor
	QMin  int32        // the codes in use; a runtime knows only the type's own limits,
	QMax  int32        // so codes of fewer bits hold only where the values were clipped before
}

// PerTensor reports whether one scale serves the whole tensor.
func (p Params) PerTensor() bool { return p.Axis < 0 }

// Real returns the reals of the lowest and highest code of channel c.
func (p Params) Real(c int) (lo, hi float32) {
	return float32(p.QMin-p.Zero[c]) * p.Scale[c], float32(p.QMax-p.Zero[c]) * p.Scale[c]
}

// Check reports parameters that a runtime would refuse: no scale, as many
// zeros as scales missing, a scale that is not positive and finite, a zero that
// is not a code.
func (p Params) Check() error {
	if len(p.Scale) == 0 || len(p.Scale) != len(p.Zero) || p.PerTensor() && len(p.Scale) != 1 {
		return errors.New("as many zero points as scales are needed, and one of each per tensor")
	}
	for i, s := range p.Scale {
		if !(s > 0) || math.IsInf(float64(s), 0) {
			return fmt.Errorf("scale %v is not a positive number", s)
		}
		if p.Zero[i] < p.QMin || p.Zero[i] > p.QMax {
			return fmt.Errorf("zero point %d is not between %d and %d", p.Zero[i], p.QMin, p.QMax)
		}
	}
	return nil
}
