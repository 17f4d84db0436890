package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
)

// The finite points of the transforms of 4x4 outputs, as in engine/kernel.
const (
	winoNear = 5.0 / 8
	winoFar  = 3.0 / 2
)

// winogradKernels transforms tiles, eight at a time: a lane is a tile, the
// lower four and the upper four in the halves of a vector.
func winogradKernels(g *gen) {
	for _, size := range []int{2, 4} {
		winoIn(g, size)
		winoOut(g, size)
	}
}

// tiles returns where the eight tiles of a panel lie, in elements.
func (g *gen) tiles(base gp) (index [8]gp) {
	for i := range index {
		index[i] = g.GP64()
		g.MOVLQSX(at(base, 4*i), index[i])
	}
	return index
}

func winoIn(g *gen, size int) {
	n := size + 2
	g.function(fmt.Sprintf("winoIn%d", size), "(dst, src *float32, base *int32, tmp *float32, channels, step, pitch, down, back int)",
		"transforms one panel of tiles as refWinoIn does. All steps are in bytes: from the last",
		"row of a channel to the first of the next, from row to row, from a point to the one",
		"below it, and from the last of a column to the first of the next. tmp holds a tile.")
	dst, src, tmp := g.load("dst"), g.load("src"), g.load("tmp")
	index, point := g.tiles(g.load("base")), g.GP64()
	channel := g.label("channel")
	g.Label(channel)
	for r := range n {
		for q, v := range g.winoInLine(size, g.loadTiles(src, index, n)) {
			g.VMOVUPS(v, at(tmp, (r*n+q)*vecBytes))
		}
		if r < n-1 {
			g.ADDQ(g.param("pitch"), src)
		}
	}
	g.MOVQ(dst, point)
	for q := range n {
		d := make([]vec, n)
		for r := range d {
			d[r] = g.YMM()
			g.VMOVUPS(at(tmp, (r*n+q)*vecBytes), d[r])
		}
		for r, v := range g.winoInLine(size, d) {
			g.VMOVUPS(v, at(point, 0))
			if r < n-1 {
				g.ADDQ(g.param("down"), point)
			}
		}
		if q < n-1 {
			g.ADDQ(g.param("back"), point)
		}
	}
	g.ADDQ(operand.I32(vecBytes), dst)
	g.ADDQ(g.param("step"), src)
	g.DECQ(g.param("channels"))
	g.JNZ(to(channel))
	g.end()
}

// loadTiles reads a row of eight tiles of n columns, four or six, and returns the columns.
func (g *gen) loadTiles(src gp, index [8]gp, n int) (columns []vec) {
	read := func(first int) (x [4]vec) {
		for i := range x {
			x[i] = g.YMM()
			g.VBROADCASTF128(mem{Base: src, Index: index[i], Scale: 4, Disp: 4 * first}, x[i]) // into both halves: avo does not know that a load into the lower one clears the other
			g.VINSERTF128(operand.U8(1), mem{Base: src, Index: index[i+4], Scale: 4, Disp: 4 * first}, x[i], x[i])
		}
		return x
	}
	g.turn(read(0), func(column vec) { columns = append(columns, column) })
	if n == 6 { // two more, of which the upper ones are new
		x := read(2)
		g.VUNPCKHPS(x[1], x[0], x[0])
		g.VUNPCKHPS(x[3], x[2], x[2])
		last := []vec{g.YMM(), g.YMM()}
		g.VUNPCKLPD(x[2], x[0], last[0])
		g.VUNPCKHPD(x[2], x[0], last[1])
		columns = append(columns, last...)
	}
	return columns
}

// winoInLine is engine/kernel's refWinoInLine; it overwrites d.
func (g *gen) winoInLine(size int, d []vec) []vec {
	if size == 2 {
		v := []vec{d[0], g.YMM(), g.YMM(), d[3]}
		g.VSUBPS(d[0], d[2], v[0])
		g.VADDPS(d[1], d[2], v[1])
		g.VSUBPS(d[1], d[2], v[2])
		g.VSUBPS(d[1], d[3], v[3])
		return v
	}
	const a2, b2 = winoNear * winoNear, winoFar * winoFar
	pair := func(p, other float32) (plus, minus vec) {
		even, odd, minus := g.YMM(), g.YMM(), g.YMM()
		g.VMOVAPS(d[4], even)
		g.VFMADD231PS(g.f32(-other), d[2], even)
		g.VMOVAPS(d[3], odd)
		g.VFMADD231PS(g.f32(-other), d[1], odd)
		g.VMOVAPS(even, minus)
		g.VFMADD231PS(g.f32(p), odd, even)
		g.VFMADD231PS(g.f32(-p), odd, minus)
		return even, minus
	}
	v := []vec{d[4], nil, nil, nil, nil, d[5]}
	v[1], v[2] = pair(winoNear, b2)
	v[3], v[4] = pair(winoFar, a2)
	g.VFMADD231PS(g.f32(-(a2 + b2)), d[2], v[0])
	g.VFMADD231PS(g.f32(a2*b2), d[0], v[0])
	g.VFMADD231PS(g.f32(-(a2 + b2)), d[3], v[5])
	g.VFMADD231PS(g.f32(a2*b2), d[1], v[5])
	return v
}

func winoOut(g *gen, size int) {
	n := size + 2
	g.function(fmt.Sprintf("winoOut%d", size), "(y, sums, bias, add *float32, base *int32, tmp *float32, rows, step, pitch, down, back, next, flags int, lo, hi float32)",
		"transforms the sums of one panel of tiles back as refWinoOut does. All steps are in",
		"bytes: those of winoIn, and from the last point of a channel to the first of the next.")
	y, add, sums, tmp := g.load("y"), g.load("add"), g.load("sums"), g.load("tmp")
	index, bias := g.tiles(g.load("base")), g.load("bias")
	lo, hi := g.broadcast("lo"), g.broadcast("hi")
	channel := g.label("channel")
	g.Label(channel)
	for q := range n {
		m := make([]vec, n)
		for r := range m {
			m[r] = g.YMM()
			g.VMOVUPS(at(sums, 0), m[r])
			if r < n-1 {
				g.ADDQ(g.param("down"), sums)
			}
		}
		if q < n-1 {
			g.ADDQ(g.param("back"), sums)
		}
		for p, v := range g.winoOutLine(size, m) {
			g.VMOVUPS(v, at(tmp, (p*n+q)*vecBytes))
		}
	}
	g.ADDQ(g.param("next"), sums)
	for p := range size {
		m := make([]vec, n)
		for q := range m {
			m[q] = g.YMM()
			g.VMOVUPS(at(tmp, (p*n+q)*vecBytes), m[q])
		}
		columns := g.winoOutLine(size, m)
		g.testFlag(flagBias, func() {
			shift := g.YMM()
			g.VBROADCASTSS(at(bias, 0), shift)
			for _, v := range columns {
				g.VADDPS(shift, v, v)
			}
		})
		var tiles []vec
		if size == 2 { // pairs
			tiles = []vec{g.YMM(), g.YMM()}
			g.VUNPCKLPS(columns[1], columns[0], tiles[0])
			g.VUNPCKHPS(columns[1], columns[0], tiles[1])
		} else {
			g.turn([4]vec(columns), func(tile vec) { tiles = append(tiles, tile) })
		}
		g.testFlag(flagAdd, func() {
			for i, v := range tiles {
				w := g.YMM()
				g.loadParts(w, add, index, i, size)
				g.VADDPS(w, v, v)
			}
		})
		for i, v := range tiles {
			g.clamp(v, lo, hi)
			g.storeParts(v, y, index, i, size)
		}
		step := "pitch"
		if p == size-1 {
			step = "step"
		}
		g.ADDQ(g.param(step), y)
		g.ADDQ(g.param(step), add)
	}
	g.ADDQ(operand.I32(4), bias)
	g.DECQ(g.param("rows"))
	g.JNZ(to(channel))
	g.end()
}

// testFlag runs body if the parameter flags has the bit.
func (g *gen) testFlag(bit int, body func()) {
	done := g.label("noflag")
	g.TESTQ(operand.I32(bit), g.param("flags"))
	g.JZ(to(done))
	body()
	g.Label(done)
}

// parts returns where the parts of vector i lie: halves of four columns or quarters of two.
func parts(base gp, index [8]gp, i, size int) (list []mem) {
	tiles := []int{i, i + 4}
	if size == 2 {
		tiles = []int{2 * i, 2*i + 1, 2*i + 4, 2*i + 5}
	}
	for _, t := range tiles {
		list = append(list, mem{Base: base, Index: index[t], Scale: 4})
	}
	return list
}

func (g *gen) loadParts(v vec, base gp, index [8]gp, i, size int) {
	from := parts(base, index, i, size)
	if size == 4 {
		g.VBROADCASTF128(from[0], v)
		g.VINSERTF128(operand.U8(1), from[1], v, v)
		return
	}
	upper := g.XMM()
	g.VMOVSD(from[0], v.AsX())
	g.VMOVHPS(from[1], v.AsX(), v.AsX())
	g.VMOVSD(from[2], upper)
	g.VMOVHPS(from[3], upper, upper)
	g.VINSERTF128(operand.U8(1), upper, v, v)
}

func (g *gen) storeParts(v vec, base gp, index [8]gp, i, size int) {
	to := parts(base, index, i, size)
	if size == 4 {
		g.VMOVUPS(v.AsX(), to[0])
		g.VEXTRACTF128(operand.U8(1), v, to[1])
		return
	}
	upper := g.XMM()
	g.VMOVLPS(v.AsX(), to[0])
	g.VMOVHPS(v.AsX(), to[1])
	g.VEXTRACTF128(operand.U8(1), v, upper)
	g.VMOVLPS(upper, to[2])
	g.VMOVHPS(upper, to[3])
}

// winoOutLine is engine/kernel's refWinoOutLine; it overwrites m.
func (g *gen) winoOutLine(size int, m []vec) []vec {
	if size == 2 {
		y := []vec{m[0], g.YMM()}
		g.VADDPS(m[1], m[0], m[0])
		g.VADDPS(m[2], m[0], m[0])
		g.VSUBPS(m[2], m[1], y[1])
		g.VADDPS(m[3], y[1], y[1])
		return y
	}
	const a, b, a2, b2 = winoNear, winoFar, winoNear * winoNear, winoFar * winoFar
	near, nearOdd, far, farOdd := g.YMM(), g.YMM(), g.YMM(), g.YMM()
	g.VADDPS(m[2], m[1], near)
	g.VSUBPS(m[2], m[1], nearOdd)
	g.VADDPS(m[4], m[3], far)
	g.VSUBPS(m[4], m[3], farOdd)
	y := []vec{m[0], g.YMM(), g.YMM(), m[5]}
	g.VADDPS(near, m[0], m[0])
	g.VADDPS(far, m[0], m[0])
	g.VMULPS(g.f32(b), farOdd, y[1])
	g.VFMADD231PS(g.f32(a), nearOdd, y[1])
	g.VMULPS(g.f32(b2), far, y[2])
	g.VFMADD231PS(g.f32(a2), near, y[2])
	g.VFMADD231PS(g.f32(b2*b), farOdd, m[5])
	g.VFMADD231PS(g.f32(a2*a), nearOdd, m[5])
	return y
}
