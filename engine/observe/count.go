package observe

import (
	"math"
	"sync"
)

// Observe adds the values that one image gave. A value may come in several
// parts. Images are numbered by their place in the list the user gave, from 0.
func (s *Stat) Observe(image int, x []float32) {
	lo, hi, bad := minMax(x)
	if bad > 0 {
		x = s.finite(x)
	}
	if len(x) == 0 {
		return
	}
	s.extend(Extremes{image, lo, hi})
	amax := max(-lo, hi)
	if amax > 0 {
		s.grow(max(exponent(amax), s.exponent()))
	}
	s.count(x, amax)
}

// exponent returns the bins' exponent, the smallest one before there are bins.
func (s *Stat) exponent() int {
	if s.counts == nil {
		return minExp
	}
	return s.exp
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

// scratch are counters of one slice. They are 32 bits wide and two lanes, as
// consecutive values often fall into the same bin and would wait for each other.
type scratch [2][Bins]uint32

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// count adds finite values of magnitude at most amax to the bins.
func (s *Stat) count(x []float32, amax float32) {
	s.sampled += uint64(len(x))
	if amax == 0 {
		s.zeros += uint64(len(x))
		return
	}
	inv := float32(math.Ldexp(1, -s.exp))
	c := scratches.Get().(*scratch)
	last := int(int32(amax * inv)) // the outermost bin in use
	for len(x) > 0 {
		n := min(len(x), math.MaxInt32)
		zeros := countBins(c, x[:n], inv)
		x = x[n:]
		for i := Half - 1 - last; i <= Half+last; i++ {
			s.counts[i] += uint64(c[0][i]) + uint64(c[1][i])
			c[0][i], c[1][i] = 0, 0
		}
		s.counts[Half] -= zeros
		s.zeros += zeros
	}
	scratches.Put(c)
}

// countBins counts each value in its bin, zeros in bin Half, and returns how
// many zeros there were. There is no branch on a value in it: after a ReLU the
// sign and the zeros are as good as random.
//
// The bin is the truncated magnitude, and one less on the negative side. The
// multiplication by a power of two is exact wherever the bin is not 0.
func countBins(c *scratch, x []float32, inv float32) (zeros uint64) {
	a, b := &c[0], &c[1]
	for ; len(x) >= 2; x = x[2:] {
		v, w := x[0]+0, x[1]+0 // −0 becomes +0
		p, q := math.Float32bits(v), math.Float32bits(w)
		i := Half + int32(v*inv) + int32(p)>>31
		j := Half + int32(w*inv) + int32(q)>>31
		a[i&(Bins-1)]++
		b[j&(Bins-1)]++
		zeros += (uint64(p)-1)>>63 + (uint64(q)-1)>>63
	}
	for _, v := range x {
		v += 0
		p := math.Float32bits(v)
		a[(Half+int32(v*inv)+int32(p)>>31)&(Bins-1)]++
		zeros += (uint64(p) - 1) >> 63
	}
	return zeros
}

// minMax returns the extremes of the finite values and how many are not finite.
func minMax(x []float32) (lo, hi float32, bad int) {
	lo, hi = math.MaxFloat32, -math.MaxFloat32
	for _, v := range x {
		if v-v != 0 { // NaN and infinities
			bad++
			continue
		}
		if v < lo {
			lo = v
		}
		if v > hi {
			hi = v
		}
	}
	return lo, hi, bad
}
