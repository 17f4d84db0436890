package kernel

import (
	"fmt"
	"math"
	"testing"
)

// ties returns floats at, just below and just above every tie of a grid.
func ties(scale float32) []float32 {
	var x []float32
	for i := -300; i <= 300; i++ {
		v := (float32(i) + 0.5) * scale
		x = append(x, v, math.Nextafter32(v, posInf), math.Nextafter32(v, negInf), float32(i)*scale)
	}
	return x
}

func TestQuantizeU8(t *testing.T) {
	for _, m := range integerMachines(t) {
		t.Run(m.name, func(t *testing.T) {
			for _, scale := range []float32{1, 0.1, 3.7e-3, 0.0235294122} {
				for _, g := range [][3]int{{0, 0, 255}, {128, 0, 255}, {255, 0, 255}, {128, 1, 255}, {7, 3, 100}} {
					zero, lo, hi := g[0], float32(g[1]-g[0]), float32(g[2]-g[0])
					for _, x := range [][]float32{ties(scale), special(3, 100), random(4, 67)} {
						n := len(x)
						div, mul, wantDiv, wantMul := make([]uint8, n), make([]uint8, n), make([]uint8, n), make([]uint8, n)
						inv, shift := 1/scale, float32(0.25)
						for i, v := range x {
							wantDiv[i] = naiveCode(v/scale, zero, lo, hi)
							wantMul[i] = naiveCode(float32(v*inv)+shift, zero, lo, hi)
						}
						m.quantizeDiv(div, x, n, zero, scale, lo, hi)
						m.quantizeMul(mul, x, n, zero, inv, shift, lo, hi)
						same(t, fmt.Sprint("division by ", scale, g), div, wantDiv)
						same(t, fmt.Sprint("product with 1/", scale, g), mul, wantMul)
					}
				}
			}
			for _, n := range sizes {
				x := random(uint64(n), n)
				got, want := make([]uint8, n), make([]uint8, n)
				m.quantizeDiv(got, x, n, 128, 0.01, -128, 127)
				refQuantizeDiv(want, x, n, 128, 0.01, -128, 127)
				same(t, fmt.Sprint("n ", n), got, want)
			}
		})
	}
}

func naiveCode(v float32, zero int, lo, hi float32) uint8 {
	r := math.RoundToEven(float64(v))
	if !(r > float64(lo)) { // NaN too
		r = float64(lo)
	}
	return uint8(int(min(r, float64(hi))) + zero)
}

// TestRequantizeTies scales sums onto every tie of the output's grid.
func TestRequantizeTies(t *testing.T) {
	for _, m := range integerMachines(t) {
		t.Run(m.name, func(t *testing.T) {
			for _, n := range append(sizes, 1024) {
				acc := make([]int32, n)
				for i := range acc {
					acc[i] = int32(i%1024 - 512)
					if i%7 == 6 {
						acc[i] = int32(i) * 16777259 // not a float32
					}
				}
				add := random(1, n)
				for i := range add {
					add[i] = float32(int(add[i] * 4))
				}
				for flags := range 4 * flagBias {
					got, want := make([]uint8, n), make([]uint8, n)
					m.requantize(got, acc, add, n, -3, flags&^3, 100, 0.5, 1, 1, 0, -100, 155)
					for i, s := range acc {
						f := float32(s-3) * 0.5
						if flags&flagBias != 0 {
							f += 1
						}
						if flags&flagAdd != 0 {
							f += add[i]
						}
						want[i] = naiveCode(f, 100, -100, 155)
					}
					same(t, fmt.Sprint("n ", n, " flags ", flags), got, want)
					m.requantizeDiv(got, acc, add, n, -3, flags&^3, 100, 0.5, 1, 1, -100, 155)
					same(t, fmt.Sprint("by division, n ", n, " flags ", flags), got, want)
				}
			}
		})
	}
}

func TestCodeElements(t *testing.T) {
	var table [256]uint8
	var pairs [1 << 16]uint8
	for i := range pairs {
		pairs[i] = uint8(i*i>>3 + i)
		table[i%256] = uint8(i * 7)
	}
	for _, m := range integerMachines(t) {
		t.Run(m.name, func(t *testing.T) {
			for _, n := range append(sizes, 256, 1000) {
				a, b := codes(uint64(n), n), codes(uint64(n)+1, n)
				floats, wantFloats, got, want := make([]float32, n), make([]float32, n), make([]uint8, n), make([]uint8, n)
				m.dequantize(floats, a, n, 130, 0.37)
				for i, v := range a {
					wantFloats[i] = (float32(v) - 130) * 0.37
				}
				same(t, "dequantize", floats, wantFloats)
				m.lookup(got, a, table[:], n)
				for i, v := range a {
					want[i] = v * 7
				}
				same(t, "lookup", got, want)
				m.lookupPair(got, a, b, pairs[:], n)
				for i, v := range a {
					want[i] = pairs[int(v)*256+int(b[i])]
				}
				same(t, "lookupPair", got, want)
			}
		})
	}
}

// TestAddCodes adds every code to every other, as the definition says.
func TestAddCodes(t *testing.T) {
	a, b := make([]uint8, 1<<16), make([]uint8, 1<<16)
	for i := range a {
		a[i], b[i] = uint8(i>>8), uint8(i)
	}
	for _, m := range machines(t) {
		for _, s := range []CodeSum{{A: 0.5, B: 0.25, Fixed: 12.5}, {A: 0.7312, B: 1.31, Fixed: -130.77}, {A: 0.5, B: 0.5, Signed: true}, {A: 1.01, B: 0.033, Fixed: -3.3, Signed: true}} {
			for _, n := range append(sizes, len(a)) {
				got, want := make([]uint8, n), make([]uint8, n)
				s.add(m, got, a[len(a)-n:], b[len(a)-n:])
				s.add(reference, want, a[len(a)-n:], b[len(a)-n:])
				same(t, fmt.Sprint(m.name, s, n), got, want)
			}
		}
	}
	for i, c := range []struct {
		s          CodeSum
		a, b, want uint8
	}{
		{CodeSum{A: 0.5, B: 0.5}, 3, 2, 2}, {CodeSum{A: 0.5, B: 0.5}, 3, 4, 4}, {CodeSum{A: 1, B: 1}, 200, 100, 255},
		{CodeSum{A: 1, B: 1, Signed: true}, 0x80, 0xff, 0x80}, {CodeSum{A: 0.5, B: 1, Signed: true}, 0xff, 2, 2}, {CodeSum{A: 1, B: 1, Signed: true}, 100, 100, 127},
	} {
		got := []uint8{0}
		if c.s.add(reference, got, []uint8{c.a}, []uint8{c.b}); got[0] != c.want {
			t.Errorf("case %d: %d, want %d", i, got[0], c.want)
		}
	}
}

// pyramidCases are windows of spatial pyramids and of columns that fill vectors.
var pyramidCases = [][15]int{
	{3, 1, 1, 13, 13, 13, 13, 1, 1, 1, 1, 6, 6, 6, 6},
	{2, 1, 1, 20, 20, 5, 5, 1, 1, 1, 1, 2, 2, 2, 2},
	{3, 1, 1, 33, 70, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1},
	{3, 1, 1, 9, 35, 2, 2, 2, 2, 1, 1, 0, 0, 0, 0},
	{2, 1, 1, 11, 64, 3, 5, 2, 1, 2, 3, 1, 2, 1, 2},
}

// TestMaxPool8 agrees with the pooling of floats.
func TestMaxPool8(t *testing.T) {
	for _, m := range integerMachines(t) {
		for _, row := range append(convCases, pyramidCases...) {
			c := convShape(row)
			s := PoolShape{Channels: c.InC, InH: c.InH, InW: c.InW, OutH: c.OutH, OutW: c.OutW, KH: c.KH, KW: c.KW, StrideH: c.StrideH, StrideW: c.StrideW,
				DilationH: c.DilationH, DilationW: c.DilationW, PadTop: c.PadTop, PadLeft: c.PadLeft, PadBottom: c.PadBottom, PadRight: c.PadRight}
			x := codes(1, s.Channels*s.InH*s.InW)
			n := s.Channels * s.OutH * s.OutW
			floats, pooled, want, got := make([]float32, len(x)), make([]float32, n), make([]uint8, n), make([]uint8, n)
			refDequantize(floats, x, len(x), 0, 1)
			MaxPool(pooled, floats, s, NewScratch())
			for i, v := range pooled {
				want[i] = uint8(max(v, 0))
			}
			maxPool8(m, got, x, s, NewScratch())
			same(t, fmt.Sprint(m.name, row), got, want)
		}
	}
}

func TestPad8(t *testing.T) {
	for _, m := range integerMachines(t) {
		for _, w := range sizes {
			for _, c := range [][6]int{{3, 4, 0, 0, 0, 0}, {1, 1, 1, 1, 1, 1}, {2, 3, 2, 1, 0, 3}, {3, 1, 0, 0, 0, 2}} { // channels, height, top, left, bottom, right
				ph, pw := c[1]+c[2]+c[4], w+c[3]+c[5]
				x := codes(uint64(w), c[0]*c[1]*w)
				got, want := codes(5, c[0]*ph*pw), make([]uint8, c[0]*ph*pw)
				m.pad8(got, x, c[0], c[1], w, ph, pw, c[2], c[3], 200)
				refPad8(want, x, c[0], c[1], w, ph, pw, c[2], c[3], 200)
				same(t, fmt.Sprint("rows of ", w, " padded by ", c), got, want)
			}
		}
	}
}
