package kernels

import . "dropquant/engine/kernel/wasmasm"

// depthwiseCodes makes eight sums at a time out of pairs of taps.
func (b *builder) depthwiseCodes(f *Func) {
	acc, x, w, off := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
	pairs, rows, cols, pitch, stride := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
	end := f.SetI32(off.Add(pairs.Shl(3)))
	from, tap, weight, left := f.SetI32(ConstI32(0)), f.SetI32(ConstI32(0)), f.SetI32(ConstI32(0)), f.SetI32(ConstI32(0))
	lo, hi, even, odd, weights := f.SetV128(Zero()), f.SetV128(Zero()), f.SetV128(Zero()), f.SetV128(Zero()), f.SetV128(Zero())
	slide := func(read func(p I32) V128) {
		f.Range(ConstI32(0), rows, 1, func(I32) {
			from.Set(x)
			left.Set(cols)
			f.While(ConstI32(0).LtS(left), func() {
				lo.Set(Zero())
				hi.Set(Zero())
				tap.Set(off)
				weight.Set(w)
				f.DoWhile(tap.LtU(end), func() {
					even.Set(read(from.Add(tap.LoadI32(0))))
					odd.Set(read(from.Add(tap.LoadI32(4))))
					weights.Set(weight.LoadSplat(0))
					lo.Set(lo.AddI32(even.InterleaveLow(odd).DotI16(weights)))
					hi.Set(hi.AddI32(even.InterleaveHigh(odd).DotI16(weights)))
					tap.Set(tap.Plus(8))
					weight.Set(weight.Plus(4))
				})
				f.Store(acc, 0, lo)
				f.Store(acc, 16, hi)
				acc.Set(acc.Plus(4 * nr))
				from.Set(from.Add(stride.Shl(3)))
				left.Set(left.Plus(-nr))
			})
			acc.Set(acc.Add(left.Shl(2))) // back to where the row ends
			x.Set(x.Add(pitch))
		})
	}
	low := f.SplatI32(0xff00ff)
	p := f.SetI32(ConstI32(0))
	f.IfElse(stride.Eq(ConstI32(1)), func() {
		slide(func(p I32) V128 { return p.LoadBytes(0) })
	}, func() {
		f.IfElse(stride.Eq(ConstI32(2)), func() {
			slide(func(p I32) V128 { return p.LoadV128(0).And(low) })
		}, func() {
			slide(func(at I32) V128 {
				p.Set(at)
				v := f.SetV128(Zero())
				for lane := range nr {
					v.Set(p.LoadByteLane(v, lane))
					p.Set(p.Add(stride))
				}
				return v.ExtendLow()
			})
		})
	})
}

// depthwisePlanes8 builds depthwise_u8_planes, with a function for each window.
func (b *builder) depthwisePlanes8() {
	type window struct{ size, stride int }
	windows := []window{{3, 1}, {3, 2}, {5, 1}, {5, 2}}
	functions := make([]*Func, len(windows))
	for i, w := range windows {
		functions[i] = b.depthwisePlane8(w.size, w.stride)
	}
	b.Func("depthwise_u8_planes", func(f *Func) {
		acc, x, pad, w, shape := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		p := loadPlane(f, shape)
		b.eachChannel8(f, p, x, pad, func() {
			for i, win := range windows {
				f.If(p.kh.Eq(ConstI32(int32(win.size))).And(p.strideH.Eq(ConstI32(int32(win.stride)))), func() {
					f.Call(functions[i], acc, pad, w, p.oh, p.ow, p.pw)
					w.Set(w.Plus(int32(4 * len(pairsOfRows(win.size, win.stride)))))
				})
			}
			acc.Set(acc.Add(p.oh.Mul(p.outBytes)))
		})
	})
}

// A rowsPair is a use of the rows 2·pair and 2·pair+1 of the input below the
// first of two rows of the output, in column kx of the window.
type rowsPair struct{ pair, kx, out int }

// pairsOfRows lists them in the order of engine/kernel's weights.
func pairsOfRows(size, stride int) (list []rowsPair) {
	for pair := range (size + stride + 1) / 2 {
		for kx := range size {
			for out := range 2 {
				if ky := 2*pair - out*stride; ky > -2 && ky < size {
					list = append(list, rowsPair{pair, kx, out})
				}
			}
		}
	}
	return list
}

// depthwisePlane8 convolves one padded channel, eight columns of two rows of
// the output at a time. Two rows of the input make the pairs of a product, for
// both rows of the output: of a pair that reaches over the edge of the window,
// the weight outside is zero.
func (b *builder) depthwisePlane8(size, stride int) *Func {
	return b.Func("", func(f *Func) {
		acc, pad, w, oh, ow, pw := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		outBytes, down := f.SetI32(ow.Shl(2)), f.SetI32(pw.Mul(ConstI32(int32(stride))))
		uses, low := pairsOfRows(size, stride), f.SplatI32(0xff00ff)
		weights := func(i int) V128 { return w.LoadSplat(4 * i) }
		if size == 3 {
			var kept []V128
			for i := range uses {
				kept = append(kept, f.SetV128(w.LoadSplat(4*i)))
			}
			weights = func(i int) V128 { return kept[i] }
		}
		row := func(p I32) []V128 { // the input under each column of the window
			x := make([]V128, size)
			for kx := range x {
				switch {
				case stride == 1:
					x[kx] = f.SetV128(p.LoadBytes(kx))
				case kx%2 == 0:
					x[kx] = f.SetV128(p.LoadV128(kx))
				default:
					x[kx] = f.SetV128(x[kx-1].ShrUI16(8))
					x[kx-1].Set(x[kx-1].And(low))
				}
			}
			if stride == 2 {
				x[size-1].Set(x[size-1].And(low))
			}
			return x
		}
		overlapping(f, oh, 2, func(i I32) {
			from, to := f.SetI32(pad.Add(i.Mul(down))), f.SetI32(acc.Add(i.Mul(outBytes)))
			overlapping(f, ow, nr, func(j I32) {
				p, q := f.SetI32(from.Add(j.Mul(ConstI32(int32(stride))))), f.SetI32(to.Add(j.Shl(2)))
				var sums [2][2]V128
				for o := range sums {
					sums[o] = [2]V128{f.SetV128(Zero()), f.SetV128(Zero())}
				}
				i := 0
				for pair := range (size + stride + 1) / 2 {
					above := row(p)
					below := above
					if 2*pair+1 < size+stride {
						p.Set(p.Add(pw))
						below = row(p)
						p.Set(p.Add(pw))
					}
					for kx := range size {
						lo, hi := f.SetV128(above[kx].InterleaveLow(below[kx])), f.SetV128(above[kx].InterleaveHigh(below[kx]))
						for ; i < len(uses) && uses[i].pair == pair && uses[i].kx == kx; i++ {
							sum, by := sums[uses[i].out], weights(i)
							sum[0].Set(sum[0].AddI32(lo.DotI16(by)))
							sum[1].Set(sum[1].AddI32(hi.DotI16(by)))
						}
					}
				}
				for _, sum := range sums { // what the first writes past a narrow row, the second writes over
					f.Store(q, 0, sum[0])
					f.Store(q, 16, sum[1])
					q.Set(q.Add(outBytes))
				}
			})
		})
	})
}
