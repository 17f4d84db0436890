package calib

import (
	"math"
	"math/rand/v2"
	"testing"

	"dropquant/engine/quant"
	"dropquant/engine/tensor"
)

// direct is the squared error by sampling each bin at many points and quantizing
// them.
func direct(bins []denseBin, p quant.Params) float64 {
	const points = 400
	var sum float64
	x, y := make([]float32, points), make([]float32, points)
	for _, b := range bins {
		for i := range x {
			x[i] = float32(b.lo + (b.hi-b.lo)*(float64(i)+0.5)/points)
		}
		quant.FakeQuantize(y, x, nil, p)
		var e float64
		for i := range x {
			d := float64(x[i]) - float64(y[i])
			e += d * d
		}
		sum += b.n * e / points
	}
	return sum
}

// The closed form agrees with the real quantizer: steps wider and narrower
// than bins, clipped at one end, both, or none.
func TestSquaredErrorIsThatOfTheQuantizer(t *testing.T) {
	bins := []denseBin{{-6, -5, 3}, {-1, -0.5, 2}, {-0.5, 0, 5}, {0, 0.5, 4}, {0.5, 1, 1}, {2, 4, 7}, {9, 10, 1}}
	for _, g := range grids {
		for _, r := range [][2]float32{{-6, 10}, {-2, 10}, {-6, 1.7}, {-0.3, 0.4}, {0, 10}, {-6, 0}, {-100, 300}} {
			p := g.Params(r[0], r[1])
			got, want := squaredError(bins, p, math.Inf(1)), direct(bins, p)
			if math.Abs(got-want) > 0.01*want {
				t.Errorf("%v of %v: %v, sampled %v", g, r, got, want)
			}
		}
	}
	one := []denseBin{{0, 1, 12}}
	p := quant.Params{DType: tensor.Int8, Scale: []float32{1}, Zero: []int32{0}, Axis: -1, QMin: -128, QMax: 127}
	if got := squaredError(one, p, math.Inf(1)); math.Abs(got-1) > 1e-12 {
		t.Errorf("12 values over one step: %v, want 12/12", got)
	}
	p.QMax = 0
	if got := squaredError(one, p, math.Inf(1)); math.Abs(got-4) > 1e-12 {
		t.Errorf("12 values clipped to 0: %v, want 12/3", got)
	}
	if got := squaredError(append(one, denseBin{5, 6, 1}), p, 3); got <= 3 {
		t.Errorf("stopped at %v, below the limit", got)
	}
}

// No other estimator has a smaller error than least squares on the same
// histogram but by its step of half a percent, and min–max never has.
func TestMSEIsLeast(t *testing.T) {
	for name, s := range samples() {
		bins := denseBins(s.Histogram(), 1)
		for _, g := range grids {
			errorOf := func(method string) float64 {
				lo, hi, err := Range(method, s, g, Options{})
				if err != nil {
					t.Fatal(err)
				}
				return squaredError(bins, g.Params(lo, hi), math.Inf(1))
			}
			least := errorOf("mse")
			if e := errorOf("minmax"); least > e {
				t.Errorf("%s on %v: %v, min–max %v", name, g, least, e)
			}
			for _, m := range Methods {
				if e := errorOf(m.Name); least > 1.02*e {
					t.Errorf("%s on %v: %v, %s %v", name, g, least, m.Name, e)
				}
			}
		}
	}
}

// The best clip of a normal distribution on a symmetric grid is known: 2.83σ
// with 4 bits and 3.92σ with 8.
//
// Source: Banner, Nahshan, Hoffer and Soudry, Post training 4-bit quantization (ACIQ),
// NeurIPS 2019, whose table says 2.55 (4 bits) with 2^b levels over −α…α; solved
// here for 2^b−1 levels with qmax steps a side, by minimising
// 2·∫(x−α)²φ from α + (α/qmax)²/12.
func TestMSEOfNormal(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	x := make([]float32, 400000)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	s := statOf(x)
	for bits := 3; bits <= 8; bits++ {
		g := quant.Grid{DType: tensor.Int8, Bits: bits, Symmetric: true, Narrow: true}
		lo, hi, _ := Range("mse", s, g, Options{})
		want := clipOfNormal(float64(g.QMax()))
		got := math.Max(-float64(lo), float64(hi))
		if math.Abs(got-want) > 0.05*want {
			t.Errorf("%d bits: clips at %.3fσ, want %.3fσ", bits, got, want)
		}
	}
}

// clipOfNormal minimises the textbook error of a normal distribution clipped
// at α and rounded in steps of α/qmax.
func clipOfNormal(qmax float64) float64 {
	best, at := math.Inf(1), 0.0
	for a := 0.5; a < 6; a += 0.001 {
		tail := math.Erfc(a/math.Sqrt2) / 2
		density := math.Exp(-a*a/2) / math.Sqrt(2*math.Pi)
		clipped := 2 * ((1+a*a)*tail - a*density)
		if e := clipped + (1-2*tail)*(a/qmax)*(a/qmax)/12; e < best {
			best, at = e, a
		}
	}
	return at
}

func BenchmarkMethods(b *testing.B) {
	s := samples()["silu"]
	for _, m := range Methods {
		for _, g := range []quant.Grid{quant.U8, quant.S8} {
			b.Run(m.Name+" "+g.String(), func(b *testing.B) {
				for range b.N {
					Range(m.Name, s, g, Options{})
				}
			})
		}
	}
}
