package kernels

import . "dropquant/engine/kernel/wasmasm"

// codes builds what goes between floats, sums and codes, and tables of codes.
func (b *builder) codes() {
	rescale := b.Func("rescale_s32_f32", func(f *Func) {
		to, acc, add, n, offset, flags := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		scale, bias, l, h := f.ParamF32(), f.ParamF32(), f.ParamF32(), f.ParamF32()
		lo, hi := f.SetV128(l.Splat()), f.SetV128(h.Splat())
		scaled(f, flags, offset, scale, bias, func(value func(sum, add V128) V128, adds bool) {
			src := []I32{acc}
			if adds {
				src = append(src, add)
			}
			walk(f, n, to, src, func(x []V128) V128 { return value(x[0], x[len(x)-1]).Max(lo).Min(hi) })
		})
	})
	requantize := b.Func("requantize_s32_u8", func(f *Func) {
		y, acc, add, n, offset, flags, zero := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		scale, bias, inv, shift, lo, hi := f.ParamF32(), f.ParamF32(), f.ParamF32(), f.ParamF32(), f.ParamF32(), f.ParamF32()
		grid := onGrid(f, zero, lo, hi)
		factor, plus := f.SetV128(inv.Splat()), f.SetV128(shift.Splat())
		scaled(f, flags, offset, scale, bias, func(value func(sum, add V128) V128, adds bool) {
			src := []I32{acc}
			if adds {
				src = append(src, add)
			}
			encode(f, n, y, src, func(x []V128) V128 { return grid(value(x[0], x[len(x)-1]).Mul(factor).Add(plus)) })
		})
	})
	requantizeDiv := b.Func("requantize_s32_u8_div", func(f *Func) {
		y, acc, add, n, offset, flags, zero := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		scale, bias, divisor, lo, hi := f.ParamF32(), f.ParamF32(), f.ParamF32(), f.ParamF32(), f.ParamF32()
		grid, by := onGrid(f, zero, lo, hi), f.SetV128(divisor.Splat())
		scaled(f, flags, offset, scale, bias, func(value func(sum, add V128) V128, adds bool) {
			src := []I32{acc}
			if adds {
				src = append(src, add)
			}
			encode(f, n, y, src, func(x []V128) V128 { return grid(value(x[0], x[len(x)-1]).Div(by)) })
		})
	})
	b.Func("rescale_s32_f32_rows", func(f *Func) {
		sumRows(f, 4, func(r sumRow, to []F32) {
			f.Call(rescale, r.to, r.acc, r.add, r.cols, r.offset, r.flags, r.scale, r.bias, to[2], to[3])
		})
	})
	b.Func("requantize_s32_u8_rows", func(f *Func) {
		sumRows(f, 1, func(r sumRow, to []F32) {
			f.Call(requantize, r.to, r.acc, r.add, r.cols, r.offset, r.flags, r.zero, r.scale, r.bias, to[0], to[1], to[2], to[3])
		})
	})
	b.Func("requantize_s32_u8_div_rows", func(f *Func) {
		sumRows(f, 1, func(r sumRow, to []F32) {
			f.Call(requantizeDiv, r.to, r.acc, r.add, r.cols, r.offset, r.flags, r.zero, r.scale, r.bias, to[0], to[2], to[3])
		})
	})
	b.Func("quantize_f32_u8_div", func(f *Func) {
		dst, src, n, zero := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		scale, lo, hi := f.ParamF32(), f.ParamF32(), f.ParamF32()
		grid, by := onGrid(f, zero, lo, hi), f.SetV128(scale.Splat())
		encode(f, n, dst, []I32{src}, func(x []V128) V128 { return grid(x[0].Div(by)) })
	})
	b.Func("quantize_f32_u8_mul", func(f *Func) {
		dst, src, n, zero := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		inv, shift, lo, hi := f.ParamF32(), f.ParamF32(), f.ParamF32(), f.ParamF32()
		grid, by, plus := onGrid(f, zero, lo, hi), f.SetV128(inv.Splat()), f.SetV128(shift.Splat())
		encode(f, n, dst, []I32{src}, func(x []V128) V128 { return grid(x[0].Mul(by).Add(plus)) })
	})
	b.Func("dequantize_u8_f32", func(f *Func) {
		dst, src, n, zero, scale := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamF32()
		origin, by := f.SetV128(zero.Splat()), f.SetV128(scale.Splat())
		value := func(v V128) V128 { return v.SubI32(origin).ConvertI32().Mul(by) }
		v := f.SetV128(Zero())
		end := f.SetI32(src.Add(n.Mask(-8)))
		f.While(src.LtU(end), func() {
			v.Set(src.LoadBytes(0))
			f.Store(dst, 0, value(v.InterleaveLow(Zero())))
			f.Store(dst, 16, value(v.InterleaveHigh(Zero())))
			src.Set(src.Plus(8))
			dst.Set(dst.Plus(32))
		})
		end.Set(end.Add(n.Mask(7)))
		f.While(src.LtU(end), func() {
			f.StoreLanes(dst, 0, f.SetV128(value(src.LoadU8(0).Splat())), 1)
			src.Set(src.Plus(1))
			dst.Set(dst.Plus(4))
		})
	})
	b.Func("lookup_u8", func(f *Func) {
		dst, src, table, n := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		lookups(f, n, func(i I32, at int) { f.StoreU8(dst.Add(i), at, table.Add(src.Add(i).LoadU8(at)).LoadU8(0)) })
	})
	b.Func("lookup_u8_u8", func(f *Func) {
		dst, x, y, table, n := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		lookups(f, n, func(i I32, at int) {
			f.StoreU8(dst.Add(i), at, table.Add(x.Add(i).LoadU8(at).Shl(8)).Add(y.Add(i).LoadU8(at)).LoadU8(0))
		})
	})
}

// lookups runs one for i+at from 0 to n-1, eight to a turn of the loop.
func lookups(f *Func, n I32, one func(i I32, at int)) {
	whole := f.SetI32(n.Mask(-8))
	f.Range(ConstI32(0), whole, 8, func(i I32) {
		for at := range 8 {
			one(i, at)
		}
	})
	f.Range(whole, n, 1, func(i I32) { one(i, 0) })
}

// sumRow is what belongs to a row of sums.
type sumRow struct {
	to, acc, add, cols, offset, flags, zero I32
	scale, bias                             F32
}

// sumRows goes over the rows of a block of sums, as engine/kernel's finisher
// describes it. An element of the result has size bytes.
func sumRows(f *Func, size int32, each func(r sumRow, to []F32)) {
	y, acc, add, offset, scale, bias, shape, params := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
	var n [6]I32
	for i := range n {
		n[i] = f.SetI32(shape.LoadI32(4 * i))
	}
	rows, cols, ldTo, ldAcc, flags, zero := n[0], n[1], n[2], n[3], n[4], n[5]
	var to []F32
	for i := range 4 {
		to = append(to, f.SetF32(params.LoadF32(4*i)))
	}
	shift := f.SetF32(ConstF32(0))
	f.Range(ConstI32(0), rows, 1, func(I32) {
		f.If(flags.Mask(flagBias), func() {
			shift.Set(bias.LoadF32(0))
			bias.Set(bias.Plus(4))
		})
		each(sumRow{y, acc, add, cols, offset.LoadI32(0), flags, zero, scale.LoadF32(0), shift}, to)
		y.Set(y.Add(ldTo.Mul(ConstI32(size))))
		acc.Set(acc.Add(ldAcc.Shl(2)))
		add.Set(add.Add(ldTo.Shl(2)))
		offset.Set(offset.Plus(4))
		scale.Set(scale.Plus(4))
	})
}

// scaled runs loop with what makes floats of sums, as refScaled does: once in
// the code with something to add and once without.
func scaled(f *Func, flags, offset I32, scale, bias F32, loop func(value func(sum, add V128) V128, adds bool)) {
	first, by := f.SetV128(offset.Splat()), f.SetV128(scale.Splat())
	plus := f.SetV128(bias.Splat())
	// Without a bias minus zero is added, which changes nothing.
	f.If(flags.Mask(flagBias).Eq(ConstI32(0)), func() { plus.Set(f.SplatI32(-1 << 31)) })
	value := func(sum V128) V128 { return sum.AddI32(first).ConvertI32().Mul(by).Add(plus) }
	f.IfElse(flags.Mask(flagAdd), func() {
		loop(func(sum, add V128) V128 { return value(sum).Add(add) }, true)
	}, func() {
		loop(func(sum, _ V128) V128 { return value(sum) }, false)
	})
}

// onGrid returns what brings floats onto a grid, as refCode does.
func onGrid(f *Func, zero I32, lo, hi F32) func(V128) V128 {
	least, most := f.SetV128(lo.Splat()), f.SetV128(hi.Splat())
	// Added to 1.5·2^23 a number is rounded half to even into the lowest bits.
	const magic = 3 << 22
	origin := f.SetV128(f.Splat(magic).SubI32(zero.Splat()))
	return func(x V128) V128 {
		return least.Max(x).Min(most).Add(f.Splat(magic)).SubI32(origin) // least is first so that NaN becomes it
	}
}

// encode goes over n elements sixteen at a time, then four, then one. It stores
// at dst, as bytes, what value makes of the vectors at src, 0 to 255.
func encode(f *Func, n, dst I32, src []I32, value func(x []V128) V128) {
	at := func(offset int) V128 {
		var x []V128
		for _, p := range src {
			x = append(x, f.SetV128(p.LoadV128(offset)))
		}
		return f.SetV128(value(x))
	}
	next := func(n int32) {
		dst.Set(dst.Plus(n))
		for _, p := range src {
			p.Set(p.Plus(4 * n))
		}
	}
	end := f.SetI32(dst.Add(n.Mask(-16)))
	f.While(dst.LtU(end), func() {
		low := f.SetV128(at(0).NarrowI32(at(16)))
		f.Store(dst, 0, low.NarrowU8(at(32).NarrowI32(at(48))))
		next(16)
	})
	end.Set(end.Add(n.Mask(12)))
	f.While(dst.LtU(end), func() {
		v := at(0)
		v.Set(v.NarrowI32(v))
		f.StoreLanes(dst, 0, f.SetV128(v.NarrowU8(v)), 1)
		next(4)
	})
	end.Set(end.Add(n.Mask(3)))
	f.While(dst.LtU(end), func() {
		var x []V128
		for _, p := range src {
			x = append(x, f.SetV128(p.LoadFirst(0)))
		}
		f.StoreFirstByte(dst, value(x))
		next(1)
	})
}
