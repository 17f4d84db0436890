package quant

import (
	"math"

	"dropquant/engine/kernel"
)

// Pair is the places in a filter of two weights whose products a CPU without VNNI adds in int16.
type Pair [2]int

// PairSum bounds two weights that form a Pair: with activation codes up to 255 their products fit int16 whatever the data
// when neither the sum of the positive codes among the two is above it nor that of the negative ones below −PairSum.
//
// Source: vpmaddubsw saturates u8·s8 + u8·s8 to −32768…32767, and 255·128 = 32640, 255·129 = 32895. A smaller bound on the
// activations would allow more; but calibrated ranges use all their codes.
const PairSum = 128

// Saturates reports whether some activation makes a pair of the filter overflow.
func Saturates(filter []int8, pairs []Pair) bool {
	for _, p := range pairs {
		if excess(int32(filter[p[0]]), int32(filter[p[1]])) > 0 {
			return true
		}
	}
	return false
}

// excess returns how far two codes are beyond the bound, 0 or less when they are not: codes of different signs never are.
func excess(a, b int32) int32 {
	if (a > 0) != (b > 0) {
		return 0
	}
	return max(a+b, -a-b) - PairSum
}

// scales is how many scales FitPairs tries beside the finest. Half as many gives the same accuracy on MobileNetV2.
const scales = 16

// FitPairs returns codes of int8 and a scale not below the given one under which no pair of the filter can overflow: of
// scales up to the one at which rounding to nearest is safe, that with the least squared error once the codes of every
// pair that is still too large are moved, both by the same amount, until they fit. A filter that is safe as it is keeps
// the scale. weights are the filter's elements in the order of the pairs; the codes lie within ±qmax.
func FitPairs(weights []float32, pairs []Pair, scale float32, qmax int32) (float32, []int8) {
	f := newFitter(weights, pairs, scale, qmax)
	if len(f.hot) > 0 {
		scale = f.search(scale)
	}
	return scale, f.codes(scale)
}

// fitter looks for the scale of one filter.
type fitter struct {
	weights []float32
	hot     []Pair // those that can overflow on the finest scale: on coarser ones codes are smaller, and no other can
	bound   float32
	reals   []float32 // of the codes on some scale
	few     []int8    // codes, in use at the places of hot pairs only
}

func newFitter(weights []float32, pairs []Pair, finest float32, qmax int32) *fitter {
	f := &fitter{weights: weights, bound: float32(qmax), few: make([]int8, len(weights))}
	f.round(f.few, finest)
	for _, p := range pairs {
		if excess(int32(f.few[p[0]]), int32(f.few[p[1]])) > 0 {
			f.hot = append(f.hot, p)
		}
	}
	return f
}

// search returns the best scale.
func (f *fitter) search(finest float32) float32 {
	top := float64(finest)
	for _, p := range f.hot {
		top = max(top, math.Abs(float64(f.weights[p[0]])+float64(f.weights[p[1]]))/(PairSum-1)) // rounding may add half a code to both
	}
	ratio := min(top, MaxScale) / float64(finest)
	f.reals = make([]float32, len(f.weights))
	scale, least := finest, f.error(finest, math.Inf(1))
	for k := 1; k <= scales; k++ {
		s := float32(float64(finest) * math.Pow(ratio, float64(k)/scales))
		if err := f.error(s, least); err < least {
			scale, least = s, err
		}
	}
	return scale
}

// error returns the squared error on a scale, or any number above limit. Rounding to nearest has the least error, and what is
// moved after it, seldom much, only adds to that.
func (f *fitter) error(scale float32, limit float64) float64 {
	kernel.FakeQuantize(f.reals, f.weights, scale, 0, -int32(f.bound), int32(f.bound))
	_, sum := kernel.Noise(f.weights, f.reals)
	if sum > limit {
		return sum
	}
	for _, p := range f.hot {
		for _, i := range p {
			f.few[i] = int8(code(f.weights[i], scale, -f.bound, f.bound))
		}
	}
	off := func(i int) float64 {
		d := float64(f.weights[i]) - float64(f.few[i])*float64(scale)
		return d * d
	}
	for _, p := range f.hot {
		before := off(p[0]) + off(p[1])
		if f.shrink(f.few, p, scale) {
			sum += off(p[0]) + off(p[1]) - before
		}
	}
	return sum
}

// codes returns the codes on a scale.
func (f *fitter) codes(scale float32) []int8 {
	codes := make([]int8, len(f.weights))
	f.round(codes, scale)
	for _, p := range f.hot {
		f.shrink(codes, p, scale)
	}
	return codes
}

// round rounds the filter to nearest.
func (f *fitter) round(codes []int8, scale float32) {
	for i, w := range f.weights {
		codes[i] = int8(code(w, scale, -f.bound, f.bound))
	}
}

// shrink moves the codes of a pair until they fit, and reports whether they did not before.
func (f *fitter) shrink(codes []int8, p Pair, scale float32) bool {
	a, b := &codes[p[0]], &codes[p[1]]
	if excess(int32(*a), int32(*b)) <= 0 {
		return false
	}
	*a, *b = shrink(f.weights[p[0]]/scale, f.weights[p[1]]/scale, *a, *b)
	return true
}

// shrink returns the codes of one sign nearest to the reals x and y, in steps, that sum to the bound, and are no larger
// than a and b: so a pair that shares one of them is not made worse.
func shrink(x, y float32, a, b int8) (int8, int8) {
	limit := int32(PairSum)
	if a < 0 {
		limit = -limit
	}
	// The nearest point of the line a + b = limit has both moved by the same amount.
	over := (x + y - float32(limit)) / 2
	lo, hi := float32(limit-int32(b)), float32(a) // neither code grows: |first| ≤ |a| and |limit − first| ≤ |b|
	if limit < 0 {
		lo, hi = hi, lo
	}
	first := RoundHalfEven(x - over)
	if !(first >= lo) { // NaN too
		first = lo
	}
	first = min(first, hi)
	return int8(first), int8(limit - int32(first))
}
