package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
)

// integerKernels are the products of codes and what is around them.
func integerKernels(g *gen) {
	for _, quads := range []bool{false, true} {
		for h := 1; h <= gemmRows; h++ {
			for w := 1; w <= 2; w++ {
				integerGemm(g, quads, h, w)
			}
		}
		packCodes(g, quads)
	}
	depthwiseCodes(g, 1)
	depthwiseCodes(g, 2)
	maxBytes(g)
}

// groupBytes is the size of a group of inner elements: four bytes, or two
// integers of 16 bits.
const groupBytes = 4

// integerGemm is gemmKernel on groups, without an epilogue. Two instructions
// make 16 products of 16 bits, three make 32 of 8 bits whose pairs saturate:
// both twice what a fused multiplication makes of float32.
func integerGemm(g *gen, quads bool, h, w int) {
	if quads {
		g.function(fmt.Sprintf("gemmQuads%dx%d", h, 8*w), "(c *int32, a, b *uint8, extra *int32, count, k, extras, ldc, flags int)",
			fmt.Sprintf("multiplies count panels of %d rows with %d panel(s) of eight columns, as", h, w),
			"a groupsKernel does, with pairs that saturate.")
	} else {
		g.function(fmt.Sprintf("gemmPairs%dx%d", h, 8*w), "(c *int32, a, b *uint8, extra *int32, count, k, extras, ldc, flags int)",
			fmt.Sprintf("multiplies count panels of %d rows with %d panel(s) of eight columns, as", h, w),
			"a groupsKernel does, of 16-bit integers.")
	}
	c, a, b, extra := g.load("c"), g.load("a"), g.load("b"), g.load("extra")
	ldc, flags, count := g.load("ldc"), g.load("flags"), g.load("count")
	g.SHLQ(operand.U8(2), ldc)
	side := g.load("k") // bytes from one panel of columns to the next
	g.SHLQ(operand.U8(5), side)
	g.countdown(count, "panel", func() {
		acc := make([][]vec, h)
		for i := range acc {
			for range w {
				acc[i] = append(acc[i], g.zero())
			}
		}
		pb, left := g.GP64(), g.GP64()
		g.MOVQ(b, pb)
		g.MOVQ(g.param("k"), left)
		step := func(p int) { // group p after the ones at a and pb
			right := []vec{g.YMM()}
			g.VMOVDQU(at(pb, p*vecBytes), right[0])
			if w == 2 {
				right = append(right, g.YMM())
				g.VMOVDQU(indexed(pb, side, p*vecBytes), right[1])
			}
			for i := range h {
				l := g.YMM()
				g.VPBROADCASTD(at(a, groupBytes*(p*h+i)), l)
				for j := range w {
					products := g.YMM()
					if quads {
						g.VPMADDUBSW(l, right[j], products)
						g.VPMADDWD(g.u32(1<<16|1), products, products)
					} else {
						g.VPMADDWD(l, right[j], products)
					}
					g.VPADDD(products, acc[i][j], acc[i][j])
				}
			}
		}
		g.while(left, gemmUnroll, "depth", func() {
			for p := range gemmUnroll {
				if line := groupBytes * h * p / cacheLine; p == 0 || line > groupBytes*h*(p-1)/cacheLine {
					g.PREFETCHT0(at(a, leftAhead+line*cacheLine))
				}
				step(p)
			}
			g.ADDQ(operand.I32(gemmUnroll*vecBytes), pb)
			g.ADDQ(operand.I32(gemmUnroll*groupBytes*h), a)
		})
		g.countdown(left, "rest", func() {
			step(0)
			g.ADDQ(operand.I32(vecBytes), pb)
			g.ADDQ(operand.I32(groupBytes*h), a)
		})
		g.MOVQ(g.param("extras"), left)
		g.countdown(left, "extra", func() {
			g.MOVLQSX(at(extra, 0), pb)
			g.ADDQ(b, pb)
			step(0)
			g.ADDQ(operand.I32(4), extra)
			g.ADDQ(operand.I32(groupBytes*h), a)
		})
		rows := g.rows(c, ldc, h)
		each := func(f func(i, j int)) {
			for i := range h {
				for j := range w {
					f(i, j)
				}
			}
		}
		g.ifFlag(flags, flagLoad, "fresh", func() {
			each(func(i, j int) { g.VPADDD(rows[i].Offset(j*vecBytes), acc[i][j], acc[i][j]) })
		})
		each(func(i, j int) { g.VMOVDQU(acc[i][j], rows[i].Offset(j*vecBytes)) })
		g.advance(c, ldc, h)
	})
	g.end()
}

// packCodes copies the eight columns of a panel, k groups of them: columns that
// lie side by side, and columns in two windows of sixteen bytes.
func packCodes(g *gen, quads bool) {
	name, doc := "packPairs", "as refPackPairs does"
	if quads {
		name, doc = "packQuads", "as refPackQuads does"
	}
	g.function(name+"Run", "(dst, src *uint8, koff *int32, k int)", "packs eight columns that lie side by side, "+doc+".")
	src := g.load("src")
	g.packGroups(quads, func(off gp) vec {
		v := g.YMM()
		g.VMOVQ(indexed(src, off, 0), v.AsX())
		return v
	})

	g.function(name+"Windows", "(dst, first, second *uint8, koff *int32, control *uint8, k int)",
		"packs eight columns that control picks out of two windows of sixteen bytes,", doc+".")
	first, second, control := g.load("first"), g.load("second"), g.load("control")
	pick := [2]vec{g.YMM(), g.YMM()}
	g.VMOVDQU(at(control, 0), pick[0].AsX())
	g.VMOVDQU(at(control, 16), pick[1].AsX())
	g.packGroups(quads, func(off gp) vec {
		v, w := g.YMM(), g.YMM()
		g.VMOVDQU(indexed(first, off, 0), v.AsX())
		g.VMOVDQU(indexed(second, off, 0), w.AsX())
		g.VPSHUFB(pick[0].AsX(), v.AsX(), v.AsX())
		g.VPSHUFB(pick[1].AsX(), w.AsX(), w.AsX())
		g.VPOR(v.AsX(), w.AsX(), v.AsX())
		return v
	})
}

// packGroups interleaves what column returns for each inner element: eight bytes.
func (g *gen) packGroups(quads bool, column func(off gp) vec) {
	dst, koff, k := g.load("dst"), g.load("koff"), g.load("k")
	lanes := 2
	if quads {
		lanes = 4
	}
	g.countdown(k, "group", func() {
		x := make([]vec, lanes)
		for i := range x {
			off := g.GP64()
			g.MOVLQSX(at(koff, 4*i), off)
			x[i] = column(off)
		}
		out := g.YMM()
		g.VPUNPCKLBW(x[1].AsX(), x[0].AsX(), x[0].AsX())
		if quads {
			g.VPUNPCKLBW(x[3].AsX(), x[2].AsX(), x[2].AsX())
			g.VPUNPCKHWD(x[2].AsX(), x[0].AsX(), x[1].AsX())
			g.VPUNPCKLWD(x[2].AsX(), x[0].AsX(), out.AsX())
			g.VINSERTI128(operand.U8(1), x[1].AsX(), out, out)
		} else {
			g.VPMOVZXBW(x[0].AsX(), out)
		}
		g.VMOVDQU(out, at(dst, 0))
		g.ADDQ(operand.I32(4*lanes), koff)
		g.ADDQ(operand.I32(vecBytes), dst)
	})
	g.end()
}

// depthwiseCodes makes sixteen sums at a time out of pairs of taps, or eight
// where no more are left.
func depthwiseCodes(g *gen, stride int) {
	g.function(fmt.Sprintf("depthwiseCodes%d", stride), "(acc *int32, x *uint8, w, off *int32, pairs, rows, cols, pitch int)",
		fmt.Sprintf("is refDepthwise8 for windows %d apart. w holds the weights of two taps as", stride),
		"16-bit integers, off the offsets of two.")
	acc, x, w, off := g.load("acc"), g.load("x"), g.load("w"), g.load("off")
	pairs, rows, cols, pitch := g.load("pairs"), g.load("rows"), g.load("cols"), g.load("pitch")
	from, left, tap, o := g.GP64(), g.GP64(), g.GP64(), g.GP64()
	read := func(m mem, wide bool) vec {
		v := g.YMM()
		switch {
		case stride == 1 && wide:
			g.VPMOVZXBW(m, v)
		case stride == 1:
			g.VPMOVZXBW(m, v.AsX())
		case wide:
			g.VMOVDQU(m, v)
			g.VPAND(g.u32(0xff00ff), v, v)
		default:
			g.VMOVDQU(m, v.AsX())
			g.VPAND(g.u32(0xff00ff), v.AsX(), v.AsX())
		}
		return v
	}
	sums := func(wide bool) {
		lo, hi := g.zero(), g.zero()
		next := g.label("taps")
		g.XORQ(tap, tap)
		g.Label(next)
		g.MOVLQSX(mem{Base: off, Index: tap, Scale: 8}, o)
		a := read(indexed(from, o, 0), wide)
		g.MOVLQSX(mem{Base: off, Index: tap, Scale: 8, Disp: 4}, o)
		b := read(indexed(from, o, 0), wide)
		weights, odd := g.YMM(), g.YMM()
		g.VPBROADCASTD(mem{Base: w, Index: tap, Scale: 4}, weights)
		g.VPUNPCKHWD(b, a, odd)
		g.VPUNPCKLWD(b, a, a)
		g.VPMADDWD(weights, a, a)
		g.VPMADDWD(weights, odd, odd)
		g.VPADDD(a, lo, lo)
		g.VPADDD(odd, hi, hi)
		g.INCQ(tap)
		g.CMPQ(tap, pairs)
		g.JLT(to(next))
		if wide {
			v := g.YMM()
			g.VPERM2I128(operand.U8(0x20), hi, lo, v)
			g.VPERM2I128(operand.U8(0x31), hi, lo, hi)
			g.VMOVDQU(v, at(acc, 0))
			g.VMOVDQU(hi, at(acc, vecBytes))
		} else {
			g.VMOVDQU(lo.AsX(), at(acc, 0))
			g.VMOVDQU(hi.AsX(), at(acc, 16))
		}
	}
	g.countdown(rows, "row", func() {
		g.MOVQ(x, from)
		g.MOVQ(cols, left)
		loop, narrow, done := g.label("wide"), g.label("narrow"), g.label("rowdone")
		g.Label(loop)
		g.CMPQ(left, operand.I32(8))
		g.JLE(to(narrow))
		sums(true)
		g.ADDQ(operand.I32(16*stride), from)
		g.ADDQ(operand.I32(2*vecBytes), acc)
		g.SUBQ(operand.I32(16), left)
		g.JMP(to(loop))
		g.Label(narrow)
		g.TESTQ(left, left)
		g.JLE(to(done))
		sums(false)
		g.ADDQ(operand.I32(vecBytes), acc)
		g.SUBQ(operand.I32(8), left)
		g.Label(done)
		g.LEAQ(mem{Base: acc, Index: left, Scale: 4}, acc) // back to where the row ends
		g.ADDQ(pitch, x)
	})
	g.end()
}

func maxBytes(g *gen) {
	g.function("maxBytesVector", "(dst, src *uint8, n int)", "computes dst[i] = max(dst[i], src[i]) for whole vectors of 32.")
	dst, src, n := g.load("dst"), g.load("src"), g.load("n")
	g.while(n, vecBytes, "vector", func() {
		v := g.YMM()
		g.VMOVDQU(at(src, 0), v)
		g.VPMAXUB(at(dst, 0), v, v)
		g.VMOVDQU(v, at(dst, 0))
		g.ADDQ(operand.I32(vecBytes), src)
		g.ADDQ(operand.I32(vecBytes), dst)
	})
	g.end()
}
