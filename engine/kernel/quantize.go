package kernel

import "math"

// FakeQuantize rounds to a grid and back:
//
//	dst[i] = (clamp(round(src[i]/scale) + zero, qmin, qmax) - zero)·scale
//
// with true division and rounding half to even. NaN becomes qmin's value. All
// machines agree exactly. scale is positive; qmin ≤ zero ≤ qmax, within 16 bits.
func FakeQuantize(dst, src []float32, scale float32, zero, qmin, qmax int32) {
	active.fakeQuantize(dst, src[:len(dst)], scale, float32(qmin-zero), float32(qmax-zero), len(dst))
}

// MinMax returns the smallest and the largest finite element, and how many
// elements are NaN or infinite. Without a finite one lo is +Inf and hi -Inf.
// The sign of a zero is not defined.
func MinMax(x []float32) (lo, hi float32, bad int) {
	out := make([]float32, 2)
	bad = active.minMax(out, x, len(x))
	return out[0], out[1], bad
}

// Histogram counts elements in bins one unit wide, counts[⌊x·invWidth⌋ - first]++,
// and returns how many fall outside of counts; NaN does. With a width that is a
// power of two the product is exact and all machines agree. |first| and
// first+len(counts) stay within 2^22.
func Histogram(counts []uint32, x []float32, invWidth float32, first int) (outside int) {
	return active.histogram(counts, x, invWidth, first, len(counts), len(x))
}

// Tails looks at all elements, and counts as Histogram does those below lo, which is not positive,
// and those from hi up, which is; what falls outside of counts is passed over.
// It returns the smallest and the largest element, whose zeros have no sign. When
// some are not finite it returns false, and neither means anything.
func Tails(counts []uint32, x []float32, invWidth float32, first int, lo, hi float32) (least, most float32, finite bool) {
	bins := len(counts) - TailsExtra
	if active.tails(counts, x, invWidth, lo, hi, first, bins, len(x)) != 0 || len(x) == 0 {
		return posInf, negInf, false
	}
	least, most = math.Float32frombits(counts[bins]), math.Float32frombits(counts[bins+1])
	if most < 0 || math.Signbit(float64(most)) { // no element is positive, and none tells which is the least negative
		least, most, _ = MinMax(x)
	}
	return least, most, true
}

// TailsExtra is how many counters Tails uses for itself, behind those of the bins.
const TailsExtra = 2

// AddCounts computes sums[i] += counts[i]·2^shift.
func AddCounts(sums []uint64, counts []uint32, shift int) {
	active.addCounts(sums[:len(counts)], counts, shift, len(counts))
}

// CopyRows copies a block: dst[r·ldd+c] = src[r·lds+c].
func CopyRows(dst, src []float32, rows, cols, ldd, lds int) {
	if rows > 0 && cols > 0 {
		active.copyRows(dst[:(rows-1)*ldd+cols], src[:(rows-1)*lds+cols], rows, cols, ldd, lds)
	}
}

// Noise returns Σ a² and Σ (a-b)², summed in float64.
func Noise(a, b []float32) (signal, noise float64) {
	out := make([]float64, 2)
	active.noise(out, a, b[:len(a)], len(a))
	return out[0], out[1]
}

// RowSquares computes sums[r] = Σ x[r, c]² for rows of the same length; sums has one element more than there are rows, which is overwritten.
func RowSquares(sums []float64, x []float32) {
	rows := len(sums) - 1
	if rows < 1 {
		return
	}
	cols := len(x) / rows
	for r := range rows {
		row := x[r*cols : (r+1)*cols]
		active.noise(sums[r:r+2], row, row, cols)
	}
}
