// Package wasmasm assembles small WebAssembly modules from Go, in the manner
// of avo: a kernel is a Go function that builds a wasm function, with Go
// variables for locals and Go loops for unrolling.
//
//	m := wasmasm.NewModule("env", "mem")
//	m.Func("double", func(f *wasmasm.Func) {
//		p, n := f.ParamI32(), f.ParamI32()
//		end := f.SetI32(p.Add(n.Shl(2)))
//		f.While(p.LtU(end), func() {
//			f.Store(p, 0, p.LoadV128(0).Mul(wasmasm.ConstSplat(2)))
//			p.Set(p.Plus(16))
//		})
//	})
//	code := m.Encode()
//
// An I32, F32, F64 or V128 is an expression: the code that computes it. Using
// it twice computes it twice; a local (SetV128 and so on) keeps a value. The
// types of Go keep the types of wasm apart, so what compiles here validates,
// except that a local of another function is not noticed.
//
// Only what the kernels of this project need is here. Opcodes are those of the
// WebAssembly Core Specification 2.0, section 5.4, and of the relaxed SIMD
// proposal (part of 3.0).
package wasmasm

// Module is a module under construction. It imports one memory and exports its
// named functions.
type Module struct {
	memory  [2]string
	funcs   []*Func
	aliases []alias
}

// NewModule returns a module that imports the given memory.
func NewModule(module, name string) *Module {
	return &Module{memory: [2]string{module, name}}
}

// Func adds a function; an empty name keeps it inside the module. Parameters
// are declared in build before any local.
func (m *Module) Func(name string, build func(f *Func)) *Func {
	f := &Func{index: len(m.funcs), name: name}
	m.funcs = append(m.funcs, f)
	build(f)
	return f
}

// Alias exports a function under another name too.
func (m *Module) Alias(name string, f *Func) { m.aliases = append(m.aliases, alias{name, f}) }

type alias struct {
	name string
	of   *Func
}

// Value types of the binary format.
const (
	typeI32  = 0x7f
	typeF32  = 0x7d
	typeF64  = 0x7c
	typeV128 = 0x7b
)

// Encode returns the module in the binary format.
func (m *Module) Encode() []byte {
	var types, decls, exports, codes [][]byte
	known := map[string]int{}
	for _, f := range m.funcs {
		sig := f.signature()
		if _, ok := known[string(sig)]; !ok {
			known[string(sig)] = len(types)
			types = append(types, sig)
		}
		decls = append(decls, uleb(known[string(sig)]))
		if f.name != "" {
			exports = append(exports, join(text(f.name), []byte{0}, uleb(f.index)))
		}
		codes = append(codes, f.encode())
	}
	for _, a := range m.aliases {
		exports = append(exports, join(text(a.name), []byte{0}, uleb(a.of.index)))
	}
	memory := join(text(m.memory[0]), text(m.memory[1]), []byte{2, 0, 0}) // at least 0 pages
	out := []byte("\x00asm\x01\x00\x00\x00")
	out = append(out, section(1, types)...)
	out = append(out, section(2, [][]byte{memory})...)
	out = append(out, section(3, decls)...)
	out = append(out, section(7, exports)...)
	return append(out, section(10, codes)...)
}

// MemoryModule returns a module that only defines and exports a memory of the
// given number of 64 KB pages, for hosts that cannot define one themselves.
func MemoryModule(name string, pages int) []byte {
	out := []byte("\x00asm\x01\x00\x00\x00")
	out = append(out, section(5, [][]byte{join([]byte{0}, uleb(pages))})...)
	return append(out, section(7, [][]byte{join(text(name), []byte{2, 0})})...)
}

func section(id byte, items [][]byte) []byte {
	body := join(append([][]byte{uleb(len(items))}, items...)...)
	return join([]byte{id}, uleb(len(body)), body)
}

func text(s string) []byte { return append(uleb(len(s)), s...) }

func join(parts ...[]byte) []byte {
	var out []byte
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// uleb encodes an unsigned LEB128 integer.
func uleb(n int) []byte {
	u := uint64(n)
	var out []byte
	for {
		b := byte(u & 0x7f)
		if u >>= 7; u == 0 {
			return append(out, b)
		}
		out = append(out, b|0x80)
	}
}

// sleb encodes a signed LEB128 integer.
func sleb(n int64) []byte {
	var out []byte
	for {
		b := byte(n & 0x7f)
		n >>= 7
		if n == 0 && b&0x40 == 0 || n == -1 && b&0x40 != 0 {
			return append(out, b)
		}
		out = append(out, b|0x80)
	}
}
