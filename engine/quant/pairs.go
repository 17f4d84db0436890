package quant

import "math"

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
	codes := make([]int8, len(weights))
	best, moved := fitAt(codes, weights, pairs, scale, qmax, math.Inf(1))
	if !moved {
		return scale, codes
	}
	top := float64(scale)
	for _, p := range pairs {
		a, b := float64(weights[p[0]]), float64(weights[p[1]])
		if (a > 0) == (b > 0) {
			top = max(top, math.Abs(a+b)/(PairSum-1)) // rounding may add half a code to both
		}
	}
	finest, ratio := float64(scale), min(top, MaxScale)/float64(scale)
	tried := make([]int8, len(weights))
	for k := 1; k <= scales; k++ {
		s := float32(finest * math.Pow(ratio, float64(k)/scales))
		if err, _ := fitAt(tried, weights, pairs, s, qmax, best); err < best {
			scale, best = s, err
			codes, tried = tried, codes
		}
	}
	return scale, codes
}

// fitAt rounds a filter on one scale into codes, moves the pairs that are too large, and returns the squared error and
// whether any moved. It may stop where the error reaches limit.
func fitAt(codes []int8, weights []float32, pairs []Pair, scale float32, qmax int32, limit float64) (sum float64, moved bool) {
	bound := float32(qmax)
	const stretch = 64 // after which sums are looked at
	// Rounding to nearest has the least error: what is moved after it only adds to that. The margin is for the order of sums.
	least, enough := 0.0, limit*(1+1e-9)
	for i := 0; i < len(weights); i += stretch {
		for k, w := range weights[i:min(i+stretch, len(weights))] {
			c := code(w, scale, -bound, bound)
			codes[i+k] = int8(c)
			d := float64(w) - float64(c)*float64(scale)
			least += d * d
		}
		if least > enough {
			return least, false
		}
	}
	for _, pair := range pairs {
		a, b := &codes[pair[0]], &codes[pair[1]]
		if excess(int32(*a), int32(*b)) > 0 {
			moved = true
			*a, *b = shrink(weights[pair[0]]/scale, weights[pair[1]]/scale, *a, *b)
		}
	}
	if !moved { // the sum below would be of the same terms in the same order
		return least, false
	}
	for len(weights) > 0 && sum < limit {
		n := min(stretch, len(weights))
		for i, w := range weights[:n] {
			d := float64(w) - float64(codes[i])*float64(scale)
			sum += d * d
		}
		weights, codes = weights[n:], codes[n:]
	}
	return sum, moved
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
