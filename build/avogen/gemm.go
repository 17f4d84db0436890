package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
)

// The flags of engine/kernel's gemm and depthwise kernels.
const (
	flagLoad = 1 << iota
	flagDone
	flagBias
	flagAdd
)

// The weights of a late layer come from far away, and each element is used for
// two vectors only: without fetching them ahead layers of 7x7 take 15 % longer.
const (
	cacheLine = 64
	leftAhead = 2048 // bytes
)

const (
	gemmRows   = 6 // with two vectors a row, 12 of the 16 registers are sums
	gemmUnroll = 4
)

// gemmKernels makes a kernel for each height of a panel, each for one panel of
// eight columns and for two that lie side by side.
func gemmKernels(g *gen) {
	for h := 1; h <= gemmRows; h++ {
		for w := 1; w <= 2; w++ {
			gemmKernel(g, h, w)
		}
	}
	gemmColumn(g)
	packLeft(g)
}

func gemmKernel(g *gen, h, w int) {
	g.function(fmt.Sprintf("gemm%dx%d", h, 8*w), "(c, a, b, bias, add *float32, count, k, ldc, ldadd, flags int, lo, hi float32)",
		fmt.Sprintf("multiplies count panels of %d rows with %d panel(s) of eight columns, as", h, w),
		"refGemm does. What c holds is added to the sum at its end.")
	c, a, b := g.load("c"), g.load("a"), g.load("b")
	bias, add := g.load("bias"), g.load("add")
	ldc, ldadd := g.load("ldc"), g.load("ldadd")
	flags, count := g.load("flags"), g.load("count")
	g.SHLQ(operand.U8(2), ldc)
	g.SHLQ(operand.U8(2), ldadd)
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
		// The rows of c are far apart: fetch them while the sums are made.
		rows := g.rows(c, ldc, h)
		for _, row := range rows {
			g.PREFETCHT0(row.Offset(0))
			if w == 2 {
				g.PREFETCHT0(row.Offset(vecBytes*w - 1))
			}
		}
		step := func(n int) {
			for p := range n {
				if line := 4 * h * p / cacheLine; n > 1 && (p == 0 || line > 4*h*(p-1)/cacheLine) {
					g.PREFETCHT0(at(a, leftAhead+line*cacheLine))
				}
				right := []vec{g.YMM()}
				g.VMOVUPS(at(pb, p*vecBytes), right[0])
				if w == 2 {
					right = append(right, g.YMM())
					g.VMOVUPS(indexed(pb, side, p*vecBytes), right[1])
				}
				for i := range h {
					l := g.YMM()
					g.VBROADCASTSS(at(a, 4*(p*h+i)), l)
					for j := range w {
						g.VFMADD231PS(right[j], l, acc[i][j])
					}
				}
			}
			g.ADDQ(operand.I32(n*vecBytes), pb)
			g.ADDQ(operand.I32(4*n*h), a)
		}
		g.while(left, gemmUnroll, "depth", func() { step(gemmUnroll) })
		g.countdown(left, "rest", func() { step(1) })

		each := func(f func(i, j int)) {
			for i := range h {
				for j := range w {
					f(i, j)
				}
			}
		}
		g.ifFlag(flags, flagLoad, "fresh", func() {
			each(func(i, j int) { g.VADDPS(rows[i].Offset(j*vecBytes), acc[i][j], acc[i][j]) })
		})
		g.ifFlag(flags, flagDone, "store", func() {
			g.ifFlag(flags, flagBias, "nobias", func() {
				for i := range h {
					v := g.YMM()
					g.VBROADCASTSS(at(bias, 4*i), v)
					for j := range w {
						g.VADDPS(v, acc[i][j], acc[i][j])
					}
				}
				g.ADDQ(operand.I32(4*h), bias)
			})
			g.ifFlag(flags, flagAdd, "noadd", func() {
				from := g.rows(add, ldadd, h)
				each(func(i, j int) { g.VADDPS(from[i].Offset(j*vecBytes), acc[i][j], acc[i][j]) })
				g.advance(add, ldadd, h)
			})
			lo, hi := g.broadcast("lo"), g.broadcast("hi")
			each(func(i, j int) { g.clamp(acc[i][j], lo, hi) })
		})
		each(func(i, j int) { g.VMOVUPS(acc[i][j], rows[i].Offset(j*vecBytes)) })
		g.advance(c, ldc, h)
	})
	g.end()
}

// rows returns the addresses of n rows that begin at p and lie ld bytes apart.
func (g *gen) rows(p, ld gp, n int) []mem {
	list := []mem{at(p, 0), indexed(p, ld, 0), {Base: p, Index: ld, Scale: 2}}
	if n > 3 {
		third := g.GP64()
		g.LEAQ(mem{Base: p, Index: ld, Scale: 2}, third)
		g.ADDQ(ld, third)
		list = append(list, at(third, 0), indexed(third, ld, 0), mem{Base: third, Index: ld, Scale: 2})
	}
	return list[:n]
}

// advance moves p on by n rows of ld bytes.
func (g *gen) advance(p, ld gp, n int) {
	for ; n >= 2; n -= 2 {
		g.LEAQ(mem{Base: p, Index: ld, Scale: 2}, p)
	}
	if n == 1 {
		g.ADDQ(ld, p)
	}
}

// gemmColumn is for a single column: its vectors lie along the rows.
func gemmColumn(g *gen) {
	g.function("gemmColumn", "(sums, a, b *float32, rows, k int)",
		"multiplies one panel of up to eight rows with the first column of a panel of",
		"columns: sums[i] = Σ a[p·rows+i]·b[8p].")
	a, b, rows, k := g.load("a"), g.load("b"), g.load("rows"), g.load("k")
	mask := g.mask(rows) // beyond the last panel there may be nothing to read
	g.SHLQ(operand.U8(2), rows)
	acc := []vec{g.zero(), g.zero(), g.zero(), g.zero()}
	step := func(sum vec, p int) {
		l, r := g.YMM(), g.YMM()
		g.VMASKMOVPS(at(a, 0), mask, l)
		g.VBROADCASTSS(at(b, p*vecBytes), r)
		g.VFMADD231PS(r, l, sum)
		g.ADDQ(rows, a)
	}
	g.while(k, len(acc), "depth", func() {
		for p, sum := range acc {
			step(sum, p)
		}
		g.ADDQ(operand.I32(len(acc)*vecBytes), b)
	})
	g.countdown(k, "rest", func() {
		step(acc[0], 0)
		g.ADDQ(operand.I32(vecBytes), b)
	})
	g.VADDPS(acc[1], acc[0], acc[0])
	g.VADDPS(acc[3], acc[2], acc[2])
	g.VADDPS(acc[2], acc[0], acc[0])
	g.VMOVUPS(acc[0], at(g.load("sums"), 0))
	g.end()
}

// packLeft turns four columns at a time. Each store is a whole vector: what it
// writes beyond the rows of the panel is overwritten by the next.
func packLeft(g *gen) {
	g.function("packLeftQuads", "(dst, src *float32, rows, quads, ld int)",
		"packs one panel of up to eight rows: dst[p·rows+i] = src[i·ld+p] for p < 4·quads.",
		"It writes eight elements from dst[(4·quads-1)·rows] on.")
	dst, rows, quads, ld := g.load("dst"), g.load("rows"), g.load("quads"), g.load("ld")
	g.SHLQ(operand.U8(2), ld)
	row := [8]gp{g.load("src")}
	for i := 1; i < len(row); i++ { // rows that do not exist repeat the first
		row[i] = g.GP64()
		g.MOVQ(row[i-1], row[i])
		g.ADDQ(ld, row[i])
		g.CMPQ(rows, operand.U8(uint8(i)))
		g.CMOVQLE(row[0], row[i])
	}
	g.SHLQ(operand.U8(2), rows)
	g.countdown(quads, "quad", func() {
		var v [4]vec // each holds four elements of two rows
		for i := range v {
			v[i] = g.YMM()
			g.VMOVUPS(at(row[i], 0), v[i].AsX())
			g.VINSERTF128(operand.U8(1), at(row[i+4], 0), v[i], v[i])
		}
		g.turn(v, func(column vec) {
			g.VMOVUPS(column, at(dst, 0))
			g.ADDQ(rows, dst)
		})
		for _, p := range row {
			g.ADDQ(operand.I32(16), p)
		}
	})
	g.end()
}
