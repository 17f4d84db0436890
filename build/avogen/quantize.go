package main

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func quantizeKernels(g *gen) {
	stream{"fakeQuantizeVector", "rounds to a grid as refFakeQuantize does.", []string{"src"}, []string{"scale", "lo", "hi"}, 4,
		func(g *gen, in, s []vec) vec {
			x, scale, lo, hi := in[0], s[0], s[1], s[2]
			g.VDIVPS(scale, x, x)
			g.VROUNDPS(operand.U8(roundNearest), x, x)
			g.VADDPS(g.zero(), x, x) // -0 becomes +0
			g.VMAXPS(lo, x, x)       // NaN becomes lo
			g.VMINPS(x, hi, x)
			g.VMULPS(scale, x, x)
			return x
		}}.make(g)
	minMax(g)
	histogram(g)
	sample(g)
	outside(g)
	noise(g)
}

func minMax(g *gen) {
	g.function("minMaxVector", "(out, x *float32, n int) (bad int)", "writes the smallest and the largest finite element to out and counts the others.")
	x, n := g.load("x"), g.load("n")
	limit := g.YMM()
	g.VMOVDQU(g.u32(math.Float32bits(math.MaxFloat32)), limit)
	const sets = 2
	var lo, hi, bad [sets]vec
	for s := range sets {
		lo[s], hi[s], bad[s] = g.constant(float32(math.Inf(1))), g.constant(float32(negInf)), g.zero()
	}
	take := func(s int, v, outside vec) {
		odd := g.YMM()
		g.VANDPS(g.u32(math.MaxInt32), v, odd)
		g.VPCMPGTD(limit, odd, odd)
		g.VPADDD(odd, bad[s], bad[s])
		// A lane of ones is NaN, for which the extremes stay as they are.
		g.VORPS(odd, v, v)
		if outside != nil {
			g.VORPS(outside, v, v)
		}
		g.VMINPS(lo[s], v, lo[s])
		g.VMAXPS(hi[s], v, hi[s])
	}
	block := func(vectors int) {
		for s := range vectors {
			v := g.YMM()
			g.VMOVUPS(at(x, s*vecBytes), v)
			take(s, v, nil)
		}
		g.ADDQ(operand.I32(vectors*vecBytes), x)
	}
	g.while(n, 8*sets, "block", func() { block(sets) })
	g.while(n, 8, "vector", func() { block(1) })
	g.ifNonzero(n, "even", func() {
		mask, v := g.mask(n), g.YMM()
		g.VMASKMOVPS(at(x, 0), mask, v)
		g.VXORPS(g.u32(math.MaxUint32), mask, mask)
		take(0, v, mask)
	})
	g.VMINPS(lo[1], lo[0], lo[0])
	g.VMAXPS(hi[1], hi[0], hi[0])
	g.VPADDD(bad[1], bad[0], bad[0])
	g.across(lo[0], func(a, b vec) { g.VMINPS(b, a, a) })
	g.across(hi[0], func(a, b vec) { g.VMAXPS(b, a, a) })
	g.across(bad[0], func(a, b vec) { g.VPADDD(b, a, a) })
	out := g.load("out")
	g.VMOVSS(lo[0].AsX(), at(out, 0))
	g.VMOVSS(hi[0].AsX(), at(out, 4))
	count := g.GP64()
	g.VMOVD(bad[0].AsX(), count.As32())
	g.NEGL(count.As32())
	g.Store(count, g.Return("bad"))
	g.end()
}

// histogram computes the bins of eight elements at a time; the counting itself
// goes one by one. Zeros, which are half of what follows a ReLU, would wait for
// each other in memory: they are counted apart, and where the others add to
// a bin they do so with a place of their lane on the stack that nobody reads.
func histogram(g *gen) {
	g.function("histogramVector", "(counts *uint32, x *float32, scale float32, first, bins, weight, n int) (outside int)",
		"counts elements as refHistogram does.")
	counts, x, n, weight := g.load("counts"), g.load("x"), g.load("n"), g.load("weight")
	scale := g.broadcast("scale")
	firstInt, zero := g.GP64(), g.GP64() // zero is the bin of 0, or one that does not exist
	g.MOVQ(g.param("first"), firstInt)
	g.MOVQ(firstInt, zero)
	g.NEGQ(zero)
	first, bins := g.spread(firstInt), g.spread(g.load("bins"))
	zeroBin, zeros := g.YMM(), g.zero()
	g.VMOVD(zero.As32(), zeroBin.AsX())
	g.VPBROADCASTD(zeroBin.AsX(), zeroBin)

	indices, unread := g.AllocLocal(vecBytes), g.AllocLocal(vecBytes)
	outside, dummy := g.GP64(), g.GP64()
	g.XORQ(outside, outside)
	bin := func(v vec) (index vec, inside reg.GPVirtual) {
		g.VMULPS(scale, v, v)
		g.VROUNDPS(operand.U8(roundDown), v, v)
		g.VSUBPS(first, v, v)
		below, above := g.YMM(), g.YMM()
		g.VCMPPS(operand.U8(cmpGreaterEqual), g.zero(), v, below)
		g.VCMPPS(operand.U8(cmpLess), bins, v, above)
		g.VANDPS(above, below, below)
		bits := g.GP32()
		g.VMOVMSKPS(below, bits)
		g.VCVTTPS2DQ(v, v)
		return v, bits
	}
	// some counts the lanes of index that lanes allows, one after the other.
	some := func(index vec, inside reg.GPVirtual, lanes reg.Register) {
		g.VMOVDQU(index, indices)
		lane, loop, skip, next := g.GP64(), g.label("lane"), g.label("outside"), g.label("next")
		g.XORQ(lane, lane)
		g.Label(loop)
		g.BTL(lane.As32(), inside)
		g.JCC(to(skip))
		i := g.GP64()
		g.MOVLQSX(indices.Idx(lane, 4), i)
		g.ADDL(weight.As32(), mem{Base: counts, Index: i, Scale: 4})
		g.JMP(to(next))
		g.Label(skip)
		g.INCQ(outside)
		g.Label(next)
		g.INCQ(lane)
		g.CMPQ(lane, lanes)
		g.JLT(to(loop))
	}
	g.while(n, 8, "vector", func() {
		v := g.YMM()
		g.VMOVUPS(at(x, 0), v)
		index, inside := bin(v)
		slow, next := g.label("ragged"), g.label("counted")
		g.CMPL(inside, operand.U32(0xff))
		g.JNE(to(slow))
		g.VMOVDQU(index, indices)
		same := g.YMM()
		g.VPCMPEQD(zeroBin, index, same)
		g.VPSUBD(same, zeros, zeros)
		for lane := range 8 {
			i, p := g.GP64(), g.GP64()
			g.LEAQ(unread.Offset(4*lane), dummy)
			g.MOVLQSX(indices.Offset(4*lane), i)
			g.LEAQ(mem{Base: counts, Index: i, Scale: 4}, p)
			g.CMPQ(i, zero)
			g.CMOVQEQ(dummy, p)
			g.ADDL(weight.As32(), at(p, 0))
		}
		g.JMP(to(next))
		g.Label(slow)
		eight := g.GP64()
		g.MOVQ(operand.I32(8), eight)
		some(index, inside, eight)
		g.Label(next)
		g.ADDQ(operand.I32(vecBytes), x)
	})
	g.ifNonzero(n, "even", func() {
		v := g.YMM()
		g.VMASKMOVPS(at(x, 0), g.mask(n), v)
		index, inside := bin(v)
		some(index, inside, n)
	})
	g.across(zeros, func(a, b vec) { g.VPADDD(b, a, a) })
	total := g.GP64()
	g.VMOVD(zeros.AsX(), total.As32())
	g.ifNonzero(total, "nozeros", func() {
		g.IMULL(weight.As32(), total.As32())
		g.ADDL(total.As32(), mem{Base: counts, Index: zero, Scale: 4})
	})
	g.Store(outside, g.Return("outside"))
	g.end()
}

// sample copies blocks of two vectors and keeps the extremes of every fourth.
func sample(g *gen) {
	g.function("sampleVector", "(dst, ends, x *float32, blocks, period, from int)", "is refSample for one block or more.")
	dst, x, blocks, period, from := g.load("dst"), g.load("x"), g.load("blocks"), g.load("period"), g.load("from")
	const parts = 4
	var lo, hi [parts]vec
	for i := range lo {
		lo[i], hi[i] = g.constant(float32(math.Inf(1))), g.constant(float32(negInf))
	}
	least, most := func(a, b vec) { g.VMINPS(b, a, a) }, func(a, b vec) { g.VMAXPS(b, a, a) }
	const size = 2 * vecBytes
	inside, step := g.GP64(), g.GP64()
	g.LEAQ(at(period, -1), inside)
	g.MOVQ(period, step)
	g.IMUL3Q(operand.I32(size), step, step)
	g.countdown(blocks, "block", func() {
		block := g.GP64()
		g.MOVQ(from, block)
		g.ANDQ(inside, block)
		g.IMUL3Q(operand.I32(size), block, block)
		for i := range size / vecBytes {
			v := g.YMM()
			g.VMOVUPS(indexed(x, block, i*vecBytes), v)
			g.VMOVUPS(v, at(dst, i*vecBytes))
			least(lo[0], v)
			most(hi[0], v)
		}
		for _, ends := range [...][parts]vec{lo, hi} { // the next block is for the next of them
			first := g.YMM()
			g.VMOVAPS(ends[0], first)
			for i := range parts - 1 {
				g.VMOVAPS(ends[i+1], ends[i])
			}
			g.VMOVAPS(first, ends[parts-1])
		}
		g.ADDQ(operand.I32(size), dst)
		g.ADDQ(step, x)
		g.ADDQ(operand.I8(3), from)
	})
	ends := g.load("ends")
	for i := range parts {
		g.across(lo[i], least)
		g.across(hi[i], most)
		g.VMOVSS(lo[i].AsX(), at(ends, 4*i))
		g.VMOVSS(hi[i].AsX(), at(ends, 4*(parts+i)))
	}
	g.end()
}

// outside looks at 32 elements at a time for whether one lies outside, which is seldom so.
func outside(g *gen) {
	g.function("outsideVector", "(dst, x *float32, lo, hi float32, blocks int) (count int)", "is refOutside for blocks of 32 elements.")
	dst, x, blocks := g.load("dst"), g.load("x"), g.load("blocks")
	lo, hi := g.broadcast("lo"), g.broadcast("hi")
	start := g.GP64()
	g.MOVQ(dst, start)
	inside := func(i int) vec {
		v, low := g.YMM(), g.YMM()
		g.VMOVUPS(at(x, i*vecBytes), v)
		g.VCMPPS(operand.U8(cmpGreaterEqual), lo, v, low)
		g.VCMPPS(operand.U8(cmpLess), hi, v, v)
		g.VANDPS(low, v, v)
		return v
	}
	// others is the lanes that are not those of a mask, as bits.
	others := func(mask vec) gp {
		bits := g.GP64()
		g.VMOVMSKPS(mask, bits.As32())
		g.XORL(operand.U32(0xff), bits.As32())
		return bits
	}
	g.countdown(blocks, "block", func() {
		all := inside(0)
		for i := 1; i < 4; i++ {
			g.VANDPS(inside(i), all, all)
		}
		g.ifNonzero(others(all), "inside", func() {
			for i := range 4 {
				bits := others(inside(i))
				g.ifNonzero(bits, "none", func() {
					lane, v, more := g.GP64(), g.GP64(), g.label("lane")
					g.Label(more)
					g.BSFQ(bits, lane)
					g.MOVL(mem{Base: x, Index: lane, Scale: 4, Disp: i * vecBytes}, v.As32())
					g.MOVL(v.As32(), at(dst, 0))
					g.ADDQ(operand.I8(4), dst)
					g.LEAQ(at(bits, -1), lane)
					g.ANDQ(lane, bits)
					g.JNZ(to(more))
				})
			}
		})
		g.ADDQ(operand.I32(4*vecBytes), x)
	})
	g.SUBQ(start, dst)
	g.SHRQ(operand.U8(2), dst)
	g.Store(dst, g.Return("count"))
	g.end()
}

// spread returns an integer as float32 in all lanes.
func (g *gen) spread(n gp) vec {
	v := g.YMM()
	g.VMOVD(n.As32(), v.AsX())
	g.VPBROADCASTD(v.AsX(), v)
	g.VCVTDQ2PS(v, v)
	return v
}

func noise(g *gen) {
	g.function("noiseVector", "(out *float64, a, b *float32, n int)", "writes Σ a² and Σ (a-b)² to out, summed in float64.")
	a, b, n := g.load("a"), g.load("b"), g.load("n")
	const sets = 2
	var signal, error [sets]vec
	for s := range sets {
		signal[s], error[s] = g.zero(), g.zero()
	}
	take := func(s int, x, y vec) {
		g.VFMADD231PD(x, x, signal[s])
		g.VSUBPD(y, x, x)
		g.VFMADD231PD(x, x, error[s])
	}
	g.while(n, 8, "vector", func() {
		for s := range sets {
			x, y := g.YMM(), g.YMM()
			g.VCVTPS2PD(at(a, 16*s), x)
			g.VCVTPS2PD(at(b, 16*s), y)
			take(s, x, y)
		}
		g.ADDQ(operand.I32(vecBytes), a)
		g.ADDQ(operand.I32(vecBytes), b)
	})
	g.ifNonzero(n, "even", func() {
		mask, x, y := g.mask(n), g.YMM(), g.YMM()
		g.VMASKMOVPS(at(a, 0), mask, x)
		g.VMASKMOVPS(at(b, 0), mask, y)
		for s := range sets {
			p, q := g.XMM(), g.XMM()
			g.VEXTRACTF128(operand.U8(uint8(s)), x, p)
			g.VEXTRACTF128(operand.U8(uint8(s)), y, q)
			u, v := g.YMM(), g.YMM()
			g.VCVTPS2PD(p, u)
			g.VCVTPS2PD(q, v)
			take(s, u, v)
		}
	})
	out := g.load("out")
	for i, sums := range [][sets]vec{signal, error} {
		g.VADDPD(sums[1], sums[0], sums[0])
		g.VMOVSD(g.sumDouble(sums[0]), at(out, 8*i))
	}
	g.end()
}
