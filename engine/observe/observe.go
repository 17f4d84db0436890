// Package observe folds slices of activations into statistics from which a
// range can be estimated afterwards.
//
// A [Stat] is made in one pass, its memory does not grow with the number of
// values, and it is a function of the set of (image, seed, values) observed:
// not of their order, nor of how they were spread over workers whose Stats were
// merged. Three choices make that hold exactly, in every bit:
//
//   - Bins are 2^e wide, e the smallest exponent for which every magnitude seen
//     is below Half·2^e. When a larger value comes, neighbours merge two by two,
//     so counts stay whole numbers and e depends on the largest value alone.
//   - Nothing is summed in floating point. Extremes are kept per image, and a
//     moving average is folded over them in image order when it is asked for.
//   - Values that no range can hold, NaN and infinities, are counted apart.
package observe

import (
	"cmp"
	"math"
	"slices"

	"dropquant/engine/kernel"
)

// Half is the number of bins on each side of 0. The largest magnitude lies in
// the outer half of its side, so a side in use has at least Half/2 bins: 2048,
// 16 to 32 bins for a step of an 8-bit grid.
const (
	Half = 1 << halfBits
	Bins = 2 * Half

	halfBits = 12
	minExp   = -126 // width 2^-126 is the smallest normal float32, and its inverse is finite
	maxExp   = 128 - halfBits
)

// Stat is the statistic of one value of a graph. The zero value is empty and
// ready to use. It must not be used from several goroutines at once.
type Stat struct {
	Whole bool // every value is counted, however many there are; no part of what was observed

	images   []Extremes // ascending by Image
	exp      int        // bins are 2^exp wide; meaningless without images
	counts   []uint64   // Bins of them, counts[Half] from 0 up, of what was settled; nil while nothing was
	recent   []uint32   // the same of what came since, or nil: half the memory to go through for each image
	held     uint64     // the sum of recent, below 2^32
	nan, inf uint64
}

// Extremes are the smallest and largest finite value of one image.
type Extremes struct {
	Image  int
	Lo, Hi float32
}

// Images returns the extremes of every image with a finite value, in image
// order. The slice belongs to s.
func (s *Stat) Images() []Extremes { return s.images }

// Range returns the smallest and largest finite value; ok is false when there
// was none.
func (s *Stat) Range() (lo, hi float32, ok bool) {
	if len(s.images) == 0 {
		return 0, 0, false
	}
	lo, hi = s.images[0].Lo, s.images[0].Hi
	for _, e := range s.images[1:] {
		lo, hi = min(lo, e.Lo), max(hi, e.Hi)
	}
	return lo, hi, true
}

// NotFinite returns how many NaN and how many infinities were observed.
func (s *Stat) NotFinite() (nan, inf uint64) { return s.nan, s.inf }

// Histogram is the distribution of the finite values.
type Histogram struct {
	Width float64  // of a bin, a power of two
	Neg   []uint64 // Neg[i] counts −(i+1)·Width ≤ x < −i·Width; cut after the last bin in use
	Pos   []uint64 // Pos[i] counts i·Width ≤ x < (i+1)·Width; cut after the last bin in use
	Total uint64   // the sum of the bins
}

// Histogram returns a copy of the distribution.
func (s *Stat) Histogram() Histogram {
	if len(s.images) == 0 {
		return Histogram{Width: 1}
	}
	s.settle()
	h := Histogram{Width: math.Ldexp(1, s.exp), Pos: slices.Clone(s.counts[Half:]), Neg: slices.Clone(s.counts[:Half])}
	slices.Reverse(h.Neg)
	h.Neg, h.Pos = trim(h.Neg), trim(h.Pos)
	for _, n := range s.counts {
		h.Total += n
	}
	return h
}

// trim cuts the empty bins off the end.
func trim(c []uint64) []uint64 {
	for len(c) > 0 && c[len(c)-1] == 0 {
		c = c[:len(c)-1]
	}
	return c
}

// Merge adds what o has seen to s; o is left as it was.
func (s *Stat) Merge(o *Stat) {
	if len(o.images) > 0 {
		o.settle()
		s.grow(o.exp)
		s.settle()
		shift := s.exp - o.exp
		for i, n := range o.counts {
			if n != 0 {
				s.counts[slot(i, shift)] += n
			}
		}
	}
	for _, e := range o.images {
		s.extend(e)
	}
	s.nan += o.nan
	s.inf += o.inf
}

// extend records the extremes of an image, which may be known already.
func (s *Stat) extend(e Extremes) {
	e.Lo, e.Hi = e.Lo+0, e.Hi+0 // −0 becomes +0
	// Images come in ascending order nearly always.
	if n := len(s.images); n == 0 || s.images[n-1].Image < e.Image {
		s.images = append(s.images, e)
		return
	}
	i, known := slices.BinarySearchFunc(s.images, e.Image, func(a Extremes, image int) int { return cmp.Compare(a.Image, image) })
	if !known {
		s.images = slices.Insert(s.images, i, e)
		return
	}
	s.images[i].Lo, s.images[i].Hi = min(s.images[i].Lo, e.Lo), max(s.images[i].Hi, e.Hi)
}

// grow makes the bins at least 2^exp wide, before the first image 2^exp.
func (s *Stat) grow(exp int) {
	if len(s.images) == 0 {
		s.exp = exp
	}
	shift := exp - s.exp
	if shift <= 0 {
		return
	}
	s.settle()
	wide := make([]uint64, Bins)
	for i, n := range s.counts {
		if n != 0 {
			wide[slot(i, shift)] += n
		}
	}
	s.counts, s.exp = wide, exp
}

// settle adds recent to counts.
func (s *Stat) settle() {
	if s.counts == nil {
		s.counts = make([]uint64, Bins)
	}
	if s.recent != nil {
		for i, n := range s.recent[:Bins] {
			s.counts[i] += uint64(n)
		}
	}
	s.recent, s.held = nil, 0
}

// room returns the recent counters, bins at least 2^exp wide, for counts that add up to no more than sum, which is below 2^32: a tensor has
// fewer elements. Behind the bins are those that the kernel uses itself.
func (s *Stat) room(exp int, sum uint64) []uint32 {
	s.grow(exp)
	if s.held+sum > math.MaxUint32 {
		s.settle()
	}
	if s.recent == nil {
		s.recent = make([]uint32, Bins+kernel.HistogramExtra)
	}
	s.held += sum
	return s.recent
}

// slot returns where bin i goes when bins become 2^shift times as wide. The
// shift of a negative number rounds down, as the floor in bin does.
func slot(i, shift int) int { return Half + (i-Half)>>shift }

// bin returns the place of a finite x among bins 2^exp wide: ⌊x/2^exp⌋, from
// Half up. In float32 the quotient of a tiny negative x may underflow to 0, in
// float64 it cannot.
func bin(x float32, exp int) int {
	return Half + int(math.Floor(math.Ldexp(float64(x), -exp)))
}

// exponent returns the smallest e ≥ minExp with m < Half·2^e, for a finite
// m ≥ 0.
func exponent(m float32) int {
	e := int(math.Float32bits(m)<<1>>24) - 126 // of ±m, which is below 2^e, and from 2^(e−1) up if it is normal
	return max(e-halfBits, minExp)
}
