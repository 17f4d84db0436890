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
	ph, pw, area := int(p[planePH]), int(p[planePW]), shape.OutH*shape.OutW
	wide := s.byte(slotPlane, ph*pw+pw)
	plane, folded := wide[:ph*pw], wide[ph*pw:]
	for c := range shape.Channels {
		pad8(plane, x[c*shape.InH*shape.InW:], 1, shape.InH, shape.InW, ph, pw, shape.PadTop, shape.PadLeft, 0)
		for i := range shape.OutH {
			clear(folded) // down the columns, then along
			for ky := range shape.KH {
				mach.maxBytes(folded, plane[(i*shape.StrideH+ky*shape.DilationH)*pw:], pw, 1)
			}
			row := y[c*area+i*shape.OutW:][:shape.OutW]
			clear(row)
			for kx := range shape.KW {
				mach.maxBytes(row, folded[kx*shape.DilationW:], shape.OutW, shape.StrideW)
			}
		}
	}
}
