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

// idct writes the 8x8 samples of a block of dequantized coefficients, columns
// first, with two more bits of fraction between the passes. It spoils b.
//
// One transform of eight values makes sums e of the even inputs and o of the
// odd ones; output i is e[i]+o[i], output 7-i is e[i]-o[i]. It is written out
// twice, in int, because in wasm a call passes all sixteen numbers through
// memory and 32-bit arithmetic extends the sign after every step.
func idct(b *[64]int32, dst []uint8, stride int) {
	for i := range 8 {
		if b[8+i]|b[16+i]|b[24+i]|b[32+i]|b[40+i]|b[48+i]|b[56+i] == 0 {
			v := b[i] << 2
			b[i], b[8+i], b[16+i], b[24+i], b[32+i], b[40+i], b[48+i], b[56+i] = v, v, v, v, v, v, v, v
			continue
		}
		x0, x1, x2, x3 := int(b[i]), int(b[8+i]), int(b[16+i]), int(b[24+i])
		x4, x5, x6, x7 := int(b[32+i]), int(b[40+i]), int(b[48+i]), int(b[56+i])
		z := (x2 + x6) * f0541
		p, q := z-x6*f1847, z+x2*f0765
		s, d := (x0+x4)<<13, (x0-x4)<<13
		e0, e3, e1, e2 := s+q, s-q, d+p, d-p
		z = (x7 + x3 + x5 + x1) * f1175
		a, m := -f0899*(x7+x1), -f2562*(x5+x3)
		c, g := z-f1961*(x7+x3), z-f0390*(x5+x1)
		o0, o1, o2, o3 := x1*f1501+a+g, x3*f3072+m+c, x5*f2053+m+g, x7*f0298+a+c
		const half = 1 << 10
		e0, e1, e2, e3 = e0+half, e1+half, e2+half, e3+half
		b[i], b[56+i] = int32((e0+o0)>>11), int32((e0-o0)>>11)
		b[8+i], b[48+i] = int32((e1+o1)>>11), int32((e1-o1)>>11)
		b[16+i], b[40+i] = int32((e2+o2)>>11), int32((e2-o2)>>11)
		b[24+i], b[32+i] = int32((e3+o3)>>11), int32((e3-o3)>>11)
	}
	for y := range 8 {
		r, out := b[y*8:y*8+8], dst[y*stride:y*stride+8]
		x0, x1, x2, x3 := int(r[0]), int(r[1]), int(r[2]), int(r[3])
		x4, x5, x6, x7 := int(r[4]), int(r[5]), int(r[6]), int(r[7])
		z := (x2 + x6) * f0541
		p, q := z-x6*f1847, z+x2*f0765
		s, d := (x0+x4)<<13, (x0-x4)<<13
		e0, e3, e1, e2 := s+q, s-q, d+p, d-p
		z = (x7 + x3 + x5 + x1) * f1175
		a, m := -f0899*(x7+x1), -f2562*(x5+x3)
		c, g := z-f1961*(x7+x3), z-f0390*(x5+x1)
		o0, o1, o2, o3 := x1*f1501+a+g, x3*f3072+m+c, x5*f2053+m+g, x7*f0298+a+c
		const half = 1<<17 + 128<<18 // samples are centred on 128
		e0, e1, e2, e3 = e0+half, e1+half, e2+half, e3+half
		out[0], out[7] = clamp((e0+o0)>>18), clamp((e0-o0)>>18)
		out[1], out[6] = clamp((e1+o1)>>18), clamp((e1-o1)>>18)
		out[2], out[5] = clamp((e2+o2)>>18), clamp((e2-o2)>>18)
		out[3], out[4] = clamp((e3+o3)>>18), clamp((e3-o3)>>18)
	}
}

// flat writes the block that has only its first coefficient.
func flat(dst []uint8, stride int, dc int32) {
	v := uint64(clamp(int(dc+4)>>3+128)) * 0x0101010101010101
	for y := range 8 {
		binary.LittleEndian.PutUint64(dst[y*stride:], v)
	}
}

func clamp(v int) uint8 {
	if uint(v) > 255 {
		return uint8(^(v >> 63))
	}
	return uint8(v)
}
