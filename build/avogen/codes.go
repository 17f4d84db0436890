package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
)

// codeKernels go between floats, sums and codes.
func codeKernels(g *gen) {
	rescale(g)
	requantize(g)
	requantizeDiv(g)
	g.function("quantizeDivVector", "(dst *uint8, src *float32, n, zero int, scale, lo, hi float32)", "is refQuantizeDiv.")
	src, scale := g.load("src"), g.broadcast("scale")
	grid := g.grid()
	g.encode("dst", func(u int, mask vec) vec {
		v := g.read(at(src, u*vecBytes), mask)
		g.VDIVPS(scale, v, v)
		return grid(v)
	}, func(vectors int) { g.ADDQ(operand.I32(vectors*vecBytes), src) })

	g.function("quantizeMulVector", "(dst *uint8, src *float32, n, zero int, inv, shift, lo, hi float32)", "is refQuantizeMul.")
	src = g.load("src")
	inv, shift := g.broadcast("inv"), g.broadcast("shift")
	grid = g.grid()
	g.encode("dst", func(u int, mask vec) vec {
		v := g.read(at(src, u*vecBytes), mask)
		g.VMULPS(inv, v, v)
		g.VADDPS(shift, v, v)
		return grid(v)
	}, func(vectors int) { g.ADDQ(operand.I32(vectors*vecBytes), src) })
	g.function("quantizeFMAVector", "(dst *uint8, src *float32, n, zero int, inv, shift, lo, hi float32)", "is refQuantizeFMA.")
	src = g.load("src")
	inv, shift = g.broadcast("inv"), g.broadcast("shift")
	grid = g.grid()
	g.encode("dst", func(u int, mask vec) vec {
		v := g.read(at(src, u*vecBytes), mask)
		g.VFMADD213PS(shift, inv, v)
		return grid(v)
	}, func(vectors int) { g.ADDQ(operand.I32(vectors*vecBytes), src) })
	fma(g)
	dequantize(g)
}

func fma(g *gen) {
	g.function("fmaVector", "(dst, src, add *float32, n int, factor, shift, lo, hi float32)", "is refFMA, with add where it is not nil.")
	dst, src, add, n := g.load("dst"), g.load("src"), g.load("add"), g.load("n")
	factor, shift, lo, hi := g.broadcast("factor"), g.broadcast("shift"), g.broadcast("lo"), g.broadcast("hi")
	// step computes a vector; without add the same vector is its addend each time.
	step := func(adds bool, mask vec) vec {
		v, c := g.read(at(src, 0), mask), shift
		if adds {
			c = g.read(at(add, 0), mask)
			g.ADDQ(operand.I32(vecBytes), add)
		}
		g.VFMADD213PS(c, factor, v)
		g.clamp(v, lo, hi)
		return v
	}
	loop := func(name string, adds bool) {
		g.while(n, 8, name+"vector", func() {
			g.VMOVUPS(step(adds, nil), at(dst, 0))
			g.ADDQ(operand.I32(vecBytes), src)
			g.ADDQ(operand.I32(vecBytes), dst)
		})
		g.ifNonzero(n, name+"even", func() {
			mask := g.mask(n)
			g.VMASKMOVPS(step(adds, mask), mask, at(dst, 0))
		})
	}
	g.ifNonzero(add, "add", func() {
		loop("add", true)
		g.XORQ(n, n)
	})
	loop("shift", false)
	g.end()
}

// read loads a vector, of which mask, when there is one, says what exists.
func (g *gen) read(m mem, mask vec) vec {
	v := g.YMM()
	if mask == nil {
		g.VMOVUPS(m, v)
	} else {
		g.VMASKMOVPS(m, mask, v)
	}
	return v
}

// grid returns what brings floats onto the grid of a kernel's lo, hi and zero,
// as integers. NaN becomes lo.
func (g *gen) grid() func(v vec) vec {
	lo, hi, zero := g.broadcast("lo"), g.broadcast("hi"), g.broadcastInt("zero")
	return func(v vec) vec {
		g.VMAXPS(lo, v, v)
		g.VMINPS(v, hi, v)
		g.VCVTPS2DQ(v, v) // half to even
		g.VPADDD(zero, v, v)
		return v
	}
}

// broadcastInt returns the low half of an int parameter in all lanes.
func (g *gen) broadcastInt(param string) vec {
	v := g.YMM()
	g.VPBROADCASTD(g.param(param), v)
	return v
}

// encode stores the integers that value returns, 0 to 255, as n bytes, and
// ends the function. next moves the operands on.
func (g *gen) encode(dst string, value func(u int, mask vec) vec, next func(vectors int)) {
	to, n, order := g.load(dst), g.load("n"), g.YMM()
	g.VPMOVZXBD(g.halvesOrder(), order)
	g.while(n, 4*8, "block", func() {
		var v [4]vec
		for u := range v {
			v[u] = value(u, nil)
		}
		g.VPACKSSDW(v[1], v[0], v[0])
		g.VPACKSSDW(v[3], v[2], v[2])
		g.VPACKUSWB(v[2], v[0], v[0])
		g.VPERMD(v[0], order, v[0])
		g.VMOVDQU(v[0], at(to, 0))
		g.ADDQ(operand.I32(vecBytes), to)
		next(4)
	})
	narrow := func(v vec) {
		high := g.YMM()
		g.VEXTRACTI128(operand.U8(1), v, high.AsX())
		g.VPACKSSDW(high.AsX(), v.AsX(), v.AsX())
		g.VPACKUSWB(v.AsX(), v.AsX(), v.AsX())
	}
	g.while(n, 8, "vector", func() {
		v := value(0, nil)
		narrow(v)
		g.VMOVQ(v.AsX(), at(to, 0))
		g.ADDQ(operand.I32(8), to)
		next(1)
	})
	g.ifNonzero(n, "even", func() {
		v := value(0, g.mask(n))
		narrow(v)
		bytes := g.GP64()
		g.VMOVQ(v.AsX(), bytes)
		g.countdown(n, "byte", func() {
			g.MOVB(bytes.As8(), at(to, 0))
			g.SHRQ(operand.U8(8), bytes)
			g.INCQ(to)
		})
	})
	g.end()
}

// halvesOrder returns the order of the eighths of four vectors that were packed
// into one within halves, as bytes in memory.
func (g *gen) halvesOrder() mem {
	const name = "halvesorder"
	if !g.halves {
		g.halves = true
		g.StaticGlobal(name)
		g.DataAttributes(attr.RODATA | attr.NOPTR)
		g.AppendDatum(operand.U64(0x0703060205010400))
	}
	return operand.NewDataAddr(operand.NewStaticSymbol(name), 0)
}

// scaled returns what makes floats of the sums at acc, as refScaled does, and
// what moves the operands on.
func (g *gen) scaled() (value func(u int, mask vec) vec, next func(vectors int)) {
	acc, add, flags := g.load("acc"), g.load("add"), g.load("flags")
	offset, scale, bias := g.broadcastInt("offset"), g.broadcast("scale"), g.broadcast("bias")
	value = func(u int, mask vec) vec {
		v := g.read(at(acc, u*vecBytes), mask)
		g.VPADDD(offset, v, v)
		g.VCVTDQ2PS(v, v)
		g.VMULPS(scale, v, v)
		g.ifFlag(flags, flagBias, "nobias", func() { g.VADDPS(bias, v, v) })
		g.ifFlag(flags, flagAdd, "noadd", func() { g.VADDPS(g.read(at(add, u*vecBytes), mask), v, v) })
		return v
	}
	return value, func(vectors int) {
		g.ADDQ(operand.I32(vectors*vecBytes), acc)
		g.ADDQ(operand.I32(vectors*vecBytes), add)
	}
}

func rescale(g *gen) {
	g.function("rescaleVector", "(f *float32, acc *int32, add *float32, n, offset, flags int, scale, bias, lo, hi float32)", "is refRescale.")
	value, next := g.scaled()
	lo, hi := g.broadcast("lo"), g.broadcast("hi")
	f, n := g.load("f"), g.load("n")
	block := func(vectors int) {
		for u := range vectors {
			v := value(u, nil)
			g.clamp(v, lo, hi)
			g.VMOVUPS(v, at(f, u*vecBytes))
		}
		g.ADDQ(operand.I32(vectors*vecBytes), f)
		next(vectors)
	}
	g.while(n, 2*8, "block", func() { block(2) })
	g.while(n, 8, "vector", func() { block(1) })
	g.ifNonzero(n, "even", func() {
		mask := g.mask(n)
		v := value(0, mask)
		g.clamp(v, lo, hi)
		g.VMASKMOVPS(v, mask, at(f, 0))
	})
	g.end()
}

func requantize(g *gen) {
	g.function("requantizeVector", "(y *uint8, acc *int32, add *float32, n, offset, flags, zero int, scale, bias, inv, shift, lo, hi float32)", "is refRequantize.")
	value, next := g.scaled()
	inv, shift := g.broadcast("inv"), g.broadcast("shift")
	grid := g.grid()
	g.encode("y", func(u int, mask vec) vec {
		v := value(u, mask)
		g.VMULPS(inv, v, v)
		g.VADDPS(shift, v, v)
		return grid(v)
	}, next)
}

func requantizeDiv(g *gen) {
	g.function("requantizeDivVector", "(y *uint8, acc *int32, add *float32, n, offset, flags, zero int, scale, bias, divisor, lo, hi float32)", "is refRequantizeDiv.")
	value, next := g.scaled()
	divisor := g.broadcast("divisor")
	grid := g.grid()
	g.encode("y", func(u int, mask vec) vec {
		v := value(u, mask)
		g.VDIVPS(divisor, v, v)
		return grid(v)
	}, next)
}

func dequantize(g *gen) {
	g.function("dequantizeVector", "(dst *float32, src *uint8, n, zero int, scale float32)", "is refDequantize for whole vectors of eight.")
	dst, src, n := g.load("dst"), g.load("src"), g.load("n")
	zero, scale := g.broadcastInt("zero"), g.broadcast("scale")
	g.while(n, 8, "vector", func() {
		v := g.YMM()
		g.VPMOVZXBD(at(src, 0), v)
		g.VPSUBD(zero, v, v)
		g.VCVTDQ2PS(v, v)
		g.VMULPS(scale, v, v)
		g.VMOVUPS(v, at(dst, 0))
		g.ADDQ(operand.I32(8), src)
		g.ADDQ(operand.I32(vecBytes), dst)
	})
	g.end()
}
