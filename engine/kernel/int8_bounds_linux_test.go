package kernel

import (
	"fmt"
	"slices"
	"testing"
)

func (f *walls) bytes(i int, x []uint8) []uint8 { return place(f[i], x) }

func boundsOfCodes(_ *testing.T, f *walls, m *machine, caught func(what ...any)) {
	var pairs [1 << 16]uint8
	for _, n := range sizes {
		func() {
			defer caught(n)
			y, x, add := f.bytes(0, make([]uint8, n)), f.floats(1, random(1, n)), f.floats(2, random(2, n))
			acc, floats, other := f.ints(3, make([]int32, n)), f.floats(4, make([]float32, n)), f.bytes(5, codes(3, n))
			m.quantizeDiv(y, x, n, 1, 0.1, -1, 254)
			m.quantizeMul(y, x, n, 1, 0.1, 3, -1, 254)
			for flags := range 4 {
				m.rescale(floats, acc, add, n, 7, flags*flagBias, 0.5, 1, 0, 9)
				m.requantize(y, acc, add, n, 7, flags*flagBias, 3, 0.5, 1, 2, 3, 0, 9)
				m.requantizeDiv(y, acc, add, n, 7, flags*flagBias, 3, 0.5, 1, 2, 0, 9)
			}
			m.quantizeFMA(y, x, n, 1, 0.1, 3, -1, 254)
			m.fma(floats, x, nil, n, 0, 2, 3, 0, 9)
			m.fma(floats, x, add, n, flagAdd, 2, 3, 0, 9)
			m.dequantize(floats, y, n, 3, 0.1)
			m.addCodes(y, other, y, n, 128, 0.5, 0.5, 3)
			m.lookup(y, other, pairs[:256], n)
			m.pad8(f.bytes(1, make([]uint8, 2*3*(n+2))), f.bytes(5, codes(3, 2*n)), 2, 1, n, 3, n+2, 1, 1, 7)
			m.lookupPair(y, other, other, pairs[:], n)
			pool := PoolShape{Channels: 1, InH: 1, InW: n, OutH: 1, OutW: (n + 1) / 2, KH: 1, KW: 1, StrideH: 1, StrideW: 2, DilationH: 1, DilationW: 1}
			p := pool.plane()
			m.maxPool8(y[:pool.OutW], other, f.bytes(1, make([]uint8, pool8Size(&p))), p[:])
		}()
	}
}

func boundsOfGroups(t *testing.T, f *walls, m *machine, caught func(what ...any)) {
	for rows := 1; rows < 2*m.rows8+2; rows++ {
		for _, panels := range []int{1, 2, 3} {
			for _, k := range []int{1, 3, 4, 9} {
				for _, extras := range []int{0, 2} {
					func() {
						defer caught(rows, panels, k, extras)
						n, extra := panels*nr, make([]int32, rows*extras)
						for i := range extra {
							extra[i] = int32(4 * nr * ((i + 1) % k))
						}
						c, a, b := f.ints(0, make([]int32, rows*n)), f.bytes(1, codes(1, 4*rows*(k+extras))), f.bytes(2, codes(2, 4*n*k))
						extra = f.ints(3, extra)
						m.gemmPairs(c, a, b, extra, rows, panels, k, extras, n, flagLoad)
						m.gemmPaired(c, a, b, extra, rows, panels, k, extras, n, 0)
					}()
				}
			}
		}
	}
	for k := 1; k < 4; k++ {
		for _, base := range packBases {
			func() {
				defer caught("pack", k, base)
				cols := columns8{n: nr, base: f.ints(3, base)}
				cols.classify()
				for lanes, pack := range map[int]func(dst, src []uint8, koff, base, kind []int32, control []uint8, k, panels, flip int){2: m.packPairs, 4: m.packQuads} {
					koff := f.ints(2, []int32{0, 37, 21, 5, 52, 1, 2, 3, 4, 5, 6, 7}[:k*lanes])
					size := int(slices.Max(koff)+slices.Max(base)) + 1
					if cols.kind[0] > 0 {
						size += slack8
					}
					src, dst, want := f.bytes(1, codes(1, size)), f.bytes(0, make([]uint8, 4*nr*k)), make([]uint8, 4*nr*k)
					pack(dst, src, koff, cols.base, f.ints(4, cols.kind), f.bytes(5, cols.control), k, 1, 0)
					reference := map[int]func(dst, src []uint8, koff, base, kind []int32, control []uint8, k, panels, flip int){2: refPackPairs, 4: refPackQuads}[lanes]
					reference(want, src, koff, cols.base, cols.kind, nil, k, 1, 0)
					same(t, fmt.Sprint("pack ", lanes, base), dst, want)
				}
			}()
		}
	}
}

func boundsOfDepthwiseCodes(_ *testing.T, f *walls, m *machine, caught func(what ...any)) {
	for _, stride := range []int{1, 2, 3} {
		for _, cols := range []int{1, 7, 8, 9, 15, 16, 17, 33} {
			for _, rows := range []int{1, 2, 5} {
				func() {
					defer caught(stride, cols, rows)
					pitch := cols*stride + 3
					off := []int32{0, 1, int32(pitch), int32(pitch) + 2}
					last := (rows-1)*pitch + (cols-1)*stride + int(off[3])
					x := f.bytes(1, codes(1, last+1+depthwiseSlack*stride))
					m.depthwise8(f.ints(0, make([]int32, rows*cols+depthwiseSlack)), x, f.ints(2, []int32{5, -3}), f.ints(3, off), 2, rows, cols, pitch, stride)
				}()
			}
		}
	}
}
