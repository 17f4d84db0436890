package kernels

import (
	"math"

	. "dropquant/engine/kernel/wasmasm"
)

// statistics builds minmax_f32, histogram_f32, sample_f32, outside_f32 and noise_f32.
func (b *builder) statistics() {
	b.Func("minmax_f32", b.minMax)
	b.Func("histogram_f32", b.histogram)
	b.Func("sample_f32", b.sample)
	b.Func("outside_f32", b.outside)
	b.Func("noise_f32", b.noise)
}

// minMax compares floats as integers, sixteen at a time: those from +0 up are in their own order and below all others if these are
// unsigned, and those below 0 in the reverse order and below all others if signed; NaN and infinity are the last of each. It looks at each
// element by itself only where there are some that are not finite.
func (b *builder) minMax(f *Func) {
	out, x, n := f.ParamI32(), f.ParamI32(), f.ParamI32()
	const inf = 0x7f800000
	lo, hi := f.SetV128(f.SplatI32(inf)), f.SetV128(f.SplatI32(math.MinInt32+inf))
	start := f.SetI32(x)
	const vectors = 4
	end := f.SetI32(x.Add(n.Mask(-4 * vectors).Shl(2)))
	f.If(x.LtU(end), func() {
		// most and deepest are the largest as signed and as unsigned integers, least the smallest signed one.
		most, deepest, least := f.SetV128(x.LoadV128(0)), f.SetV128(x.LoadV128(0)), f.SetV128(x.LoadV128(0))
		v := make([]V128, vectors)
		for i := range v {
			v[i] = f.SetV128(Zero())
		}
		f.While(x.LtU(end), func() {
			for i := range v {
				v[i].Set(x.LoadV128(16 * i))
			}
			for _, fold := range []struct {
				to V128
				op func(x, y V128) V128
			}{{most, V128.MaxSI32}, {deepest, V128.MaxUI32}, {least, V128.MinSI32}} {
				fold.to.Set(fold.op(fold.to, fold.op(fold.op(v[0], v[1]), fold.op(v[2], v[3]))))
			}
			x.Set(x.Plus(16 * vectors))
		})
		across(most, V128.MaxSI32)
		across(deepest, V128.MaxUI32)
		across(least, V128.MinSI32)
		up, down, low := f.SetI32(most.LaneI32(0)), f.SetI32(deepest.LaneI32(0)), f.SetI32(least.LaneI32(0))
		f.IfElse(ConstI32(inf-1).LtS(up).Or(ConstI32(math.MinInt32+inf-1).LtU(down)), func() { x.Set(start) }, func() {
			lo.Set(Choose(down.LtS(ConstI32(0)), down, low).Splat())
			hi.Set(Choose(up.LtS(ConstI32(0)), low, up).Splat())
		})
	})
	// finite counts, in each lane and negative, what x - x = 0 says is finite.
	finite, v, ok := f.SetV128(Zero()), f.SetV128(Zero()), f.SetV128(Zero())
	bad := f.SetI32(n.Sub(x.Sub(start).ShrU(2)))
	fold := func(x V128) {
		v.Set(x)
		ok.Set(v.Sub(v).Eq(Zero()))
		lo.Set(lo.Min(Select(ok, v, lo)))
		hi.Set(hi.Max(Select(ok, v, hi)))
	}
	end.Set(start.Add(n.Mask(-4).Shl(2)))
	f.While(x.LtU(end), func() {
		fold(x.LoadV128(0))
		finite.Set(finite.AddI32(ok))
		x.Set(x.Plus(16))
	})
	bad.Set(bad.Add(finite.LaneI32(0)).Add(finite.LaneI32(1)).Add(finite.LaneI32(2)).Add(finite.LaneI32(3)))
	end.Set(end.Add(n.Mask(3).Shl(2)))
	f.While(x.LtU(end), func() {
		fold(x.LoadSplat(0))
		bad.Set(bad.Add(ok.LaneI32(0)))
		x.Set(x.Plus(4))
	})
	across(lo, V128.Min)
	across(hi, V128.Max)
	f.Store(out, 0, lo.Lane(0))
	f.Store(out, 4, hi.Lane(0))
	f.Result(bad)
}

// across sets all lanes of v to what op makes of them.
func across(v V128, op func(x, y V128) V128) {
	v.Set(op(v, v.Shuffle(v, 2, 3, 0, 1)))
	v.Set(op(v, v.Shuffle(v, 1, 0, 3, 2)))
}

// histogram computes bins four at a time and counts them one by one. Zeros, which are half of what follows a ReLU, would wait for each other
// in memory: they are counted apart, and where the others add to a bin they do so with a counter of their lane behind the bins.
func (b *builder) histogram(f *Func) {
	counts, x, scale, first, bins, weight, n := f.ParamI32(), f.ParamI32(), f.ParamF32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
	factor := f.SetV128(scale.Splat())
	// A whole number below 2^22 has, in the sum with it, its place among the integers.
	const toInteger = 3 << 22
	bits := int32(math.Float32bits(toInteger))
	low, high := f.SetV128(first.ToF32().Splat()), f.SetV128(first.Add(bins).ToF32().Splat())
	zero := f.SetI32(counts.Sub(first.Shl(2)))
	address := f.SetV128(zero.Sub(ConstI32(bits).Shl(2)).Splat())
	zeroes, apart := f.SetV128(Zero()), f.SetV128(counts.Add(bins.Shl(2)).Sub(zero).Splat().AddI32(ConstLanesI32(0, 4, 8, 12)))
	outside := f.SetI32(ConstI32(0))
	add := func(i I32) { f.Store(i, 0, i.LoadI32(0).Add(weight)) }
	y, at, same := f.SetV128(Zero()), f.SetV128(Zero()), f.SetV128(Zero())
	one := func(lane int) { // of y
		v := f.SetF32(y.Lane(lane))
		f.IfElse(v.Ge(low.Lane(0)).And(v.Lt(high.Lane(0))), func() { add(f.SetI32(at.LaneI32(lane))) }, func() { outside.Set(outside.Plus(1)) })
	}
	bin := func(v V128) {
		y.Set(v.Mul(factor).Floor())
		at.Set(y.Add(f.Splat(toInteger)).ShlI32(2).AddI32(address))
	}
	end := f.SetI32(x.Add(n.Mask(-4).Shl(2)))
	f.While(x.LtU(end), func() {
		bin(x.LoadV128(0))
		f.IfElse(y.Ge(low).And(y.Lt(high)).BitmaskI32().Eq(ConstI32(15)), func() {
			same.Set(y.Eq(Zero()))
			zeroes.Set(zeroes.SubI32(same))
			at.Set(at.AddI32(same.And(apart)))
			for lane := range 4 {
				add(f.SetI32(at.LaneI32(lane)))
			}
		}, func() {
			for lane := range 4 {
				one(lane)
			}
		})
		x.Set(x.Plus(16))
	})
	end.Set(end.Add(n.Mask(3).Shl(2)))
	f.While(x.LtU(end), func() {
		bin(x.LoadSplat(0))
		one(0)
		x.Set(x.Plus(4))
	})
	across(zeroes, V128.AddI32)
	f.If(zeroes.LaneI32(0), func() { f.Store(zero, 0, zero.LoadI32(0).Add(zeroes.LaneI32(0).Mul(weight))) })
	f.Result(outside)
}

func (b *builder) sample(f *Func) {
	dst, ends, x, blocks, period, from := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
	const size = 4 * sampleBlock
	var lo, hi [sampleEnds]V128
	var v [sampleBlock / 4]V128
	for i := range lo {
		lo[i], hi[i] = f.SetV128(ConstSplat(float32(math.Inf(1)))), f.SetV128(ConstSplat(float32(math.Inf(-1))))
	}
	for i := range v {
		v[i] = f.SetV128(Zero())
	}
	// next has the part of a block fold what op makes of it into the first of ends, and turns them.
	turn := f.SetV128(Zero())
	next := func(ends []V128, op func(x, y V128) V128) {
		turn.Set(op(ends[0], op(op(v[0], v[1]), op(v[2], v[3]))))
		for i := 1; i < len(ends); i++ {
			ends[i-1].Set(ends[i])
		}
		ends[len(ends)-1].Set(turn)
	}
	f.Range(ConstI32(0), blocks, 1, func(k I32) {
		block := f.SetI32(x.Add(from.And(period.Plus(-1)).Mul(ConstI32(size))))
		for i := range v {
			v[i].Set(block.LoadV128(16 * i))
			f.Store(dst, 16*i, v[i])
		}
		next(lo[:], V128.Min)
		next(hi[:], V128.Max)
		dst.Set(dst.Plus(size))
		x.Set(x.Add(period.Mul(ConstI32(size))))
		from.Set(from.Plus(3))
	})
	for i := range lo {
		across(lo[i], V128.Min)
		across(hi[i], V128.Max)
		f.Store(ends, 4*i, lo[i].Lane(0))
		f.Store(ends, 4*(sampleEnds+i), hi[i].Lane(0))
	}
}

// sampleBlock and sampleEnds are engine/kernel's SampleBlock and SampleEnds.
const (
	sampleBlock = 16
	sampleEnds  = 4
)

// outside looks at sixteen elements at a time for whether one lies outside, which is seldom so, and then for which.
func (b *builder) outside(f *Func) {
	dst, x, lo, hi, n := f.ParamI32(), f.ParamI32(), f.ParamF32(), f.ParamF32(), f.ParamI32()
	low, high, start := f.SetV128(lo.Splat()), f.SetV128(hi.Splat()), f.SetI32(dst)
	const vectors = 4
	v := make([]V128, vectors)
	for i := range v {
		v[i] = f.SetV128(Zero())
	}
	inside := func(v V128) V128 { return v.Ge(low).And(v.Lt(high)) }
	end, bits := f.SetI32(x.Add(n.Mask(-4*vectors).Shl(2))), f.SetI32(ConstI32(0))
	search := func(allInside func() V128) {
		f.While(x.LtU(end), func() {
			for i := range v {
				v[i].Set(x.LoadV128(16 * i))
			}
			f.If(allInside().BitmaskI32().Ne(ConstI32(15)), func() {
				for i := range v {
					v[i].Set(inside(v[i]))
				}
				bits.Set(v[0].NarrowI32(v[1]).NarrowI16(v[2].NarrowI32(v[3])).BitmaskI8().Xor(ConstI32(1<<(4*vectors) - 1)))
				f.While(bits, func() {
					f.Store(dst, 0, x.Add(bits.Ctz().Shl(2)).LoadF32(0))
					dst.Set(dst.Plus(4))
					bits.Set(bits.And(bits.Plus(-1)))
				})
			})
			x.Set(x.Plus(16 * vectors))
		})
	}
	f.IfElse(lo.Ne(ConstF32(0)).Or(hi.Lt(ConstF32(math.SmallestNonzeroFloat32))), func() {
		search(func() V128 { return inside(v[0]).And(inside(v[1])).And(inside(v[2]).And(inside(v[3]))) })
	}, func() { // after a ReLU: what is not negative and below hi is, as an unsigned integer, below it too
		last, most := f.SetV128(high.SubI32(f.SplatI32(1))), f.SetV128(Zero())
		search(func() V128 {
			most.Set(v[0].MaxUI32(v[1]).MaxUI32(v[2].MaxUI32(v[3])))
			return most.MinUI32(last).EqI32(most)
		})
	})
	end.Set(end.Add(n.Mask(4*vectors - 1).Shl(2)))
	f.While(x.LtU(end), func() {
		f.Store(dst, 0, x.LoadF32(0))
		dst.Set(dst.Plus(4).Sub(inside(x.LoadSplat(0)).BitmaskI32().Mask(1).Shl(2)))
		x.Set(x.Plus(4))
	})
	f.Result(dst.Sub(start).ShrU(2))
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
