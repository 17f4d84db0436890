package kernel

// refFakeQuantize rounds to a grid: with r = x/scale rounded half to even,
//
//	dst[i] = min(max(r, lo), hi)·scale
//
// where lo and hi are qmin and qmax less the zero point. NaN becomes lo, as in
// ONNX Runtime's MLAS kernel. The sum with zero turns -0 into +0.
func refFakeQuantize(dst, src []float32, scale, lo, hi float32, n int) {
	dst, src = dst[:n], src[:n]
	for i, x := range src {
		r := roundF32(x/scale) + 0
		if !(lo < r) {
			r = lo
		}
		if hi < r {
			r = hi
		}
		dst[i] = r * scale
	}
}
