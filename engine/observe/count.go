package observe

import (
	"math"
	"sync"

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
	s.extend(Extremes{image, lo, hi})
	s.grow(exponent(max(-lo, hi)))
	s.count(x, lo, hi)
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

// counters count one slice: 32 bits wide, and all 0 between uses.
type counters [Bins + kernel.TailsExtra]uint32

var scratches = sync.Pool{New: func() any { return new(counters) }}

// maxExact is the widest exponent at which x·2^-exp is exact for every float32
// x, as nothing is scaled down and may underflow.
const maxExact = 0

// count adds finite values between lo and hi to the bins. A tensor has fewer
// than 2^32 elements, so that 32-bit counters hold one slice.
func (s *Stat) count(x []float32, lo, hi float32) {
	from, to := bin(lo, s.exp), bin(hi, s.exp)+1
	if s.exp > maxExact {
		for _, v := range x {
			s.counts[bin(v, s.exp)]++
		}
		return
	}
	c := scratches.Get().(*counters)
	kernel.Histogram(c[:Bins], x, scale(s.exp), -Half)
	kernel.AddCounts(s.counts[from:to], c[from:to], 0)
	clear(c[from:to])
	scratches.Put(c)
}

// scale returns 2^-exp.
func scale(exp int) float32 { return float32(math.Ldexp(1, -exp)) }
