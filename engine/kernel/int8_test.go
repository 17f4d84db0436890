package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// integerMachines are the machines of the suite, and the reference with each
// kind of four-byte product that a browser may have.
func integerMachines(t testing.TB) []*machine {
	list := machines(t)
	for _, d := range []dot{dotUnsigned, dotSigned, dotSaturating} {
		m := newReference()
		m.name = fmt.Sprint("reference with dot ", d)
		refInteger(m, d)
		list = append(list, m)
	}
	return list
}

// codes returns n bytes of which many are extreme.
func codes(seed uint64, n int) []uint8 {
	r := rand.New(rand.NewPCG(seed, 2))
	extreme := []uint8{0, 255, 254, 128, 127, 129, 1}
	x := make([]uint8, n)
	for i := range x {
		x[i] = uint8(r.Uint32())
		if r.IntN(2) == 0 {
			x[i] = extreme[r.IntN(len(extreme))]
		}
	}
	return x
}

// weights8 is codes of weights.
func weights8(seed uint64, n int) []int8 {
	x := make([]int8, n)
	for i, v := range codes(seed, n) {
		x[i] = int8(v)
	}
	return x
}

// naiveConv8 is the definition of an integer convolution: the sums of the
// epilogue, and how many pairs saturated in each output channel.
func naiveConv8(s *ConvShape, x []uint8, w []int8, opt *Conv8Options) (sums []int32, saturated []int64) {
	in, out := s.InC/s.Group, s.OutC/s.Group
	k := in * s.KH * s.KW
	order := opt.Order
	if order == nil {
		order = completeOrder(nil, k)
	}
	saturated = make([]int64, s.OutC)
	for o := range s.OutC {
		total := int64(0)
		for _, v := range w[o*k : (o+1)*k] {
			total += int64(v)
		}
		for i := range s.OutH {
			for j := range s.OutW {
				product := func(slot int) int64 {
					if slot >= len(order) || order[slot] < 0 {
						return 0
					}
					e := int(order[slot])
					c, ky, kx := e/(s.KH*s.KW), e/s.KW%s.KH, e%s.KW
					r, q := i*s.StrideH-s.PadTop+ky*s.DilationH, j*s.StrideW-s.PadLeft+kx*s.DilationW
					code := opt.Zero
					if r >= 0 && r < s.InH && q >= 0 && q < s.InW {
						code = x[((o/out*in+c)*s.InH+r)*s.InW+q]
					}
					return int64(code) * int64(w[o*k+e])
				}
				acc := -int64(opt.Zero) * total
				for p := 0; p < len(order); p += 2 {
					pair := product(p) + product(p+1)
					if fits := min(max(pair, math.MinInt16), math.MaxInt16); fits != pair && opt.Sums == Paired {
						saturated[o]++
						pair = fits
					}
					acc += pair
				}
				if opt.Offset != nil {
					acc += int64(opt.Offset[o])
				}
				sums = append(sums, int32(acc))
			}
		}
	}
	return sums, saturated
}

// shuffled returns an order of k inner elements with holes in it.
func shuffled(seed uint64, k int) []int32 {
	r := rand.New(rand.NewPCG(seed, 3))
	var order []int32
	for _, e := range r.Perm(k) {
		for r.IntN(4) == 0 {
			order = append(order, -1)
		}
		order = append(order, int32(e))
	}
	return order
}

// offsets32 returns n offsets, some of which make sums wrap.
func offsets32(seed uint64, n int) []int32 {
	r := rand.New(rand.NewPCG(seed, 4))
	x := make([]int32, n)
	for i := range x {
		x[i] = int32(r.IntN(4000) - 2000)
		if i%5 == 4 {
			x[i] = math.MaxInt32 - 100
		}
	}
	return x
}

// TestConv8 compares sums, floats and codes with their definition, exactly.
func TestConv8(t *testing.T) {
	list := integerMachines(t)
	for i, row := range convCases {
		s := convShape(row)
		seed := uint64(i)
		k, n := s.InC/s.Group*s.KH*s.KW, s.OutC*s.OutH*s.OutW
		x, w := codes(seed, s.InC*s.InH*s.InW), weights8(seed+1, s.OutC*k)
		add := random(seed+3, n)
		for v, opt := range []Conv8Options{
			{Zero: 0},
			{Zero: 117, Epilogue8: Epilogue8{Offset: offsets32(seed, s.OutC), Act: Relu, Inv: 3.7, Shift: 20, OutHi: 255}},
			{Sums: Paired, Zero: 255, Epilogue8: Epilogue8{Bias: random(seed+4, s.OutC), Act: Clip, Lo: -1, Hi: 0.7, Inv: 57, OutZero: 100, OutLo: 3, OutHi: 250}},
			{Sums: Paired, Zero: 3, Order: shuffled(seed, k), Epilogue8: Epilogue8{Bias: random(seed+4, s.OutC), Act: Abs, Inv: 31, Shift: 128}},
			{Zero: 5, Epilogue8: Epilogue8{Bias: random(seed+4, s.OutC), Act: Relu, Inv: 31.7, Shift: 12.3, Fused: true}},
			{Zero: 5, Epilogue8: Epilogue8{Bias: random(seed+4, s.OutC), Act: Clip, Lo: -0.6, Hi: 0.9, Divisor: 0.013, OutZero: 90, OutLo: 2, OutHi: 254}},
			{Zero: 5, Epilogue8: Epilogue8{Bias: random(seed+4, s.OutC), Act: SwishDNN, Divisor: 0.013, OutZero: 90, OutLo: 2, OutHi: 254}},
			{Order: shuffled(seed+1, k), Zero: 128, Epilogue8: Epilogue8{Act: LeakyRelu, Lo: 0.1, OutZero: 7}},
		} {
			opt.Scale = make([]float32, s.OutC)
			for o := range opt.Scale {
				opt.Scale[o] = float32(o%7+1) * 3e-5 / float32(math.Sqrt(float64(k)))
			}
			sums, saturated := naiveConv8(&s, x, w, &opt)
			a := add
			if v == 0 {
				a = nil
			}
			floats, quantized := naiveFinish(&s, sums, a, opt.Epilogue8)
			for _, m := range list {
				t.Run(fmt.Sprint(m.name, row, v), func(t *testing.T) {
					c := newConv8(m, s, w, opt)
					gotSums, gotFloats, gotCodes := make([]int32, n), make([]float32, n), make([]uint8, n)
					for range 2 {
						c.Sums(gotSums, x)
						same(t, "sums", gotSums, sums)
						c.Float(gotFloats, x, a)
						same(t, "floats", gotFloats, floats)
						c.Codes(gotCodes, x, a)
						same(t, "codes", gotCodes, quantized)
					}
					if opt.Sums == Paired && m == reference {
						counts := make([]int64, s.OutC)
						c.Saturated(counts, x)
						same(t, "saturated", counts, saturated)
					}
				})
			}
		}
	}
}

// naiveFinish is the epilogue as its comment says it.
func naiveFinish(s *ConvShape, sums []int32, add []float32, e Epilogue8) (floats []float32, codes []uint8) {
	e.complete()
	area := s.OutH * s.OutW
	for i, v := range sums {
		o := i / area
		f := []float32{float32(float32(v) * e.Scale[o])}
		if e.Bias != nil {
			f[0] += e.Bias[o]
		}
		if add != nil {
			f[0] += add[i]
		}
		Unary(e.Act, f, f, e.Lo, e.Hi)
		scaled := float32(f[0]*e.Inv) + e.Shift
		switch {
		case e.Divisor != 0:
			scaled = f[0] / e.Divisor
		case e.Fused:
			scaled = FMA(f[0], e.Inv, e.Shift)
		}
		q := math.RoundToEven(float64(scaled)) + float64(e.OutZero)
		floats, codes = append(floats, f[0]), append(codes, uint8(min(max(q, float64(e.OutLo)), float64(e.OutHi))))
	}
	return floats, codes
}

func same[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", what, len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%s: element %d of %d is %v, want %v", what, i, len(want), got[i], want[i])
		}
	}
}

// TestSaturationLimits puts pair sums at, just below and just above what 16
// bits hold.
func TestSaturationLimits(t *testing.T) {
	for _, m := range integerMachines(t) {
		t.Run(m.name, func(t *testing.T) {
			s := convShape([15]int{4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0})
			for _, c := range []struct {
				w    [4]int8
				x    [4]uint8
				want int32
			}{
				{[4]int8{127, 2, 0, 0}, [4]uint8{255, 191, 0, 0}, 32767}, // 32385 + 382
				{[4]int8{127, 3, 0, 0}, [4]uint8{255, 128, 0, 0}, 32767}, // 32769
				{[4]int8{127, 127, 0, 0}, [4]uint8{255, 2, 0, 0}, 32639}, // 32385 + 254
				{[4]int8{127, 127, 127, 127}, [4]uint8{255, 255, 255, 255}, 2 * 32767},
				{[4]int8{-128, -128, 0, 0}, [4]uint8{255, 1, 0, 0}, -32768},
				{[4]int8{-128, -128, 0, 0}, [4]uint8{255, 2, 0, 0}, -32768}, // -32896
				{[4]int8{-128, -127, 0, 0}, [4]uint8{255, 1, 0, 0}, -32767},
				{[4]int8{-128, -128, -128, -128}, [4]uint8{255, 255, 255, 255}, -2 * 32768},
				{[4]int8{127, -128, 127, -128}, [4]uint8{255, 255, 0, 255}, -255 - 32640},
				{[4]int8{0, 127, 127, 0}, [4]uint8{255, 255, 255, 255}, 2 * 32385}, // not a pair
			} {
				y := make([]int32, 1)
				newConv8(m, s, c.w[:], Conv8Options{Sums: Paired}).Sums(y, c.x[:])
				if y[0] != c.want {
					t.Errorf("weights %v, codes %v: %d, want %d", c.w, c.x, y[0], c.want)
				}
			}
		})
	}
}

// TestEveryProduct multiplies every code by every weight.
func TestEveryProduct(t *testing.T) {
	var x []uint8
	for v := range 256 {
		x = append(x, uint8(v))
	}
	var w []int8
	for v := -128; v < 128; v++ {
		w = append(w, int8(v))
	}
	s := convShape([15]int{1, 256, 1, 16, 16, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0})
	d := convShape([15]int{2, 2, 2, 16, 16, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0})
	for _, m := range integerMachines(t) {
		for _, sums := range []Sums{Exact, Paired} {
			y := make([]int32, 1<<16)
			newConv8(m, s, w, Conv8Options{Sums: sums}).Sums(y, x)
			for i, v := range y {
				if want := int32(x[i%256]) * int32(w[i/256]); v != want {
					t.Fatalf("%s: %d·%d is %d", m.name, x[i%256], w[i/256], v)
				}
			}
		}
		for i := range w {
			y := make([]int32, 512)
			newConv8(m, d, []int8{w[i], w[255-i]}, Conv8Options{}).Sums(y, append(x, x...))
			for j := range x {
				if y[j] != int32(x[j])*int32(w[i]) || y[256+j] != int32(x[j])*int32(w[255-i]) {
					t.Fatalf("%s, depthwise: %d by %d and %d is %d and %d", m.name, x[j], w[i], w[255-i], y[j], y[256+j])
				}
			}
		}
	}
}

// TestProbeDot tells the kinds of products apart.
func TestProbeDot(t *testing.T) {
	for _, d := range []dot{dotUnsigned, dotSigned, dotSaturating} {
		if got := probeDot(refRows, refGemmQuads(refRows, d)); got != d {
			t.Errorf("kind %d was taken for %d", d, got)
		}
	}
	for rows := 1; rows <= 8; rows++ { // what differs only in the tallest panel
		signed, unsigned := refGemmQuads(rows, dotSigned), refGemmQuads(rows, dotUnsigned)
		mixed := func(c []int32, a, b []uint8, extra []int32, m, panels, k, extras, ldc, flags int) {
			if m == rows {
				signed(c, a, b, extra, m, panels, k, extras, ldc, flags)
			} else {
				unsigned(c, a, b, extra, m, panels, k, extras, ldc, flags)
			}
		}
		if got := probeDot(rows, mixed); rows > 1 && got != dotNone {
			t.Errorf("a kernel that is right up to %d rows was taken for kind %d", rows-1, got)
		}
	}
	wrong := refGroups(refRows, func(a, b []uint8) int32 { return int32(a[0]) * int32(b[0]) })
	if got := probeDot(refRows, wrong); got != dotNone {
		t.Errorf("another product was taken for kind %d", got)
	}
}

// mild returns weights of which few pairs can saturate, as those of a trained
// layer.
func mild(seed uint64, n int) []int8 {
	w := make([]int8, n)
	for i, v := range random(seed, n) {
		w[i] = int8(min(max(v*30, -128), 127))
	}
	return w
}

// TestExtraGroups multiplies weights of which some pairs could saturate by
// codes that make them, over several blocks of the inner dimension.
func TestExtraGroups(t *testing.T) {
	for _, m := range integerMachines(t) {
		t.Run(m.name, func(t *testing.T) {
			for _, row := range [][15]int{
				{40, 29, 1, 5, 5, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},
				{450, 13, 1, 3, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},
				{36, 18, 3, 4, 5, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},
				{1600, 3, 1, 1, 17, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0},
			} {
				s := convShape(row)
				x, w := codes(1, s.InC*s.InH*s.InW), mild(2, s.OutC*s.InC/s.Group*s.KH*s.KW)
				opt := Conv8Options{Zero: 255}
				want, _ := naiveConv8(&s, x, w, &opt)
				c, got := newConv8(m, s, w, opt), make([]int32, len(want))
				c.Sums(got, x)
				same(t, fmt.Sprint(row), got, want)
				extras := 0
				for _, p := range c.products {
					extras += p.extras()
				}
				if m.quickPairs && extras == 0 {
					t.Errorf("%v: no extra group was needed", row)
				}
			}
		})
	}
}

// TestCut says that the parts of weights are safe and add up.
func TestCut(t *testing.T) {
	var w []int8
	for a := -128; a < 128; a++ {
		for b := -128; b < 128; b++ {
			w = append(w, int8(a), int8(b))
		}
	}
	main, excess := cut(w)
	for i := 0; i < len(w); i += 2 {
		if risky(main[i], main[i+1]) || risky(excess[i], excess[i+1]) {
			t.Fatalf("%v became %v and %v", w[i:i+2], main[i:i+2], excess[i:i+2])
		}
		for j := range 2 {
			if int(main[i+j])+int(excess[i+j]) != int(w[i+j]) || !risky(w[i], w[i+1]) && excess[i+j] != 0 {
				t.Fatalf("%v became %v and %v", w[i:i+2], main[i:i+2], excess[i:i+2])
			}
		}
	}
}
