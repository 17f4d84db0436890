package main

import "github.com/mmcloughlin/avo/operand"

// rowKernels copies and sums rows.
func rowKernels(g *gen) {
	fill(g)
	copyRows(g)
	copyRowsSplit(g)
	rowMean(g)
}

func fill(g *gen) {
	g.function("fill", "(dst *float32, n int, value float32)", "sets n elements.")
	dst, n, v := g.load("dst"), g.load("n"), g.broadcast("value")
	g.while(n, 8, "vector", func() {
		g.VMOVUPS(v, at(dst, 0))
		g.ADDQ(operand.I32(vecBytes), dst)
	})
	g.VMASKMOVPS(v, g.mask(n), at(dst, 0))
	g.end()
}

func copyRows(g *gen) {
	g.function("copyRows", "(dst, src *float32, rows, cols, ldd, lds int)", "copies a block: dst[r·ldd+c] = src[r·lds+c].")
	dst, src, rows := g.load("dst"), g.load("src"), g.load("rows")
	ldd, lds, cols := g.load("ldd"), g.load("lds"), g.load("cols")
	tail, left, i := g.GP64(), g.GP64(), g.GP64()
	g.MOVQ(cols, tail)
	g.ANDQ(operand.I32(7), tail)
	mask := g.mask(tail)
	g.countdown(rows, "row", func() {
		g.MOVQ(cols, left)
		g.XORQ(i, i)
		g.while(left, 8, "vector", func() {
			v := g.YMM()
			g.VMOVUPS(indexed(src, i, 0), v)
			g.VMOVUPS(v, indexed(dst, i, 0))
			g.ADDQ(operand.I32(vecBytes), i)
		})
		g.ifNonzero(left, "even", func() {
			v := g.YMM()
			g.VMASKMOVPS(indexed(src, i, 0), mask, v)
			g.VMASKMOVPS(v, mask, indexed(dst, i, 0))
		})
		g.LEAQ(mem{Base: dst, Index: ldd, Scale: 4}, dst)
		g.LEAQ(mem{Base: src, Index: lds, Scale: 4}, src)
	})
	g.end()
}

// copyRowsSplit is what makes windows that move two columns at a time as quick
// as those that move one: the columns of a row are parted once, not at each tap.
func copyRowsSplit(g *gen) {
	g.function("copyRowsSplit", "(even, odd, src *float32, rows, cols, ldd, lds int)",
		"copies a block and parts its columns: even[r·ldd+c] = src[r·lds+2c] and",
		"odd[r·ldd+c] = src[r·lds+2c+1].")
	even, odd, src, rows := g.load("even"), g.load("odd"), g.load("src"), g.load("rows")
	ldd, lds, cols := g.load("ldd"), g.load("lds"), g.load("cols")
	part := func(a, b vec) (x, y vec) {
		x, y = g.YMM(), g.YMM()
		g.VSHUFPS(operand.U8(0b10_00_10_00), b, a, x)
		g.VSHUFPS(operand.U8(0b11_01_11_01), b, a, y)
		g.VPERMPD(operand.U8(0b11_01_10_00), x, x)
		g.VPERMPD(operand.U8(0b11_01_10_00), y, y)
		return x, y
	}
	tail := g.GP64()
	g.MOVQ(cols, tail)
	g.ANDQ(operand.I32(15), tail)
	masks := [4]vec{} // of the source's two vectors, and of the results
	n := g.GP64()
	eight := g.GP64()
	g.MOVQ(operand.I32(8), eight)
	g.MOVQ(tail, n)
	g.CMPQ(n, eight)
	g.CMOVQGT(eight, n)
	masks[0] = g.mask(n)
	g.SUBQ(n, tail)
	masks[1] = g.mask(tail)
	g.ADDQ(n, tail)
	g.SHRQ(operand.U8(1), tail)
	masks[3] = g.mask(tail)
	g.MOVQ(cols, n)
	g.ANDQ(operand.I32(1), n)
	g.ADDQ(n, tail)
	masks[2] = g.mask(tail)
	left, i := g.GP64(), g.GP64()
	g.countdown(rows, "row", func() {
		g.MOVQ(cols, left)
		g.XORQ(i, i)
		g.while(left, 16, "vector", func() {
			a, b := g.YMM(), g.YMM()
			g.VMOVUPS(mem{Base: src, Index: i, Scale: 2}, a)
			g.VMOVUPS(mem{Base: src, Index: i, Scale: 2, Disp: vecBytes}, b)
			x, y := part(a, b)
			g.VMOVUPS(x, indexed(even, i, 0))
			g.VMOVUPS(y, indexed(odd, i, 0))
			g.ADDQ(operand.I32(vecBytes), i)
		})
		g.ifNonzero(left, "full", func() {
			a, b := g.YMM(), g.YMM()
			g.VMASKMOVPS(mem{Base: src, Index: i, Scale: 2}, masks[0], a)
			g.VMASKMOVPS(mem{Base: src, Index: i, Scale: 2, Disp: vecBytes}, masks[1], b)
			x, y := part(a, b)
			g.VMASKMOVPS(x, masks[2], indexed(even, i, 0))
			g.VMASKMOVPS(y, masks[3], indexed(odd, i, 0))
		})
		g.LEAQ(mem{Base: even, Index: ldd, Scale: 4}, even)
		g.LEAQ(mem{Base: odd, Index: ldd, Scale: 4}, odd)
		g.LEAQ(mem{Base: src, Index: lds, Scale: 4}, src)
	})
	g.end()
}

func rowMean(g *gen) {
	g.function("rowMean", "(y, x *float32, rows, cols int)", "computes y[r] = Σ x[r, c] / cols, summed in float64.")
	y, x, rows, cols := g.load("y"), g.load("x"), g.load("rows"), g.load("cols")
	count := g.XMM()
	g.VXORPS(count, count, count)
	g.VCVTSI2SDQ(cols, count, count)
	tail, left := g.GP64(), g.GP64()
	g.MOVQ(cols, tail)
	g.ANDQ(operand.I32(7), tail)
	mask := g.mask(tail)
	g.countdown(rows, "row", func() {
		a, b := g.zero(), g.zero()
		add := func(v vec) {
			lo, hi, top := g.YMM(), g.YMM(), g.XMM()
			g.VCVTPS2PD(v.AsX(), lo)
			g.VEXTRACTF128(operand.U8(1), v, top)
			g.VCVTPS2PD(top, hi)
			g.VADDPD(lo, a, a)
			g.VADDPD(hi, b, b)
		}
		g.MOVQ(cols, left)
		g.while(left, 8, "vector", func() {
			v := g.YMM()
			g.VMOVUPS(at(x, 0), v)
			add(v)
			g.ADDQ(operand.I32(vecBytes), x)
		})
		g.ifNonzero(left, "even", func() {
			v := g.YMM()
			g.VMASKMOVPS(at(x, 0), mask, v)
			add(v)
			g.LEAQ(mem{Base: x, Index: left, Scale: 4}, x)
		})
		g.VADDPD(b, a, a)
		sum := g.sumDouble(a)
		g.VDIVSD(count, sum, sum)
		g.VCVTSD2SS(sum, sum, sum)
		g.VMOVSS(sum, at(y, 0))
		g.ADDQ(operand.I32(4), y)
	})
	g.end()
}

// sumDouble returns the sum of four float64.
func (g *gen) sumDouble(v vec) vec {
	half := g.XMM()
	g.VEXTRACTF128(operand.U8(1), v, half)
	g.VADDPD(half, v.AsX(), half)
	other := g.XMM()
	g.VUNPCKHPD(half, half, other)
	g.VADDSD(other, half, half)
	return half
}
