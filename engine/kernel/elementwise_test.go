package kernel

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// exact tells which functions are one operation or a choice, and so agree bit
// for bit on every machine.
func exact(act Act) bool {
	switch act {
	case Sigmoid, SiLU, HardSwish, HardSigmoid, Tanh, Exp, Elu, Softplus, Mish, Erf, Gelu, Log:
		return false
	}
	return true
}

// TestUnary compares with the reference: exactly, or within four units in the
// last place where a fused multiply-add may round otherwise.
func TestUnary(t *testing.T) {
	each(t, func(t *testing.T, m *machine) {
		for act := None; act < numActs; act++ {
			if act == Relu || m.unary[act] == nil {
				continue
			}
			for _, n := range sizes {
				for _, src := range [][]float32{random(uint64(n), n), special(uint64(n), n)} {
					want, got := make([]float32, n), make([]float32, n)
					reference.unary[act](want, src, 0.2, 0.9, n)
					m.unary[act](got, src, 0.2, 0.9, n)
					rel, abs := float32(5e-7), float32(1e-44) // two denormal units
					switch {
					case exact(act):
						rel, abs = 0, 0
					case act == Gelu: // below zero the halves nearly cancel
						abs = 5e-7
					}
					compare(t, fmt.Sprint("act ", act, " n ", n), got, want, abs, rel)
				}
			}
		}
	})
}

// TestUnaryAccuracy compares with float64 over the range that models use, at
// the error that Unary's comment states.
func TestUnaryAccuracy(t *testing.T) {
	truth := map[Act]func(x float64) float64{
		Sigmoid: func(x float64) float64 { return 1 / (1 + math.Exp(-x)) },
		SiLU:    func(x float64) float64 { return x / (1 + math.Exp(-x)) },
		Tanh:    math.Tanh,
		Exp:     math.Exp,
		Elu: func(x float64) float64 {
			if x < 0 {
				return math.Expm1(x)
			}
			return x
		},
		Erf: math.Erf,
	}
	const n = 40001
	src, got := make([]float32, n), make([]float32, n)
	for i := range src {
		src[i] = float32(i-n/2) / (n / 2) * 80
	}
	each(t, func(t *testing.T, m *machine) {
		for act, f := range truth {
			m.unary[act](got, src, 1, 0, n)
			worst := 0.0
			for i, x := range src {
				want := f(float64(x))
				if want != 0 {
					worst = max(worst, math.Abs(float64(got[i])-want)/math.Abs(want))
				}
			}
			bound := 3e-7
			if act == Erf { // a quotient of two polynomials
				bound = 4e-7
			}
			if worst > bound {
				t.Errorf("act %d: relative error %.2g", act, worst)
			}
		}
	})
}

// TestLogisticDNN is exact, and near the true function.
func TestLogisticDNN(t *testing.T) {
	const n = 50001
	src := make([]float32, n)
	for i := range src {
		src[i] = float32(i-n/2) / (n / 2) * 100
	}
	for act, name := range map[Act]string{LogisticDNN: "logistic", SwishDNN: "swish"} {
		want := make([]float32, n)
		reference.unary[act](want, src, 0, 0, n)
		for i, x := range src {
			truth := 1 / (1 + math.Exp(-float64(x)))
			if act == SwishDNN {
				truth *= float64(x)
			}
			if d := math.Abs(float64(want[i]) - truth); d > 3e-7*max(1, math.Abs(truth)) {
				t.Fatalf("%s of %v is %v, want %v", name, x, want[i], truth)
			}
		}
		each(t, func(t *testing.T, m *machine) {
			got := make([]float32, n)
			m.unary[act](got, src, 0, 0, n)
			same(t, name, got, want)
		})
	}
}

func TestExpLimits(t *testing.T) {
	each(t, func(t *testing.T, m *machine) {
		nan := float32(math.NaN())
		src := []float32{posInf, negInf, nan, 88.72, 88.73, -87.4, -103, -104, -1000, 1000, 0}
		got := make([]float32, len(src))
		m.unary[Exp](got, src, 0, 0, len(src))
		for i, x := range src {
			want := float32(math.Exp(float64(x)))
			if !near(got[i], want, 3e-45, 1e-6) {
				t.Errorf("e^%v is %v, want %v", x, got[i], want)
			}
		}
	})
}

func TestArithmetic(t *testing.T) {
	each(t, func(t *testing.T, m *machine) {
		for op := range numBinary {
			for _, n := range sizes {
				a, b := special(1, n), special(5, n)
				want, got := make([]float32, n), make([]float32, n)
				reference.binary[op](want, a, b, n)
				m.binary[op](got, a, b, n)
				compare(t, fmt.Sprint("op ", op, " n ", n), got, want, 0, 0)
				inPlace := append([]float32(nil), a...)
				m.binary[op](inPlace, inPlace, b, n)
				compare(t, fmt.Sprint("op ", op, " in place"), inPlace, want, 0, 0)
				for _, s := range []float32{3, -0.5, posInf} {
					reference.scalar[op](want, a, s, n)
					m.scalar[op](got, a, s, n)
					compare(t, fmt.Sprint("op ", op, " scalar ", s), got, want, 0, 0)
				}
				for _, channels := range []int{1, 3, 8} {
					x, y := special(2, channels*n), special(3, channels)
					want, got := make([]float32, len(x)), make([]float32, len(x))
					reference.channel[op](want, x, y, channels, n)
					m.channel[op](got, x, y, channels, n)
					compare(t, fmt.Sprint("op ", op, " channels ", channels), got, want, 0, 0)
				}
			}
		}
	})
}

// TestSoftmax allows for the order of a sum of positive numbers.
func TestSoftmax(t *testing.T) {
	each(t, func(t *testing.T, m *machine) {
		for _, cols := range append(sizes, 1000) {
			for _, scale := range []float32{1, 30, 200} {
				src := random(uint64(cols), 3*cols)
				for i := range src {
					src[i] *= scale
				}
				want, got := make([]float32, len(src)), make([]float32, len(src))
				reference.softmax(want, src, 3, cols)
				m.softmax(got, src, 3, cols)
				compare(t, fmt.Sprint("cols ", cols), got, want, 1e-44, 2e-6)
				if slices.ContainsFunc(got, func(y float32) bool { return y != 0 && y < 1.17549435e-38 }) {
					t.Errorf("cols %d: a denormal result", cols)
				}
			}
		}
	})
}

func TestExported(t *testing.T) {
	a, b, dst := []float32{1, 2, 3, 4}, []float32{4, 3, 2, 1}, make([]float32, 4)
	c := []float32{10, 20}
	for _, test := range []struct {
		name string
		run  func()
		want []float32
	}{
		{"Add", func() { Add(dst, a, b) }, []float32{5, 5, 5, 5}},
		{"Sub", func() { Sub(dst, a, b) }, []float32{-3, -1, 1, 3}},
		{"Mul", func() { Mul(dst, a, b) }, []float32{4, 6, 6, 4}},
		{"Div", func() { Div(dst, a, b) }, []float32{0.25, 2.0 / 3, 1.5, 4}},
		{"Min", func() { Min(dst, a, b) }, []float32{1, 2, 2, 1}},
		{"Max", func() { Max(dst, a, b) }, []float32{4, 3, 3, 4}},
		{"AddScalar", func() { AddScalar(dst, a, 1) }, []float32{2, 3, 4, 5}},
		{"SubScalar", func() { SubScalar(dst, a, 1) }, []float32{0, 1, 2, 3}},
		{"MulScalar", func() { MulScalar(dst, a, 2) }, []float32{2, 4, 6, 8}},
		{"DivScalar", func() { DivScalar(dst, a, 2) }, []float32{0.5, 1, 1.5, 2}},
		{"MinScalar", func() { MinScalar(dst, a, 2) }, []float32{1, 2, 2, 2}},
		{"MaxScalar", func() { MaxScalar(dst, a, 2) }, []float32{2, 2, 3, 4}},
		{"ScalarSub", func() { ScalarSub(dst, 1, a) }, []float32{0, -1, -2, -3}},
		{"ScalarDiv", func() { ScalarDiv(dst, 12, a) }, []float32{12, 6, 4, 3}},
		{"AddChannel", func() { AddChannel(dst, a, c) }, []float32{11, 12, 23, 24}},
		{"SubChannel", func() { SubChannel(dst, a, c) }, []float32{-9, -8, -17, -16}},
		{"MulChannel", func() { MulChannel(dst, a, c) }, []float32{10, 20, 60, 80}},
		{"DivChannel", func() { DivChannel(dst, a, c) }, []float32{0.1, 0.2, 0.15, 0.2}},
		{"ChannelSub", func() { ChannelSub(dst, c, a) }, []float32{9, 8, 17, 16}},
		{"ChannelDiv", func() { ChannelDiv(dst, c, a) }, []float32{10, 5, 20.0 / 3, 5}},
		{"Unary", func() { Unary(Relu, dst, []float32{-1, 2, -3, 4}, 0, 0) }, []float32{0, 2, 0, 4}},
		{"Unary of the reference", func() { Unary(Erf, dst, []float32{0, 0, 0, 0}, 0, 0) }, []float32{0, 0, 0, 0}},
		{"Softmax", func() { Softmax(dst, []float32{0, 0, 1, 1}, 2, 2) }, []float32{0.5, 0.5, 0.5, 0.5}},
		{"GlobalAveragePool", func() { GlobalAveragePool(dst[:2], a); dst[2], dst[3] = 0, 0 }, []float32{1.5, 3.5, 0, 0}},
	} {
		test.run()
		compare(t, test.name, dst, test.want, 0, 1e-6)
	}
}
