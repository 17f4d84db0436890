package calib

import (
	"dropquant/engine/observe"
	"dropquant/engine/quant"
)

// percentile returns the range that leaves out the given share of the values.
// On a symmetric grid these are the largest magnitudes. On an affine grid half
// of them are cut at each end, and all at one end when the values have one sign.
// Values are taken to be spread evenly within a bin. 100 is the same as minmax.
func percentile(s *observe.Stat, g quant.Grid, o Options) (lo, hi float64) {
	p := o.Percentile
	if p == 0 {
		p = 99.999
	}
	lo, hi = minmax(s, g, o)
	if p == 100 {
		return lo, hi
	}
	h := s.Histogram()
	cut := (100 - p) / 100 * float64(h.Total)
	switch {
	case g.Symmetric:
		t := tail(magnitudes(h), h.Width, cut)
		return -t, t
	case lo >= 0:
		return lo, tail(h.Pos, h.Width, cut)
	case hi <= 0:
		return -tail(h.Neg, h.Width, cut), hi
	}
	return -tail(h.Neg, h.Width, cut/2), tail(h.Pos, h.Width, cut/2)
}

// tail returns the magnitude beyond which cut of the counted values lie, 0 when
// there are not so many.
func tail(counts []uint64, width, cut float64) float64 {
	for i := len(counts) - 1; i >= 0; i-- {
		n := float64(counts[i])
		if cut < n {
			return width * (float64(i+1) - cut/n)
		}
		cut -= n
	}
	return 0
}

// magnitudes returns the distribution of |x|.
func magnitudes(h observe.Histogram) []uint64 {
	m := make([]uint64, max(len(h.Neg), len(h.Pos)))
	copy(m, h.Pos)
	for i, n := range h.Neg {
		m[i] += n
	}
	return m
}
