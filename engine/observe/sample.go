package observe

import (
	"math"
	"slices"
	"sync"

	"dropquant/engine/kernel"
)

// Large slices are counted in two parts. Values in the tails, about one of 128, decide where a range had better end: each of them is
// counted, as are the extremes. The body in between only weighs rounding errors, for which a sixteenth of its values stands with sixteenfold
// weight: blocks at places that kernel.Sample chooses. A sample of the smaller slices too, or a smaller one, takes less time; with
// both the file of YOLOX-Nano was 1.5 dB worse, by chance or not.
//
// What is done depends on the slice alone, so that a Stat remains a function of what was
// observed; it does depend on the slices in which an image's values come.
const (
	sampleFrom = 1 << 15
	weight     = 4 // of the body, as a power of two
	tailShare  = 128
	farShare   = 8 // a sample that this part of the values lies outside of is not like the others
)

// scratch is the working memory of one slice.
type scratch struct {
	sample []float32
	far    []float32 // what lies outside of the body
	counts counters
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// sample adds a large slice. It reports false, and has done nothing, for values that need care.
func (s *Stat) sample(image int, x []float32) bool {
	w := scratches.Get().(*scratch)
	defer scratches.Put(w)
	w.sample = slices.Grow(w.sample[:0], len(x)>>weight+kernel.SampleBlock)
	w.sample = w.sample[:kernel.Sample(w.sample[:cap(w.sample)], x, 1<<weight)]
	lo, hi, bad := kernel.MinMax(w.sample)
	e := exponent(max(-lo, hi))
	if bad > 0 || e > maxExact {
		return false
	}
	kernel.Histogram(w.counts[:], w.sample, scale(e), -Half)
	from, to := w.body(bin(lo, e), bin(hi, e)+1)
	low, high := edge(from, e), edge(to, e)
	// An extreme lies beyond those of the sample, if it is not one of them.
	least, most, ok := w.search(x, max(low, lo), min(high, math.Nextafter32(hi, math.MaxFloat32)))
	least, most = min(least, lo), max(most, hi)
	wide := exponent(max(-least, most))
	if !ok || wide > maxExact {
		clear(w.counts[:])
		return false
	}
	if wide != e { // the sample missed the extreme; in wider bins the tails begin no earlier
		e = wide
		clear(w.counts[:])
		kernel.Histogram(w.counts[:], w.sample, scale(e), -Half)
		from, to = w.body(bin(least, e), bin(most, e)+1)
		low, high = edge(from, e), edge(to, e)
	}
	tails := w.far[:kernel.Outside(w.far, w.far, low, high)]
	kernel.Histogram(w.counts[:], tails, scale(e), -Half)
	s.add(w, e, bin(least, e), bin(most, e)+1, from, to)
	s.extend(Extremes{image, least, most})
	return true
}

// edge returns where a bin begins.
func edge(bin, exp int) float32 { return float32(bin-Half) / scale(exp) }

// part is how many values are searched at a time.
const part = 1 << 14

// search fills w.far with the values of x that do not lie in begin ≤ x < end, and returns their extremes, ±Inf if there are none. It reports
// false if one is not finite or they are too many.
func (w *scratch) search(x []float32, begin, end float32) (least, most float32, ok bool) {
	limit := len(x) / farShare
	w.far = slices.Grow(w.far[:0], limit+part)
	for len(x) > 0 && len(w.far) <= limit {
		n := min(part, len(x))
		w.far = w.far[:len(w.far)+kernel.Outside(w.far[len(w.far):cap(w.far)], x[:n], begin, end)]
		x = x[n:]
	}
	least, most, bad := kernel.MinMax(w.far)
	return least, most, bad == 0 && len(w.far) <= limit
}

// body returns the bins between the tails, each of which holds at most half of its share of the sample, out of the bins in use; it
// has 0 in it. The counters of the tails become 0.
func (w *scratch) body(from, to int) (first, end int) {
	limit := uint32(len(w.sample) / tailShare / 2)
	c := &w.counts
	first, end = Half, Half+1
	if from < first {
		first = from + kernel.First(c[from:first], limit)
		clear(c[from:first])
	}
	if to > end {
		end = to - kernel.Last(c[end:to], limit)
		clear(c[end:to])
	}
	return first, end
}

// add empties the counters of bins 2^exp wide, in use from lo up to hi, of which those of the body, from up to to, have its weight. The
// ends hold something.
func (s *Stat) add(w *scratch, exp, lo, hi, from, to int) {
	counts := s.room(exp, uint64(len(w.sample))<<weight+uint64(len(w.far))+2)
	down := s.exp - exp
	from, to = max(from, lo), min(to, hi)
	for _, end := range [...]int{lo, hi - 1} {
		if w.counts[end] == 0 {
			counts[slot(end, down)]++
		}
	}
	merge(counts, w.counts[:from], lo, down, 0)
	merge(counts, w.counts[:to], from, down, weight)
	merge(counts, w.counts[:hi], to, down, 0)
}

// merge adds counters from bin first on, shifted up, to bins that are 2^down times as wide, and empties them.
func merge(to, from []uint32, first, down, up int) {
	down = min(down, halfBits) // after which all bins of a side are one
	from = from[first:]
	kernel.AddCounts(to, from, first+Half<<down-Half, down, up)
	clear(from)
}
