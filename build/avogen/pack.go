package main

import "github.com/mmcloughlin/avo/operand"

// packKernels copies columns into panels of eight, one function for each way in
// which the eight lie in the source. src is where the first column begins and
// koff what is added to it for each of the k elements of a column.
func packKernels(g *gen) {
	const signature = "(dst, src *float32, koff *int32, k int)"
	packKernel(g, "packRun", signature, "copies eight columns that lie side by side.", func(from mem, _ gp) vec {
		v := g.YMM()
		g.VMOVUPS(from, v)
		return v
	})
	packKernel(g, "packSkip", signature, "copies eight columns that lie two apart.", func(from mem, _ gp) vec { return g.skip(from) })
	packFourRuns(g, signature)

	const split = "(dst, src *float32, koff *int32, k, second, lanes int)"
	const doc = "is %s for columns that break in two: the last ones lie second elements"
	const more = "further on than if all were in one piece, and the first lanes ones do not."
	for _, v := range []struct {
		name, of string
		read     func(mem) vec
	}{
		{"packRunSplit", "packRun", func(from mem) vec {
			v := g.YMM()
			g.VMOVUPS(from, v)
			return v
		}},
		{"packSkipSplit", "packSkip", g.skip},
	} {
		g.function(v.name, split, "is "+v.of+doc[len("is %s"):], more)
		mask, second := g.mask(g.load("lanes")), g.load("second")
		g.SHLQ(operand.U8(2), second)
		g.packLoop(func(src, off gp) vec {
			g.LEAQ(mem{Base: src, Index: off, Scale: 4}, off)
			first, last := v.read(at(off, 0)), v.read(indexed(off, second, 0))
			g.VBLENDVPS(mask, first, last, last)
			return last
		})
	}

	g.function("packGather", "(dst, src *float32, koff, base *int32, k int)",
		"copies eight columns that lie base[0], …, base[7] elements from src.")
	base, index, all := g.load("base"), g.YMM(), g.YMM()
	g.VMOVDQU(at(base, 0), index)
	g.packLoop(func(src, off gp) vec {
		v := g.YMM()
		g.LEAQ(mem{Base: src, Index: off, Scale: 4}, off)
		g.VPCMPEQD(all, all, all) // the instruction clears the mask
		g.VGATHERDPS(all, mem{Base: off, Index: index, Scale: 4}, v)
		return v
	})
}

// packKernel makes a function that reads each group of eight with read.
func packKernel(g *gen, name, signature, doc string, read func(from mem, off gp) vec) {
	g.function(name, signature, doc)
	g.packLoop(func(src, off gp) vec { return read(mem{Base: src, Index: off, Scale: 4}, off) })
}

// packLoop stores what read returns for each offset, and ends the function.
func (g *gen) packLoop(read func(src, off gp) vec) {
	dst, src, koff, k := g.load("dst"), g.load("src"), g.load("koff"), g.load("k")
	g.countdown(k, "column", func() {
		off := g.GP64()
		g.MOVLQSX(at(koff, 0), off)
		g.VMOVUPS(read(src, off), at(dst, 0))
		g.ADDQ(operand.I32(4), koff)
		g.ADDQ(operand.I32(vecBytes), dst)
	})
	g.end()
}

// skip reads every other of fifteen elements. It does not read a sixteenth,
// which may lie past the end.
func (g *gen) skip(from mem) vec {
	a, b := g.YMM(), g.YMM()
	g.VMOVUPS(from, a)
	g.VMOVUPS(from.Offset(7*4), b)
	g.VSHUFPS(operand.U8(0b11_01_10_00), b, a, a)
	g.VPERMPD(operand.U8(0b11_01_10_00), a, a)
	return a
}

// packFourRuns makes packRun for four panels that continue one another: the
// rows of a large image lie in different pages and fall on the same few sets of
// the cache, so a line that is fetched has to be used whole.
func packFourRuns(g *gen, signature string) {
	g.function("packRun4", signature, "is packRun for four panels whose columns lie side by side.")
	dst, src, koff := g.load("dst"), g.load("src"), g.load("koff")
	side, left := g.load("k"), g.load("k")
	g.SHLQ(operand.U8(5), side)
	far := g.GP64()
	g.LEAQ(mem{Base: dst, Index: side, Scale: 2}, far)
	g.countdown(left, "column", func() {
		off := g.GP64()
		g.MOVLQSX(at(koff, 0), off)
		for i, to := range []mem{at(dst, 0), indexed(dst, side, 0), at(far, 0), indexed(far, side, 0)} {
			v := g.YMM()
			g.VMOVUPS(mem{Base: src, Index: off, Scale: 4, Disp: i * vecBytes}, v)
			g.VMOVUPS(v, to)
		}
		g.ADDQ(operand.I32(4), koff)
		g.ADDQ(operand.I32(vecBytes), dst)
		g.ADDQ(operand.I32(vecBytes), far)
	})
	g.end()
}
