package observe

import (
	"math"
	"math/bits"
	"slices"
	"sync"

	"dropquant/engine/kernel"
)

// Large slices are counted in two parts. The values of the tails decide where a range had better end: each of them is counted. The body in
// between only weighs rounding errors, for which a sample stands, whose values have the weight of those between: blocks at places that
// kernel.Sample chooses, others for each seed, so that some images together show all of a value. About one of two or three hundred values
// lies in a tail.
//
// What is done depends on the slice and the seed of its image alone, so that a Stat remains a function of what was observed; it does
// depend on the slices in which an image's values come.
const (
	leastBits   = 9
	sampleLeast = 1 << leastBits  // values
	sampleFrom  = 4 * sampleLeast // smaller slices are counted whole: it takes no longer
	farShare    = 8               // a sample that this part of the values lies outside of is not like the others
)

// weight returns, as a power of two, the weight of the values of a sample of n, which are about four times as many as the root of n: a larger
// sample takes longer itself, and a smaller one leaves more values in the tails, which take longer.
func weight(n int) (up int) {
	size := bits.Len(uint(n)) - 1
	return size - max(leastBits, size/2+2)
}

// scratch is the working memory of one slice.
type scratch struct {
	sample []float32
	ends   [2 * kernel.SampleEnds]float32
	far    []float32 // what lies outside of the body
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// sample adds a large slice. It reports false, and has done nothing, for values that need care.
func (s *Stat) sample(image int, seed uint32, x []float32) bool {
	w := scratches.Get().(*scratch)
	ok := s.sampleIn(w, image, seed, x)
	scratches.Put(w)
	return ok
}

func (s *Stat) sampleIn(w *scratch, image int, seed uint32, x []float32) bool {
	up := weight(len(x))
	w.sample = slices.Grow(w.sample[:0], len(x)>>up+kernel.SampleBlock)
	sample := w.sample[:kernel.Sample(w.sample[:cap(w.sample)], w.ends[:], x, 1<<up, int(seed&(1<<up-1)))]
	// A tail lies beyond the second least far of the extremes of the four parts. Extremes are often neighbours: as parts have no block in
	// common, those of one or two blocks do not take the tail for the body.
	lows, highs := sorted([kernel.SampleEnds]float32(w.ends[:])), sorted([kernel.SampleEnds]float32(w.ends[kernel.SampleEnds:]))
	low, high := lows[2], above(highs[1])
	least, most, ok := w.search(x, low, high)
	if !ok {
		return false
	}
	least, most = min(least, lows[0]), max(most, highs[3])
	if math.IsInf(float64(least), 0) || math.IsInf(float64(most), 0) {
		return false
	}
	counts := s.room(exponent(max(-least, most)), uint64(len(sample))<<up+uint64(len(w.far)))
	tally(counts, sample, s.exp, 1<<up)
	sample = sample[:kernel.Outside(sample, sample, low, high)] // its tails
	tally(counts, sample, s.exp, -1<<up)
	tally(counts, w.far, s.exp, 1)
	s.extend(Extremes{image, least, most})
	return true
}

// sorted returns four numbers, the smallest first. The language's min and max are calls on wasm.
func sorted(x [kernel.SampleEnds]float32) [kernel.SampleEnds]float32 {
	for _, pair := range [...][2]int{{0, 1}, {2, 3}, {0, 2}, {1, 3}, {1, 2}} {
		if a, b := pair[0], pair[1]; x[b] < x[a] {
			x[a], x[b] = x[b], x[a]
		}
	}
	return x
}

// above returns the next number.
func above(x float32) float32 { return math.Nextafter32(x, float32(math.Inf(1))) }

// part is how many values are searched at a time, those first that were written last: they are still in the cache, and those are in it
// afterwards that the next layer reads first.
const part = 1 << 14

// search fills w.far with the values of x that do not lie in begin ≤ x < end, and returns their extremes, ±Inf if there are none. It reports
// false if one is not finite or they are too many.
func (w *scratch) search(x []float32, begin, end float32) (least, most float32, ok bool) {
	limit := len(x) / farShare
	w.far = slices.Grow(w.far[:0], limit+part)
	for len(x) > 0 && len(w.far) <= limit {
		rest := (len(x) - 1) / part * part
		w.far = w.far[:len(w.far)+kernel.Outside(w.far[len(w.far):cap(w.far)], x[rest:], begin, end)]
		x = x[:rest]
	}
	least, most, bad := kernel.MinMax(w.far)
	return least, most, bad == 0 && len(w.far) <= limit
}
