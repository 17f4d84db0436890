package main

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
)

var negInf = math.Inf(-1)

// A stream is a function of elements: dst[i] = f(in[i]…, scalars…).
type stream struct {
	name, doc string
	in        []string // pointers to the operands
	scalars   []string // float32 parameters
	unroll    int      // vectors in flight
	body      func(g *gen, in, scalars []vec) vec
}

// unary are element-wise functions with two parameters, as engine/kernel's
// refUnaryOps define them.
func unary(name, doc string, unroll int, body func(g *gen, x, lo, hi vec) vec) stream {
	return stream{name, doc, []string{"src"}, []string{"lo", "hi"}, unroll, func(g *gen, in, s []vec) vec { return body(g, in[0], s[0], s[1]) }}
}

var unaries = []stream{
	unary("clip", "computes min(max(x, lo), hi).", 4, func(g *gen, x, lo, hi vec) vec {
		g.clamp(x, lo, hi)
		return x
	}),
	unary("leakyRelu", "computes x < 0 ? lo·x : x.", 4, func(g *gen, x, lo, _ vec) vec {
		y := g.YMM()
		g.VMULPS(lo, x, y)
		g.VBLENDVPS(x, y, x, y) // by the sign of x
		return y
	}),
	unary("sigmoid", "computes 1/(1+e^-x).", 2, func(g *gen, x, _, _ vec) vec {
		g.VDIVPS(g.onePlusExpNeg(x), g.constant(1), x)
		return x
	}),
	unary("silu", "computes x/(1+e^-x).", 2, func(g *gen, x, _, _ vec) vec {
		g.VDIVPS(g.onePlusExpNeg(x), x, x)
		return x
	}),
	unary("hardSwish", "computes x·clip(x/6 + 1/2, 0, 1).", 4, func(g *gen, x, _, _ vec) vec {
		y := g.constant(0.5)
		g.VFMADD231PS(g.f32(1.0/6), x, y)
		g.clamp(y, g.zero(), g.constant(1))
		g.VMULPS(x, y, y)
		return y
	}),
	unary("hardSigmoid", "computes clip(lo·x + hi, 0, 1).", 4, func(g *gen, x, lo, hi vec) vec {
		g.VFMADD213PS(hi, lo, x)
		g.clamp(x, g.zero(), g.constant(1))
		return x
	}),
	unary("tanh", "computes tanh x.", 1, (*gen).tanh),
	unary("exp", "computes e^x.", 2, func(g *gen, x, _, _ vec) vec { return g.exp(x) }),
	unary("elu", "computes x < 0 ? lo·(e^x - 1) : x.", 1, (*gen).elu),
	unary("abs", "computes |x|.", 4, func(g *gen, x, _, _ vec) vec {
		g.VANDPS(g.u32(math.MaxInt32), x, x)
		return x
	}),
	unary("neg", "computes -x.", 4, func(g *gen, x, _, _ vec) vec {
		g.VXORPS(g.u32(1<<31), x, x)
		return x
	}),
	unary("sqrt", "computes √x.", 4, func(g *gen, x, _, _ vec) vec {
		g.VSQRTPS(x, x)
		return x
	}),
	unary("reciprocal", "computes 1/x.", 4, func(g *gen, x, _, _ vec) vec {
		g.VDIVPS(x, g.constant(1), x)
		return x
	}),
	unary("floor", "computes ⌊x⌋.", 4, rounding(roundDown)),
	unary("ceil", "computes ⌈x⌉.", 4, rounding(roundUp)),
	unary("round", "rounds half to even.", 4, rounding(roundNearest)),
	unary("erf", "computes the error function.", 2, func(g *gen, x, _, _ vec) vec { return g.erf(x) }),
	unary("gelu", "computes x·(1 + erf(x/√2))/2.", 2, (*gen).gelu),
	unary("logisticDNN", "computes 1/(1+e^-x) as oneDNN does.", 1, func(g *gen, x, _, _ vec) vec { return g.logistic(x) }),
	unary("swishDNN", "computes x/(1+e^-x) as oneDNN does.", 1, func(g *gen, x, _, _ vec) vec {
		s := g.logistic(x)
		g.VMULPS(x, s, s)
		return s
	}),
}

func rounding(mode uint8) func(g *gen, x, lo, hi vec) vec {
	return func(g *gen, x, _, _ vec) vec {
		g.VROUNDPS(operand.U8(mode), x, x)
		return x
	}
}

// binaries are functions of a and b. The order of operands is Go's.
var binaries = []struct {
	name, doc string
	body      func(g *gen, a, b vec)
}{
	{"add", "computes a + b.", func(g *gen, a, b vec) { g.VADDPS(b, a, a) }},
	{"sub", "computes a - b.", func(g *gen, a, b vec) { g.VSUBPS(b, a, a) }},
	{"mul", "computes a·b.", func(g *gen, a, b vec) { g.VMULPS(b, a, a) }},
	{"div", "computes a/b.", func(g *gen, a, b vec) { g.VDIVPS(b, a, a) }},
	{"min", "computes b < a ? b : a.", func(g *gen, a, b vec) { g.VMINPS(a, b, a) }},
	{"max", "computes a < b ? b : a.", func(g *gen, a, b vec) { g.VMAXPS(a, b, a) }},
	{"rsub", "computes b - a.", func(g *gen, a, b vec) { g.VSUBPS(a, b, a) }},
	{"rdiv", "computes b/a.", func(g *gen, a, b vec) { g.VDIVPS(a, b, a) }},
}

func elementwiseKernels(g *gen) {
	for _, s := range unaries {
		s.name += "Vector"
		s.make(g)
	}
	for _, b := range binaries {
		body := func(g *gen, a, b vec, f func(g *gen, a, b vec)) vec {
			f(g, a, b)
			return a
		}
		stream{b.name + "Vectors", b.doc, []string{"a", "b"}, nil, 4, func(g *gen, in, _ []vec) vec { return body(g, in[0], in[1], b.body) }}.make(g)
		stream{b.name + "Scalar", b.doc, []string{"a"}, []string{"b"}, 4, func(g *gen, in, s []vec) vec { return body(g, in[0], s[0], b.body) }}.make(g)
	}
}

// make emits the function: whole blocks, whole vectors, and a masked rest.
func (s stream) make(g *gen) {
	signature := "(dst, " + params(s.in, "*float32") + ", n int"
	if len(s.scalars) > 0 {
		signature += ", " + params(s.scalars, "float32")
	}
	g.function(s.name, signature+")", s.doc)
	dst, n, i := g.load("dst"), g.load("n"), g.GP64()
	var from []gp
	for _, name := range s.in {
		from = append(from, g.load(name))
	}
	var scalars []vec
	for _, name := range s.scalars {
		scalars = append(scalars, g.broadcast(name))
	}
	g.XORQ(i, i)
	block := func(vectors int) {
		for u := range vectors {
			var in []vec
			for _, p := range from {
				v := g.YMM()
				g.VMOVUPS(indexed(p, i, u*vecBytes), v)
				in = append(in, v)
			}
			g.VMOVUPS(s.body(g, in, scalars), indexed(dst, i, u*vecBytes))
		}
		g.ADDQ(operand.I32(vectors*vecBytes), i)
	}
	if s.unroll > 1 {
		g.while(n, 8*s.unroll, "block", func() { block(s.unroll) })
	}
	g.while(n, 8, "vector", func() { block(1) })
	g.ifNonzero(n, "even", func() {
		mask := g.mask(n)
		var in []vec
		for _, p := range from {
			v := g.YMM()
			g.VMASKMOVPS(indexed(p, i, 0), mask, v)
			in = append(in, v)
		}
		g.VMASKMOVPS(s.body(g, in, scalars), mask, indexed(dst, i, 0))
	})
	g.end()
}
