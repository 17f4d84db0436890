package kernels

import (
	"math"

	. "dropquant/engine/kernel/wasmasm"
)

// quantize builds fakequant_f32.
func (b *builder) quantize() {
	b.Func("fakequant_f32", func(f *Func) {
		dst, src, s, l, h, n := f.ParamI32(), f.ParamI32(), f.ParamF32(), f.ParamF32(), f.ParamF32(), f.ParamI32()
		scale, lo, hi := f.SetV128(s.Splat()), f.SetV128(l.Splat()), f.SetV128(h.Splat())
		walk(f, n, dst, []I32{src}, func(x []V128) V128 {
			// lo is the first operand so that NaN becomes lo; the sum turns -0 into +0.
			return lo.Max(x[0].Div(scale).Nearest().Add(Zero())).Min(hi).Mul(scale)
		})
	})
}

// statistics builds minmax_f32, histogram_f32 and noise_f32.
func (b *builder) statistics() {
	b.Func("minmax_f32", b.minMax)
	b.Func("histogram_f32", b.histogram)
	b.Func("tails_f32", b.tails)
	b.Func("addcounts_u32", b.addCounts)
	b.Func("noise_f32", b.noise)
}

func (b *builder) minMax(f *Func) {
	out, x, n := f.ParamI32(), f.ParamI32(), f.ParamI32()
	inf := float32(math.Inf(1))
	lo, hi := f.SetV128(f.Splat(inf)), f.SetV128(f.Splat(-inf))
	// finite counts, in each lane and negative, what x - x = 0 says is finite.
	finite, v, ok := f.SetV128(Zero()), f.SetV128(Zero()), f.SetV128(Zero())
	fold := func(x V128) {
		v.Set(x)
		ok.Set(v.Sub(v).Eq(Zero()))
		lo.Set(lo.Min(Select(ok, v, f.Splat(inf))))
		hi.Set(hi.Max(Select(ok, v, f.Splat(-inf))))
	}
	end := f.SetI32(x.Add(n.Mask(-4).Shl(2)))
	f.While(x.LtU(end), func() {
		fold(x.LoadV128(0))
		finite.Set(finite.AddI32(ok))
		x.Set(x.Plus(16))
	})
	bad := f.SetI32(n.Add(finite.LaneI32(0)).Add(finite.LaneI32(1)).Add(finite.LaneI32(2)).Add(finite.LaneI32(3)))
	end.Set(end.Add(n.Mask(3).Shl(2)))
	f.While(x.LtU(end), func() {
		fold(x.LoadSplat(0))
		bad.Set(bad.Add(ok.LaneI32(0)))
		x.Set(x.Plus(4))
	})
	for _, fold := range []struct {
		v  V128
		op func(x, y V128) V128
	}{{lo, V128.Min}, {hi, V128.Max}} {
		fold.v.Set(fold.op(fold.v, fold.v.Shuffle(fold.v, 2, 3, 0, 1)))
		fold.v.Set(fold.op(fold.v, fold.v.Shuffle(fold.v, 1, 0, 3, 2)))
	}
	f.Store(out, 0, lo.Lane(0))
	f.Store(out, 4, hi.Lane(0))
	f.Result(bad)
}

// histogram computes bins four at a time and counts them one by one, but all
// at once when they are the same, as the zeros of a ReLU are: increments of
// one address wait for each other.
func (b *builder) histogram(f *Func) {
	counts, x, scale, first, bins, n := f.ParamI32(), f.ParamI32(), f.ParamF32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
	factor := f.SetV128(scale.Splat())
	origin, below, above := f.SetV128(first.Splat()), f.SetV128(first.Plus(-1).ToF32().Splat()), f.SetV128(first.Add(bins).ToF32().Splat())
	outside := f.SetI32(ConstI32(0))
	// below is the first operand so that NaN becomes below.
	bin := func(v V128) V128 {
		return below.Max(v.Mul(factor).Floor()).Min(above).TruncI32().SubI32(origin)
	}
	add := func(bin I32, by int32) {
		i := f.SetI32(bin)
		f.IfElse(i.LtU(bins), func() {
			i.Set(counts.Add(i.Shl(2)))
			f.Store(i, 0, i.LoadI32(0).Plus(by))
		}, func() { outside.Set(outside.Plus(by)) })
	}
	end := f.SetI32(x.Add(n.Mask(-4).Shl(2)))
	f.While(x.LtU(end), func() {
		v := f.SetV128(bin(x.LoadV128(0)))
		f.IfElse(v.EqI32(v.Shuffle(v, 0, 0, 0, 0)).AllTrueI32(), func() { add(v.LaneI32(0), 4) }, func() {
			for lane := range 4 {
				add(v.LaneI32(lane), 1)
			}
		})
		x.Set(x.Plus(16))
	})
	end.Set(end.Add(n.Mask(3).Shl(2)))
	f.While(x.LtU(end), func() {
		add(bin(x.LoadSplat(0)).LaneI32(0), 1)
		x.Set(x.Plus(4))
	})
	f.Result(outside)
}

// tails looks for sixteen elements at a time at whether one lies in a tail, which
// is seldom so, by the same extremes that it is to find. As integers, floats from +0 up
// are in their own order and below all others if these are signed, and those below 0 in the
// reverse order and above all others if unsigned; NaN and infinity are the last of each.
func (b *builder) tails(f *Func) {
	counts, x, scale, lo, hi := f.ParamI32(), f.ParamI32(), f.ParamF32(), f.ParamF32(), f.ParamF32()
	first, bins, n := f.ParamI32(), f.ParamI32(), f.ParamI32()
	factor, origin := f.SetV128(scale.Splat()), f.SetV128(first.Splat())
	low, high := f.SetV128(lo.Splat()), f.SetV128(hi.Splat())
	// most and deepest are the largest as signed and as unsigned integers, least the smallest signed one.
	most, deepest, least := f.SetV128(f.SplatI32(math.MinInt32)), f.SetV128(Zero()), f.SetV128(f.SplatI32(math.MaxInt32))
	tail := f.SetV128(Zero())
	count := func(v V128, lanes int) { // those of v, a local, that lie in a tail
		tail.Set(v.Lt(low).Or(v.Ge(high)))
		f.If(tail.AnyTrue(), func() {
			bin := f.SetV128(v.Mul(factor).Floor().TruncI32().SubI32(origin))
			for lane := range lanes {
				f.If(tail.LaneI32(lane), func() {
					i := f.SetI32(bin.LaneI32(lane))
					f.If(i.LtU(bins), func() {
						i.Set(counts.Add(i.Shl(2)))
						f.Store(i, 0, i.LoadI32(0).Plus(1))
					})
				})
			}
		})
	}
	const vectors = 4
	v := make([]V128, vectors)
	for i := range v {
		v[i] = f.SetV128(Zero())
	}
	fold := func(op func(x, y V128) V128) V128 { return f.SetV128(op(op(v[0], v[1]), op(v[2], v[3]))) }
	end := f.SetI32(x.Add(n.Mask(-4 * vectors).Shl(2)))
	f.While(x.LtU(end), func() {
		for i := range v {
			v[i].Set(x.LoadV128(16 * i))
		}
		up, down := fold(V128.MaxSI32), fold(V128.MaxUI32)
		most.Set(most.MaxSI32(up))
		deepest.Set(deepest.MaxUI32(down))
		least.Set(least.MinSI32(fold(V128.MinSI32)))
		f.If(down.Lt(low).Or(up.Ge(high)).AnyTrue(), func() {
			for _, v := range v {
				count(v, 4)
			}
		})
		x.Set(x.Plus(16 * vectors))
	})
	end.Set(end.Add(n.Mask(4*vectors - 1).Shl(2)))
	f.While(x.LtU(end), func() {
		v[0].Set(x.LoadSplat(0))
		most.Set(most.MaxSI32(v[0]))
		deepest.Set(deepest.MaxUI32(v[0]))
		least.Set(least.MinSI32(v[0]))
		count(v[0], 1)
		x.Set(x.Plus(4))
	})
	for _, fold := range []struct {
		v  V128
		op func(x, y V128) V128
	}{{most, V128.MaxSI32}, {deepest, V128.MaxUI32}, {least, V128.MinSI32}} {
		fold.v.Set(fold.op(fold.v, fold.v.Shuffle(fold.v, 2, 3, 0, 1)))
		fold.v.Set(fold.op(fold.v, fold.v.Shuffle(fold.v, 1, 0, 3, 2)))
	}
	const inf = 0x7f800000
	up, down := f.SetI32(most.LaneI32(0)), f.SetI32(deepest.LaneI32(0))
	end.Set(counts.Add(bins.Shl(2)))
	f.Store(end, 0, Choose(down.LtS(ConstI32(0)), down, least.LaneI32(0)))
	f.Store(end, 4, up)
	f.Result(ConstI32(inf - 1).LtS(up).Or(ConstI32(math.MinInt32 + inf - 1).LtU(down)))
}

func (b *builder) addCounts(f *Func) {
	sums, counts, shift, n := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
	v := f.SetV128(Zero())
	end := f.SetI32(counts.Add(n.Mask(-4).Shl(2)))
	f.While(counts.LtU(end), func() {
		v.Set(counts.LoadV128(0))
		f.Store(sums, 0, sums.LoadV128(0).AddI64(v.ExtendLowI32().ShlI64(shift)))
		f.Store(sums, 16, sums.LoadV128(16).AddI64(v.ExtendHighI32().ShlI64(shift)))
		counts.Set(counts.Plus(16))
		sums.Set(sums.Plus(32))
	})
	end.Set(end.Add(n.Mask(3).Shl(2)))
	f.While(counts.LtU(end), func() {
		v.Set(counts.LoadFirst(0).ExtendLowI32().ShlI64(shift))
		f.StoreLanes(sums, 0, f.SetV128(sums.LoadPair(0).AddI64(v)), 2)
		counts.Set(counts.Plus(4))
		sums.Set(sums.Plus(8))
	})
}

func (b *builder) noise(f *Func) {
	out, x, y, n := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
	signal, noise := f.SetV128(Zero()), f.SetV128(Zero())
	p, d := f.SetV128(Zero()), f.SetV128(Zero())
	fold := func(v, w V128) {
		p.Set(v.PromoteLow())
		d.Set(p.SubF64(w.PromoteLow()))
		signal.Set(signal.AddF64(p.MulF64(p)))
		noise.Set(noise.AddF64(d.MulF64(d)))
	}
	end := f.SetI32(x.Add(n.Mask(-4).Shl(2)))
	f.While(x.LtU(end), func() {
		v, w := f.SetV128(x.LoadV128(0)), f.SetV128(y.LoadV128(0))
		fold(v, w)
		fold(v.Shuffle(v, 2, 3, 2, 3), w.Shuffle(w, 2, 3, 2, 3))
		x.Set(x.Plus(16))
		y.Set(y.Plus(16))
	})
	end.Set(end.Add(n.Mask(3).Shl(2)))
	f.While(x.LtU(end), func() {
		fold(x.LoadFirst(0), y.LoadFirst(0)) // the second lane adds zero
		x.Set(x.Plus(4))
		y.Set(y.Plus(4))
	})
	f.Store(out, 0, signal.LaneF64(0).Add(signal.LaneF64(1)))
	f.Store(out, 8, noise.LaneF64(0).Add(noise.LaneF64(1)))
}
