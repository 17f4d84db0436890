package kernel

import "math"

// QuantizeU8FMA is QuantizeU8Mul with src·inv + shift rounded once, as a fused
// multiply-add does.
func QuantizeU8FMA(dst []uint8, src []float32, inv, shift float32, lo, hi int32) {
	active.quantizeFMA(dst, src[:len(dst)], len(dst), 0, inv, shift, float32(lo), float32(hi))
}

// MulAdd computes dst[i] = clamp(src[i]·factor + add[i], lo, hi), or with shift
// in the place of add[i] where add is nil, product and sum rounded at once. NaN
// stays. The slices may be the same.
func MulAdd(dst, src, add []float32, factor, shift, lo, hi float32) {
	flags := 0
	if add != nil {
		flags, add = flagAdd, add[:len(dst)]
	}
	active.fma(dst, src[:len(dst)], add, len(dst), flags, factor, shift, lo, hi)
}

// FMA returns x·y + z rounded once to float32.
//
// The product is exact in float64. The sum is not always: where it is rounded,
// its last bit is set ("round to odd"), which keeps the second rounding, to
// float32, from taking it for a tie. Source: Boldo and Melquiond, Emulation of a
// FMA and correctly rounded sums, IEEE Transactions on Computers 57 (2008).
func FMA(x, y, z float32) float32 {
	p, c := float64(x)*float64(y), float64(z)
	s := p + c
	t := s - p
	lost := (p - (s - t)) + (c - t) // what s lacks: Knuth's two-sum
	if lost != 0 && !math.IsNaN(lost) {
		if bits := math.Float64bits(s); bits&1 == 0 {
			if (lost > 0) == (s > 0) {
				bits++
			} else {
				bits--
			}
			s = math.Float64frombits(bits)
		}
	}
	return float32(s)
}
