package kernels

import . "dropquant/engine/kernel/wasmasm"

// integer builds the products of codes. Their operands are groups of four
// bytes: two 16-bit integers, or four codes or weights.
func (b *builder) integer() {
	b.Func("gemm_u8_rows", func(f *Func) { f.Result(ConstI32(int32(b.Rows8))) })
	b.groups("s16_rx8", func(f *Func) (func(w V128), product) {
		return nil, func(w, x, acc V128) V128 { return acc.AddI32(w.DotI16(x)) }
	})
	paired, column := b.groups("u8_paired_rx8", pairedProduct)
	if b.Relaxed {
		// Which operand may be unsigned is not defined; V8 has it second.
		b.groups("u8_rx8", func(*Func) (func(w V128), product) {
			return nil, func(w, x, acc V128) V128 { return w.RelaxedDot(x, acc) }
		})
		b.groups("u8_quick_rx8", func(f *Func) (func(w V128), product) {
			ones := f.SplatI32(1<<16 | 1)
			return nil, func(w, x, acc V128) V128 { return acc.AddI32(w.RelaxedDotI16(x).DotI16(ones)) }
		})
	} else { // nothing is quicker here; what looks will find that these saturate
		b.Alias("gemm_u8_rx8", paired)
		b.Alias("gemm_u8_quick_rx8", paired)
		b.Alias("column_u8_rx8", column)
		b.Alias("column_u8_quick_rx8", column)
	}
	b.packGroups("pack_s16_x8", 2)
	b.packGroups("pack_u8_x8", 4)
	b.Func("depthwise_u8", b.depthwiseCodes)
	b.depthwisePlanes8()
}

// A product adds to acc the products of a row's group, in all lanes, and those
// of four columns.
type product func(w, x, acc V128) V128

// pairedProduct parts the even and the odd elements of a group, multiplies in
// 16 bits, which no product leaves, and adds with saturation.
func pairedProduct(f *Func) (prepare func(w V128), multiply product) {
	even, odd, low := f.SetV128(Zero()), f.SetV128(Zero()), f.SplatI32(0xff00ff)
	prepare = func(w V128) {
		odd.Set(w.ShrSI16(8))
		even.Set(w.ShlI16(8).ShrSI16(8))
	}
	return prepare, func(_, x, acc V128) V128 {
		return acc.AddI32(x.And(low).MulI16(even).AddSatI16(x.ShrUI16(8).MulI16(odd)).AddPairsI16())
	}
}

// groups builds a product, gemm_ and column_ before its name, of what by returns: it, and what is done
// once with a row's group before, or nil.
func (b *builder) groups(name string, by func(f *Func) (prepare func(w V128), multiply product)) (gemm, column *Func) {
	gemm = b.groupsBy("gemm_"+name, func(h int) *Func { return b.groupsPanel(h, by) })
	return gemm, b.groupsBy("column_"+name, func(h int) *Func { return b.groupsColumn(h, by) })
}

// groupsBy builds a product out of one function for each height of a panel.
func (b *builder) groupsBy(name string, panel func(h int) *Func) *Func {
	heights := make([]*Func, b.Rows8+1)
	for h := 1; h <= b.Rows8; h++ {
		heights[h] = panel(h)
	}
	return b.Func(name, func(f *Func) {
		c, left, right, extra := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		m, panels, k, extras, ldc, flags := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		h := f.SetI32(ConstI32(0))
		f.While(ConstI32(0).LtS(m), func() {
			panelRows(f, b.Rows8, h, m)
			for i := 1; i <= b.Rows8; i++ {
				f.If(h.Eq(ConstI32(int32(i))), func() { f.Call(heights[i], c, left, right, extra, panels, k, extras, ldc, flags) })
			}
			c.Set(c.Add(h.Mul(ldc).Shl(2)))
			left.Set(left.Add(h.Mul(k.Add(extras)).Shl(2)))
			extra.Set(extra.Add(extras.Shl(2)))
			m.Set(m.Sub(h))
		})
	})
}

// groupsPanel multiplies one panel of h rows with all panels of the right.
func (b *builder) groupsPanel(h int, by func(f *Func) (prepare func(w V128), multiply product)) *Func {
	return b.Func("", func(f *Func) {
		c, left, right, extra := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		panels, k, extras, ldc, flags := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		end, side := f.SetI32(c.Add(panels.Shl(5))), f.SetI32(k.Shl(5))
		prepare, multiply := by(f)
		x0, x1, w := f.SetV128(Zero()), f.SetV128(Zero()), f.SetV128(Zero())
		f.While(c.LtU(end), func() {
			acc := make([]V128, 2*h)
			for i := range acc {
				acc[i] = f.SetV128(Zero())
			}
			row := f.SetI32(c)
			eachRow := func(do func(r int)) {
				for r := range h {
					do(r)
					if r < h-1 {
						row.Set(row.Add(ldc.Shl(2)))
					}
				}
			}
			f.If(flags.Mask(flagLoad), func() {
				eachRow(func(r int) {
					acc[2*r].Set(row.LoadV128(0))
					acc[2*r+1].Set(row.LoadV128(16))
				})
			})
			from, at := f.SetI32(left), f.SetI32(right)
			group := func(i int) { // group i after those at from and at
				x0.Set(at.LoadV128(32 * i))
				x1.Set(at.LoadV128(32*i + 16))
				for r := range h {
					w.Set(from.LoadSplat(4 * (h*i + r)))
					if prepare != nil {
						prepare(w)
					}
					acc[2*r].Set(multiply(w, x0, acc[2*r]))
					acc[2*r+1].Set(multiply(w, x1, acc[2*r+1]))
				}
			}
			groups := func(n int) {
				for i := range n {
					group(i)
				}
				from.Set(from.Plus(int32(4 * h * n)))
				at.Set(at.Plus(int32(32 * n)))
			}
			last := f.SetI32(right.Add(side.Mask(-4 << 5)))
			f.While(at.LtU(last), func() { groups(4) })
			last.Set(right.Add(side))
			f.While(at.LtU(last), func() { groups(1) })
			f.If(extras, func() {
				which, last := f.SetI32(extra), f.SetI32(extra.Add(extras.Shl(2)))
				f.DoWhile(which.LtU(last), func() {
					at.Set(right.Add(which.LoadI32(0)))
					group(0)
					from.Set(from.Plus(int32(4 * h)))
					which.Set(which.Plus(4))
				})
			})
			row.Set(c)
			eachRow(func(r int) {
				f.Store(row, 0, acc[2*r])
				f.Store(row, 16, acc[2*r+1])
			})
			c.Set(c.Plus(4 * nr))
			right.Set(right.Add(side))
		})
	})
}

// groupsColumn multiplies one panel of h rows with the first column of one panel of
// the right: a lane is a row. Four groups have sums of their own.
func (b *builder) groupsColumn(h int, by func(f *Func) (prepare func(w V128), multiply product)) *Func {
	const turns = 4
	return b.Func("", func(f *Func) {
		c, left, right, extra := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		_, k, extras, ldc, flags := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		prepare, multiply := by(f)
		w, x, at := f.SetV128(Zero()), f.SetV128(Zero()), f.SetI32(right)
		vectors := (h + 3) / 4
		sums := make([]V128, turns*vectors)
		for i := range sums {
			sums[i] = f.SetV128(Zero())
		}
		groups := func(n int) {
			for i := range n {
				x.Set(at.LoadSplat(4 * nr * i))
				for v := range vectors {
					w.Set(loadRows(left, 4*(h*i+4*v), min(4, h-4*v)))
					if prepare != nil {
						prepare(w)
					}
					sum := sums[i*vectors+v]
					sum.Set(multiply(w, x, sum))
				}
			}
			left.Set(left.Plus(int32(4 * h * n)))
		}
		walk := func(end I32, n int) {
			f.While(at.LtU(end), func() {
				groups(n)
				at.Set(at.Plus(int32(4 * nr * n)))
			})
		}
		end := f.SetI32(right.Add(k.Mask(-turns).Shl(5)))
		walk(end, turns)
		end.Set(right.Add(k.Shl(5)))
		walk(end, 1)
		end.Set(extra.Add(extras.Shl(2)))
		f.While(extra.LtU(end), func() {
			at.Set(right.Add(extra.LoadI32(0)))
			groups(1)
			extra.Set(extra.Plus(4))
		})
		for v := range vectors {
			for i := 1; i < turns; i++ {
				sums[v].Set(sums[v].AddI32(sums[i*vectors+v]))
			}
		}
		for r := range h {
			y := f.SetI32(sums[r/4].LaneI32(r % 4))
			f.If(flags.Mask(flagLoad), func() { y.Set(y.Add(c.LoadI32(0))) })
			f.Store(c, 0, y)
			c.Set(c.Add(ldc.Shl(2)))
		}
	})
}

// packGroups packs panels of eight columns, lanes inner elements to a group.
func (b *builder) packGroups(name string, lanes int) {
	b.Func(name, func(f *Func) {
		dst, src, koff, base, kind, control := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		k, panels, flip := f.ParamI32(), f.ParamI32(), f.ParamI32()
		signs := f.SetV128(flip.Mul(ConstI32(0x1010101)).Splat())
		kindEnd := f.SetI32(kind.Add(panels.Shl(2)))
		koffEnd := f.SetI32(koff.Add(k.Mul(ConstI32(int32(4 * lanes)))))
		at, which := f.SetI32(ConstI32(0)), f.SetI32(ConstI32(0))
		x := make([]V128, lanes)
		for i := range x {
			x[i] = f.SetV128(Zero())
		}
		// groups stores what column reads of each inner element, for each group.
		groups := func(column func(off I32) V128) {
			at.Set(koff)
			f.While(at.LtU(koffEnd), func() {
				for i := range x {
					x[i].Set(column(at.LoadI32(4 * i)))
				}
				x[0].Set(x[0].InterleaveBytes(x[1]))
				if lanes == 2 {
					f.Store(dst, 0, x[0].ExtendLow())
					f.Store(dst, 16, x[0].ExtendHigh())
				} else {
					x[2].Set(x[2].InterleaveBytes(x[3]))
					f.Store(dst, 0, x[0].InterleaveLow(x[2]).Xor(signs))
					f.Store(dst, 16, x[0].InterleaveHigh(x[2]).Xor(signs))
				}
				dst.Set(dst.Plus(4 * nr))
				at.Set(at.Plus(int32(4 * lanes)))
			})
		}
		first, second, off := f.SetI32(ConstI32(0)), f.SetI32(ConstI32(0)), f.SetI32(ConstI32(0))
		f.While(kind.LtU(kindEnd), func() {
			which.Set(kind.LoadI32(0))
			first.Set(src.Add(base.LoadI32(0)))
			f.If(which.Eq(ConstI32(kindRun8)), func() {
				groups(func(off I32) V128 { return first.Add(off).LoadEight(0) })
			})
			f.If(which.Eq(ConstI32(kindFar)), func() {
				columns := make([]I32, nr)
				for l := range columns {
					columns[l] = f.SetI32(src.Add(base.LoadI32(4 * l)))
				}
				groups(func(at I32) V128 {
					off.Set(at)
					v := Zero()
					for l, c := range columns {
						v = c.Add(off).LoadByteLane(v, l)
					}
					return v
				})
			})
			f.If(ConstI32(kindRun8).LtS(which), func() {
				lane := Choose(which.LtS(ConstI32(nr)), which, ConstI32(nr-1))
				second.Set(src.Add(base.Add(lane.Shl(2)).LoadI32(0)))
				pick := [2]V128{f.SetV128(control.LoadV128(0)), f.SetV128(control.LoadV128(windowBytes))}
				groups(func(at I32) V128 {
					off.Set(at)
					return b.swizzle(first.Add(off).LoadV128(0), pick[0]).Or(b.swizzle(second.Add(off).LoadV128(0), pick[1]))
				})
			})
			base.Set(base.Plus(4 * nr))
			kind.Set(kind.Plus(4))
			control.Set(control.Plus(2 * windowBytes))
		})
	})
}

// Kinds of panels and the size of a window, as in engine/kernel.
const (
	kindFar     = -1
	kindRun8    = 0
	windowBytes = 16
)

// swizzle picks bytes by a control whose bytes are below 16 or 128, for which
// the relaxed instruction does the same everywhere.
func (b *builder) swizzle(x, control V128) V128 {
	if b.Relaxed {
		return x.RelaxedSwizzle(control)
	}
	return x.Swizzle(control)
}
