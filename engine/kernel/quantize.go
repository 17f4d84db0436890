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

// CopyRows copies a block: dst[r·ldd+c] = src[r·lds+c].
func CopyRows(dst, src []float32, rows, cols, ldd, lds int) {
	if rows > 0 && cols > 0 {
		active.copyRows(dst[:(rows-1)*ldd+cols], src[:(rows-1)*lds+cols], rows, cols, ldd, lds)
	}
}
