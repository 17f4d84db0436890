package kernels

import . "dropquant/engine/kernel/wasmasm"

// plane is engine/kernel's plane in locals: a window that slides over one
// channel. Sizes are in elements, strideY and dilationY in bytes.
type plane struct {
	channels, h, w, top, left, ph, pw, oh, ow, kh, kw, strideH, strideW, dilationH, dilationW I32

	rowBytes, outBytes I32 // of a padded row, of an output row
}

func loadPlane(f *Func, shape I32) plane {
	var p plane
	for i, field := range []*I32{
		&p.channels, &p.h, &p.w, &p.top, &p.left, &p.ph, &p.pw, &p.oh, &p.ow, &p.kh, &p.kw,
		&p.strideH, &p.strideW, &p.dilationH, &p.dilationW,
	} {
		*field = f.SetI32(shape.LoadI32(4 * i))
	}
	p.rowBytes, p.outBytes = f.SetI32(p.pw.Shl(2)), f.SetI32(p.ow.Shl(2))
	return p
}

// eachChannel copies a channel of x into pad, surrounded by fill, runs body,
// and moves x on. What surrounds it is written once: body leaves pad alone.
func (b *builder) eachChannel(f *Func, p plane, x, pad I32, fill F32, body func()) {
	f.Call(b.fill, pad, p.ph.Mul(p.pw), fill)
	first, bytes := f.SetI32(pad.Add(p.top.Mul(p.pw).Add(p.left).Shl(2))), f.SetI32(p.w.Shl(2))
	f.Range(ConstI32(0), p.channels, 1, func(I32) {
		to := f.SetI32(first)
		f.Range(ConstI32(0), p.h, 1, func(I32) {
			f.IfElse(p.w.LtS(ConstI32(4)), func() {
				f.Range(ConstI32(0), bytes, 4, func(q I32) { f.Store(to.Add(q), 0, x.Add(q).LoadF32(0)) })
			}, func() {
				overlapping(f, bytes, 16, func(q I32) { f.Store(to.Add(q), 0, x.Add(q).LoadV128(0)) })
			})
			to.Set(to.Add(p.rowBytes))
			x.Set(x.Add(bytes))
		})
		body()
	})
}

// overlapping runs body for i = 0, step, 2·step, … and last for n-step, so that
// steps cover n without a rest. n is at least step.
func overlapping(f *Func, n I32, step int32, body func(i I32)) {
	i, last, more := f.SetI32(ConstI32(0)), f.SetI32(n.Plus(-step)), f.SetI32(ConstI32(0))
	f.DoWhile(more, func() {
		body(i)
		more.Set(i.LtS(last))
		next := f.SetI32(i.Plus(step))
		i.Set(Choose(next.LtS(last), next, last))
	})
}

// storeRow stores n floats at y, four at a time, and moves y on. value
// computes four results from the column j; it may read past the last column.
func storeRow(f *Func, y, n I32, value func(j I32) V128) {
	j := f.SetI32(ConstI32(0))
	f.While(j.Plus(3).LtS(n), func() {
		f.Store(y, 0, value(j))
		y.Set(y.Plus(16))
		j.Set(j.Plus(4))
	})
	rest := f.SetI32(n.Sub(j))
	f.If(rest, func() {
		v := f.SetV128(value(j))
		for lanes := 1; lanes < 4; lanes++ {
			f.If(rest.Eq(ConstI32(int32(lanes))), func() { f.StoreLanes(y, 0, v, lanes) })
		}
		y.Set(y.Add(rest.Shl(2)))
	})
}

// every reads each second of eight floats at p: those at 0, 2, 4, 6.
func every(p I32, offset int) V128 {
	return p.LoadV128(offset).Shuffle(p.LoadV128(offset+16), 0, 2, 4, 6)
}
