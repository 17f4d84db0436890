package kernels

import . "dropquant/engine/kernel/wasmasm"

// eachChannel8 copies a channel of codes at x into pad, whose border is filled
// already, runs body, and moves x on.
func (b *builder) eachChannel8(f *Func, p plane, x, pad I32, body func()) {
	first := f.SetI32(pad.Add(p.top.Mul(p.pw)).Add(p.left))
	f.Range(ConstI32(0), p.channels, 1, func(I32) {
		to := f.SetI32(first)
		f.Range(ConstI32(0), p.h, 1, func(I32) {
			f.Call(b.copyBytes, to, x, p.w)
			to.Set(to.Add(p.pw))
			x.Set(x.Add(p.w))
		})
		body()
	})
}

// byteSteps runs one of the functions over n bytes in steps as long as n
// allows, the last over the one before it, so that none goes past the end.
func byteSteps(f *Func, n I32, by16, by8, by4, by1 func(i I32)) {
	f.IfElse(ConstI32(15).LtS(n), func() { overlapping(f, n, 16, by16) }, func() {
		f.IfElse(ConstI32(7).LtS(n), func() { overlapping(f, n, 8, by8) }, func() {
			f.IfElse(ConstI32(3).LtS(n), func() { overlapping(f, n, 4, by4) }, func() { f.Range(ConstI32(0), n, 1, by1) })
		})
	})
}

// poolCodes builds maxpool_u8, which folds a window down its columns into one
// row, which neighbouring windows share, and then along that row.
func (b *builder) poolCodes() {
	b.Func("maxpool_u8", func(f *Func) {
		y, x, pad, shape := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		p, low := loadPlane(f, shape), f.SplatI32(0xff00ff)
		folded := f.SetI32(pad.Add(p.ph.Mul(p.pw)).Plus(16))
		down, next := f.SetI32(p.dilationH.Mul(p.pw)), f.SetI32(p.strideH.Mul(p.pw))
		acc, at := f.SetV128(Zero()), f.SetI32(ConstI32(0))
		b.eachChannel8(f, p, x, pad, func() {
			top := f.SetI32(pad)
			f.Range(ConstI32(0), p.oh, 1, func(I32) {
				f.Range(ConstI32(0), p.pw, 16, func(j I32) {
					acc.Set(Zero())
					at.Set(top.Add(j))
					f.Range(ConstI32(0), p.kh, 1, func(I32) {
						acc.Set(acc.MaxU8(at.LoadV128(0)))
						at.Set(at.Add(down))
					})
					f.Store(folded.Add(j), 0, acc)
				})
				row := func(read func(p I32) V128) {
					value := func(j I32) V128 {
						acc.Set(Zero())
						at.Set(folded.Add(j.Mul(p.strideW)))
						f.Range(ConstI32(0), p.kw, 1, func(I32) {
							acc.Set(acc.MaxU8(read(at)))
							at.Set(at.Add(p.dilationW))
						})
						return acc
					}
					byteSteps(f, p.ow,
						func(j I32) { f.Store(y.Add(j), 0, value(j)) },
						func(j I32) { f.StoreLanes(y.Add(j), 0, value(j), 2) },
						func(j I32) { f.StoreLanes(y.Add(j), 0, value(j), 1) },
						func(j I32) { f.StoreFirstByte(y.Add(j), value(j)) })
				}
				f.IfElse(p.strideW.Eq(ConstI32(1)), func() {
					row(func(p I32) V128 { return p.LoadV128(0) })
				}, func() {
					f.IfElse(p.strideW.Eq(ConstI32(2)), func() {
						row(func(p I32) V128 { return p.LoadV128(0).And(low).NarrowU8(p.LoadV128(16).And(low)) })
					}, func() {
						f.Range(ConstI32(0), p.ow, 1, func(j I32) {
							most, v := f.SetI32(ConstI32(0)), f.SetI32(ConstI32(0))
							at.Set(folded.Add(j.Mul(p.strideW)))
							f.Range(ConstI32(0), p.kw, 1, func(I32) {
								v.Set(at.LoadU8(0))
								most.Set(Choose(most.LtU(v), v, most))
								at.Set(at.Add(p.dilationW))
							})
							f.StoreU8(y.Add(j), 0, most)
						})
					})
				})
				y.Set(y.Add(p.ow))
				top.Set(top.Add(next))
			})
		})
	})
}
