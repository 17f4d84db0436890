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

// A sparse Stat counts one block of every period, in slices long enough for
// that to leave thousands of values. The period is a prime, so that no width, plane or
// channel count of a network is a multiple of it and all places of a tensor are met.
const (
	sparseFrom = 1 << 15
	block      = 64
	period     = 509
)

// count adds finite values between lo and hi to the bins. A tensor has fewer
// than 2^32 elements, so that 32-bit counters hold one slice.
func (s *Stat) count(x []float32, lo, hi float32) {
	from, to := bin(lo, s.exp), bin(hi, s.exp)+1
	size, step := len(x), len(x)
	if s.Sparse && len(x) >= sparseFrom {
		size, step = block, period
		// The blocks may miss the extremes, which are known already.
		s.counts[from]++
		s.counts[to-1]++
	}
	if s.exp > maxExact {
		for ; len(x) > 0; x = x[min(len(x), step):] {
			for _, v := range x[:min(len(x), size)] {
				s.counts[bin(v, s.exp)]++
			}
		}
		return
	}
	c := scratches.Get().(*[Bins]uint32)
	inv := float32(math.Ldexp(1, -s.exp))
	for ; len(x) > 0; x = x[min(len(x), step):] {
		kernel.Histogram(c[:], x[:min(len(x), size)], inv, -Half)
	}
	for i := from; i < to; i++ {
		s.counts[i] += uint64(c[i])
		c[i] = 0
	}
	scratches.Put(c)
}
