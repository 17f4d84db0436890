package kernel

import (
	"math"
	"slices"
)

// QuantizeU8FMA is QuantizeU8Mul with src·inv + shift rounded once, as a fused
// multiply-add does.
func QuantizeU8FMA(dst []uint8, src []float32, inv, shift float32, zero, lo, hi int32) {
	active.quantizeFMA(dst, src[:len(dst)], len(dst), int(zero), inv, shift, float32(lo-zero), float32(hi-zero))
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

// probeFMA reports whether a machine's fma rounds once, by sums where it shows:
// in every lane, and in the last elements.
func probeFMA(fma func(dst, src, add []float32, n, flags int, factor, shift, lo, hi float32)) bool {
	const n = 4*16 + 3
	src, add, got, want := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
	for i := range src {
		// (1 + k·2^-23)·(1 + 2^-12) - 1: twice rounded, the lowest bits of the product are gone.
		src[i], add[i] = math.Float32frombits(0x3f800001+uint32(i)), -1
	}
	const factor = 1 + 0x1p-12
	fma(got, src, add, n, flagAdd, factor, 0, negInf, posInf)
	refFMA(want, src, add, n, flagAdd, factor, 0, negInf, posInf)
	return slices.Equal(got, want)
}
