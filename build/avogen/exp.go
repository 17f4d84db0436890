package main

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
)

// Coefficients of Cephes expf and tanhf (Moshier, 1989) and of Eigen's erf: those of
// engine/kernel's ref_exp.go.
const (
	expLo, expHi   = -104, 89
	log2e          = 1.44269504088896341
	ln2Hi, ln2Lo   = 0.693359375, -2.12194440e-4
	erfEnd         = 4
	tanhPolynomial = 0.625
)

var (
	expCoef  = []float32{1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1}
	erfOver  = []float32{-2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05, -7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02}
	erfUnder = []float32{-1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03, -7.37332916720468e-03, -1.42647390514189e-02}
	tanhCoef = []float32{-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1}
)

// polynomial returns Σ coef·x^…, highest power first.
func (g *gen) polynomial(coef []float32, x vec) vec {
	p := g.constant(coef[0])
	for _, c := range coef[1:] {
		g.VFMADD213PS(g.f32(c), x, p)
	}
	return p
}

// exp returns e^x as expF32 does: x = n·ln 2 + r, e^r by a polynomial, then 2^n
// in two steps. x is overwritten. The fused steps only make it more exact.
func (g *gen) exp(x vec) vec {
	g.clamp(x, g.constant(expLo), g.constant(expHi))
	n := g.YMM()
	g.VMULPS(g.f32(log2e), x, n)
	g.VROUNDPS(operand.U8(roundNearest), n, n)
	g.VFNMADD231PS(g.f32(ln2Hi), n, x)
	g.VFNMADD231PS(g.f32(ln2Lo), n, x)
	p, square := g.polynomial(expCoef, x), g.YMM()
	g.VMULPS(x, x, square)
	g.VFMADD213PS(x, square, p)
	g.VADDPS(g.f32(1), p, p)
	half := g.YMM()
	g.VCVTPS2DQ(n, n)
	g.VPSRAD(operand.U8(1), n, half)
	g.VPSUBD(half, n, n)
	for _, part := range []vec{half, n} {
		g.VPADDD(g.u32(127), part, part)
		g.VPSLLD(operand.U8(23), part, part)
		g.VMULPS(part, p, p)
	}
	return p
}

// onePlusExpNeg returns 1 + e^-x and leaves x as it is.
func (g *gen) onePlusExpNeg(x vec) vec {
	y := g.YMM()
	g.VXORPS(g.u32(1<<31), x, y)
	y = g.exp(y)
	g.VADDPS(g.f32(1), y, y)
	return y
}

func (g *gen) tanh(x, _, _ vec) vec {
	a, z := g.YMM(), g.YMM()
	g.VANDPS(g.u32(1<<31-1), x, a)
	g.VMULPS(x, x, z)
	p := g.polynomial(tanhCoef, z)
	g.VMULPS(z, p, p)
	g.VFMADD213PS(x, x, p)

	double, small := g.YMM(), g.YMM()
	g.VCMPPS(operand.U8(cmpLess), g.f32(tanhPolynomial), a, small)
	g.VADDPS(a, a, double)
	e := g.exp(double)
	g.VADDPS(g.f32(1), e, e)
	y := g.constant(2)
	g.VDIVPS(e, y, y)
	g.VSUBPS(y, g.constant(1), y)
	g.VANDPS(g.u32(1<<31), x, a)
	g.VORPS(a, y, y)
	g.VBLENDVPS(small, p, y, y)
	return y
}

// erf returns the error function as erfF32 computes it. x is overwritten.
func (g *gen) erf(x vec) vec {
	g.clamp(x, g.constant(-erfEnd), g.constant(erfEnd))
	z := g.YMM()
	g.VMULPS(x, x, z)
	p, q := g.polynomial(erfOver, z), g.polynomial(erfUnder, z)
	g.VMULPS(x, p, p)
	g.VDIVPS(q, p, p)
	return p
}

func (g *gen) gelu(x, _, _ vec) vec {
	half := g.YMM()
	g.VMULPS(g.f32(0.5), x, half)
	g.VMULPS(g.f32(1/math.Sqrt2), x, x)
	p := g.erf(x)
	g.VFMADD213PS(half, half, p)
	return p
}

func (g *gen) elu(x, lo, _ vec) vec {
	p, square := g.polynomial(expCoef, x), g.YMM()
	g.VMULPS(x, x, square)
	g.VFMADD213PS(x, square, p) // e^x - 1 near zero

	near, copied := g.YMM(), g.YMM()
	g.VCMPPS(operand.U8(cmpGreater), g.f32(-0.5), x, near)
	g.VMOVAPS(x, copied)
	e := g.exp(copied)
	g.VSUBPS(g.f32(1), e, e)
	g.VBLENDVPS(near, p, e, e)
	g.VMULPS(lo, e, e)
	g.VBLENDVPS(x, e, x, e) // by the sign of x
	return e
}

// Constants of engine/kernel's logisticDNN.
const (
	dnnLeast = -87.336548
	dnnLog2e = 1.442695
	dnnLn2   = 0.6931472
)

var dnnCoef = []float32{0.00828929059, 0.0418978221, 0.166676521, 0.499991506, 0.999999701, 1}

// logistic is engine/kernel's logisticDNN. x stays as it is.
func (g *gen) logistic(x vec) vec {
	a, n, p := g.YMM(), g.YMM(), g.constant(dnnCoef[0])
	g.VORPS(g.u32(1<<31), x, a) // -|x|
	g.VMULPS(g.f32(dnnLog2e), a, n)
	g.VADDPS(g.f32(0.5), n, n)
	g.VROUNDPS(operand.U8(roundDown), n, n)
	small := g.YMM()
	g.VCMPPS(operand.U8(cmpLess), g.f32(dnnLeast), a, small)
	g.VFNMADD231PS(g.f32(dnnLn2), n, a)
	for _, c := range dnnCoef[1:] {
		g.VFMADD213PS(g.f32(c), a, p)
	}
	g.VCVTPS2DQ(n, n)
	g.VPADDD(g.u32(126), n, n)
	g.VPSLLD(operand.U8(23), n, n)
	g.VMULPS(n, p, p)
	g.VADDPS(p, p, p)
	g.VANDNPS(p, small, p)
	g.VADDPS(g.f32(1), p, n)
	g.VDIVPS(n, p, p)
	other := g.constant(1)
	g.VSUBPS(p, other, other)
	g.VBLENDVPS(x, p, other, p) // by the sign of x
	return p
}
