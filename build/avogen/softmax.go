package main

import "github.com/mmcloughlin/avo/operand"

// softmaxEnd is that of engine/kernel.
const softmaxEnd = -80

func softmaxKernels(g *gen) {
	g.function("softmaxRows", "(dst, src *float32, rows, cols int)", "computes e^(x-top) / Σ e^(x-top) along each row, top being the row's largest element.")
	dst, src, rows, cols := g.load("dst"), g.load("src"), g.load("rows"), g.load("cols")
	tail, left, i := g.GP64(), g.GP64(), g.GP64()
	g.MOVQ(cols, tail)
	g.ANDQ(operand.I32(7), tail)
	mask := g.mask(tail)
	// pass reads a row of p and gives each vector to f; last is the mask of the rest.
	pass := func(p gp, f func(x, last vec)) {
		g.MOVQ(cols, left)
		g.XORQ(i, i)
		g.while(left, 8, "vector", func() {
			x := g.YMM()
			g.VMOVUPS(indexed(p, i, 0), x)
			f(x, nil)
			g.ADDQ(operand.I32(vecBytes), i)
		})
		g.ifNonzero(left, "even", func() {
			x := g.YMM()
			g.VMASKMOVPS(indexed(p, i, 0), mask, x)
			f(x, mask)
		})
	}
	g.countdown(rows, "row", func() {
		top := g.YMM()
		g.VMOVUPS(g.f32(float32(negInf)), top)
		pass(src, func(x, last vec) {
			if last != nil {
				g.VBLENDVPS(last, x, top, x)
			}
			g.VMAXPS(top, x, top) // NaN is passed over
		})
		g.across(top, func(a, b vec) { g.VMAXPS(b, a, a) })
		sum := g.zero()
		pass(src, func(x, last vec) {
			g.VSUBPS(top, x, x)
			far := g.YMM()
			g.VCMPPS(operand.U8(cmpLess), g.f32(softmaxEnd), x, far)
			e := g.exp(x)
			g.VANDNPS(e, far, e)
			g.store(e, last, indexed(dst, i, 0))
			if last != nil {
				g.VANDPS(last, e, e)
			}
			g.VADDPS(e, sum, sum)
		})
		g.across(sum, func(a, b vec) { g.VADDPS(b, a, a) })
		pass(dst, func(x, last vec) {
			g.VDIVPS(sum, x, x)
			g.store(x, last, indexed(dst, i, 0))
		})
		g.LEAQ(mem{Base: src, Index: cols, Scale: 4}, src)
		g.LEAQ(mem{Base: dst, Index: cols, Scale: 4}, dst)
	})
	g.end()
}

// across folds the eight lanes of v into each of them.
func (g *gen) across(v vec, fold func(a, b vec)) {
	other := g.YMM()
	g.VPERM2F128(operand.U8(1), v, v, other)
	fold(v, other)
	for _, order := range []uint8{0b01_00_11_10, 0b10_11_00_01} {
		g.VPERMILPS(operand.U8(order), v, other)
		fold(v, other)
	}
}
