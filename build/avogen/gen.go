package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

type (
	vec = reg.VecVirtual
	gp  = reg.GPVirtual
	mem = operand.Mem
)

// Rounding modes of VROUNDPS, without the inexact exception.
const (
	roundNearest = 8
	roundDown    = 9
	roundUp      = 10
)

// Predicates of VCMPPS, quiet.
const (
	cmpLess         = 17
	cmpGreaterEqual = 29
	cmpGreater      = 30
)

// vecBytes is the size of a vector of eight float32.
const vecBytes = 32

// gen adds to avo's context what several families of kernels need.
type gen struct {
	*build.Context
	constants map[uint32]bool // those that have a data section
	labels    int
	masks     bool // the table of tail masks exists
	halves    bool // halvesOrder exists
}

// function begins a function; doc is its comment without its name. Pointers
// that it is given do not escape.
func (g *gen) function(name, signature string, doc ...string) {
	g.Function(name)
	g.Attributes(attr.NOSPLIT)
	g.SignatureExpr("func" + signature)
	doc[0] = name + " " + doc[0]
	g.Doc(doc...)
	g.Pragma("noescape")
}

// end leaves the function. Mixing wide and old vector instructions is slow, and
// Go's compiled code uses old ones.
func (g *gen) end() {
	g.VZEROUPPER()
	g.RET()
}

// label returns a label that is not yet in use.
func (g *gen) label(what string) string {
	g.labels++
	return fmt.Sprintf("%s%d", what, g.labels)
}

func to(label string) operand.LabelRef { return operand.LabelRef(label) }

// load returns a parameter in a register of its own.
func (g *gen) load(param string) gp {
	r := g.GP64()
	g.Load(g.Param(param), r)
	return r
}

// address returns where a parameter lies.
func (g *gen) address(c gotypes.Component) mem {
	b, err := c.Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

func (g *gen) param(name string) mem { return g.address(g.Param(name)) }

// broadcast returns a float32 parameter in all lanes.
func (g *gen) broadcast(param string) vec {
	v := g.YMM()
	g.VBROADCASTSS(g.param(param), v)
	return v
}

// at returns the memory disp bytes from base.
func at(base reg.Register, disp int) mem { return mem{Base: base, Disp: disp} }

// indexed returns the memory disp bytes from base + index.
func indexed(base, index reg.Register, disp int) mem {
	return mem{Base: base, Index: index, Scale: 1, Disp: disp}
}

// f32 returns a constant in all lanes, in memory.
func (g *gen) f32(v float32) mem { return g.u32(math.Float32bits(v)) }

// u32 is f32 of the bits.
func (g *gen) u32(bits uint32) mem {
	name := fmt.Sprintf("const%08x", bits)
	if !g.constants[bits] {
		g.constants[bits] = true
		g.StaticGlobal(name)
		g.DataAttributes(attr.RODATA | attr.NOPTR)
		for range vecBytes / 4 {
			g.AppendDatum(operand.U32(bits))
		}
	}
	return operand.NewDataAddr(operand.NewStaticSymbol(name), 0)
}

// constant returns f32 in a register.
func (g *gen) constant(v float32) vec {
	y := g.YMM()
	g.VMOVUPS(g.f32(v), y)
	return y
}

func (g *gen) zero() vec {
	y := g.YMM()
	g.VXORPS(y, y, y)
	return y
}

// mask returns a vector whose first n lanes are set, for 0 ≤ n ≤ 8.
func (g *gen) mask(n reg.Register) vec {
	const name = "tailmasks"
	if !g.masks {
		g.masks = true
		g.StaticGlobal(name)
		g.DataAttributes(attr.RODATA | attr.NOPTR)
		for i := range 16 {
			bits := operand.U32(0)
			if i < 8 {
				bits = math.MaxUint32
			}
			g.AppendDatum(bits)
		}
	}
	table, back, v := g.GP64(), g.GP64(), g.YMM()
	g.LEAQ(operand.NewDataAddr(operand.NewStaticSymbol(name), vecBytes), table)
	g.MOVQ(n, back)
	g.NEGQ(back)
	g.VMOVUPS(mem{Base: table, Index: back, Scale: 4}, v)
	return v
}

// countdown runs body n times; n is consumed. Zero times is fine.
func (g *gen) countdown(n reg.Register, what string, body func()) {
	loop, done := g.label(what), g.label(what+"done")
	g.TESTQ(n, n)
	g.JZ(to(done))
	g.Label(loop)
	body()
	g.DECQ(n)
	g.JNZ(to(loop))
	g.Label(done)
}

// while runs body as long as n is at least step, and takes step off n.
func (g *gen) while(n reg.Register, step int, what string, body func()) {
	loop, done := g.label(what), g.label(what+"done")
	g.CMPQ(n, operand.I32(step))
	g.JLT(to(done))
	g.Label(loop)
	body()
	g.SUBQ(operand.I32(step), n)
	g.CMPQ(n, operand.I32(step))
	g.JGE(to(loop))
	g.Label(done)
}

// ifNonzero runs body if n is not zero.
func (g *gen) ifNonzero(n reg.Register, what string, body func()) {
	done := g.label(what)
	g.TESTQ(n, n)
	g.JZ(to(done))
	body()
	g.Label(done)
}

// ifFlag runs body if flags has the bit.
func (g *gen) ifFlag(flags reg.Register, bit int, what string, body func()) {
	done := g.label(what)
	g.TESTQ(operand.I32(bit), flags)
	g.JZ(to(done))
	body()
	g.Label(done)
}

// clamp is engine/kernel's: what is NaN stays so. In Go's order the operand
// that an instruction returns for NaN comes first.
func (g *gen) clamp(x, lo, hi vec) {
	g.VMAXPS(x, lo, x)
	g.VMINPS(x, hi, x)
}

// params joins the names of one type into a parameter list.
func params(names []string, typ string) string {
	if len(names) == 0 {
		return ""
	}
	return strings.Join(names, ", ") + " " + typ
}
