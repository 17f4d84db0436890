package kernels

import . "dropquant/engine/kernel/wasmasm"

// The layouts of a panel's eight columns, as in engine/kernel.
const (
	kindGather = iota
	kindRun
	kindSkip
	kindHalves
)

// pack builds pack_f32_x8 and packleft_f32.
func (b *builder) pack() {
	b.Func("pack_f32_x8", func(f *Func) {
		dst, src, koff, base, kind, k, panels := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		kindEnd := f.SetI32(kind.Add(panels.Shl(2)))
		koffEnd := f.SetI32(koff.Add(k.Shl(2)))
		at := f.SetI32(ConstI32(0))
		address := func(lane int) I32 { return f.SetI32(src.Add(base.LoadI32(4 * lane).Shl(2))) }
		// rows runs read once for each element of the inner dimension, with the
		// addresses of columns moved to it.
		rows := func(columns []I32, read func(p []I32) (V128, V128)) {
			at.Set(koff)
			p := make([]I32, len(columns))
			f.While(at.LtU(koffEnd), func() {
				off := f.SetI32(at.LoadI32(0).Shl(2))
				for i, c := range columns {
					p[i] = c.Add(off)
				}
				if len(p) == 1 { // used more than once
					p[0] = f.SetI32(p[0])
				}
				lo, hi := read(p)
				f.Store(dst, 0, lo)
				f.Store(dst, 16, hi)
				dst.Set(dst.Plus(4 * nr))
				at.Set(at.Plus(4))
			})
		}
		f.While(kind.LtU(kindEnd), func() {
			is := func(n int32) I32 { return kind.LoadI32(0).Eq(ConstI32(n)) }
			f.If(is(kindRun), func() {
				rows([]I32{address(0)}, func(p []I32) (V128, V128) { return p[0].LoadV128(0), p[0].LoadV128(16) })
			})
			f.If(is(kindSkip), func() {
				rows([]I32{address(0)}, func(p []I32) (V128, V128) {
					// The last load begins one element early, not to read past the last column.
					return p[0].LoadV128(0).Shuffle(p[0].LoadV128(16), 0, 2, 4, 6), p[0].LoadV128(32).Shuffle(p[0].LoadV128(44), 0, 2, 5, 7)
				})
			})
			f.If(is(kindHalves), func() {
				rows([]I32{address(0), address(4)}, func(p []I32) (V128, V128) { return p[0].LoadV128(0), p[1].LoadV128(0) })
			})
			f.If(is(kindGather), func() {
				columns := make([]I32, nr)
				for i := range columns {
					columns[i] = address(i)
				}
				rows(columns, func(p []I32) (V128, V128) { return gather(p[:4]), gather(p[4:]) })
			})
			base.Set(base.Plus(4 * nr))
			kind.Set(kind.Plus(4))
		})
	})
	b.Func("packleft_f32", func(f *Func) {
		dst, src, rows, k, rowStride, colStride := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		rowStride.Set(rowStride.Shl(2))
		colStride.Set(colStride.Shl(2))
		h := f.SetI32(ConstI32(0))
		f.While(ConstI32(0).LtS(rows), func() {
			b.panelRows(f, h, rows)
			column := f.SetI32(src)
			f.Range(ConstI32(0), k, 1, func(I32) {
				p := f.SetI32(column)
				end := f.SetI32(dst.Add(h.Shl(2)))
				f.While(dst.LtU(end), func() {
					f.Store(dst, 0, p.LoadF32(0))
					dst.Set(dst.Plus(4))
					p.Set(p.Add(rowStride))
				})
				column.Set(column.Add(colStride))
			})
			src.Set(src.Add(h.Mul(rowStride)))
			rows.Set(rows.Sub(h))
		})
	})
}

// gather is the four floats at p.
func gather(p []I32) V128 {
	v := p[0].LoadFirst(0)
	for lane := 1; lane < 4; lane++ {
		v = p[lane].LoadLane(0, v, lane)
	}
	return v
}
