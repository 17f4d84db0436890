package kernel

import (
	"fmt"
	"math"
	"testing"
)

// naiveConv is the definition of a convolution, seven loops in float64. mag is
// the sum of the magnitudes, to which rounding errors are proportional.
func naiveConv(s *ConvShape, x, w, bias, add []float32) (y, mag []float64) {
	in, out := s.InC/s.Group, s.OutC/s.Group
	for o := range s.OutC {
		for i := range s.OutH {
			for j := range s.OutW {
				var acc, abs float64
				plus := func(v float64) { acc += v; abs += max(v, -v) }
				for c := range in {
					for ky := range s.KH {
						for kx := range s.KW {
							r, q := i*s.StrideH-s.PadTop+ky*s.DilationH, j*s.StrideW-s.PadLeft+kx*s.DilationW
							if r >= 0 && r < s.InH && q >= 0 && q < s.InW {
								plus(float64(x[((o/out*in+c)*s.InH+r)*s.InW+q]) * float64(w[((o*in+c)*s.KH+ky)*s.KW+kx]))
							}
						}
					}
				}
				if bias != nil {
					plus(float64(bias[o]))
				}
				if add != nil {
					plus(float64(add[(o*s.OutH+i)*s.OutW+j]))
				}
				y, mag = append(y, acc), append(mag, abs)
			}
		}
	}
	return y, mag
}

// convCases: each row is inC, outC, group, inH, inW, kh, kw, stride h, w,
// dilation h, w, pads top, left, bottom, right.
var convCases = [][15]int{
	{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0},
	{3, 8, 1, 9, 11, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1},
	{3, 16, 1, 33, 31, 3, 3, 2, 2, 1, 1, 0, 0, 1, 1},
	{5, 7, 1, 7, 7, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0},
	{13, 33, 1, 7, 9, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0},
	{16, 17, 1, 8, 8, 1, 1, 2, 2, 1, 1, 0, 0, 0, 0},
	{400, 9, 1, 3, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0},
	{64, 31, 1, 14, 14, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},
	{90, 6, 1, 7, 7, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},
	{2, 3, 1, 5, 6, 1, 7, 1, 1, 1, 1, 0, 3, 0, 3},
	{2, 3, 1, 6, 5, 7, 1, 1, 1, 1, 1, 3, 0, 3, 0},
	{3, 4, 1, 10, 10, 7, 7, 2, 2, 1, 1, 3, 3, 3, 3},
	{3, 5, 1, 12, 13, 3, 3, 1, 1, 2, 3, 2, 3, 2, 3},
	{2, 5, 1, 9, 9, 2, 2, 5, 4, 1, 1, 0, 0, 0, 0}, // stride larger than the kernel
	{4, 6, 1, 6, 6, 3, 3, 1, 1, 1, 1, 2, 0, 1, 3},
	{8, 12, 4, 6, 7, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},
	{6, 18, 2, 5, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0},
	{5, 5, 5, 7, 7, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},
	{7, 7, 7, 16, 17, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},
	{7, 7, 7, 15, 14, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1},
	{3, 3, 3, 16, 16, 3, 3, 2, 2, 1, 1, 0, 0, 1, 1},
	{4, 4, 4, 14, 14, 5, 5, 1, 1, 1, 1, 2, 2, 2, 2},
	{4, 4, 4, 15, 13, 5, 5, 2, 2, 1, 1, 2, 2, 2, 2},
	{3, 3, 3, 20, 20, 3, 3, 1, 1, 2, 2, 2, 2, 2, 2},
	{3, 3, 3, 12, 9, 7, 7, 1, 1, 1, 1, 3, 3, 3, 3},
	{2, 2, 2, 9, 12, 1, 3, 1, 2, 1, 1, 0, 1, 0, 1},
	{3, 3, 3, 12, 12, 4, 2, 3, 3, 1, 1, 0, 0, 0, 0},
	{3, 6, 3, 8, 8, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1}, // two outputs per channel
	{2, 2, 2, 1, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},
	{2, 2, 2, 2, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},
	{2, 2, 2, 5, 5, 5, 5, 1, 1, 1, 1, 2, 2, 2, 2},
	{2, 2, 2, 3, 3, 5, 5, 2, 2, 1, 1, 2, 2, 2, 2},
}

func convShape(c [15]int) ConvShape {
	s := ConvShape{InC: c[0], OutC: c[1], Group: c[2], InH: c[3], InW: c[4], KH: c[5], KW: c[6], StrideH: c[7], StrideW: c[8],
		DilationH: c[9], DilationW: c[10], PadTop: c[11], PadLeft: c[12], PadBottom: c[13], PadRight: c[14]}
	s.OutH = (s.InH+s.PadTop+s.PadBottom-(s.KH-1)*s.DilationH-1)/s.StrideH + 1
	s.OutW = (s.InW+s.PadLeft+s.PadRight-(s.KW-1)*s.DilationW-1)/s.StrideW + 1
	return s
}

// convEpilogues are what the cases end with; the first has neither bias nor add.
var convEpilogues = []Epilogue{{}, {Act: Relu}, {Act: Clip, Lo: -0.5, Hi: 1}, {Act: SiLU}, {Act: LeakyRelu, Lo: 0.1}}

func TestConv(t *testing.T) {
	list := machines(t)
	for i, row := range convCases {
		s := convShape(row)
		k := s.InC / s.Group * s.KH * s.KW
		seed := uint64(i)
		x, w, bias, add := random(seed, s.InC*s.InH*s.InW), random(seed+1, s.OutC*k), random(seed+2, s.OutC), random(seed+3, s.OutC*s.OutH*s.OutW)
		bare, bareMag := naiveConv(&s, x, w, nil, nil)
		full, fullMag := naiveConv(&s, x, w, bias, add)
		for _, m := range list {
			t.Run(fmt.Sprint(m.name, row), func(t *testing.T) {
				scratch := NewScratch()
				for e, ep := range convEpilogues {
					b, a, want, mag := bias, add, full, fullMag
					if e == 0 {
						b, a, want, mag = nil, nil, bare, bareMag
					}
					y := random(99, len(want)) // what lies there must not matter
					c := newConv(m, s, w, b, ep, 0).Share(scratch)
					for range 2 {
						c.Run(y, x, a)
						checkSums(t, fmt.Sprint("act ", ep.Act), y, want, mag, ep, k)
					}
				}
			})
		}
	}
}

// TestConvSpecial says that an infinity or NaN reaches exactly the outputs
// whose window covers it, and that padding adds nothing to them.
func TestConvSpecial(t *testing.T) {
	each(t, func(t *testing.T, m *machine) {
		for _, group := range []int{1, 3} {
			s := convShape([15]int{3, 3, group, 9, 9, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1})
			w := random(1, 27*3/group)
			for _, bad := range []float32{posInf, float32(math.NaN())} {
				x := random(2, 3*81)
				x[81+4*9+4] = bad
				y := make([]float32, 3*81)
				newConv(m, s, w, nil, Epilogue{}, 0).Run(y, x, nil)
				for i, v := range y {
					c, r, q := i/81, i%81/9, i%9
					touched := r >= 3 && r <= 5 && q >= 3 && q <= 5 && (group == 1 || c == 1)
					if finite := v-v == 0; finite == touched {
						t.Errorf("group %d, %v in the middle: output %d, %d, %d is %v", group, bad, c, r, q, v)
					}
				}
			}
		}
	})
}

// checkSums compares sums of products with their exact value after the
// activation. A sum of n products in float32 is off by at most about n/2 units
// in the last place of the magnitudes' sum, and by √n of them in practice; the
// bound here is a quarter of the worst case, and no activation has a slope
// above 1.1.
func checkSums(t *testing.T, what string, got []float32, want, mag []float64, ep Epilogue, n int) {
	t.Helper()
	act := refUnary(ep.Act)
	if ep.Act == Relu {
		act, ep.Lo, ep.Hi = refUnary(Clip), 0, posInf
	}
	for i := range want {
		exact := []float32{float32(want[i])}
		act(exact, exact, ep.Lo, ep.Hi, 1)
		bound := float32(float64(n+8) / 8 * mag[i] * 1.2e-7)
		if !near(got[i], exact[0], bound, 3e-7) {
			t.Errorf("%s: element %d of %d is %v, want %v ± %v", what, i, len(want), got[i], exact[0], bound)
			return
		}
	}
}
