package kernels

import (
	"math"

	. "dropquant/engine/kernel/wasmasm"
)

// depthwise builds depthwise_f32, which chooses by the window: 3x3 and 5x5 of
// stride 1 and 2 without dilation are unrolled, with the taps in locals;
// everything else, and what is smaller than four columns and two rows, loops.
func (b *builder) depthwise() {
	type window struct{ size, stride int }
	fast := map[window]*Func{}
	windows := []window{{3, 1}, {3, 2}, {5, 1}, {5, 2}}
	for _, w := range windows {
		fast[w] = b.depthwisePlane(w.size, w.stride)
	}
	general := b.depthwiseGeneral()
	finish := b.Func("", func(f *Func) { // n floats: y = clamp(y + add)
		y, add, n := f.ParamI32(), f.ParamI32(), f.ParamI32()
		lo, hi := f.ParamF32(), f.ParamF32()
		from := f.SetI32(y)
		walk(f, n, y, []I32{from, add}, func(x []V128) V128 { return x[0].Add(x[1]).Max(lo.Splat()).Min(hi.Splat()) })
	})
	b.Func("depthwise_f32", func(f *Func) {
		y, x, w, bias, add, pad, shape, flags := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		lo, hi := f.ParamF32(), f.ParamF32()
		p := loadPlane(f, shape)
		taps, outArea := f.SetI32(p.kh.Mul(p.kw).Shl(2)), f.SetI32(p.oh.Mul(p.outBytes))
		plain := f.SetI32(p.kh.Eq(p.kw).And(p.strideH.Eq(p.strideW)).And(p.dilationH.Mul(p.dilationW).Eq(ConstI32(1))).
			And(ConstI32(3).LtS(p.ow)).And(ConstI32(1).LtS(p.oh)))
		chosen := f.SetI32(ConstI32(0)) // index into windows, from 1
		for i, w := range windows {
			f.If(plain.And(p.kh.Eq(ConstI32(int32(w.size)))).And(p.strideH.Eq(ConstI32(int32(w.stride)))), func() {
				chosen.Set(ConstI32(int32(i + 1)))
			})
		}
		start := f.SetF32(ConstF32(0))
		low, high := f.SetF32(lo), f.SetF32(hi)
		f.If(flags.Mask(flagAdd), func() { // clamp after the sum
			low.Set(ConstF32(float32(math.Inf(-1))))
			high.Set(ConstF32(float32(math.Inf(1))))
		})
		b.eachChannel(f, p, x, pad, ConstF32(0), func() {
			f.If(flags.Mask(flagBias), func() {
				start.Set(bias.LoadF32(0))
				bias.Set(bias.Plus(4))
			})
			for i, win := range windows {
				f.If(chosen.Eq(ConstI32(int32(i+1))), func() {
					f.Call(fast[win], y, pad, w, p.oh, p.ow, p.rowBytes, start, low, high)
				})
			}
			f.If(chosen.Eq(ConstI32(0)), func() {
				f.Call(general, y, pad, w, shape, start, low, high)
			})
			f.If(flags.Mask(flagAdd), func() {
				f.Call(finish, y, add, outArea.ShrU(2), lo, hi)
				add.Set(add.Add(outArea))
			})
			y.Set(y.Add(outArea))
			w.Set(w.Add(taps))
		})
	})
}

// depthwisePlane convolves one padded channel, four columns of two rows of the
// output at a time: they share most rows of the input.
func (b *builder) depthwisePlane(size, stride int) *Func {
	return b.Func("", func(f *Func) {
		y, pad, w, oh, ow, rowBytes := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		bias, lo, hi := f.ParamF32(), f.ParamF32(), f.ParamF32()
		taps := make([]V128, size*size)
		for i := range taps {
			taps[i] = f.SetV128(w.LoadSplat(4 * i))
		}
		start, low, high := f.SetV128(bias.Splat()), f.SetV128(lo.Splat()), f.SetV128(hi.Splat())
		outBytes, down := f.SetI32(ow.Shl(2)), f.SetI32(rowBytes.Shl(int32(stride-1)))
		overlapping(f, oh, 2, func(i I32) {
			from, to := f.SetI32(pad.Add(i.Mul(down))), f.SetI32(y.Add(i.Mul(outBytes)))
			overlapping(f, ow, 4, func(j I32) {
				p, q := f.SetI32(from.Add(j.Shl(int32(1+stride)))), f.SetI32(to.Add(j.Shl(2)))
				sums := [2]V128{f.SetV128(start), f.SetV128(start)}
				rows := stride + size
				for r := range rows {
					x := rowTaps(f, p, size, stride)
					for o, sum := range sums {
						if ky := r - o*stride; ky >= 0 && ky < size {
							for kx := range size {
								sum.Set(b.madd(x[kx], taps[ky*size+kx], sum))
							}
						}
					}
					if r < rows-1 {
						p.Set(p.Add(rowBytes))
					}
				}
				f.Store(q, 0, sums[0].Max(low).Min(high))
				f.Store(q.Add(outBytes), 0, sums[1].Max(low).Min(high))
			})
		})
	})
}

// rowTaps is the input under each tap of a row of four neighbouring windows.
func rowTaps(f *Func, p I32, size, stride int) []V128 {
	x := make([]V128, size)
	if stride == 1 {
		for kx := range x {
			x[kx] = f.SetV128(p.LoadV128(4 * kx))
		}
		return x
	}
	// Columns 0, 2, 4, 6 and 1, 3, 5, 7; then each two further.
	v, w, next := f.SetV128(p.LoadV128(0)), f.SetV128(p.LoadV128(16)), f.SetV128(p.LoadV128(32))
	x[0], x[1] = f.SetV128(v.Shuffle(w, 0, 2, 4, 6)), f.SetV128(v.Shuffle(w, 1, 3, 5, 7))
	for kx := 2; kx < size; kx++ {
		x[kx] = f.SetV128(x[kx-2].Shuffle(next, 1, 2, 3, 4+kx-2))
	}
	return x
}

// depthwiseGeneral convolves one padded channel with any window.
func (b *builder) depthwiseGeneral() *Func {
	return b.Func("", func(f *Func) {
		y, pad, w, shape := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		bias, lo, hi := f.ParamF32(), f.ParamF32(), f.ParamF32()
		p := loadPlane(f, shape)
		step, down := f.SetI32(p.strideW.Shl(2)), f.SetI32(p.dilationH.Mul(p.rowBytes))
		f.Range(ConstI32(0), p.oh, 1, func(I32) {
			f.Range(ConstI32(0), p.ow, 1, func(j I32) {
				acc := f.SetF32(bias)
				row, tap := f.SetI32(pad.Add(j.Mul(step))), f.SetI32(w)
				f.Range(ConstI32(0), p.kh, 1, func(I32) {
					at, end := f.SetI32(row), f.SetI32(tap.Add(p.kw.Shl(2)))
					f.While(tap.LtU(end), func() {
						acc.Set(acc.Add(at.LoadF32(0).Mul(tap.LoadF32(0))))
						at.Set(at.Add(p.dilationW.Shl(2)))
						tap.Set(tap.Plus(4))
					})
					row.Set(row.Add(down))
				})
				f.StoreLanes(y, 0, f.SetV128(acc.Splat().Max(lo.Splat()).Min(hi.Splat())), 1)
				y.Set(y.Plus(4))
			})
			pad.Set(pad.Add(p.strideH.Mul(p.rowBytes)))
		})
	})
}
