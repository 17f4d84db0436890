package kernels

import . "dropquant/engine/kernel/wasmasm"

// layout builds the kernels that only move elements, and keeps the inner
// functions that others call.
func (b *builder) layout() {
	b.copy = b.Func("", func(f *Func) { // n floats from src to dst
		dst, src, n := f.ParamI32(), f.ParamI32(), f.ParamI32()
		walk(f, n, dst, []I32{src}, func(x []V128) V128 { return x[0] })
	})
	b.fill = b.Func("", func(f *Func) { // n floats at dst become value
		dst, n, value := f.ParamI32(), f.ParamI32(), f.ParamF32()
		walk(f, n, dst, nil, func([]V128) V128 { return value.Splat() })
	})
	b.padPlane = b.Func("pad_f32", func(f *Func) {
		dst, src := f.ParamI32(), f.ParamI32()
		channels, h, w, ph, pw, top, left := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		value := f.ParamF32()
		fill := func(n I32) {
			size := f.SetI32(n)
			f.Call(b.fill, dst, size, value)
			dst.Set(dst.Add(size.Shl(2)))
		}
		f.Range(ConstI32(0), channels, 1, func(I32) {
			fill(top.Mul(pw).Add(left))
			f.Range(ConstI32(0), h, 1, func(I32) {
				f.Call(b.copy, dst, src, w)
				dst.Set(dst.Add(w.Shl(2)))
				src.Set(src.Add(w.Shl(2)))
				gap := f.SetI32(pw.Sub(w)) // to the same column of the next row
				end := f.SetI32(dst.Add(gap.Shl(2)))
				f.While(dst.LtU(end), func() {
					f.Store(dst, 0, value)
					dst.Set(dst.Plus(4))
				})
			})
			fill(ph.Sub(top).Sub(h).Mul(pw).Sub(left))
		})
	})
	b.Func("copyrows_f32", func(f *Func) {
		dst, src, rows, cols, ldd, lds := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		f.Range(ConstI32(0), rows, 1, func(I32) {
			f.Call(b.copy, dst, src, cols)
			dst.Set(dst.Add(ldd.Shl(2)))
			src.Set(src.Add(lds.Shl(2)))
		})
	})
	b.Func("transpose_f32_4x4", b.transpose)
}

// transpose turns blocks of 4x4 in registers, and what is left of the rows and
// columns one element at a time.
func (b *builder) transpose(f *Func) {
	dst, src, batch, rows, cols := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
	area := f.SetI32(rows.Mul(cols).Shl(2))
	rowBytes, colBytes := f.SetI32(cols.Shl(2)), f.SetI32(rows.Shl(2))
	single := func(r, firstCol I32) {
		f.Range(firstCol, cols, 1, func(c I32) {
			f.Store(dst.Add(c.Mul(rows).Add(r).Shl(2)), 0, src.Add(r.Mul(cols).Add(c).Shl(2)).LoadF32(0))
		})
	}
	f.Range(ConstI32(0), batch, 1, func(I32) {
		r := f.SetI32(ConstI32(0))
		f.While(r.Plus(3).LtS(rows), func() {
			from, to := f.SetI32(src.Add(r.Mul(rowBytes))), f.SetI32(dst.Add(r.Shl(2)))
			end := f.SetI32(from.Add(cols.Mask(-4).Shl(2)))
			f.While(from.LtU(end), func() {
				var x [4]V128
				p := f.SetI32(from)
				for i := range x {
					x[i] = f.SetV128(p.LoadV128(0))
					p.Set(p.Add(rowBytes))
				}
				lo0, hi0 := f.SetV128(x[0].Shuffle(x[1], 0, 4, 1, 5)), f.SetV128(x[0].Shuffle(x[1], 2, 6, 3, 7))
				lo1, hi1 := f.SetV128(x[2].Shuffle(x[3], 0, 4, 1, 5)), f.SetV128(x[2].Shuffle(x[3], 2, 6, 3, 7))
				for _, v := range []V128{
					lo0.Shuffle(lo1, 0, 1, 4, 5), lo0.Shuffle(lo1, 2, 3, 6, 7),
					hi0.Shuffle(hi1, 0, 1, 4, 5), hi0.Shuffle(hi1, 2, 3, 6, 7),
				} {
					f.Store(to, 0, v)
					to.Set(to.Add(colBytes))
				}
				from.Set(from.Plus(16))
			})
			for range 4 {
				single(r, cols.Mask(-4))
				r.Set(r.Plus(1))
			}
		})
		f.While(r.LtS(rows), func() {
			single(r, ConstI32(0))
			r.Set(r.Plus(1))
		})
		src.Set(src.Add(area))
		dst.Set(dst.Add(area))
	})
}
