package kernels

import . "dropquant/engine/kernel/wasmasm"

// fusedKernels builds what needs fused multiply-adds, bit for bit. A name that
// ends in _quick is the same by the instruction of relaxed SIMD, which is fused
// or not as the processor likes: who calls it must have found out.
func (b *builder) fusedKernels() {
	for _, k := range []struct {
		name  string
		build func(f *Func, by fuser)
	}{
		{"quantize_f32_u8_fma", quantizeFused},
		{"fma_f32", fma},
		{"add_u8", addCodes},
		{"logistic_f32_dnn", func(f *Func, by fuser) { dnn(f, func(x V128) V128 { return logistic(f, by, x) }) }},
		{"swish_f32_dnn", func(f *Func, by fuser) { dnn(f, func(x V128) V128 { return logistic(f, by, x).Mul(x) }) }},
	} {
		sure := b.Func(k.name, func(f *Func) { k.build(f, emulated) })
		if b.Relaxed {
			b.Func(k.name+"_quick", func(f *Func) { k.build(f, relaxed) })
		} else {
			b.Alias(k.name+"_quick", sure)
		}
	}
}

// A fuser returns what computes x·y + z of a local y, rounded once.
type fuser func(f *Func, y V128) func(x, z V128) V128

func relaxed(_ *Func, y V128) func(x, z V128) V128 {
	return func(x, z V128) V128 { return x.RelaxedMulAdd(y, z) }
}

// emulated does as FMA of engine/kernel does: it makes the sum in 64 bits and
// sets its last bit where it was rounded.
func emulated(f *Func, y V128) func(x, z V128) V128 {
	low, high := f.SetV128(y.PromoteLow()), f.SetV128(y.Shuffle(y, 2, 3, 2, 3).PromoteLow())
	one := f.SetV128(f.SplatI32(1).ExtendLowI32())
	pair := func(x, y, z V128) V128 {
		p, c := f.SetV128(x.PromoteLow().MulF64(y)), f.SetV128(z.PromoteLow())
		s := f.SetV128(p.AddF64(c))
		t := f.SetV128(s.SubF64(p))
		lost := p.SubF64(s.SubF64(t)).AddF64(c.SubF64(t))
		// Nothing that was lost is so small that the product becomes zero.
		way := f.SetV128(lost.MulF64(s))
		even := f.SetV128(one.AndNot(s))
		return s.AddI64(even.And(Zero().LtF64(way))).SubI64(even.And(way.LtF64(Zero()))).DemoteF64()
	}
	return func(x, z V128) V128 {
		x, z = f.SetV128(x), f.SetV128(z)
		sum := f.SetV128(pair(x, low, z))
		return sum.Shuffle(pair(x.Shuffle(x, 2, 3, 2, 3), high, z.Shuffle(z, 2, 3, 2, 3)), 0, 1, 4, 5)
	}
}

func quantizeFused(f *Func, by fuser) {
	dst, src, n, zero := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
	inv, shift, lo, hi := f.ParamF32(), f.ParamF32(), f.ParamF32(), f.ParamF32()
	grid, fma, plus := onGrid(f, zero, lo, hi), by(f, f.SetV128(inv.Splat())), f.SetV128(shift.Splat())
	encode(f, n, dst, []I32{src}, func(x []V128) V128 { return grid(fma(x[0], plus)) })
}

func fma(f *Func, by fuser) {
	dst, src, add, n, flags := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
	factor, shift, l, h := f.ParamF32(), f.ParamF32(), f.ParamF32(), f.ParamF32()
	lo, hi, fma, plus := f.SetV128(l.Splat()), f.SetV128(h.Splat()), by(f, f.SetV128(factor.Splat())), f.SetV128(shift.Splat())
	f.IfElse(flags.Mask(flagAdd), func() {
		walk(f, n, dst, []I32{src, add}, func(x []V128) V128 { return fma(x[0], x[1]).Max(lo).Min(hi) })
	}, func() {
		walk(f, n, dst, []I32{src}, func(x []V128) V128 { return fma(x[0], plus).Max(lo).Min(hi) })
	})
}

// addCodes makes sums of sixteen codes at a time, then of one.
func addCodes(f *Func, by fuser) {
	dst, x, y, n, flip := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
	ra, rb, fixed := f.ParamF32(), f.ParamF32(), f.ParamF32()
	lo := f.SetF32(ConstF32(0).Sub(flip.ToF32()))
	grid, origin, signs := onGrid(f, flip, lo, lo.Add(ConstF32(255))), f.SetV128(flip.Splat()), f.SetV128(flip.Mul(ConstI32(0x1010101)).Splat())
	timesA, timesB, plus := by(f, f.SetV128(ra.Splat())), by(f, f.SetV128(rb.Splat())), f.SetV128(fixed.Splat())
	sum := func(a, b V128) V128 { // of bytes in 32 bits
		real := func(v V128) V128 { return f.SetV128(v.SubI32(origin).ConvertI32()) }
		return f.SetV128(grid(timesA(real(a), f.SetV128(timesB(real(b), plus)))))
	}
	end := f.SetI32(dst.Add(n.Mask(-16)))
	f.While(dst.LtU(end), func() {
		a, b := f.SetV128(x.LoadV128(0).Xor(signs)), f.SetV128(y.LoadV128(0).Xor(signs))
		half := func(a, b V128) V128 {
			a, b = f.SetV128(a), f.SetV128(b)
			return f.SetV128(sum(a.InterleaveLow(Zero()), b.InterleaveLow(Zero())).NarrowI32(sum(a.InterleaveHigh(Zero()), b.InterleaveHigh(Zero()))))
		}
		low := half(a.ExtendLow(), b.ExtendLow())
		f.Store(dst, 0, low.NarrowU8(half(a.ExtendHigh(), b.ExtendHigh())).Xor(signs))
		for _, p := range []I32{dst, x, y} {
			p.Set(p.Plus(16))
		}
	})
	end.Set(end.Add(n.Mask(15)))
	f.While(dst.LtU(end), func() {
		first := func(p I32) V128 { return p.LoadU8(0).Splat().Xor(origin) }
		f.StoreFirstByte(dst, sum(first(x), first(y)).Xor(signs))
		for _, p := range []I32{dst, x, y} {
			p.Set(p.Plus(1))
		}
	})
}

// dnn is a function of one number, with the parameters of all of them.
func dnn(f *Func, value func(x V128) V128) {
	dst, src := f.ParamI32(), f.ParamI32()
	f.ParamF32()
	f.ParamF32()
	n := f.ParamI32()
	walk(f, n, dst, []I32{src}, func(x []V128) V128 { return value(x[0]) })
}

// Constants of engine/kernel's logisticDNN.
const (
	dnnLeast = -87.336548
	dnnLog2e = 1.442695
	dnnLn2   = 0.6931472
)

var dnnCoef = []float32{0.00828929059, 0.0418978221, 0.166676521, 0.499991506, 0.999999701, 1}

// logistic is engine/kernel's logisticDNN; x is a local.
func logistic(f *Func, by fuser, x V128) V128 {
	one := f.Splat(1)
	a := f.SetV128(x.Or(f.SplatI32(-1 << 31))) // -|x|
	n := f.SetV128(a.Mul(f.Splat(dnnLog2e)).Add(f.Splat(0.5)).Floor())
	r := f.SetV128(by(f, f.Splat(-dnnLn2))(n, a))
	timesR, p := by(f, r), f.SetV128(f.Splat(dnnCoef[0]))
	for _, c := range dnnCoef[1:] {
		p.Set(timesR(p, f.Splat(c)))
	}
	// Added to 1.5·2^23 a whole number lies in the lowest bits.
	const magic = 3 << 22
	half := n.Add(f.Splat(magic)).SubI32(f.Splat(magic)).AddI32(f.SplatI32(126)).ShlI32(23)
	p.Set(p.Mul(half))
	e := f.SetV128(p.Add(p).AndNot(a.Lt(f.Splat(dnnLeast))))
	s := f.SetV128(e.Div(e.Add(one)))
	return Select(x.ShrSI32(31), s, one.Sub(s))
}
