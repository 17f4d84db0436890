package observe

import (
	"math"
	"sync"

	"dropquant/engine/kernel"
)

// Observe adds the values that one image gave. A value may come in several
// parts. Images are numbered by their place in the list the user gave, from 0.
func (s *Stat) Observe(image int, x []float32) {
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

// scratches are counters of one slice: 32 bits wide, and all 0 between uses.
var scratches = sync.Pool{New: func() any { return new([Bins]uint32) }}

// maxExact is the widest exponent at which x·2^-exp is exact for every float32
// x, as nothing is scaled down and may underflow.
const maxExact = 0

// count adds finite values between lo and hi to the bins.
func (s *Stat) count(x []float32, lo, hi float32) {
	if s.exp > maxExact {
		for _, v := range x {
			s.counts[bin(v, s.exp)]++
		}
		return
	}
	c := scratches.Get().(*[Bins]uint32)
	from, to := bin(lo, s.exp), bin(hi, s.exp)+1
	for len(x) > 0 {
		n := min(len(x), math.MaxUint32/2)
		kernel.Histogram(c[:], x[:n], float32(math.Ldexp(1, -s.exp)), -Half)
		for i := from; i < to; i++ {
			s.counts[i] += uint64(c[i])
			c[i] = 0
		}
		x = x[n:]
	}
	scratches.Put(c)
}
