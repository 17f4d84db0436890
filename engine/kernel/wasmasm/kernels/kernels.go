// Package kernels builds the SIMD module: the kernels of engine/kernel in
// WebAssembly, from one source in two variants.
//
// A kernel is named op_dtype or op_dtype_tile. Its parameters are those of the
// field of engine/kernel's machine that names it in a tag, with addresses for
// slices, and the Go function of the reference machine defines what it does.
// Addresses are multiples of 4. The module imports its memory as env.mem.
package kernels

//go:generate go run ./gen

import . "dropquant/engine/kernel/wasmasm"

// Variant is what an engine may offer.
type Variant struct {
	Name string // as in kernels_NAME.wasm

	// Relaxed uses fused multiply-add (relaxed SIMD), which is faster and whose
	// rounding depends on the processor. Without it every engine computes the
	// same bits.
	Relaxed bool

	// Rows is the height of the matrix product's tile. 16 vector registers hold
	// 2·Rows sums, two vectors of the right operand and one splat of the left;
	// a product that is not fused needs another. Measured in V8.
	Rows int
	// Rows8 is the same for products of codes.
	Rows8 int
}

// Variants are the modules that are built.
var Variants = []Variant{
	{Name: "simd", Rows: 4, Rows8: 4},
	{Name: "relaxed", Relaxed: true, Rows: 6, Rows8: 4},
}

// File is the name of the variant's module.
func (v Variant) File() string { return "kernels_" + v.Name + ".wasm" }

// Build returns the variant's module.
func (v Variant) Build() []byte {
	b := &builder{Module: NewModule("env", "mem"), Variant: v}
	b.gemm()
	b.column()
	b.winograd()
	b.pack()
	b.layout()
	b.layoutCodes()
	b.depthwise()
	b.pool()
	b.arithmetic()
	b.unary()
	b.softmax()
	b.quantize()
	b.statistics()
	b.integer()
	b.codes()
	b.poolCodes()
	b.fusedKernels()
	b.winogradCodes()
	return b.Encode()
}

type builder struct {
	*Module
	Variant
	copy, fill, padPlane, copyBytes *Func
}

// madd is x·y + z.
func (b *builder) madd(x, y, z V128) V128 {
	if b.Relaxed {
		return x.RelaxedMulAdd(y, z)
	}
	return x.Mul(y).Add(z)
}

// walk goes over n elements four at a time, and over the last ones one at a
// time in lane 0. It stores at dst what value makes of the vectors at src; all
// of the addresses, which are locals, move on.
func walk(f *Func, n, dst I32, src []I32, value func(x []V128) V128) {
	step := func(by int32, load func(I32) V128, store func(V128)) {
		var x []V128
		for _, p := range src {
			x = append(x, f.SetV128(load(p)))
		}
		store(f.SetV128(value(x)))
		dst.Set(dst.Plus(by))
		for _, p := range src {
			p.Set(p.Plus(by))
		}
	}
	end := f.SetI32(dst.Add(n.Mask(-4).Shl(2)))
	f.While(dst.LtU(end), func() {
		step(16, func(p I32) V128 { return p.LoadV128(0) }, func(v V128) { f.Store(dst, 0, v) })
	})
	end.Set(dst.Add(n.Mask(3).Shl(2)))
	f.While(dst.LtU(end), func() {
		step(4, func(p I32) V128 { return p.LoadFirst(0) }, func(v V128) { f.StoreLanes(dst, 0, v, 1) })
	})
}
