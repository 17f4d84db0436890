package kernels

import (
	"math"

	. "dropquant/engine/kernel/wasmasm"
)

// pool builds maxpool_f32, avgpool_f32 and rowmean_f32. A window is folded
// down its columns into one row, which neighbouring windows share, and then
// along that row.
func (b *builder) pool() {
	b.Func("maxpool_f32", func(f *Func) {
		y, x, pad, shape := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		b.slide(f, loadPlane(f, shape), y, x, pad, ConstF32(float32(math.Inf(-1))), V128.Max, nil)
	})
	b.Func("avgpool_f32", func(f *Func) {
		y, x, pad, countY, countX, shape := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		b.slide(f, loadPlane(f, shape), y, x, pad, ConstF32(0), V128.Add, func(i, j I32, sum V128) V128 {
			return sum.Div(countY.Add(i.Shl(2)).LoadSplat(0).Mul(countX.Add(j.Shl(2)).LoadV128(0)))
		})
	})
	b.Func("rowmean_f32", func(f *Func) {
		y, x, rows, cols := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		f.Range(ConstI32(0), rows, 1, func(I32) {
			sums := f.SetV128(Zero())
			end := f.SetI32(x.Add(cols.Mask(-4).Shl(2)))
			f.While(x.LtU(end), func() {
				v := f.SetV128(x.LoadV128(0))
				sums.Set(sums.AddF64(v.PromoteLow().AddF64(v.Shuffle(v, 2, 3, 2, 3).PromoteLow())))
				x.Set(x.Plus(16))
			})
			sum := f.SetF64(sums.LaneF64(0).Add(sums.LaneF64(1)))
			end.Set(end.Add(cols.Mask(3).Shl(2)))
			f.While(x.LtU(end), func() {
				sum.Set(sum.Add(x.LoadF32(0).Promote()))
				x.Set(x.Plus(4))
			})
			f.Store(y, 0, sum.Div(cols.ToF32().Promote()).Demote())
			y.Set(y.Plus(4))
		})
	})
}

// slide folds each window of each channel with fold, beginning with start, and
// finishes output (i, j) to (i, j+3) with finish when there is one.
func (b *builder) slide(f *Func, p plane, y, x, pad I32, start F32, fold func(x, y V128) V128, finish func(i, j I32, v V128) V128) {
	slack := int32(16 * 4)
	folded := f.SetI32(pad.Add(p.ph.Mul(p.rowBytes)).Plus(slack)) // a row of scratch after the padded plane
	down := f.SetI32(p.dilationH.Mul(p.rowBytes))
	along := f.SetI32(p.dilationW.Shl(2))
	b.eachChannel(f, p, x, pad, start, func() {
		f.Range(ConstI32(0), p.oh, 1, func(i I32) {
			top := f.SetI32(pad.Add(i.Mul(p.strideH).Mul(p.rowBytes)))
			to, end := f.SetI32(folded), f.SetI32(folded.Add(p.rowBytes))
			f.While(to.LtU(end), func() {
				acc, at := f.SetV128(start.Splat()), f.SetI32(top)
				f.Range(ConstI32(0), p.kh, 1, func(I32) {
					acc.Set(fold(acc, at.LoadV128(0)))
					at.Set(at.Add(down))
				})
				f.Store(to, 0, acc)
				to.Set(to.Plus(16))
				top.Set(top.Plus(16))
			})
			row := func(read func(at I32) V128) {
				storeRow(f, y, p.ow, func(j I32) V128 {
					acc, at := f.SetV128(start.Splat()), f.SetI32(folded.Add(j.Mul(p.strideW).Shl(2)))
					f.Range(ConstI32(0), p.kw, 1, func(I32) {
						acc.Set(fold(acc, read(at)))
						at.Set(at.Add(along))
					})
					if finish != nil {
						acc.Set(finish(i, j, acc))
					}
					return acc
				})
			}
			f.IfElse(p.strideW.Eq(ConstI32(1)), func() {
				row(func(at I32) V128 { return at.LoadV128(0) })
			}, func() {
				f.IfElse(p.strideW.Eq(ConstI32(2)), func() {
					row(func(at I32) V128 { return every(at, 0) })
				}, func() {
					row(func(at I32) V128 {
						lanes, q := []I32{at}, f.SetI32(at)
						for range 3 {
							q.Set(q.Add(p.strideW.Shl(2)))
							lanes = append(lanes, f.SetI32(q))
						}
						return gather(lanes)
					})
				})
			})
		})
	})
}
