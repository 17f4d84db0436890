package quant

// magic is 1.5·2²³: adding it to a float32 below 2²² in magnitude leaves no
// room for a fraction, so the addition itself rounds, ties to even.
const magic = 3 << 22

// RoundHalfEven rounds to the nearest whole number, ties to the even one, for
// |x| ≤ 2²². It returns +0 where math.RoundToEven returns −0.
func RoundHalfEven(x float32) float32 {
	return float32(x+magic) - magic
}

// code returns clamp(rne(x/scale), lo, hi) as a float32 whole number. lo and hi
// are the first and last code less zero, so that the clamp happens before the
// conversion to an integer and nothing can wrap. NaN becomes lo, as in ONNX
// Runtime's x86-64 kernel, where the maximum with lo comes first.
func code(x, scale, lo, hi float32) float32 {
	v := x / scale
	if !(v >= lo) {
		v = lo
	}
	if v > hi {
		v = hi
	}
	return RoundHalfEven(v)
}
