package kernel

import (
	"fmt"
	"math"
	"testing"
)

// TestFakeQuantize agrees exactly: it is division, rounding and a product.
func TestFakeQuantize(t *testing.T) {
	each(t, func(t *testing.T, m *machine) {
		for _, n := range sizes {
			for _, scale := range []float32{0.1, 0.5, 1, 3.7e-3, 1e-30} {
				for _, r := range [][2]float32{{0, 255}, {-128, 127}, {-127, 127}, {-37, 218}, {-8, 7}} {
					for _, x := range [][]float32{random(uint64(n), n), special(uint64(n), n)} {
						got, want := make([]float32, n), make([]float32, n)
						m.fakeQuantize(got, x, scale, r[0], r[1], n)
						reference.fakeQuantize(want, x, scale, r[0], r[1], n)
						compare(t, fmt.Sprint("scale ", scale, " range ", r), got, want, 0, 0)
					}
				}
			}
		}
	})
}

func TestFakeQuantizeByHand(t *testing.T) {
	nan := float32(math.NaN())
	src := []float32{0.5, 1.5, 2.5, -0.5, -0.2, 300, -300, posInf, negInf, nan}
	want := []float32{0, 2, 2, 0, 0, 245, -10, 245, -10, -10}
	got := make([]float32, len(src))
	FakeQuantize(got, src, 1, 10, 0, 255)
	compare(t, "u8, zero 10", got, want, 0, 0)
	for i, v := range got {
		if v == 0 && math.Signbit(float64(v)) {
			t.Errorf("element %d is -0", i)
		}
	}
}
