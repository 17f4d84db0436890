package kernel

// QuantizeU8 computes dst[i] = clamp(round(src[i]/scale) + zero, lo, hi) with
// true division and rounding half to even, as ONNX defines it. NaN becomes lo.
// 0 ≤ lo ≤ hi ≤ 255.
func QuantizeU8(dst []uint8, src []float32, scale float32, zero, lo, hi int32) {
	active.quantizeDiv(dst, src[:len(dst)], len(dst), int(zero), scale, float32(lo-zero), float32(hi-zero))
}

// QuantizeU8Mul computes dst[i] = clamp(round(src[i]·inv + shift) + zero, lo, hi),
// product and sum rounded each, as OpenVINO does with the reciprocal of a scale.
// NaN becomes lo. 0 ≤ lo ≤ hi ≤ 255.
func QuantizeU8Mul(dst []uint8, src []float32, inv, shift float32, zero, lo, hi int32) {
	active.quantizeMul(dst, src[:len(dst)], len(dst), int(zero), inv, shift, float32(lo-zero), float32(hi-zero))
}

// DequantizeU8 computes dst[i] = (src[i] - zero)·scale.
func DequantizeU8(dst []float32, src []uint8, scale float32, zero int32) {
	active.dequantize(dst, src[:len(dst)], len(dst), int(zero), scale)
}

// Lookup8 computes dst[i] = table[src[i]]: any function of one code. The slices
// may be the same.
func Lookup8(dst, src []uint8, table *[256]uint8) {
	active.lookup(dst, src[:len(dst)], table[:], len(dst))
}

// LookupPair8 computes dst[i] = table[256·a[i] + b[i]]: any function of two codes,
// such as a quantized sum or product in the arithmetic of some runtime.
func LookupPair8(dst, a, b []uint8, table *[1 << 16]uint8) {
	active.lookupPair(dst, a[:len(dst)], b[:len(dst)], table[:], len(dst))
}

// MaxPool8 computes y [channels, outH, outW] from x [channels, inH, inW].
// Padding is passed over; a window of nothing else gives 0.
func MaxPool8(y, x []uint8, shape PoolShape, s *Scratch) { maxPool8(active, y, x, shape, s) }

func maxPool8(mach *machine, y, x []uint8, shape PoolShape, s *Scratch) {
	p := shape.plane()
	y, x = y[:shape.Channels*shape.OutH*shape.OutW], x[:shape.Channels*shape.InH*shape.InW]
	plane := s.byte(slotPlane, pool8Size(&p))
	clear(plane)
	mach.maxPool8(y, x, plane, s.shape(&p))
}

// pool8Size is the scratch of a pooling of codes: the padded plane and one
// folded row, past each of which a window of two vectors may begin.
func pool8Size(p *plane) int {
	return int(p[planePH])*int(p[planePW]) + int(p[planePW]) + 4*pool8Slack
}

const pool8Slack = 16
