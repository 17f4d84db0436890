package kernel

import "math"

// Coefficients of Cephes expf and tanhf (Moshier, 1989), which both the
// reference and the SIMD module use.
const (
	expLo, expHi   = -104, 89 // below is 0, above is +Inf
	log2e          = 1.44269504088896341
	ln2Hi, ln2Lo   = 0.693359375, -2.12194440e-4
	erfEnd         = 4
	tanhPolynomial = 0.625 // below it a polynomial, above it the exponential
)

var (
	expCoef  = [...]float32{1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1}
	erfOver  = [...]float32{-2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05, -7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02}
	erfUnder = [...]float32{-1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03, -7.37332916720468e-03, -1.42647390514189e-02}
	tanhCoef = [...]float32{-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1}
)

// expF32 returns e^x: x = n·ln 2 + r, e^r by a polynomial, then 2^n in two
// steps so that denormal results come out right.
func expF32(x float32) float32 {
	x = clamp(x, expLo, expHi)
	n := roundF32(float32(x * log2e))
	r := x - float32(n*ln2Hi)
	r -= float32(n * ln2Lo)
	p := expCoef[0]
	for _, c := range expCoef[1:] {
		p = float32(p*r) + c
	}
	p = float32(p*float32(r*r)) + r
	p += 1
	if n != n {
		return n
	}
	i := int32(n)
	half := i >> 1
	return p * pow2(half) * pow2(i-half)
}

// pow2 returns 2^n for -126 ≤ n ≤ 127.
func pow2(n int32) float32 { return math.Float32frombits(uint32(n+127) << 23) }

func roundF32(x float32) float32 { return float32(math.RoundToEven(float64(x))) }

func sigmoidF32(x float32) float32 { return 1 / (1 + expF32(-x)) }

func tanhF32(x float32) float32 {
	a := absF32(x)
	if a < tanhPolynomial {
		z := float32(x * x)
		p := tanhCoef[0]
		for _, c := range tanhCoef[1:] {
			p = float32(p*z) + c
		}
		return float32(float32(p*z)*x) + x
	}
	y := 1 - 2/(expF32(a+a)+1)
	return math.Float32frombits(math.Float32bits(y)&^signBit | math.Float32bits(x)&signBit)
}

const signBit = 1 << 31

func absF32(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ signBit) }

// erfF32 is the error function: between −4 and 4 the odd rational function of Eigen (generic_fast_erf_float), beyond it is that at the end.
func erfF32(x float32) float32 {
	x = clamp(x, -erfEnd, erfEnd)
	z := float32(x * x)
	p, q := erfOver[0], erfUnder[0]
	for _, c := range erfOver[1:] {
		p = float32(p*z) + c
	}
	for _, c := range erfUnder[1:] {
		q = float32(q*z) + c
	}
	return float32(x*p) / q
}

// geluF32 is x·(1 + erf(x/√2))/2.
func geluF32(x float32) float32 {
	half := float32(x * 0.5)
	return float32(half*erfF32(float32(x*(1/math.Sqrt2)))) + half
}
