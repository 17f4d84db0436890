package kernel

import (
	"fmt"
	"testing"
)

// poolCases: channels, h, w, out h, w, kh, kw, stride h, w, dilation h, w,
// pads top, left, bottom, right. Some windows hang over (ceil_mode).
var poolCases = [][15]int{
	{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0},
	{3, 8, 8, 4, 4, 2, 2, 2, 2, 1, 1, 0, 0, 0, 0},
	{3, 9, 9, 5, 5, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1},
	{2, 14, 15, 7, 8, 3, 3, 2, 2, 1, 1, 0, 0, 1, 1},
	{2, 13, 13, 13, 13, 5, 5, 1, 1, 1, 1, 2, 2, 2, 2},
	{2, 13, 15, 13, 15, 13, 13, 1, 1, 1, 1, 6, 6, 6, 6},
	{2, 15, 20, 8, 10, 5, 5, 2, 2, 1, 1, 2, 2, 2, 2},
	{2, 20, 20, 10, 10, 5, 5, 2, 2, 2, 2, 4, 4, 4, 4},
	{2, 12, 17, 4, 5, 3, 3, 3, 3, 1, 1, 0, 0, 0, 0},
	{2, 10, 10, 8, 8, 2, 2, 1, 1, 2, 2, 0, 0, 0, 0},
	{2, 7, 7, 1, 1, 7, 7, 7, 7, 1, 1, 0, 0, 0, 0},
	{3, 5, 6, 3, 3, 2, 3, 2, 2, 1, 1, 0, 0, 1, 1},
	{1, 6, 33, 3, 11, 2, 1, 2, 3, 1, 1, 0, 0, 0, 0},
	{2, 3, 3, 5, 5, 3, 3, 1, 1, 1, 1, 2, 2, 2, 2},
	{2, 1, 20, 1, 4, 1, 5, 1, 5, 1, 1, 0, 0, 0, 0},
}

func TestPool(t *testing.T) {
	each(t, func(t *testing.T, m *machine) {
		defer func(was *machine) { active = was }(active)
		for i, c := range poolCases {
			s := PoolShape{Channels: c[0], InH: c[1], InW: c[2], OutH: c[3], OutW: c[4], KH: c[5], KW: c[6], StrideH: c[7], StrideW: c[8],
				DilationH: c[9], DilationW: c[10], PadTop: c[11], PadLeft: c[12], PadBottom: c[13], PadRight: c[14]}
			for _, x := range [][]float32{random(uint64(i), s.Channels*s.InH*s.InW), special(uint64(i), s.Channels*s.InH*s.InW)} {
				active = m
				got, want := make([]float32, s.Channels*s.OutH*s.OutW), make([]float32, s.Channels*s.OutH*s.OutW)
				scratch := NewScratch()
				MaxPool(got, x, s, scratch)
				naivePool(want, x, &s, false, true)
				compare(t, fmt.Sprint("max ", c), got, want, 0, 0)
			}
			for _, includePad := range []bool{false, true} {
				x := random(uint64(i), s.Channels*s.InH*s.InW)
				got, want := make([]float32, s.Channels*s.OutH*s.OutW), make([]float32, s.Channels*s.OutH*s.OutW)
				AveragePool(got, x, s, includePad, NewScratch())
				naivePool(want, x, &s, includePad, false)
				compare(t, fmt.Sprint("average ", c, includePad), got, want, 1e-6, 1e-6)
			}
		}
	})
}

// naivePool is the definition of both poolings.
func naivePool(y, x []float32, s *PoolShape, includePad, largest bool) {
	at := 0
	for c := range s.Channels {
		for i := range s.OutH {
			for j := range s.OutW {
				top, sum, n := negInf, 0.0, 0
				for ky := range s.KH {
					for kx := range s.KW {
						r, q := i*s.StrideH-s.PadTop+ky*s.DilationH, j*s.StrideW-s.PadLeft+kx*s.DilationW
						if r >= 0 && r < s.InH && q >= 0 && q < s.InW {
							v := x[(c*s.InH+r)*s.InW+q]
							if top < v {
								top = v
							}
							sum += float64(v)
							n++
						} else if includePad && r < s.InH+s.PadBottom && q < s.InW+s.PadRight {
							n++
						}
					}
				}
				y[at] = top
				if !largest {
					y[at] = float32(sum / float64(n))
				}
				at++
			}
		}
	}
}

func TestRowMean(t *testing.T) {
	each(t, func(t *testing.T, m *machine) {
		for _, cols := range sizes {
			x := random(uint64(cols), 5*cols)
			got, want := make([]float32, 5), make([]float32, 5)
			m.rowMean(got, x, 5, cols)
			reference.rowMean(want, x, 5, cols)
			compare(t, fmt.Sprint("cols ", cols), got, want, 1e-7, 1e-6)
		}
	})
}
