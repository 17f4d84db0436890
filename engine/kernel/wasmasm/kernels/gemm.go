package kernels

import . "dropquant/engine/kernel/wasmasm"

// Flags of gemm_f32_rx8 and depthwise_f32, as in engine/kernel.
const (
	flagLoad = 1 << iota
	flagDone
	flagBias
	flagAdd
)

const nr = 8 // columns of a panel

// gemm builds gemm_f32_rx8, and what says which variant this is. A panel of the
// left operand stays in the first-level cache while the packed block of the
// right operand streams by once.
func (b *builder) gemm() {
	b.gemmBy("gemm_f32_rx8", b.gemmPanel)
	b.Func("gemm_f32_rows", func(f *Func) { f.Result(ConstI32(int32(b.Rows))) })
	b.Func("relaxed", func(f *Func) {
		n := ConstI32(0)
		if b.Relaxed {
			n = ConstI32(1)
		}
		f.Result(n)
	})
}

// gemmBy builds a product out of one function for each height of a panel.
func (b *builder) gemmBy(name string, panel func(h int) *Func) {
	heights := make([]*Func, b.Rows+1)
	for h := 1; h <= b.Rows; h++ {
		heights[h] = panel(h)
	}
	b.Func(name, func(f *Func) {
		c, left, right, bias, add := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		m, panels, k, ldc, ldadd, flags := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		lo, hi := f.ParamF32(), f.ParamF32()
		h := f.SetI32(ConstI32(0))
		f.While(ConstI32(0).LtS(m), func() {
			b.panelRows(f, h, m)
			for i := 1; i <= b.Rows; i++ {
				f.If(h.Eq(ConstI32(int32(i))), func() {
					f.Call(heights[i], c, left, right, bias, add, panels, k, ldc, ldadd, flags, lo, hi)
				})
			}
			c.Set(c.Add(h.Mul(ldc).Shl(2)))
			left.Set(left.Add(h.Mul(k).Shl(2)))
			bias.Set(bias.Add(h.Shl(2)))
			add.Set(add.Add(h.Mul(ldadd).Shl(2)))
			m.Set(m.Sub(h))
		})
	})
}

// panelRows sets h to the height of the next panel when left rows remain:
// engine/kernel's panelRows.
func (b *builder) panelRows(f *Func, h, left I32) { panelRows(f, b.Rows, h, left) }

func panelRows(f *Func, tallest int, h, left I32) {
	rows := int32(tallest)
	h.Set(left)
	f.If(ConstI32(rows).LtS(left), func() { h.Set(left.Plus(1).ShrU(1)) })
	f.If(ConstI32(2*rows-1).LtS(left), func() { h.Set(ConstI32(rows)) })
}

// gemmPanel multiplies one panel of h rows with all panels of the right.
func (b *builder) gemmPanel(h int) *Func {
	return b.Func("", func(f *Func) {
		c, left, right, bias, add := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		panels, k, ldc, ldadd, flags := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		lo, hi := f.ParamF32(), f.ParamF32()
		low, high := f.SetV128(lo.Splat()), f.SetV128(hi.Splat())
		end := f.SetI32(c.Add(panels.Shl(5)))
		f.While(c.LtU(end), func() {
			acc := make([]V128, 2*h)
			for i := range acc {
				acc[i] = f.SetV128(Zero())
			}
			row := f.SetI32(c)
			eachRow := func(ld I32, do func(r int)) {
				for r := range h {
					do(r)
					if r < h-1 {
						row.Set(row.Add(ld.Shl(2)))
					}
				}
			}
			f.If(flags.Mask(flagLoad), func() {
				eachRow(ldc, func(r int) {
					acc[2*r].Set(row.LoadV128(0))
					acc[2*r+1].Set(row.LoadV128(16))
				})
			})
			b.sumOfProducts(f, acc, f.SetI32(left), right, k)
			f.If(flags.Mask(flagDone), func() {
				f.If(flags.Mask(flagBias), func() {
					for i := range acc {
						acc[i].Set(acc[i].Add(bias.LoadSplat(i / 2 * 4)))
					}
				})
				f.If(flags.Mask(flagAdd), func() {
					row.Set(add)
					eachRow(ldadd, func(r int) {
						acc[2*r].Set(acc[2*r].Add(row.LoadV128(0)))
						acc[2*r+1].Set(acc[2*r+1].Add(row.LoadV128(16)))
					})
				})
				for i := range acc {
					acc[i].Set(acc[i].Max(low).Min(high))
				}
			})
			row.Set(c)
			eachRow(ldc, func(r int) {
				f.Store(row, 0, acc[2*r])
				f.Store(row, 16, acc[2*r+1])
			})
			c.Set(c.Plus(4 * nr))
			add.Set(add.Plus(4 * nr))
		})
	})
}

// sumOfProducts adds k outer products of a column of the left panel (h floats)
// and a row of the right panel (eight) to acc [h][2]. It moves both addresses
// to the ends of the panels.
func (b *builder) sumOfProducts(f *Func, acc []V128, left, right, k I32) {
	h := len(acc) / 2
	b0, b1, a := f.SetV128(Zero()), f.SetV128(Zero()), f.SetV128(Zero())
	steps := func(n int) {
		for i := range n {
			b0.Set(right.LoadV128(32 * i))
			b1.Set(right.LoadV128(32*i + 16))
			for r := range h {
				a.Set(left.LoadSplat(4 * (h*i + r)))
				acc[2*r].Set(b.madd(a, b0, acc[2*r]))
				acc[2*r+1].Set(b.madd(a, b1, acc[2*r+1]))
			}
		}
		left.Set(left.Plus(int32(4 * h * n)))
		right.Set(right.Plus(int32(32 * n)))
	}
	end := f.SetI32(right.Add(k.Mask(-4).Shl(5)))
	f.While(right.LtU(end), func() { steps(4) })
	end.Set(end.Add(k.Mask(3).Shl(5)))
	f.While(right.LtU(end), func() { steps(1) })
}
