package observe

import (
	"slices"
	"sync"

	"dropquant/engine/kernel"
)

// Large slices are counted in two parts. Values in the tails, about one of 128,
// decide where a range had better end: each of them is counted, as are the extremes. The
// body in between only weighs rounding errors, for which a sixteenth of its values
// stands with sixteenfold weight: one block of every sixteen, whose place goes round so that
// no width, plane or channel count of a network has a share in all of them.
//
// What is done depends on the slice alone, so that a Stat remains a function of what was
// observed; it does depend on the slices in which an image's values come.
const (
	sampleFrom = 1 << 15
	block      = 64
	weight     = 4           // of the body, as a power of two
	period     = 1 << weight // blocks
	tailShare  = 128
)

// samples are the sampled values of one slice.
var samples = sync.Pool{New: func() any { return new([]float32) }}

// sample adds a large slice. It reports false, and has done nothing, for values that need care.
func (s *Stat) sample(image int, x []float32) bool {
	buf := samples.Get().(*[]float32)
	defer samples.Put(buf)
	*buf = appendSample((*buf)[:0], x)
	lo, hi, bad := kernel.MinMax(*buf)
	if bad > 0 {
		return false
	}
	c := scratches.Get().(*counters)
	defer scratches.Put(c)
	for { // once more if the sample missed an extreme that needs wider bins
		e := exponent(max(-lo, hi))
		if e > maxExact {
			return false
		}
		kernel.Histogram(c[:Bins], *buf, scale(e), -Half)
		from, to := body(c, bin(lo, e), bin(hi, e)+1, len(*buf)/tailShare)
		width := 1 / scale(e)
		least, most, finite := kernel.Tails(c[:], x, scale(e), -Half, float32(from-Half)*width, float32(to-Half)*width)
		if !finite {
			clear(c[:])
			return false
		}
		if exponent(max(-least, most)) == e {
			s.extend(Extremes{image, least, most})
			s.add(c, e, bin(least, e), bin(most, e)+1, from, to)
			return true
		}
		clear(c[:])
		lo, hi = least, most
	}
}

// appendSample appends the sampled blocks of x: of period k, block 3k modulo period.
func appendSample(dst, x []float32) []float32 {
	const round = period * period * block // after which the places come again
	for k := range period {
		at := (k*period + 3*k%period) * block
		if at+block > len(x) {
			continue
		}
		rows, n := (len(x)-at-block)/round+1, len(dst)
		dst = slices.Grow(dst, rows*block)[:n+rows*block]
		kernel.CopyRows(dst[n:], x[at:], rows, block, block, round)
	}
	return dst
}

// body returns the bins between the tails, each of which holds at most limit/2 of the
// counted values, out of the bins in use; it has 0 in it. The counters of the tails become 0.
func body(c *counters, from, to, limit int) (first, end int) {
	left, right := uint32(limit/2), uint32(limit/2)
	for from < Half && c[from] <= left {
		left -= c[from]
		c[from] = 0
		from++
	}
	for to > Half+1 && c[to-1] <= right {
		right -= c[to-1]
		c[to-1] = 0
		to--
	}
	return min(from, Half), max(to, Half+1)
}

// add empties counters of bins 2^exp wide, in use from lo up to hi, of which those of the body, from up to to, have its weight. The
// ends hold something.
func (s *Stat) add(c *counters, exp, lo, hi, from, to int) {
	s.grow(exp)
	from, to = max(from, lo), min(to, hi)
	for _, end := range [...]int{lo, hi - 1} {
		if c[end] == 0 {
			s.counts[slot(end, s.exp-exp)]++
		}
	}
	if s.exp == exp {
		kernel.AddCounts(s.counts[lo:from], c[lo:from], 0)
		kernel.AddCounts(s.counts[from:to], c[from:to], weight)
		kernel.AddCounts(s.counts[to:hi], c[to:hi], 0)
	} else {
		for i := lo; i < hi; i++ {
			n := uint64(c[i])
			if i >= from && i < to {
				n <<= weight
			}
			s.counts[slot(i, s.exp-exp)] += n
		}
	}
	clear(c[:])
}
