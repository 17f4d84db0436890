package kernel

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

// Noise returns Σ a² and Σ (a-b)², summed in float64.
func Noise(a, b []float32) (signal, noise float64) {
	out := make([]float64, 2)
	active.noise(out, a, b[:len(a)], len(a))
	return out[0], out[1]
}
