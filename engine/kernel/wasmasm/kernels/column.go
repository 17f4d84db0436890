package kernels

import . "dropquant/engine/kernel/wasmasm"

// column builds column_f32_rx8, the product for a panel of the right operand
// of which only the first column counts. It runs along the rows of the left
// panel instead of across columns, in a fifth of the time of a whole panel.
func (b *builder) column() {
	b.gemmBy("column_f32_rx8", b.columnPanel)
}

// columnPanel multiplies one panel of h rows with the first column of one
// panel of the right. Four steps of the inner dimension have sums of their own.
func (b *builder) columnPanel(h int) *Func {
	const turns = 4
	return b.Func("", func(f *Func) {
		c, left, right, bias, add := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		_, k, ldc, ldadd, flags := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		low, high := f.ParamF32(), f.ParamF32()
		vectors := (h + 3) / 4
		sums := make([]V128, turns*vectors)
		for i := range sums {
			sums[i] = f.SetV128(Zero())
		}
		x := f.SetV128(Zero())
		steps := func(n int) {
			for i := range n {
				x.Set(right.LoadSplat(4 * nr * i))
				for v := range vectors {
					sum := sums[i*vectors+v]
					sum.Set(b.madd(loadRows(left, 4*(h*i+4*v), min(4, h-4*v)), x, sum))
				}
			}
			left.Set(left.Plus(int32(4 * h * n)))
			right.Set(right.Plus(int32(4 * nr * n)))
		}
		end := f.SetI32(right.Add(k.Mask(-turns).Shl(5)))
		f.While(right.LtU(end), func() { steps(turns) })
		end.Set(end.Add(k.Mask(turns - 1).Shl(5)))
		f.While(right.LtU(end), func() { steps(1) })
		for v := range vectors {
			for i := 1; i < turns; i++ {
				sums[v].Set(sums[v].Add(sums[i*vectors+v]))
			}
		}
		for r := range h {
			y := f.SetF32(sums[r/4].Lane(r % 4))
			f.If(flags.Mask(flagLoad), func() { y.Set(y.Add(c.LoadF32(0))) })
			f.If(flags.Mask(flagDone), func() {
				f.If(flags.Mask(flagBias), func() { y.Set(y.Add(bias.LoadF32(4 * r))) })
				f.If(flags.Mask(flagAdd), func() { y.Set(y.Add(add.LoadF32(0))) })
				y.Set(y.Splat().Max(low.Splat()).Min(high.Splat()).Lane(0))
			})
			f.Store(c, 0, y)
			c.Set(c.Add(ldc.Shl(2)))
			add.Set(add.Add(ldadd.Shl(2)))
		}
	})
}

// loadRows reads n floats, one to four, and not one more.
func loadRows(p I32, offset, n int) V128 {
	switch n {
	case 1:
		return p.LoadFirst(offset)
	case 2:
		return p.LoadPair(offset)
	case 3:
		return p.LoadLane(offset+8, p.LoadPair(offset), 2)
	}
	return p.LoadV128(offset)
}
