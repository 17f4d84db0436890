package jpeg

import "encoding/binary"

// Multipliers of the inverse DCT in 13 bits of fraction. Source: Loeffler,
// Ligtenberg, Moschytz, "Practical fast 1-D DCT algorithms with 11
// multiplications", ICASSP 1989, in the order and rounding of jidctint.c.
const (
	f0298 = 2446
	f0390 = 3196
	f0541 = 4433
	f0765 = 6270
	f0899 = 7373
	f1175 = 9633
	f1501 = 12299
	f1847 = 15137
	f1961 = 16069
	f2053 = 16819
	f2562 = 20995
	f3072 = 25172
)

// half1D is one inverse transform of eight values: the sums e of the even
// inputs and o of the odd ones; output i is e[i]+o[i], output 7-i is e[i]-o[i].
func half1D(x0, x1, x2, x3, x4, x5, x6, x7 int32) (e0, e1, e2, e3, o0, o1, o2, o3 int32) {
	z := (x2 + x6) * f0541
	p, q := z-x6*f1847, z+x2*f0765
	s, d := (x0+x4)<<13, (x0-x4)<<13
	e0, e3, e1, e2 = s+q, s-q, d+p, d-p

	a, b, c, g := -f0899*(x7+x1), -f2562*(x5+x3), -f1961*(x7+x3), -f0390*(x5+x1)
	z = (x7 + x3 + x5 + x1) * f1175
	c += z
	g += z
	o3 = x7*f0298 + a + c
	o2 = x5*f2053 + b + g
	o1 = x3*f3072 + b + c
	o0 = x1*f1501 + a + g
	return
}

// idct writes the 8x8 samples of a block of dequantized coefficients, columns
// first, with two more bits of fraction between the passes. It spoils b.
func idct(b *[64]int32, dst []uint8, stride int) {
	for i := range 8 {
		if b[8+i]|b[16+i]|b[24+i]|b[32+i]|b[40+i]|b[48+i]|b[56+i] == 0 {
			v := b[i] << 2
			b[i], b[8+i], b[16+i], b[24+i], b[32+i], b[40+i], b[48+i], b[56+i] = v, v, v, v, v, v, v, v
			continue
		}
		e0, e1, e2, e3, o0, o1, o2, o3 := half1D(b[i], b[8+i], b[16+i], b[24+i], b[32+i], b[40+i], b[48+i], b[56+i])
		const half = 1 << 10
		b[i], b[56+i] = (e0+o0+half)>>11, (e0-o0+half)>>11
		b[8+i], b[48+i] = (e1+o1+half)>>11, (e1-o1+half)>>11
		b[16+i], b[40+i] = (e2+o2+half)>>11, (e2-o2+half)>>11
		b[24+i], b[32+i] = (e3+o3+half)>>11, (e3-o3+half)>>11
	}
	for y := range 8 {
		r, d := b[y*8:y*8+8], dst[y*stride:y*stride+8]
		e0, e1, e2, e3, o0, o1, o2, o3 := half1D(r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7])
		const half = 1<<17 + 128<<18 // samples are centred on 128
		d[0], d[7] = clamp((e0+o0+half)>>18), clamp((e0-o0+half)>>18)
		d[1], d[6] = clamp((e1+o1+half)>>18), clamp((e1-o1+half)>>18)
		d[2], d[5] = clamp((e2+o2+half)>>18), clamp((e2-o2+half)>>18)
		d[3], d[4] = clamp((e3+o3+half)>>18), clamp((e3-o3+half)>>18)
	}
}

// flat writes the block that has only its first coefficient.
func flat(dst []uint8, stride int, dc int32) {
	v := uint64(clamp((dc+4)>>3+128)) * 0x0101010101010101
	for y := range 8 {
		binary.LittleEndian.PutUint64(dst[y*stride:], v)
	}
}

func clamp(v int32) uint8 {
	if uint32(v) > 255 {
		return uint8(^(v >> 31))
	}
	return uint8(v)
}
