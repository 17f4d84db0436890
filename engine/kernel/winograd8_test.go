package kernel

import (
	"fmt"
	"testing"
)

func always(*machine, *ConvShape) bool { return true }

// TestWinograd8 compares transformed convolutions with their definition,
// exactly: of odd shapes, of several bands and several chunks of channels.
func TestWinograd8(t *testing.T) {
	for i, row := range [][15]int{
		{1, 1, 1, 4, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},
		{2, 3, 1, 6, 6, 3, 3, 1, 1, 1, 1, 0, 0, 0, 0},
		{3, 5, 1, 5, 9, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},
		{4, 6, 1, 6, 6, 3, 3, 1, 1, 1, 1, 2, 0, 1, 3},
		{64, 31, 1, 14, 14, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},
		{33, 130, 1, 7, 7, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},
		{5, 9, 1, 150, 67, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},
		{200, 14, 1, 13, 61, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},
	} {
		s, seed := convShape(row), uint64(i)
		k, n := s.InC*9, s.OutC*s.OutH*s.OutW
		x, w := codes(seed, s.InC*s.InH*s.InW), weights8(seed+1, s.OutC*k)
		opt := Conv8Options{Zero: 7, Epilogue8: Epilogue8{Offset: offsets32(seed, s.OutC), Scale: random(2, s.OutC), Bias: random(3, s.OutC), Act: Relu, Inv: 0.01, Shift: 3}}
		want, _ := naiveConv8(&s, x, w, &opt)
		add := random(4, n)
		floats, quantized := naiveFinish(&s, want, add, opt.Epilogue8)
		for _, m := range machines(t) {
			t.Run(fmt.Sprint(m.name, row), func(t *testing.T) {
				c := newConv8By(m, s, w, opt, always)
				if c.wino == nil {
					t.Fatal("it was not transformed")
				}
				got, gotFloats, gotCodes := make([]int32, n), make([]float32, n), make([]uint8, n)
				c.Sums(got, x)
				same(t, "sums", got, want)
				c.Float(gotFloats, x, add)
				same(t, "floats", gotFloats, floats)
				c.Codes(gotCodes, x, add)
				same(t, "codes", gotCodes, quantized)
			})
		}
	}
}

// TestWinograd8Limit has the largest sums that are transformed, and does not
// transform larger ones.
func TestWinograd8Limit(t *testing.T) {
	for _, v := range []int8{127, -128} {
		channels := maxWinoWeights / (9 * max(int(v), -int(v)))
		for _, m := range machines(t) {
			for over := range 2 {
				s := convShape([15]int{channels + over, 1, 1, 6, 6, 3, 3, 1, 1, 1, 1, 0, 0, 0, 0})
				w := make([]int8, 9*s.InC)
				for i := range w {
					w[i] = v
				}
				c := newConv8By(m, s, w, Conv8Options{}, always)
				if (c.wino == nil) != (over == 1) {
					t.Fatalf("%s: %d channels of weights %d: transformed is %v", m.name, s.InC, v, c.wino != nil)
				}
				for _, code := range []uint8{0, 255, 128} {
					x := make([]uint8, 36*s.InC)
					fill8(x, code)
					got := make([]int32, 16)
					c.Sums(got, x)
					for _, y := range got {
						if want := int32(9*s.InC) * int32(v) * int32(code); y != want {
							t.Fatalf("%s: %d channels of weights %d and codes %d: %d, want %d", m.name, s.InC, v, code, y, want)
						}
					}
				}
			}
		}
	}
}

// TestPairedSafe takes the pairs for exact where none can saturate, and counts none.
func TestPairedSafe(t *testing.T) {
	s := convShape([15]int{8, 5, 1, 8, 8, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1})
	x, w := codes(1, 8*64), weights8(2, 5*72)
	for i := range w {
		w[i] /= 2
	}
	for _, m := range integerMachines(t) {
		for _, risk := range []bool{false, true} {
			if w[0], w[1] = 64, 64; risk {
				w[1] = 127
			}
			opt := Conv8Options{Sums: Paired, Zero: 9}
			want, saturated := naiveConv8(&s, x, w, &opt)
			c, got, counts := newConv8By(m, s, w, opt, always), make([]int32, len(want)), make([]int64, s.OutC)
			if c.safe == risk || (c.wino == nil) != risk {
				t.Fatalf("%s: safe is %v with risky pairs %v", m.name, c.safe, risk)
			}
			c.Sums(got, x)
			same(t, "sums", got, want)
			c.Saturated(counts, x)
			same(t, "counts", counts, saturated)
		}
	}
}
