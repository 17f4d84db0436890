package calib

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"dropquant/engine/observe"
	"dropquant/engine/quant"
	"dropquant/engine/tensor"
)

// statOf returns the statistic of images given by their values.
func statOf(images ...[]float32) *observe.Stat {
	s := new(observe.Stat)
	for i, x := range images {
		for part := range slices.Chunk(x, 1000) { // each value is counted: slices are so small
			s.Observe(i, uint32(i), part)
		}
	}
	return s
}

// samples are tensors of the kinds that networks have.
func samples() map[string]*observe.Stat {
	r := rand.New(rand.NewPCG(3, 4))
	draw := func(f func() float64) *observe.Stat {
		s := new(observe.Stat)
		for image := range 10 {
			x := make([]float32, 5000)
			for i := range x {
				x[i] = float32(f())
			}
			s.Observe(image, uint32(image), x)
		}
		return s
	}
	normal := r.NormFloat64
	return map[string]*observe.Stat{
		"normal":     draw(normal),
		"relu":       draw(func() float64 { return max(normal(), 0) }),
		"relu6":      draw(func() float64 { return min(max(4*normal(), 0), 6) }),
		"silu":       draw(func() float64 { x := 3 * normal(); return x / (1 + math.Exp(-x)) }),
		"laplace":    draw(func() float64 { return math.Copysign(r.ExpFloat64(), normal()) }),
		"heavy tail": draw(func() float64 { return math.Copysign(math.Exp(2*normal()), normal()) }),
		"outlier": draw(func() float64 {
			if r.IntN(20000) == 0 {
				return 1000
			}
			return normal()
		}),
		"negative": draw(func() float64 { return -1 - r.ExpFloat64() }),
		"positive": draw(func() float64 { return 5 + normal()/4 }),
		"uniform":  draw(func() float64 { return 3*r.Float64() - 1 }),
		"tiny":     draw(func() float64 { return 1e-30 * normal() }),
		"constant": statOf([]float32{2, 2}),
		"two":      statOf([]float32{-1, 3}),
	}
}

var grids = []quant.Grid{quant.U8, quant.S8, quant.W8, quant.U16, quant.S16,
	{DType: tensor.Uint8, Bits: 4}, {DType: tensor.Int8, Bits: 2, Symmetric: true}, {DType: tensor.Uint8, Symmetric: true}}

func TestRangeHoldsZeroAndStaysWithinTheExtremes(t *testing.T) {
	for name, s := range samples() {
		min0, max0, _ := s.Range()
		for _, m := range Methods {
			for _, g := range grids {
				lo, hi, err := Range(m.Name, s, g, Options{})
				if err != nil || !(lo <= 0 && hi >= 0 && lo < hi) || lo < min(min0, 0) || hi > max(max0, 0) {
					t.Errorf("%s of %s on %v: %v…%v of %v…%v, %v", m.Name, name, g, lo, hi, min0, max0, err)
				}
			}
		}
	}
}

func TestDegenerate(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		name   string
		s      *observe.Stat
		lo, hi float32
		err    error
	}{
		{"nothing", statOf(), 0, 0, ErrNoValues},
		{"empty tensors", statOf(nil, nil), 0, 0, ErrNoValues},
		{"only NaN", statOf([]float32{nan, nan}), 0, 0, ErrNoValues},
		{"only infinities", statOf([]float32{inf, -inf}), 0, 0, ErrNoValues},
		{"all zero", statOf([]float32{0, 0}), 0, 0, ErrAllZero},
		{"zero and NaN", statOf([]float32{0, nan}), 0, 0, ErrAllZero},
		{"constant", statOf([]float32{3, 3, 3}), 0, 3, nil},
		{"constant, negative", statOf([]float32{-3}, []float32{-3}), -3, 0, nil},
		{"constant and NaN", statOf([]float32{3, nan, -inf}), 0, 3, ErrNotFinite},
		{"denormal", statOf([]float32{1e-45}), 0, 1e-45, nil},
		{"largest", statOf([]float32{math.MaxFloat32}), 0, math.MaxFloat32, nil},
	} {
		for _, m := range Methods {
			for _, g := range grids {
				lo, hi, err := Range(m.Name, c.s, g, Options{})
				if err != c.err {
					t.Errorf("%s of %s: %v, want %v", m.Name, c.name, err, c.err)
				}
				// Estimators that read the histogram may clip within a bin, which is 1/2048 of the range.
				if lo < c.lo || hi > c.hi || lo > c.lo/2 || hi < c.hi/2 {
					t.Errorf("%s of %s on %v: %v…%v, want about %v…%v", m.Name, c.name, g, lo, hi, c.lo, c.hi)
				}
				if err := g.Params(lo, hi).Check(); err != nil {
					t.Errorf("%s of %s: %v", m.Name, c.name, err)
				}
			}
		}
	}
}

func TestRangeRefuses(t *testing.T) {
	s := statOf([]float32{1})
	for _, c := range []struct {
		method string
		g      quant.Grid
		o      Options
		want   string
	}{
		{"best", quant.U8, Options{}, `no estimator is called "best": use one of mse, minmax, mean-minmax, moving-average, percentile, entropy`},
		{"mse", quant.U8, Options{Percentile: 20}, "percentile 20 is not above 50 and up to 100"},
		{"mse", quant.U8, Options{Averaging: 2}, "averaging constant 2 is not above 0 and up to 1"},
		{"mse", quant.U8, Options{Averaging: math.NaN()}, "averaging constant NaN is not above 0 and up to 1"},
		{"mse", quant.Grid{}, Options{}, "quantization to unknown is not possible: use int8, uint8, int16 or uint16"},
	} {
		if _, _, err := Range(c.method, s, c.g, c.o); err == nil || err.Error() != c.want || Warning(err) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	if !Warning(ErrNoValues) || !Warning(ErrAllZero) || !Warning(ErrNotFinite) || Warning(nil) || Warning(errors.New("")) {
		t.Error("warnings are not told from errors")
	}
}

func TestDefaultIsFirst(t *testing.T) {
	if Methods[0].Name != Default {
		t.Errorf("the first method is %s, the default %s", Methods[0].Name, Default)
	}
}

func TestExtremeMethods(t *testing.T) {
	s := statOf([]float32{-1, 4}, []float32{-2, 8}, []float32{-6, 3})
	for _, c := range []struct {
		method string
		g      quant.Grid
		o      Options
		lo, hi float32
	}{
		{"minmax", quant.U8, Options{}, -6, 8},
		{"minmax", quant.S8, Options{}, -6, 8},
		{"mean-minmax", quant.U8, Options{}, -3, 5},
		{"mean-minmax", quant.S8, Options{}, -6, 6}, // mean of 4, 8, 6
		{"moving-average", quant.U8, Options{}, -1.59, 4.26},
		{"moving-average", quant.U8, Options{Averaging: 0.5}, -3.75, 4.5},
		{"moving-average", quant.U8, Options{Averaging: 1}, -6, 3},
		{"moving-average", quant.U8, Options{Averaging: 0.01}, -1.0599, 4.0296}, // torch's own
	} {
		lo, hi, err := Range(c.method, s, c.g, c.o)
		if lo != c.lo || hi != c.hi || err != nil {
			t.Errorf("%s %+v on %v: %v…%v %v, want %v…%v", c.method, c.o, c.g, lo, hi, err, c.lo, c.hi)
		}
	}
}
