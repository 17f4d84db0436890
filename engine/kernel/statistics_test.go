package kernel

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

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
					got, want := make([]uint32, 64+HistogramExtra), make([]uint32, 64)
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
					if !slices.Equal(got[:64], want) || gotOut != wantOut {
						t.Fatalf("n %d, first %d: %v outside %d, want %v outside %d", n, first, got[:64], gotOut, want, wantOut)
					}
				}
			}
		}
	})
}

func TestSample(t *testing.T) {
	each(t, func(t *testing.T, m *machine) {
		for _, blocks := range []int{1, 2, 17} {
			for _, period := range []int{1, 4, 16} {
				x := random(3, blocks*period*SampleBlock)
				got, want := make([]float32, blocks*SampleBlock), make([]float32, blocks*SampleBlock)
				m.sample(got, x, blocks, period)
				refSample(want, x, blocks, period)
				compare(t, fmt.Sprint(blocks, " blocks, period ", period), got, want, 0, 0)
			}
		}
	})
}

// TestOutside also has elements that are the bounds themselves.
func TestOutside(t *testing.T) {
	each(t, func(t *testing.T, m *machine) {
		for _, n := range append(sizes, 0, 5000) {
			steps := random(5, n)
			for i, v := range steps {
				steps[i] = float32(math.Floor(float64(4*v))) / 4
			}
			for _, x := range [][]float32{random(uint64(n), n), special(uint64(n), n), steps} {
				for _, ends := range [][2]float32{{-1, 1}, {0, 2}, {-2.5, 0.0625}, {-100, 100}, {0.25, 0.5}, {-1, -0.5}, {0, 0}, {0, -1}} {
					got, want := make([]float32, n), make([]float32, n)
					gotCount, wantCount := m.outside(got, x, ends[0], ends[1], n), refOutside(want, x, ends[0], ends[1], n)
					if gotCount != wantCount {
						t.Fatalf("n %d, ends %v: %d, want %d", n, ends, gotCount, wantCount)
					}
					compare(t, fmt.Sprint("n ", n, " ends ", ends), got[:gotCount], want[:gotCount], 0, 0)
				}
			}
		}
	})
}

func TestCutoff(t *testing.T) {
	each(t, func(t *testing.T, m *machine) {
		for _, n := range append(sizes, 0, 100) {
			counts, total := make([]uint32, n), 0
			for i, v := range random(uint64(n), n) {
				counts[i] = uint32(max(0, 3*v))
				total += int(counts[i])
			}
			counts = append(counts, 0, 0)[:n] // what follows must not be taken
			for limit := range total + 2 {
				for _, step := range []int{1, -1} {
					if got, want := m.cutoff(counts, limit, n, step), refCutoff(counts, limit, n, step); got != want {
						t.Fatalf("n %d, limit %d, step %d: %d, want %d", n, limit, step, got, want)
					}
				}
			}
		}
		all := []uint32{math.MaxUint32, 0}
		if got := m.cutoff(all, math.MaxUint32, 2, 1); got != 2 {
			t.Errorf("the largest number is not below itself: %d", got)
		}
	})
}

func TestAddCounts(t *testing.T) {
	each(t, func(t *testing.T, m *machine) {
		for _, n := range append(sizes, 0) {
			for _, up := range []int{0, 4} {
				for _, down := range []int{0, 1, 3, 20} {
					const first = 5
					counts := make([]uint32, n)
					got, want := make([]uint32, first+n), make([]uint32, first+n)
					for i := range counts {
						if i%32 < 16 { // runs of zeros are passed over
							counts[i] = math.MaxUint32 - uint32(i)
						}
						got[i] = uint32(i) << 27
					}
					copy(want, got)
					for i, c := range counts {
						want[(first+i)>>down] += c << up
					}
					m.addCounts(got, counts, first, down, up, n)
					if !slices.Equal(got, want) {
						t.Fatalf("n %d, down %d, up %d: %v, want %v", n, down, up, got, want)
					}
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
