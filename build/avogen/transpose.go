package main

import "github.com/mmcloughlin/avo/operand"

func transposeKernels(g *gen) {
	g.function("transpose8x8", "(dst, src *float32, blocks, rows, cols int)",
		"turns blocks of eight rows and eight columns, one below the other:",
		"dst[c·rows+r] = src[r·cols+c] for r < 8·blocks, c < 8.")
	dst, src, blocks := g.load("dst"), g.load("src"), g.load("blocks")
	ldd, lds := g.load("rows"), g.load("cols")
	g.SHLQ(operand.U8(2), ldd)
	g.SHLQ(operand.U8(2), lds)
	g.countdown(blocks, "block", func() {
		fourth, to := g.GP64(), g.GP64()
		g.MOVQ(dst, to)
		g.LEAQ(mem{Base: src, Index: lds, Scale: 4}, fourth)
		upper, lower := g.rows(src, lds, 4), g.rows(fourth, lds, 4)
		for half := range 2 {
			var v [4]vec // each holds four elements of two rows
			for i := range v {
				v[i] = g.YMM()
				g.VMOVUPS(upper[i].Offset(16*half), v[i].AsX())
				g.VINSERTF128(operand.U8(1), lower[i].Offset(16*half), v[i], v[i])
			}
			g.turn(v, func(column vec) {
				g.VMOVUPS(column, at(to, 0))
				g.ADDQ(ldd, to)
			})
		}
		g.LEAQ(mem{Base: src, Index: lds, Scale: 8}, src)
		g.ADDQ(operand.I32(vecBytes), dst)
	})
	g.end()
}

// turn gives f the four columns of eight rows, of which v[i] holds the rows i
// and i+4.
func (g *gen) turn(v [4]vec, f func(column vec)) {
	for pair := range 2 {
		a, b := g.YMM(), g.YMM()
		if pair == 0 {
			g.VUNPCKLPS(v[1], v[0], a)
			g.VUNPCKLPS(v[3], v[2], b)
		} else {
			g.VUNPCKHPS(v[1], v[0], a)
			g.VUNPCKHPS(v[3], v[2], b)
		}
		for _, order := range []uint8{0b01_00_01_00, 0b11_10_11_10} {
			column := g.YMM()
			g.VSHUFPS(operand.U8(order), b, a, column)
			f(column)
		}
	}
}
