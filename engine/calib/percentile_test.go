package calib

import (
	"math"
	"slices"
	"testing"

	"dropquant/engine/quant"
)

func TestPercentileOf100IsMinMax(t *testing.T) {
	for name, s := range samples() {
		for _, g := range grids {
			a, b, _ := Range("percentile", s, g, Options{Percentile: 100})
			c, d, _ := Range("minmax", s, g, Options{})
			if a != c || b != d {
				t.Errorf("%s on %v: %v…%v, min–max %v…%v", name, g, a, b, c, d)
			}
		}
	}
}

// lattice returns n values, i·i·step for i < n with every third one negated, or
// all positive: what numpy is asked about below.
func lattice(n int, signed bool) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i*i) / 1024
		if signed && i%3 == 0 {
			x[i] = -x[i]
		}
	}
	return x
}

// The constants come from
//
//	python3 -c "import numpy as np; i=np.arange(20000); x=i*i/1024; y=np.where(i%3==0,-x,x)
//	print([np.quantile(x,p) for p in (.99,.999,.9999)], [np.quantile(y,q) for p in (.99,.999) for q in ((1-p)/2,(1+p)/2)], np.quantile(abs(y),.99))"
//
// The bins are 128 wide, and the answers as exact as that.
func TestPercentileAgainstNumpy(t *testing.T) {
	const bin = 128
	pos, both := statOf(lattice(20000, false)), statOf(lattice(20000, true))
	for _, c := range []struct {
		p      float64
		lo, hi float64
	}{
		{99, 0, 382813.278},
		{99.9, 0, 389805.157},
		{99.99, 0, 390507.825},
	} {
		lo, hi, _ := Range("percentile", pos, quant.U8, Options{Percentile: c.p})
		if float64(lo) != c.lo || math.Abs(float64(hi)-c.hi) > bin {
			t.Errorf("%v of positive values: %v…%v, want %v…%v", c.p, lo, hi, c.lo, c.hi)
		}
	}
	for _, c := range []struct {
		g      quant.Grid
		p      float64
		lo, hi float64
	}{
		{quant.U8, 99, -378917.769, 384749.023},
		{quant.U8, 99.9, -389376.059, 390000.270},
		{quant.S8, 99, -382813.278, 382813.278},
	} {
		lo, hi, _ := Range("percentile", both, c.g, Options{Percentile: c.p})
		if math.Abs(float64(lo)-c.lo) > bin || math.Abs(float64(hi)-c.hi) > bin {
			t.Errorf("%v on %v: %v…%v, want %v…%v", c.p, c.g, lo, hi, c.lo, c.hi)
		}
	}
}

func TestTail(t *testing.T) {
	counts := []uint64{10, 0, 4, 2}
	for _, c := range []struct{ cut, want float64 }{{0, 8}, {1, 7}, {2, 6}, {3, 5.5}, {6, 2}, {11, 1}, {16, 0}, {99, 0}} {
		if got := tail(counts, 2, c.cut); got != c.want {
			t.Errorf("beyond %v lie %v, want %v", got, c.cut, c.want)
		}
	}
	if got := magnitudes(statOf([]float32{-1, 2, 2, -2}).Histogram()); got[1023] != 1 || got[2047] != 1 || got[2048] != 2 {
		t.Errorf("magnitudes %v", slices.IndexFunc(got, func(n uint64) bool { return n > 0 }))
	}
}
