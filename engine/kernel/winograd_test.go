package kernel

import (
	"fmt"
	"testing"
)

// winoCases straddle tiles, panels of tiles, blocks and the heights of the product's panels.
var winoCases = [][15]int{
	{1, 1, 1, 4, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},
	{3, 5, 1, 6, 6, 3, 3, 1, 1, 1, 1, 0, 0, 0, 0},
	{7, 6, 1, 7, 9, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},
	{8, 13, 1, 14, 13, 3, 3, 1, 1, 1, 1, 1, 0, 0, 2},
	{16, 9, 1, 5, 37, 3, 3, 1, 1, 1, 1, 2, 1, 1, 0},
	{66, 62, 1, 13, 14, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},
}

// TestWinograd computes convolutions by tiles whether it pays or not, where the machine can. The
// rounding errors of a transform are in proportion to the magnitudes under the
// whole tile, so these have a bound of their own: winoError, twice for the
// magnitudes of numbers that are not between 0 and 1.
func TestWinograd(t *testing.T) {
	each(t, func(t *testing.T, m *machine) {
		if m.rows == 0 { // it multiplies row-major matrices and has no tiles
			return
		}
		scratch := NewScratch()
		for i, row := range winoCases {
			s := convShape(row)
			seed := uint64(i)
			x, w, bias, add := random(seed, s.InC*s.InH*s.InW), random(seed+1, s.OutC*s.InC*9), random(seed+2, s.OutC), random(seed+3, s.OutC*s.OutH*s.OutW)
			bare, bareMag := naiveConv(&s, x, w, nil, nil)
			full, fullMag := naiveConv(&s, x, w, bias, add)
			for _, size := range winoSizes {
				for e, ep := range convEpilogues {
					b, a, want, mag := bias, add, full, fullMag
					if e == 0 {
						b, a, want, mag = nil, nil, bare, bareMag
					}
					c := newConv(m, s, w, b, ep, size).Share(scratch)
					if c.wino == nil {
						t.Fatalf("%v: tiles of %d are not precise enough", row, size)
					}
					y := random(99, len(want)) // what lies there must not matter
					for range 2 {
						c.Run(y, x, a)
						checkTiles(t, fmt.Sprint(row, size, " act ", ep.Act), y, want, mag, ep)
					}
				}
			}
		}
	})
}

func checkTiles(t *testing.T, what string, got []float32, want, mag []float64, ep Epilogue) {
	t.Helper()
	act := refUnary(ep.Act)
	if ep.Act == Relu {
		act, ep.Lo, ep.Hi = refUnary(Clip), 0, posInf
	}
	most := 0.0
	for _, m := range mag {
		most = max(most, m)
	}
	for i := range want {
		exact := []float32{float32(want[i])}
		act(exact, exact, ep.Lo, ep.Hi, 1)
		if bound := float32(2 * winoError * most); !near(got[i], exact[0], bound, 3e-7) {
			t.Errorf("%s: element %d of %d is %v, want %v ± %v", what, i, len(want), got[i], exact[0], bound)
			return
		}
	}
}

func TestChooseWinograd(t *testing.T) {
	if active.rows == 0 {
		t.Skip("this machine multiplies row-major matrices")
	}
	square := func(in, out, size, kernel, stride, pad int) [15]int {
		return [15]int{in, out, 1, size, size, kernel, kernel, stride, stride, 1, 1, pad, pad, pad, pad}
	}
	for _, c := range []struct {
		shape [15]int
		want  int
	}{
		{square(64, 64, 56, 3, 1, 1), 4},
		{square(256, 256, 14, 3, 1, 1), 4},
		{square(256, 256, 7, 3, 1, 1), 2},
		{square(64, 64, 3, 3, 1, 1), 0}, // four tiles of 2x2 in a panel of eight
		{square(3, 32, 224, 3, 1, 1), 4},
		{square(1, 4, 28, 3, 1, 1), 0}, // the transforms take longer
		{square(64, 64, 56, 3, 2, 1), 0},
		{square(64, 64, 56, 5, 1, 2), 0},
		{square(1024, 64, 28, 3, 1, 1), 0},
		{[15]int{64, 64, 2, 56, 56, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1}, 0},
		{[15]int{64, 64, 1, 56, 56, 3, 3, 1, 1, 2, 2, 2, 2, 2, 2}, 0},
	} {
		s := convShape(c.shape)
		if got := chooseWinograd(active, &s); got != c.want {
			t.Errorf("%v gets tiles of %d, want %d", c.shape, got, c.want)
		}
	}
}

// TestWinogradRefuses says that weights which no transform can stand, and exact sums, are computed directly.
func TestWinogradRefuses(t *testing.T) {
	if active.rows == 0 {
		t.Skip("this machine multiplies row-major matrices")
	}
	s := convShape([15]int{64, 64, 1, 28, 28, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1})
	w := random(1, 64*64*9)
	if NewConv(s, w, nil, Epilogue{}, false).wino == nil || NewConv(s, w, nil, Epilogue{}, true).wino != nil {
		t.Error("tiles are to be used unless exact sums are asked for")
	}
	w[1000] = posInf
	if NewConv(s, w, nil, Epilogue{}, false).wino != nil {
		t.Error("an infinite weight went through the transform")
	}
}
