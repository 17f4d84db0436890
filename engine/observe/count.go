package observe

import (
	"math"

	"dropquant/engine/kernel"
)

// Observe adds the values that one image gave. A value may come in several
// parts. Images are numbered by their place in the list the user gave, from 0.
func (s *Stat) Observe(image int, x []float32) {
	if len(x) >= sampleFrom && s.sample(image, x) {
		return
	}
	lo, hi, bad := kernel.MinMax(x)
	if bad > 0 {
		x = s.finite(x)
	}
	if len(x) == 0 {
		return
	}
	s.count(x, lo, hi)
	s.extend(Extremes{image, lo, hi})
}

// finite returns the finite values of x and counts the others.
func (s *Stat) finite(x []float32) []float32 {
	out := make([]float32, 0, len(x))
	for _, v := range x {
		switch {
		case v != v:
			s.nan++
		case math.IsInf(float64(v), 0):
			s.inf++
		default:
			out = append(out, v)
		}
	}
	return out
}

// counters count one slice: 32 bits wide, and all 0 between uses but for those that the kernel uses itself.
type counters [Bins + kernel.HistogramExtra]uint32

// maxExact is the widest exponent at which x·2^-exp is exact for every float32
// x, as nothing is scaled down and may underflow.
const maxExact = 0

// count adds finite values between lo and hi to the bins. A tensor has fewer
// than 2^32 elements, so that 32-bit counters hold one slice.
func (s *Stat) count(x []float32, lo, hi float32) {
	counts := s.room(exponent(max(-lo, hi)), uint64(len(x)))
	if s.exp > maxExact {
		for _, v := range x {
			counts[bin(v, s.exp)]++
		}
		return
	}
	w := scratches.Get().(*scratch)
	kernel.Histogram(w.counts[:], x, scale(s.exp), -Half)
	merge(counts, w.counts[:bin(hi, s.exp)+1], bin(lo, s.exp), 0, 0)
	scratches.Put(w)
}

// scale returns 2^-exp.
func scale(exp int) float32 { return float32(math.Ldexp(1, -exp)) }
