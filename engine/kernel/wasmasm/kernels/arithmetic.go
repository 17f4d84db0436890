package kernels

import . "dropquant/engine/kernel/wasmasm"

// binaryOps are the functions of two numbers, in the order of engine/kernel.
var binaryOps = []struct {
	name  string
	value func(x, y V128) V128
}{
	{"add", V128.Add},
	{"sub", V128.Sub},
	{"mul", V128.Mul},
	{"div", V128.Div},
	{"min", V128.Min},
	{"max", V128.Max},
	{"rsub", func(x, y V128) V128 { return y.Sub(x) }},
	{"rdiv", func(x, y V128) V128 { return y.Div(x) }},
}

// arithmetic builds each function for two slices, for a slice and a number,
// and for a slice and one number per channel.
func (b *builder) arithmetic() {
	for _, op := range binaryOps {
		b.Func(op.name+"_f32", func(f *Func) {
			dst, x, y, n := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
			walk(f, n, dst, []I32{x, y}, func(v []V128) V128 { return op.value(v[0], v[1]) })
		})
		scalar := b.Func(op.name+"_f32_scalar", func(f *Func) {
			dst, x, y, n := f.ParamI32(), f.ParamI32(), f.ParamF32(), f.ParamI32()
			s := f.SetV128(y.Splat())
			walk(f, n, dst, []I32{x}, func(v []V128) V128 { return op.value(v[0], s) })
		})
		b.Func(op.name+"_f32_channel", func(f *Func) {
			dst, x, y, channels, inner := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
			f.Range(ConstI32(0), channels, 1, func(I32) {
				f.Call(scalar, dst, x, y.LoadF32(0), inner)
				dst.Set(dst.Add(inner.Shl(2)))
				x.Set(x.Add(inner.Shl(2)))
				y.Set(y.Plus(4))
			})
		})
	}
}
