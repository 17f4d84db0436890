package kernel

// MinMax returns the smallest and the largest finite element, and how many
// elements are NaN or infinite. Without a finite one lo is +Inf and hi -Inf.
// The sign of a zero is not defined.
func MinMax(x []float32) (lo, hi float32, bad int) {
	out := make([]float32, 2)
	bad = active.minMax(out, x, len(x))
	return out[0], out[1], bad
}

// Histogram adds a weight, modulo 2^32, for each element to bins one unit wide, counts[⌊x·invWidth⌋ - first], and returns how many fall
// outside of the bins; NaN does. With a width that is a power of two the product is exact and all machines agree. |first| and
// first+len(counts) stay within 2^22. The last HistogramExtra of counts are no bins.
func Histogram(counts []uint32, x []float32, invWidth float32, first, weight int) (outside int) {
	return active.histogram(counts, x, invWidth, first, len(counts)-HistogramExtra, weight, len(x))
}

// HistogramExtra is how many counters Histogram uses for itself, behind those of the bins; what they hold means nothing.
const HistogramExtra = 4

// Sample copies one block of every period, which is a power of two: of period k, block 3k+from modulo period, if x is that long. It returns
// how many elements these are: dst has room for len(x)/period and a block. The places go round so that no width, plane or channel count
// of a network has a share in all of them. The blocks are dealt out to SampleEnds parts, one after the other; the smallest elements of these
// come first in ends and then the largest, both in any order, if none is NaN.
func Sample(dst, ends, x []float32, period, from int) int {
	blocks := len(x) / (period * SampleBlock)
	if (blocks*period+(3*blocks+from)%period+1)*SampleBlock <= len(x) { // the last period need not be whole
		blocks++
	}
	if blocks > 0 {
		active.sample(dst[:blocks*SampleBlock], ends[:2*SampleEnds], x, blocks, period, from%period)
	}
	return blocks * SampleBlock
}

// SampleBlock is how many neighbours Sample takes, and SampleEnds in how many parts it looks for extremes.
const (
	SampleBlock = 16
	SampleEnds  = 4
)

// Outside copies the elements that do not lie in lo ≤ x < hi to dst, in their order, and returns how many these are; NaN is one. dst is not
// shorter than x, and may be x.
func Outside(dst, x []float32, lo, hi float32) int {
	return active.outside(dst[:len(x)], x, lo, hi, len(x))
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
