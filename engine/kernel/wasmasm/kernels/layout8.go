package kernels

import . "dropquant/engine/kernel/wasmasm"

// layoutCodes builds what copies bytes, n from src to dst, and pad_u8, which fills all before it copies the rows: most of both is a
// few of the widest stores.
func (b *builder) layoutCodes() {
	b.copyBytes = b.Func("", func(f *Func) {
		dst, src, n := f.ParamI32(), f.ParamI32(), f.ParamI32()
		byteSteps(f, n,
			func(i I32) { f.Store(dst.Add(i), 0, src.Add(i).LoadV128(0)) },
			func(i I32) { f.StoreLanes(dst.Add(i), 0, f.SetV128(src.Add(i).LoadEight(0)), 2) },
			func(i I32) { f.Store(dst.Add(i), 0, src.Add(i).LoadI32(0)) },
			func(i I32) { f.StoreU8(dst.Add(i), 0, src.Add(i).LoadU8(0)) })
	})
	b.Func("pad_u8", func(f *Func) {
		dst, src := f.ParamI32(), f.ParamI32()
		channels, h, w, ph, pw, top, left := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		value := f.ParamI32()
		four := f.SetI32(value.Mul(ConstI32(0x01010101)))
		all, size := f.SetV128(four.Splat()), f.SetI32(channels.Mul(ph).Mul(pw))
		byteSteps(f, size,
			func(i I32) { f.Store(dst.Add(i), 0, all) },
			func(i I32) { f.StoreLanes(dst.Add(i), 0, all, 2) },
			func(i I32) { f.Store(dst.Add(i), 0, four) },
			func(i I32) { f.StoreU8(dst.Add(i), 0, value) })
		dst.Set(dst.Add(top.Mul(pw)).Add(left))
		f.Range(ConstI32(0), channels, 1, func(I32) {
			f.Range(ConstI32(0), h, 1, func(I32) {
				f.Call(b.copyBytes, dst, src, w)
				dst.Set(dst.Add(pw))
				src.Set(src.Add(w))
			})
			dst.Set(dst.Add(ph.Sub(h).Mul(pw)))
		})
	})
}
