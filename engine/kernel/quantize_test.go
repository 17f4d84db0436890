package kernel

import (
	"fmt"
	"math"
	"slices"
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

func TestMinMax(t *testing.T) {
	each(t, func(t *testing.T, m *machine) {
		for _, n := range append(sizes, 0) {
			for seed := range uint64(4) {
				for _, x := range [][]float32{random(seed, n), special(seed, n)} {
					got, want := make([]float32, 2), make([]float32, 2)
					gotBad, wantBad := m.minMax(got, x, n), reference.minMax(want, x, n)
					compare(t, fmt.Sprint("n ", n), got, want, 0, 0)
					if gotBad != wantBad {
						t.Errorf("n %d: %d are not finite, want %d", n, gotBad, wantBad)
					}
				}
			}
		}
	})
}

func TestHistogram(t *testing.T) {
	each(t, func(t *testing.T, m *machine) {
		for _, n := range append(sizes, 5000) {
			zeros := random(7, n)
			for i := range zeros {
				zeros[i] = max(zeros[i], 0)
			}
			for _, x := range [][]float32{random(uint64(n), n), special(uint64(n), n), zeros} {
				for _, first := range []int{-40, 0, 3, -1 << 20} {
					got, want := make([]uint32, 64), make([]uint32, 64)
					gotOut := m.histogram(got, x, 16, first, 64, n)
					wantOut := 0
					for _, v := range x {
						bin := math.Floor(float64(v)*16) - float64(first)
						if bin >= 0 && bin < 64 {
							want[int(bin)]++
						} else {
							wantOut++
						}
					}
					if !slices.Equal(got, want) || gotOut != wantOut {
						t.Fatalf("n %d, first %d: %v outside %d, want %v outside %d", n, first, got, gotOut, want, wantOut)
					}
				}
			}
		}
	})
}

// TestTails looks for what does not depend on the sign of a zero, and for extremes only where they mean something.
func TestTails(t *testing.T) {
	each(t, func(t *testing.T, m *machine) {
		for _, n := range append(sizes, 5000) {
			below, above := random(3, n), random(4, n)
			for i := range below {
				below[i], above[i] = -absF32(below[i]), max(above[i], 0)
			}
			for _, x := range [][]float32{random(uint64(n), n), special(uint64(n), n), below, above} {
				for _, ends := range [][2]float32{{-1, 1}, {0, 2}, {-2.5, 0.0625}, {-100, 100}} {
					const bins = 64
					got, want := make([]uint32, bins+TailsExtra), make([]uint32, bins+TailsExtra)
					gotBad := m.tails(got, x, 16, ends[0], ends[1], -40, bins, n)
					wantBad := refTails(want, x, 16, ends[0], ends[1], -40, bins, n)
					if !slices.Equal(got[:bins], want[:bins]) || (gotBad != 0) != (wantBad != 0) {
						t.Fatalf("n %d, ends %v: %v bad %d, want %v bad %d", n, ends, got, gotBad, want, wantBad)
					}
					if wantBad != 0 {
						continue
					}
					if a, b := math.Float32frombits(got[bins]), math.Float32frombits(want[bins]); a != b {
						t.Fatalf("n %d, ends %v: the least is %v, want %v", n, ends, a, b)
					}
					a, b := math.Float32frombits(got[bins+1]), math.Float32frombits(want[bins+1])
					if b >= 0 && a != b || b < 0 && !math.Signbit(float64(a)) {
						t.Fatalf("n %d, ends %v: the most is %v, want %v", n, ends, a, b)
					}
				}
			}
		}
	})
}

func TestAddCounts(t *testing.T) {
	each(t, func(t *testing.T, m *machine) {
		for _, n := range append(sizes, 0) {
			for _, shift := range []int{0, 4} {
				got, want, counts := make([]uint64, n), make([]uint64, n), make([]uint32, n)
				for i := range counts {
					counts[i] = math.MaxUint32 - uint32(i)
					got[i] = uint64(i) << 31
					want[i] = got[i] + uint64(counts[i])<<shift
				}
				m.addCounts(got, counts, shift, n)
				if !slices.Equal(got, want) {
					t.Fatalf("n %d, shift %d: %v, want %v", n, shift, got, want)
				}
			}
		}
	})
}

// TestNoise allows for the order of float64 sums.
func TestNoise(t *testing.T) {
	each(t, func(t *testing.T, m *machine) {
		for _, n := range append(sizes, 0) {
			a, b := random(1, n), random(2, n)
			got, want := make([]float64, 2), make([]float64, 2)
			m.noise(got, a, b, n)
			reference.noise(want, a, b, n)
			for i := range want {
				if math.Abs(got[i]-want[i]) > 1e-13*want[i] {
					t.Errorf("n %d: sum %d is %v, want %v", n, i, got[i], want[i])
				}
			}
		}
	})
}
