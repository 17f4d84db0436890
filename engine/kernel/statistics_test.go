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
				for _, weight := range []int{1, 16, -4} {
					for _, first := range []int{-40, 0, 3, -1 << 20} {
						got, want := make([]uint32, 64+HistogramExtra), make([]uint32, 64)
						for i := range want {
							got[i], want[i] = uint32(i), uint32(i)
						}
						gotOut := m.histogram(got, x, 16, first, 64, weight, n)
						wantOut := 0
						for _, v := range x {
							bin := math.Floor(float64(v)*16) - float64(first)
							if bin >= 0 && bin < 64 {
								want[int(bin)] += uint32(weight)
							} else {
								wantOut++
							}
						}
						if !slices.Equal(got[:64], want) || gotOut != wantOut {
							t.Fatalf("n %d, first %d, weight %d: %v outside %d, want %v outside %d", n, first, weight, got[:64], gotOut, want, wantOut)
						}
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
				for _, from := range []int{0, 1, period - 1} {
					x := random(3, blocks*period*SampleBlock)
					got, want := make([]float32, blocks*SampleBlock), make([]float32, blocks*SampleBlock)
					gotEnds, wantEnds := make([]float32, 2*SampleEnds), make([]float32, 2*SampleEnds)
					m.sample(got, gotEnds, x, blocks, period, from)
					for k := range blocks {
						copy(want[k*SampleBlock:][:SampleBlock], x[(k*period+(3*k+from)%period)*SampleBlock:])
					}
					for i := range SampleEnds {
						wantEnds[i], wantEnds[SampleEnds+i] = posInf, negInf
					}
					for i, v := range want {
						i = i / SampleBlock % SampleEnds
						wantEnds[i], wantEnds[SampleEnds+i] = min(wantEnds[i], v), max(wantEnds[SampleEnds+i], v)
					}
					for _, ends := range [][]float32{gotEnds, wantEnds} {
						slices.Sort(ends[:SampleEnds])
						slices.Sort(ends[SampleEnds:])
					}
					what := fmt.Sprint(blocks, " blocks, period ", period, ", from ", from)
					compare(t, what, got, want, 0, 0)
					compare(t, "extremes of "+what, gotEnds, wantEnds, 0, 0)
				}
			}
		}
	})
}

// TestSampleGoesRound: as many samples as a period has blocks have each element once, also where the last period is not whole.
func TestSampleGoesRound(t *testing.T) {
	for _, n := range []int{64 * SampleBlock, 71 * SampleBlock, 71*SampleBlock + 3} {
		for _, period := range []int{1, 2, 8} {
			x, times := make([]float32, n), make([]int, n)
			for i := range x {
				x[i] = float32(i)
			}
			dst, ends := make([]float32, n/period+SampleBlock), make([]float32, 2*SampleEnds)
			for from := range period {
				for _, v := range dst[:Sample(dst, ends, x, period, from)] {
					times[int(v)]++
				}
			}
			for i, k := range times[:n/SampleBlock*SampleBlock] {
				if k != 1 {
					t.Fatalf("element %d of %d is in %d of %d samples", i, n, k, period)
				}
			}
		}
	}
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
