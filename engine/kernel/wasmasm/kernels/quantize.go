package kernels

import . "dropquant/engine/kernel/wasmasm"

// quantize builds fakequant_f32.
func (b *builder) quantize() {
	b.Func("fakequant_f32", func(f *Func) {
		dst, src, s, l, h, n := f.ParamI32(), f.ParamI32(), f.ParamF32(), f.ParamF32(), f.ParamF32(), f.ParamI32()
		scale, lo, hi := f.SetV128(s.Splat()), f.SetV128(l.Splat()), f.SetV128(h.Splat())
		walk(f, n, dst, []I32{src}, func(x []V128) V128 {
			// lo is the first operand so that NaN becomes lo; the sum turns -0 into +0.
			return lo.Max(x[0].Div(scale).Nearest().Add(Zero())).Min(hi).Mul(scale)
		})
	})
}
