package observe

import (
	"math"

	"dropquant/engine/kernel"
)

// Observe adds the values that one image gave. A value may come in several
// parts. Images are numbered by their place in the list the user gave, from 0.
// The seed chooses which values of many are looked at: it is to be another one
// for each image, and should not depend on the images beside it.
func (s *Stat) Observe(image int, seed uint32, x []float32) {
	if !s.Whole && len(x) >= sampleFrom && s.sample(image, seed, x) {
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

// maxExact is the widest exponent at which x·2^-exp is exact for every float32
// x, as nothing is scaled down and may underflow.
const maxExact = 0

// count adds finite values between lo and hi to the bins.
func (s *Stat) count(x []float32, lo, hi float32) {
	tally(s.room(exponent(max(-lo, hi)), uint64(len(x))), x, s.exp, 1)
}

// tally adds a weight, modulo 2^32, for each of x to bins 2^exp wide that hold all of them.
func tally(counts []uint32, x []float32, exp, weight int) {
	if exp <= maxExact {
		kernel.Histogram(counts, x, math.Float32frombits(uint32(127-exp)<<23), -Half, weight) // 2^-exp
		return
	}
	for _, v := range x {
		counts[bin(v, exp)] += uint32(weight)
	}
}
