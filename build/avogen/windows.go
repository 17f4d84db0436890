package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
)

// windowKernels slides windows over one channel whose padding is explicit.
func windowKernels(g *gen) {
	depthwise3x3(g, 1)
	depthwise3x3(g, 2)
	for _, rows := range []int{4, 2, 1} {
		taps(g, rows, false)
		taps(g, rows, true)
	}
}

// finish makes the epilogue of one vector of a depthwise convolution, if add is
// given, which holds where the addend of each lies. mask is nil for a whole one.
func (g *gen) finish(acc []vec, add []mem, mask vec, lo, hi vec) {
	done := g.label("noadd")
	g.TESTQ(operand.I32(flagAdd), g.param("flags"))
	g.JZ(to(done))
	for i, a := range acc {
		if mask == nil {
			g.VADDPS(add[i], a, a)
			continue
		}
		v := g.YMM()
		g.VMASKMOVPS(add[i], mask, v)
		g.VADDPS(v, a, a)
	}
	g.Label(done)
	for _, a := range acc {
		g.clamp(a, lo, hi)
	}
}

func (g *gen) store(v vec, mask vec, to mem) {
	if mask == nil {
		g.VMOVUPS(v, to)
		return
	}
	g.VMASKMOVPS(v, mask, to)
}

// depthwise3x3 keeps the nine weights in registers. With stride 2 the columns
// of x are parted by copyRowsSplit, odd elements after each other.
func depthwise3x3(g *gen, stride int) {
	doc := []string{"computes one channel of a 3x3 depthwise convolution with a stride of 1."}
	if stride == 2 {
		doc = []string{"computes one channel of a 3x3 depthwise convolution with a stride of 2.",
			"A row of x holds its even columns, and from element odd on its odd ones."}
	}
	g.function(fmt.Sprintf("depthwise3x3s%d", stride), "(y, x, w, add *float32, rows, cols, pitch, odd, flags int, bias, lo, hi float32)", doc...)
	y, x, w, add := g.load("y"), g.load("x"), g.load("w"), g.load("add")
	rows, cols, pitch := g.load("rows"), g.load("cols"), g.load("pitch")
	g.SHLQ(operand.U8(2), pitch)
	var odd gp
	if stride == 2 {
		odd = g.load("odd")
		g.SHLQ(operand.U8(2), odd)
	}
	var weight [9]vec
	for i := range weight {
		weight[i] = g.YMM()
		g.VBROADCASTSS(at(w, 4*i), weight[i])
	}
	bias, lo, hi := g.broadcast("bias"), g.broadcast("lo"), g.broadcast("hi")
	left, j, from := g.GP64(), g.GP64(), g.GP64()
	g.countdown(rows, "row", func() {
		vector := func(mask vec) {
			acc, second := g.YMM(), g.zero() // two chains, for latency
			g.VMOVAPS(bias, acc)
			g.LEAQ(indexed(x, j, 0), from)
			for ky := range 3 {
				for kx := range 3 {
					tap := at(from, 4*kx)
					if stride == 2 {
						tap = []mem{at(from, 0), indexed(from, odd, 0), at(from, 4)}[kx]
					}
					sum := acc
					if (3*ky+kx)%2 == 1 {
						sum = second
					}
					g.VFMADD231PS(tap, weight[3*ky+kx], sum)
				}
				if ky < 2 {
					g.ADDQ(pitch, from)
				}
			}
			g.VADDPS(second, acc, acc)
			g.finish([]vec{acc}, []mem{indexed(add, j, 0)}, mask, lo, hi)
			g.store(acc, mask, indexed(y, j, 0))
		}
		g.MOVQ(cols, left)
		g.XORQ(j, j)
		g.while(left, 8, "vector", func() {
			vector(nil)
			g.ADDQ(operand.I32(vecBytes), j)
		})
		g.ifNonzero(left, "even", func() { vector(g.mask(left)) })
		for range stride {
			g.ADDQ(pitch, x)
		}
		g.LEAQ(mem{Base: y, Index: cols, Scale: 4}, y)
		g.LEAQ(mem{Base: add, Index: cols, Scale: 4}, add)
	})
	g.end()
}

// taps folds windows of any kind: off lists where their elements lie, in bytes.
func taps(g *gen, rows int, largest bool) {
	if largest {
		g.function(fmt.Sprintf("tapsMax%d", rows), "(y, x *float32, off *int, taps, blocks, cols, pitch int)",
			fmt.Sprintf("takes the largest element under each window, for blocks of %d rows. pitch is", rows),
			"how far apart their windows lie, in elements.")
	} else {
		g.function(fmt.Sprintf("tapsSum%d", rows), "(y, x, w, add *float32, off *int, taps, blocks, cols, pitch, flags int, bias, lo, hi float32)",
			fmt.Sprintf("computes weighted sums under windows, for blocks of %d rows. pitch is how far", rows),
			"apart their windows lie, in elements.")
	}
	y, x, off := g.load("y"), g.load("x"), g.load("off")
	var w, add gp
	var bias, lo, hi vec
	if largest {
		bias = g.constant(float32(negInf))
	} else {
		w, add = g.load("w"), g.load("add")
		bias, lo, hi = g.broadcast("bias"), g.broadcast("lo"), g.broadcast("hi")
	}
	pitch := g.load("pitch")
	g.SHLQ(operand.U8(2), pitch)
	ld := g.load("cols")
	g.SHLQ(operand.U8(2), ld)
	left, tap, o := g.GP64(), g.GP64(), g.GP64()
	from := make([]gp, rows)
	for r := range from {
		from[r] = g.GP64()
	}
	loop, done := g.label("block"), g.label("done")
	g.CMPQ(g.param("blocks"), operand.U8(0))
	g.JEQ(to(done))
	g.Label(loop)
	{
		vector := func(mask vec) {
			acc := make([]vec, rows)
			for r := range acc {
				acc[r] = g.YMM()
				g.VMOVAPS(bias, acc[r])
			}
			next := g.label("tap")
			g.XORQ(tap, tap)
			g.Label(next)
			g.MOVQ(mem{Base: off, Index: tap, Scale: 8}, o)
			if largest {
				for r := range acc {
					v := g.YMM()
					g.VMOVUPS(indexed(from[r], o, 0), v)
					g.VMAXPS(acc[r], v, acc[r])
				}
			} else {
				v := g.YMM()
				g.VBROADCASTSS(mem{Base: w, Index: tap, Scale: 4}, v)
				for r := range acc {
					g.VFMADD231PS(indexed(from[r], o, 0), v, acc[r])
				}
			}
			g.INCQ(tap)
			g.CMPQ(tap, g.param("taps"))
			g.JLT(to(next))
			if !largest {
				g.finish(acc, g.rows(add, ld, rows), mask, lo, hi)
			}
			for r, row := range g.rows(y, ld, rows) {
				g.store(acc[r], mask, row)
			}
		}
		move := func(bytes func(p gp)) {
			bytes(y)
			if !largest {
				bytes(add)
			}
		}
		g.MOVQ(x, from[0])
		for r := 1; r < rows; r++ {
			g.LEAQ(indexed(from[r-1], pitch, 0), from[r])
		}
		g.MOVQ(g.param("cols"), left)
		g.while(left, 8, "vector", func() {
			vector(nil)
			for _, p := range from {
				g.ADDQ(operand.I32(vecBytes), p)
			}
			move(func(p gp) { g.ADDQ(operand.I32(vecBytes), p) })
		})
		g.ifNonzero(left, "even", func() {
			vector(g.mask(left))
			move(func(p gp) { g.LEAQ(mem{Base: p, Index: left, Scale: 4}, p) })
		})
		move(func(p gp) { g.advance(p, ld, rows-1) }) // the first row is behind
		g.advance(x, pitch, rows)
	}
	g.DECQ(g.param("blocks")) // not in a register: all are taken
	g.JNZ(to(loop))
	g.Label(done)
	g.end()
}
