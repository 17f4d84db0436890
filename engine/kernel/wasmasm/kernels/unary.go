package kernels

import (
	"math"

	. "dropquant/engine/kernel/wasmasm"
)

// unary builds the functions of one number: dst, src, lo, hi, n.
func (b *builder) unary() {
	zero := Zero()
	for _, op := range []struct {
		name  string
		value func(f *Func, x, lo, hi V128) V128
	}{
		{"clip", func(_ *Func, x, lo, hi V128) V128 { return x.Max(lo).Min(hi) }},
		{"leakyrelu", func(_ *Func, x, lo, _ V128) V128 { return Select(x.Lt(zero), x.Mul(lo), x) }},
		{"sigmoid", func(f *Func, x, _, _ V128) V128 { return f.Splat(1).Div(b.exp(f, x.Neg()).Add(f.Splat(1))) }},
		{"silu", func(f *Func, x, _, _ V128) V128 { return x.Div(b.exp(f, x.Neg()).Add(f.Splat(1))) }},
		{"hardswish", func(f *Func, x, _, _ V128) V128 {
			return b.madd(x, f.Splat(1.0/6), f.Splat(0.5)).Max(zero).Min(f.Splat(1)).Mul(x)
		}},
		{"hardsigmoid", func(f *Func, x, lo, hi V128) V128 { return b.madd(x, lo, hi).Max(zero).Min(f.Splat(1)) }},
		{"tanh", b.tanh},
		{"exp", func(f *Func, x, _, _ V128) V128 { return b.exp(f, x) }},
		{"elu", b.elu},
		{"abs", func(_ *Func, x, _, _ V128) V128 { return x.Abs() }},
		{"neg", func(_ *Func, x, _, _ V128) V128 { return x.Neg() }},
		{"sqrt", func(_ *Func, x, _, _ V128) V128 { return x.Sqrt() }},
		{"reciprocal", func(f *Func, x, _, _ V128) V128 { return f.Splat(1).Div(x) }},
		{"floor", func(_ *Func, x, _, _ V128) V128 { return x.Floor() }},
		{"ceil", func(_ *Func, x, _, _ V128) V128 { return x.Ceil() }},
		{"erf", func(f *Func, x, _, _ V128) V128 { return b.erf(f, x) }},
		{"gelu", func(f *Func, x, _, _ V128) V128 {
			half := f.SetV128(x.Mul(f.Splat(0.5)))
			return b.madd(half, b.erf(f, f.SetV128(x.Mul(f.Splat(1/math.Sqrt2)))), half)
		}},
		{"round", func(_ *Func, x, _, _ V128) V128 { return x.Nearest() }},
	} {
		b.Func(op.name+"_f32", func(f *Func) {
			dst, src, lo, hi, n := f.ParamI32(), f.ParamI32(), f.ParamF32(), f.ParamF32(), f.ParamI32()
			low, high := f.SetV128(lo.Splat()), f.SetV128(hi.Splat())
			walk(f, n, dst, []I32{src}, func(x []V128) V128 { return op.value(f, x[0], low, high) })
		})
	}
}

// Coefficients of Cephes expf and tanhf and of Eigen's erf, as in engine/kernel.
var (
	expCoef  = []float32{1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1}
	erfOver  = []float32{-2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05, -7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02}
	erfUnder = []float32{-1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03, -7.37332916720468e-03, -1.42647390514189e-02}
	tanhCoef = []float32{-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1}
)

// erf is the error function as engine/kernel's erfF32 computes it.
func (b *builder) erf(f *Func, x V128) V128 {
	x = f.SetV128(x.Max(f.Splat(-4)).Min(f.Splat(4)))
	z := f.SetV128(x.Mul(x))
	return x.Mul(b.polynomial(f, z, erfOver)).Div(b.polynomial(f, z, erfUnder))
}

// polynomial is the value at the local x, highest coefficient first.
func (b *builder) polynomial(f *Func, x V128, coef []float32) V128 {
	p := f.Splat(coef[0])
	for _, c := range coef[1:] {
		p = b.madd(p, x, f.Splat(c))
	}
	return p
}

// exp is e^x as engine/kernel's expF32 computes it.
func (b *builder) exp(f *Func, x V128) V128 {
	x = f.SetV128(x.Max(f.Splat(-104)).Min(f.Splat(89)))
	n := f.SetV128(x.Mul(f.Splat(math.Log2E)).Nearest())
	r := f.SetV128(b.madd(n, f.Splat(-0.693359375), x))
	r.Set(b.madd(n, f.Splat(2.12194440e-4), r))
	p := f.SetV128(b.madd(b.polynomial(f, r, expCoef), r.Mul(r), r).Add(f.Splat(1)))
	// n to an integer: added to 1.5·2^23 it lies in the lowest bits. The
	// conversion of wasm, which has to care for NaN, is several instructions.
	const magic = 3 << 22
	i := f.SetV128(n.Add(f.Splat(magic)).SubI32(f.Splat(magic)))
	half := f.SetV128(i.ShrSI32(1))
	pow2 := func(n V128) V128 { return n.AddI32(f.SplatI32(127)).ShlI32(23) }
	return f.SetV128(p.Mul(pow2(half)).Mul(pow2(i.SubI32(half))))
}

// tanh is a polynomial near zero and 1 - 2/(e^2|x| + 1) elsewhere.
func (b *builder) tanh(f *Func, x, _, _ V128) V128 {
	a := f.SetV128(x.Abs())
	z := f.SetV128(x.Mul(x))
	small := f.SetV128(b.madd(b.polynomial(f, z, tanhCoef).Mul(z), x, x))
	far := f.Splat(1).Sub(f.Splat(2).Div(b.exp(f, a.Add(a)).Add(f.Splat(1))))
	sign := f.SplatI32(math.MinInt32)
	return Select(a.Lt(f.Splat(0.625)), small, Select(sign, x, far))
}

// elu is lo·(e^x - 1) below zero, where a polynomial keeps the precision near
// zero that the subtraction would lose.
func (b *builder) elu(f *Func, x, lo, _ V128) V128 {
	near := f.SetV128(b.madd(b.polynomial(f, x, expCoef), x.Mul(x), x))
	far := b.exp(f, x).Sub(f.Splat(1))
	below := Select(f.Splat(-0.5).Lt(x), near, far)
	return Select(x.Lt(Zero()), below.Mul(lo), x)
}

// softmax builds softmax_f32: per row the maximum, the exponentials and their
// sum, and the quotients.
func (b *builder) softmax() {
	exp := func(f *Func, x V128) V128 { // engine/kernel says why there is an end
		d := f.SetV128(x)
		return f.SetV128(Select(d.Lt(f.Splat(-80)), Zero(), b.exp(f, d)))
	}
	divide := b.Func("", func(f *Func) { // n floats at p are divided by d
		p, n, d := f.ParamI32(), f.ParamI32(), f.ParamF32()
		q := f.SetI32(p)
		walk(f, n, p, []I32{q}, func(x []V128) V128 { return x[0].Div(d.Splat()) })
	})
	b.Func("softmax_f32", func(f *Func) {
		dst, src, rows, cols := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
		f.Range(ConstI32(0), rows, 1, func(I32) {
			body, end := f.SetI32(src.Add(cols.Mask(-4).Shl(2))), f.SetI32(src.Add(cols.Shl(2)))
			top := f.SetV128(ConstSplat(float32(math.Inf(-1))))
			p := f.SetI32(src)
			f.While(p.LtU(body), func() {
				top.Set(top.Max(p.LoadV128(0)))
				p.Set(p.Plus(16))
			})
			f.While(p.LtU(end), func() {
				top.Set(top.Max(p.LoadSplat(0)))
				p.Set(p.Plus(4))
			})
			top.Set(top.Max(top.Shuffle(top, 2, 3, 0, 1)))
			top.Set(top.Max(top.Shuffle(top, 1, 0, 3, 2)))
			p.Set(src)
			q := f.SetI32(dst)
			sum := f.SetV128(Zero())
			f.While(p.LtU(body), func() {
				e := exp(f, p.LoadV128(0).Sub(top))
				sum.Set(sum.Add(e))
				f.Store(q, 0, e)
				p.Set(p.Plus(16))
				q.Set(q.Plus(16))
			})
			total := f.SetF32(sum.Lane(0).Add(sum.Lane(1)).Add(sum.Lane(2).Add(sum.Lane(3))))
			f.While(p.LtU(end), func() {
				e := exp(f, p.LoadSplat(0).Sub(top))
				total.Set(total.Add(e.Lane(0)))
				f.StoreLanes(q, 0, e, 1)
				p.Set(p.Plus(4))
				q.Set(q.Plus(4))
			})
			f.Call(divide, dst, cols, total)
			src.Set(end)
			dst.Set(dst.Add(cols.Shl(2)))
		})
	})
}
