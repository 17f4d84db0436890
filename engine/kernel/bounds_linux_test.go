package kernel

import (
	"fmt"
	"runtime/debug"
	"slices"
	"syscall"
	"testing"
	"unsafe"
)

// A wall is memory between two pages that may not be touched. Kernels in
// assembly have no bounds checks: here an element too far is a fault.
type wall struct {
	all   []byte
	atEnd bool // operands end where the memory does; otherwise they begin there
}

const (
	wallSize = 1 << 18
	pageSize = 1 << 16 // the largest in use
)

func newWall(t *testing.T, atEnd bool) *wall {
	all, err := syscall.Mmap(-1, 0, wallSize+2*pageSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Munmap(all) })
	for _, page := range [][]byte{all[:pageSize], all[pageSize+wallSize:]} {
		if err := syscall.Mprotect(page, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	return &wall{all, atEnd}
}

// place copies x between the walls and returns the copy.
func place[T float32 | float64 | int32 | uint32 | uint8](f *wall, x []T) []T {
	size := len(x) * int(unsafe.Sizeof(*new(T)))
	from := pageSize
	if f.atEnd {
		from += wallSize - size
	}
	if size == 0 {
		return x
	}
	to := unsafe.Slice((*T)(unsafe.Pointer(&f.all[from])), len(x))
	copy(to, x)
	return to
}

// walls are those of the operands of one kernel.
type walls [6]*wall

func (f *walls) floats(i int, x []float32) []float32 { return place(f[i], x) }

func (f *walls) ints(i int, x []int32) []int32 { return place(f[i], x) }

// TestBounds runs the kernels on operands that lie at the edge of accessible
// memory, before and behind.
func TestBounds(t *testing.T) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	each(t, func(t *testing.T, m *machine) {
		for _, atEnd := range []bool{false, true} {
			var f walls
			for i := range f {
				f[i] = newWall(t, atEnd)
			}
			for _, b := range boundsCases {
				b.run(t, &f, m, func(what ...any) {
					if fault := recover(); fault != nil {
						t.Fatalf("%s, %v, operands at the end %v: %v", b.name, what, atEnd, fault)
					}
				})
			}
		}
	})
}

// boundsCases: each run calls one kernel for several sizes, and deferred each time what
// reports a fault.
var boundsCases = []struct {
	name string
	run  func(t *testing.T, f *walls, m *machine, caught func(what ...any))
}{
	{"elements", boundsOfElements},
	{"rows", boundsOfRows},
	{"windows", boundsOfWindows},
	{"pack", boundsOfPack},
	{"gemm", boundsOfGemm},
	{"codes", boundsOfCodes},
	{"groups", boundsOfGroups},
	{"depthwise codes", boundsOfDepthwiseCodes},
	{"tiles", boundsOfTiles},
}

func boundsOfElements(_ *testing.T, f *walls, m *machine, caught func(what ...any)) {
	for _, n := range sizes {
		dst, a, b := f.floats(0, make([]float32, n)), f.floats(1, random(1, n)), f.floats(2, random(2, n))
		for op := range numBinary {
			func() {
				defer caught("binary", op, n)
				m.binary[op](dst, a, b, n)
				m.scalar[op](dst, a, 2, n)
				m.channel[op](dst, a, b, 1, n)
			}()
		}
		for act := range numActs {
			func() {
				defer caught("unary", act, n)
				if m.unary[act] != nil {
					m.unary[act](dst, a, 0.5, 0.75, n)
				}
			}()
		}
		func() {
			defer caught("quantize", n)
			m.fakeQuantize(dst, a, 0.1, -128, 127, n)
			m.minMax(f.floats(3, make([]float32, 2)), a, n)
			m.histogram(place(f[4], make([]uint32, 20+HistogramExtra)), a, 8, -10, 20, 1, n)
			m.outside(dst, a, -0.5, 0.5, n)
			if n%SampleBlock == 0 {
				m.sample(dst, f.floats(3, make([]float32, 2*SampleEnds)), a, n/SampleBlock, 1, 0)
			}
			m.noise(place(f[5], make([]float64, 2)), a, b, n)
		}()
	}
}

func boundsOfRows(_ *testing.T, f *walls, m *machine, caught func(what ...any)) {
	for _, cols := range sizes {
		for _, rows := range []int{1, 7, 8, 9, 17} {
			func() {
				defer caught(rows, cols)
				dst, src := f.floats(0, make([]float32, rows*cols)), f.floats(1, random(1, rows*cols))
				m.softmax(dst, src, rows, cols)
				m.transpose(dst, src, 1, rows, cols)
				m.rowMean(f.floats(2, make([]float32, rows)), src, rows, cols)
				m.copyRows(dst, src, rows, cols, cols, cols)
				m.pad(f.floats(3, make([]float32, (rows+1)*(cols+1)+planeSlack)), src, 1, rows, cols, rows+1, cols+1, 1, 1, 5)
			}()
		}
	}
}

func boundsOfWindows(_ *testing.T, f *walls, m *machine, caught func(what ...any)) {
	for _, kernel := range [][2]int{{1, 1}, {2, 2}, {3, 3}, {5, 5}, {1, 3}, {7, 7}, {13, 13}} {
		for _, stride := range []int{1, 2, 3} {
			for _, size := range []int{1, 2, 7, 8, 9, 15, 16, 17, 33} {
				for pad := range kernel[0]/2 + 1 {
					s := PoolShape{Channels: 2, InH: size, InW: size, KH: kernel[0], KW: kernel[1], StrideH: stride, StrideW: stride, DilationH: 1, DilationW: 1, PadTop: pad, PadLeft: pad}
					s.OutH, s.OutW = (size+2*pad-s.KH)/stride+1, (size+2*pad-s.KW)/stride+1
					if size+2*pad < max(s.KH, s.KW) {
						continue
					}
					p := s.plane()
					n := 2 * s.OutH * s.OutW
					y, x, wide := f.floats(0, make([]float32, n)), f.floats(1, random(1, 2*size*size)), f.floats(2, make([]float32, poolSize(&p)))
					func() {
						defer caught("pool", s)
						m.maxPool(y, x, wide, p[:])
						counts := random(2, s.OutH+s.OutW+planeSlack)
						m.avgPool(y, x, wide, counts, counts[s.OutH:], p[:])
					}()
					func() {
						defer caught("depthwise", s)
						w, bias, add := f.floats(3, random(3, 2*s.KH*s.KW)), f.floats(4, random(4, 2)), f.floats(5, random(5, n))
						m.depthwise(y, x, w, bias, add, f.floats(2, make([]float32, p.size())), p[:], flagBias|flagAdd, 0, 1)
					}()
				}
			}
		}
	}
}

// packBases are panels of every kind, and what comes close to one.
var packBases = [][]int32{
	{0, 1, 2, 3, 4, 5, 6, 7}, {9, 11, 13, 15, 17, 19, 21, 23}, {0, 1, 2, 3, 9, 10, 11, 12}, {5, 9, 10, 11, 12, 13, 14, 15},
	{5, 6, 7, 8, 9, 10, 11, 30}, {0, 2, 4, 20, 22, 24, 26, 28}, {0, 3, 6, 9, 12, 15, 18, 21}, {4, 5, 6, 6, 6, 6, 6, 6},
	{4, 4, 4, 4, 4, 4, 4, 4}, {0, 2, 10, 12, 20, 22, 30, 32}, {3, 4, 5, 9, 10, 11, 15, 16}, {60, 61, 62, 63, 64, 66, 68, 70},
	{40, 41, 42, 43, 44, 45, 46, 47}, {48, 49, 50, 51, 52, 53, 54, 55}, {56, 57, 58, 59, 60, 61, 62, 63}, {64, 65, 66, 67, 68, 69, 70, 71},
	{72, 73, 74, 75, 76, 77, 78, 79},
}

func boundsOfPack(t *testing.T, f *walls, m *machine, caught func(what ...any)) {
	if m.rows == 0 {
		t.Log("this machine does not pack")
		return
	}
	pack := func(koff []int32, bases ...[]int32) {
		defer caught(koff, bases)
		base := slices.Concat(bases...)
		var kind []int32
		for _, b := range bases {
			kind = append(kind, panelKind(b))
		}
		x := f.floats(1, random(1, int(slices.Max(koff)+slices.Max(base))+1))
		got, want := f.floats(0, make([]float32, len(base)*len(koff))), make([]float32, len(base)*len(koff))
		m.pack(got, x, f.ints(2, koff), f.ints(3, base), f.ints(4, kind), len(koff), len(kind))
		reference.pack(want, x, koff, base, kind, len(koff), len(kind))
		compare(t, fmt.Sprint("pack ", bases), got, want, 0, 0)
	}
	koff := []int32{0, 37, 21, 5, 52}
	for k := range koff {
		for _, b := range packBases {
			pack(koff[:k+1], b)
		}
		pack(koff[:k+1], packBases...)
	}
	for _, rows := range sizes {
		for _, k := range sizes {
			func() {
				defer caught("left", rows, k)
				x := f.floats(1, random(1, rows*k))
				for _, stride := range [][2]int{{k, 1}, {1, rows}} {
					got, want := f.floats(0, make([]float32, rows*k)), make([]float32, rows*k)
					m.packLeft(got, x, rows, k, stride[0], stride[1])
					refPackLeft(m.rows)(want, x, rows, k, stride[0], stride[1])
					compare(t, fmt.Sprintf("packLeft %dx%d", rows, k), got, want, 0, 0)
				}
			}()
		}
	}
}

func boundsOfGemm(_ *testing.T, f *walls, m *machine, caught func(what ...any)) {
	if m.rows == 0 {
		return
	}
	for rows := 1; rows < 2*m.rows+2; rows++ {
		for _, panels := range []int{1, 2, 3} {
			for _, k := range []int{1, 3, 4, 9} {
				func() {
					defer caught(rows, panels, k)
					n := panels * nr
					c, a, b := f.floats(0, make([]float32, rows*n)), f.floats(1, random(1, rows*k)), f.floats(2, random(2, n*k))
					bias, add := f.floats(3, random(3, rows)), f.floats(4, random(4, rows*n))
					m.gemm(c, a, b, bias, add, rows, panels, k, n, n, flagLoad|flagDone|flagBias|flagAdd, -1, 1)
					m.gemm(c, a, b, nil, nil, rows, panels, k, n, n, 0, 0, 0)
					if m.column != nil && panels == 1 {
						m.column(c, a, b, bias, add, rows, 1, k, n, n, flagLoad|flagDone|flagBias|flagAdd, -1, 1)
					}
				}()
			}
		}
	}
}

func boundsOfTiles(_ *testing.T, f *walls, m *machine, caught func(what ...any)) {
	const channels, pitch, panels = 3, 13, 2
	for i, size := range winoSizes {
		n, rows := size+2, size+5
		area, points := rows*pitch, n*n
		var base []int32
		for t := range panels * nr { // the first and the last place of a tile among them
			base = append(base, int32(t%(rows-n+1)*pitch+t%(pitch-n+1)))
		}
		base[0], base[1] = 0, int32((rows-n)*pitch+pitch-n)
		stride := channels*panels*nr + winoApart
		room := (points-1)*stride + channels*panels*nr
		x := f.floats(1, random(1, channels*area))
		func() {
			defer caught("in", size)
			m.winoIn[i](f.floats(0, make([]float32, room)), x, f.ints(2, base), channels, area, pitch, panels, stride)
		}()
		base[1] = int32((rows-size)*pitch + pitch - size)
		func() {
			defer caught("out", size)
			m.winoOut[i](f.floats(0, make([]float32, channels*area)), f.floats(3, random(2, room)), f.floats(4, random(3, channels)), f.floats(5, random(4, channels*area)), f.ints(2, base), channels, area, pitch, panels, stride, flagBias|flagAdd, -1, 1)
		}()
	}
}
