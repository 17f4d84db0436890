package kernel

import (
	"fmt"
	"testing"
)

// fuses reports whether the products of a machine are fused with their sums.
func fuses(mach *machine) bool {
	const x = 1 + 0x1p-12 // x·x is 1 + 2^-11 + 2^-24, the last of which is lost when it is rounded before 1 is taken off
	var y [nr]float32
	mach.gemm(y[:], []float32{1, x}, []float32{-1, 0, 0, 0, 0, 0, 0, 0, x, 0, 0, 0, 0, 0, 0, 0}, nil, nil, 1, 1, 2, nr, nr, flagDone, negInf, posInf)
	return y[0] == 0x1p-11+0x1p-24
}

// inOrderOf adds up products as an Order says, by the letter; j is which of n results it is.
func inOrderOf(o Order, fused bool, sum float32, a, b []float32, j, n int) float32 {
	k := len(a)
	switch o.Sums {
	case InBlocks:
		for k0 := 0; k0 < k; k0 += o.Block {
			block := float32(0)
			for p := k0; p < min(k0+o.Block, k); p++ {
				if fused {
					block = FMA(a[p], b[p], block)
				} else {
					block += float32(a[p] * b[p])
				}
			}
			sum += block
		}
	case InFours:
		for p := 0; p < k; {
			size := 4
			for p+size > k {
				size /= 2
			}
			part := float32(a[p] * b[p])
			for i := 1; i < size; i++ {
				part += float32(a[p+i] * b[p+i])
			}
			sum, p = sum+part, p+size
		}
	case InLanes:
		var l [8]float32
		for p := range a {
			l[p%8] += float32(a[p] * b[p])
		}
		sum += lastOfLanes(&l, j, n)
	}
	return sum
}

// TestOrderedConv wants every order by the letter, over padding, strides, dilations, groups and channels taken together.
func TestOrderedConv(t *testing.T) {
	each(t, func(t *testing.T, mach *machine) {
		mach = inOrder(mach)
		for i, c := range []struct {
			s ConvShape
			o Order
		}{
			{ConvShape{InC: 7, OutC: 13, Group: 1, InH: 6, InW: 5, OutH: 6, OutW: 5, KH: 3, KW: 3, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, PadTop: 1, PadLeft: 1, PadBottom: 1, PadRight: 1}, Order{InBlocks, 16, 0}},
			{ConvShape{InC: 20, OutC: 3, Group: 1, InH: 3, InW: 3, OutH: 3, OutW: 3, KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1}, Order{InBlocks, 128, 0}},
			{ConvShape{InC: 20, OutC: 6, Group: 2, InH: 9, InW: 8, OutH: 4, OutW: 3, KH: 2, KW: 3, StrideH: 2, StrideW: 2, DilationH: 2, DilationW: 1}, Order{InBlocks, 48, 8}},
			{ConvShape{InC: 4, OutC: 4, Group: 4, InH: 6, InW: 5, OutH: 6, OutW: 5, KH: 3, KW: 3, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, PadTop: 1, PadLeft: 1, PadBottom: 1, PadRight: 1}, Order{InFours, 0, 0}},
			{ConvShape{InC: 10, OutC: 14, Group: 2, InH: 3, InW: 2, OutH: 1, OutW: 1, KH: 3, KW: 2, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1}, Order{InLanes, 0, 0}},
			{ConvShape{InC: 10, OutC: 14, Group: 2, InH: 3, InW: 2, OutH: 1, OutW: 1, KH: 3, KW: 2, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1}, Order{InFours, 0, 0}},
		} {
			s, in, out := &c.s, c.s.InC/c.s.Group, c.s.OutC/c.s.Group
			k, area := in*s.KH*s.KW, s.OutH*s.OutW
			w, x, bias := random(1, s.OutC*k), random(2, s.InC*s.InH*s.InW), random(3, s.OutC)
			for _, onto := range []bool{false, true} {
				y := random(4, s.OutC*area)
				want := append([]float32{}, y...)
				for o := range s.OutC {
					for at := range area {
						var a, b []float32
						group := max(c.o.Channels, 1)
						for first := 0; first < in; first += group {
							for tap := range s.KH * s.KW {
								for ch := first; ch < min(first+group, in); ch++ {
									ih, iw := at/s.OutW*s.StrideH-s.PadTop+tap/s.KW*s.DilationH, at%s.OutW*s.StrideW-s.PadLeft+tap%s.KW*s.DilationW
									v := float32(0)
									if ih >= 0 && ih < s.InH && iw >= 0 && iw < s.InW {
										v = x[((o/out*in+ch)*s.InH+ih)*s.InW+iw]
									}
									a, b = append(a, w[(o*in+ch)*s.KH*s.KW+tap]), append(b, v)
								}
							}
						}
						begin := float32(0)
						if onto {
							begin = want[o*area+at]
						}
						want[o*area+at] = inOrderOf(c.o, fuses(mach), begin, a, b, o%out, out) + bias[o]
					}
				}
				newOrderedConv(mach, c.s, c.o, w, bias).Run(y, x, onto)
				compare(t, fmt.Sprint(i, " onto ", onto), y, want, 0, 0)
			}
		}
	})
}

// TestOrderedGemm wants the same of products, transposed and not.
func TestOrderedGemm(t *testing.T) {
	fused := fuses(inOrder(active))
	for _, o := range []Order{{InBlocks, 128, 0}, {InBlocks, 8, 0}, {InFours, 0, 0}, {InLanes, 0, 0}} {
		for _, size := range [][3]int{{1, 13, 37}, {14, 1, 37}, {5, 17, 40}} {
			m, n, k := size[0], size[1], size[2]
			if o.Sums != InBlocks && min(m, n) > 1 {
				continue
			}
			for trans := range 8 {
				ta, tb, onto := trans&1 != 0, trans&2 != 0, trans&4 != 0
				a, b, c := random(1, m*k), random(2, k*n), random(3, m*n)
				want := append([]float32{}, c...)
				lda, ldb := k, n
				if ta {
					lda = m
				}
				if tb {
					ldb = k
				}
				for i := range m {
					for j := range n {
						var row, column []float32
						for p := range k {
							ai, bi := i*k+p, p*n+j
							if ta {
								ai = p*m + i
							}
							if tb {
								bi = j*k + p
							}
							row, column = append(row, a[ai]), append(column, b[bi])
						}
						begin := float32(0)
						if onto {
							begin = want[i*n+j]
						}
						want[i*n+j] = inOrderOf(o, fused, begin, row, column, max(i, j), max(m, n))
					}
				}
				OrderedGemm(o, onto, ta, tb, m, n, k, a, lda, b, ldb, c, NewScratch())
				compare(t, fmt.Sprint(o, size, ta, tb, onto), c, want, 0, 0)
			}
		}
	}
}
