package calib

import (
	"math"

	"dropquant/engine/observe"
	"dropquant/engine/quant"
)

// mse returns the range whose quantizer, with the very scale and zero point that
// the grid would get, has the least squared error on the values observed, taken
// to be spread evenly within a bin.
//
// The error is not convex in the range, so both ends are first shrunk together, then one
// after the other, over 65 ratios from 1 down to 1/256 on neighbouring bins
// taken together, and then around the best in steps of half a percent on all bins.
// A range is only left for one with a smaller error: the result is never worse than min–max.
func mse(s *observe.Stat, g quant.Grid, _ Options) (lo, hi float64) {
	h := s.Histogram()
	lo, hi = minmax(s, g, Options{})
	lo, hi = min(lo, 0), max(hi, 0)
	coarse := search{g: g, bins: denseBins(h, 4), lo: lo, hi: hi}
	coarse.start(1, 1)
	const octave = 8
	for k := 1; k <= 8*octave; k++ {
		r := math.Exp2(-float64(k) / octave)
		coarse.try(r, r)
	}
	free := !g.Symmetric && lo < 0 && hi > 0
	for range 2 {
		if !free {
			break
		}
		a := coarse.a
		for k := range 8*octave + 1 {
			coarse.try(a, math.Exp2(-float64(k)/octave))
		}
		b := coarse.b
		for k := range 8*octave + 1 {
			coarse.try(math.Exp2(-float64(k)/octave), b)
		}
	}

	fine := search{g: g, bins: denseBins(h, 1), lo: lo, hi: hi}
	fine.start(1, 1)
	fine.try(coarse.a, coarse.b)
	const steps = 16
	a, b := coarse.a, coarse.b
	for j := -steps; j <= steps; j++ {
		r := math.Exp2(float64(j) / (octave * steps))
		if free {
			fine.try(fine.a, b*r)
		} else {
			fine.try(a*r, b*r)
		}
	}
	if free {
		for j := -steps; j <= steps; j++ {
			fine.try(a*math.Exp2(float64(j)/(octave*steps)), fine.b)
		}
	}
	return fine.a * lo, fine.b * hi
}

// search keeps the best range tried, as shares a and b of the extremes lo and
// hi.
type search struct {
	g      quant.Grid
	bins   []denseBin
	lo, hi float64
	a, b   float64
	least  float64
}

// start takes a first range unconditionally.
func (s *search) start(a, b float64) {
	s.least = math.Inf(1)
	s.try(a, b)
}

// try takes the range a·lo…b·hi if its error is smaller than the least one.
// Shares above 1 are none to try.
func (s *search) try(a, b float64) {
	if a > 1 || b > 1 {
		return
	}
	p := s.g.Params(float32(a*s.lo), float32(b*s.hi))
	if e := squaredError(s.bins, p, s.least); e < s.least {
		s.a, s.b, s.least = a, b, e
	}
}

// denseBin holds n values spread evenly from lo to hi.
type denseBin struct{ lo, hi, n float64 }

// denseBins returns the bins that hold something, ascending, each of as many
// neighbours taken together as factor says.
func denseBins(h observe.Histogram, factor int) []denseBin {
	var out []denseBin
	width := h.Width * float64(factor)
	sum := func(c []uint64, i int) (n float64) {
		for _, k := range c[i*factor : min((i+1)*factor, len(c))] {
			n += float64(k)
		}
		return n
	}
	for i := (len(h.Neg)+factor-1)/factor - 1; i >= 0; i-- {
		if n := sum(h.Neg, i); n > 0 {
			out = append(out, denseBin{-float64(i+1) * width, -float64(i) * width, n})
		}
	}
	for i := range (len(h.Pos) + factor - 1) / factor {
		if n := sum(h.Pos, i); n > 0 {
			out = append(out, denseBin{float64(i) * width, float64(i+1) * width, n})
		}
	}
	return out
}

// squaredError returns the sum of (fake(x) − x)² over the values of the bins, or
// any number above limit once the sum has reached it.
//
// In units of the scale, let r be the whole number nearest to u that is a code
// less zero. Between two whole numbers (r−t)² integrates to 1/12, and from r to
// u it integrates to (u−r)³/3, so that
//
//	∫₀ᵘ (fake(t) − t)² dt = r/12 + (u − r)³/3
//
// inside the grid and, as r stays where it is, outside too.
func squaredError(bins []denseBin, p quant.Params, limit float64) float64 {
	scale := float64(p.Scale[0])
	first, last := float64(p.QMin-p.Zero[0]), float64(p.QMax-p.Zero[0])
	limit /= scale * scale
	integral := func(u float64) float64 {
		r := math.RoundToEven(u)
		if r < first {
			r = first
		} else if r > last {
			r = last
		}
		d := u - r
		return r/12 + float64(d*d*d)/3
	}
	inv := 1 / scale
	var sum, at, below float64
	for _, b := range bins {
		if b.lo != at {
			below = integral(b.lo * inv)
		}
		at = b.hi
		u := b.hi * inv
		above := integral(u)
		sum += float64((above - below) * b.n / (u - b.lo*inv))
		if sum > limit {
			break
		}
		below = above
	}
	return sum * scale * scale
}
