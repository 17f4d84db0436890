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
// and moves x on.
func (b *builder) eachChannel(f *Func, p plane, x, pad I32, fill F32, body func()) {
	area := f.SetI32(p.h.Mul(p.w).Shl(2))
	f.Range(ConstI32(0), p.channels, 1, func(I32) {
		f.Call(b.padPlane, pad, x, ConstI32(1), p.h, p.w, p.ph, p.pw, p.top, p.left, fill)
		body()
		x.Set(x.Add(area))
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
