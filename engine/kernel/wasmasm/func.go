package wasmasm

import "math"

// Func is a function under construction.
type Func struct {
	index  int
	name   string
	params []byte
	result []byte
	locals []byte
	consts []constant
	body   []byte
}

// constant is a local that is set where the function begins.
type constant struct {
	bits int32
	V128
}

// Value is an expression of any type.
type Value interface {
	typ() byte
	bytes() []byte
}

// variable says which local an expression reads, when it is one.
type variable struct {
	f     *Func
	local int
}

// set assigns a local.
func (v variable) set(code []byte) {
	if v.f == nil {
		panic("bug: wasmasm: Set of an expression that is not a local")
	}
	v.f.emit(code, []byte{0x21}, uleb(v.local))
}

func (f *Func) emit(parts ...[]byte) {
	for _, p := range parts {
		f.body = append(f.body, p...)
	}
}

func (f *Func) param(typ byte) variable {
	if len(f.locals) > 0 {
		panic("bug: wasmasm: parameter declared after a local")
	}
	f.params = append(f.params, typ)
	return variable{f, len(f.params) - 1}
}

func (f *Func) local(typ byte) variable {
	f.locals = append(f.locals, typ)
	return variable{f, len(f.params) + len(f.locals) - 1}
}

func (v variable) get() []byte { return join([]byte{0x20}, uleb(v.local)) }

// ParamI32 declares the next parameter.
func (f *Func) ParamI32() I32 { v := f.param(typeI32); return I32{v.get(), v} }

// ParamF32 declares the next parameter.
func (f *Func) ParamF32() F32 { v := f.param(typeF32); return F32{v.get(), v} }

// SetI32 returns a new local holding x.
func (f *Func) SetI32(x I32) I32 { v := f.local(typeI32); v.set(x.code); return I32{v.get(), v} }

// SetF32 returns a new local holding x.
func (f *Func) SetF32(x F32) F32 { v := f.local(typeF32); v.set(x.code); return F32{v.get(), v} }

// SetF64 returns a new local holding x.
func (f *Func) SetF64(x F64) F64 { v := f.local(typeF64); v.set(x.code); return F64{v.get(), v} }

// SetV128 returns a new local holding x.
func (f *Func) SetV128(x V128) V128 { v := f.local(typeV128); v.set(x.code); return V128{v.get(), v} }

// Splat returns a local that holds v in every lane from the start of the
// function. Engines do not move constants out of loops, and a vector constant
// takes them four instructions.
func (f *Func) Splat(v float32) V128 { return f.SplatI32(int32(math.Float32bits(v))) }

// SplatI32 is Splat of an integer.
func (f *Func) SplatI32(v int32) V128 {
	for _, c := range f.consts {
		if c.bits == v {
			return c.V128
		}
	}
	to := f.local(typeV128)
	c := constant{v, V128{to.get(), to}}
	f.consts = append(f.consts, c)
	return c.V128
}

// Result returns x from the function as its last statement.
func (f *Func) Result(x I32) {
	f.result = []byte{typeI32}
	f.emit(x.code)
}

// Return leaves a function without result.
func (f *Func) Return() { f.emit([]byte{0x0f}) }

// Call calls a function without result.
func (f *Func) Call(to *Func, args ...Value) {
	for i, a := range args {
		if a.typ() != to.params[i] {
			panic("bug: wasmasm: argument of another type")
		}
		f.emit(a.bytes())
	}
	if len(args) != len(to.params) || len(to.result) > 0 {
		panic("bug: wasmasm: call of another signature")
	}
	f.emit([]byte{0x10}, uleb(to.index))
}

// If runs then when cond is not zero.
func (f *Func) If(cond I32, then func()) { f.IfElse(cond, then, nil) }

// IfElse runs then or otherwise.
func (f *Func) IfElse(cond I32, then, otherwise func()) {
	f.emit(cond.code, []byte{0x04, 0x40})
	then()
	if otherwise != nil {
		f.emit([]byte{0x05})
		otherwise()
	}
	f.end()
}

func (f *Func) end() {
	f.emit([]byte{0x0b})
}

// DoWhile runs body, and again as long as cond is not zero after it.
func (f *Func) DoWhile(cond I32, body func()) {
	f.emit([]byte{0x03, 0x40})
	body()
	f.emit(cond.code, []byte{0x0d, 0})
	f.end()
}

// While runs body as long as cond is not zero before it. The test is made
// twice in the code, so that a turn of the loop costs one branch.
func (f *Func) While(cond I32, body func()) {
	f.If(cond, func() { f.DoWhile(cond, body) })
}

// Range runs body for i = from, from+step, … while i < to, signed.
func (f *Func) Range(from, to I32, step int32, body func(i I32)) {
	i := f.SetI32(from)
	f.While(i.LtS(to), func() {
		body(i)
		i.Set(i.Add(ConstI32(step)))
	})
}

// Store writes the four, eight or sixteen bytes of x at addr+offset.
func (f *Func) Store(addr I32, offset int, x Value) {
	var op []byte
	switch x.typ() {
	case typeI32:
		op = []byte{0x36, 2}
	case typeF32:
		op = []byte{0x38, 2}
	case typeF64:
		op = []byte{0x39, 3}
	case typeV128:
		op = []byte{0xfd, 11, 2}
	}
	f.emit(addr.code, x.bytes(), op, uleb(offset))
}

// StoreLanes writes the first lanes 32-bit lanes of x, a local, one to three.
func (f *Func) StoreLanes(addr I32, offset int, x V128, lanes int) {
	lane := 0
	if lanes >= 2 {
		f.emit(addr.code, x.code, simd(0x5b), []byte{2}, uleb(offset), []byte{0})
		lane = 2
	}
	if lanes%2 == 1 {
		f.emit(addr.code, x.code, simd(0x5a), []byte{2}, uleb(offset+4*lane), []byte{byte(lane)})
	}
}

func (f *Func) signature() []byte {
	return join([]byte{0x60}, uleb(len(f.params)), f.params, uleb(len(f.result)), f.result)
}

// encode returns the code entry: locals in runs of one type, the constants,
// then the body.
func (f *Func) encode() []byte {
	var runs [][]byte
	for i := 0; i < len(f.locals); {
		j := i
		for j < len(f.locals) && f.locals[j] == f.locals[i] {
			j++
		}
		runs = append(runs, append(uleb(j-i), f.locals[i]))
		i = j
	}
	code := join(append([][]byte{uleb(len(runs))}, runs...)...)
	for _, c := range f.consts {
		code = join(code, ConstSplatI32(c.bits).code, []byte{0x21}, uleb(c.local))
	}
	code = join(code, f.body, []byte{0x0b})
	return join(uleb(len(code)), code)
}
