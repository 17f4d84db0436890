//go:build !noasm

package kernel

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// platform returns the AVX2 machine where the processor has AVX2 and FMA, which
// is nearly everywhere since 2015, and the native one elsewhere.
func platform() *machine {
	if hasAVX2() {
		return newAVX2()
	}
	return newNative()
}

func hasAVX2() bool { return cpu.X86.HasAVX2 && cpu.X86.HasFMA }

// avx2Rows is the height of the tallest tile: 6 rows of two vectors leave four of
// the sixteen registers for the operands.
const avx2Rows = 6

// newAVX2 returns the machine of the assembly kernels that build/avogen writes.
// What is not set here is the reference's.
func newAVX2() *machine {
	m := newReference()
	m.name, m.rows = "avx2", avx2Rows
	m.gemm, m.column, m.pack, m.packLeft = avx2Gemm, avx2Column, avx2Pack, avx2PackLeft
	m.pad, m.copyRows, m.transpose = avx2Pad, avx2CopyRows, avx2Transpose
	m.depthwise, m.maxPool, m.avgPool, m.rowMean = avx2Depthwise, avx2MaxPool, avx2AvgPool, avx2RowMean
	for i, size := range winoSizes {
		m.winoIn[i], m.winoOut[i] = avx2WinoIn(size), avx2WinoOut(size)
	}
	m.softmax, m.fakeQuantize, m.minMax = avx2Softmax, avx2FakeQuantize, avx2MinMax
	m.histogram, m.sample, m.outside, m.noise = avx2Histogram, avx2Sample, avx2Outside, avx2Noise
	avx2Elementwise(m)
	avx2Integer(m)
	return m
}

// at returns the address of element i of s, or nil if s is nil.
func at[T any](s []T, i int) *T {
	if s == nil {
		return nil
	}
	return &s[i]
}

type gemmKernel func(c, a, b, bias, add *float32, count, k, ldc, ldadd, flags int, lo, hi float32)

// gemmKernels by rows less one, for one panel of columns and for two.
var gemmKernels = [avx2Rows][2]gemmKernel{
	{gemm1x8, gemm1x16}, {gemm2x8, gemm2x16}, {gemm3x8, gemm3x16}, {gemm4x8, gemm4x16}, {gemm5x8, gemm5x16}, {gemm6x8, gemm6x16},
}

func avx2Gemm(c, a, b, bias, add []float32, m, panels, k, ldc, ldadd, flags int, lo, hi float32) {
	if m == 0 || panels == 0 {
		return
	}
	a, b, c = a[:m*k], b[:panels*nr*k], c[:(m-1)*ldc+panels*nr]
	if flags&flagBias == 0 {
		bias = nil
	} else {
		bias = bias[:m]
	}
	if flags&flagAdd == 0 {
		add = nil
	} else {
		add = add[:(m-1)*ldadd+panels*nr]
	}
	for j := 0; j < panels; {
		wide := min(2, panels-j)
		right := unsafe.SliceData(b[j*nr*k:])
		for r := 0; r < m; {
			h := panelRows(m-r, avx2Rows)
			count := 1
			if h == avx2Rows { // all of that height at once
				count = max(1, (m-r)/avx2Rows-1)
			}
			gemmKernels[h-1][wide-1](&c[r*ldc+j*nr], unsafe.SliceData(a[r*k:]), right, at(bias, r), at(add, r*ldadd+j*nr), count, k, ldc, ldadd, flags, lo, hi)
			r += count * h
		}
		j += wide
	}
}

func avx2Column(c, a, b, bias, add []float32, m, _, k, ldc, ldadd, flags int, lo, hi float32) {
	a, b = a[:m*k], b[:k*nr]
	for r := 0; r < m; {
		h := panelRows(m-r, avx2Rows)
		var sums [nr]float32
		gemmColumn(&sums[0], unsafe.SliceData(a[r*k:]), unsafe.SliceData(b), h, k)
		for i, acc := range sums[:h] {
			y := &c[(r+i)*ldc]
			if flags&flagLoad != 0 {
				acc += *y
			}
			if flags&flagDone != 0 {
				if flags&flagBias != 0 {
					acc += bias[r+i]
				}
				if flags&flagAdd != 0 {
					acc += add[(r+i)*ldadd]
				}
				acc = clamp(acc, lo, hi)
			}
			*y = acc
		}
		r += h
	}
}

func avx2PackLeft(dst, src []float32, rows, k, rowStride, colStride int) {
	if colStride != 1 {
		refPackLeft(avx2Rows)(dst, src, rows, k, rowStride, colStride)
		return
	}
	for r := 0; r < rows; {
		h := panelRows(rows-r, avx2Rows)
		to, from := dst[r*k:(r+h)*k], src[r*rowStride:]
		_ = from[(h-1)*rowStride+k-1]
		p := 0
		if quads := (k - (nr+h-1)/h + 1) / 4; quads > 0 { // so that the last store ends within the panel
			packLeftQuads(&to[0], &from[0], h, quads, rowStride)
			p = 4 * quads
		}
		for ; p < k; p++ {
			for i := range h {
				to[p*h+i] = from[i*rowStride+p]
			}
		}
		r += h
	}
}

func avx2Pack(dst, src []float32, koff, base, kind []int32, k, panels int) {
	if k == 0 || panels == 0 {
		return
	}
	dst, koff, base = dst[:panels*nr*k], koff[:k], base[:panels*nr]
	last := koff[0]
	for _, o := range koff {
		last = max(last, o)
	}
	for j := 0; j < panels; j++ {
		b := base[j*nr : j*nr+nr]
		_ = src[last+max(b[0], b[nr-1])] // the columns go up
		to, from := &dst[j*nr*k], &src[b[0]]
		switch kind[j] {
		case kindRun:
			if j+4 <= panels && kind[j+3] == kindRun && base[(j+3)*nr] == b[0]+3*nr && base[(j+1)*nr] == b[0]+nr && base[(j+2)*nr] == b[0]+2*nr {
				_ = src[last+base[(j+3)*nr+nr-1]]
				packRun4(to, from, &koff[0], k)
				j += 3
				continue
			}
			packRun(to, from, &koff[0], k)
		case kindSkip:
			packSkip(to, from, &koff[0], k)
		default:
			if lanes, ok := broken(b, 1); ok {
				packRunSplit(to, from, &koff[0], k, int(b[lanes]-b[0])-lanes, lanes)
			} else if lanes, ok := broken(b, 2); ok {
				packSkipSplit(to, from, &koff[0], k, int(b[lanes]-b[0])-2*lanes, lanes)
			} else {
				packGather(to, &src[0], &koff[0], &b[0], k)
			}
		}
	}
}

// broken reports whether the offsets go up by step but for one place where they
// go up by more: a panel that ends one row of the image and begins the next.
func broken(b []int32, step int32) (lanes int, ok bool) {
	for i := 1; i < len(b); i++ {
		switch d := b[i] - b[i-1]; {
		case d == step:
		case d > step && lanes == 0:
			lanes = i
		default:
			return 0, false
		}
	}
	return lanes, lanes > 0
}

func avx2CopyRows(dst, src []float32, rows, cols, ldd, lds int) {
	if rows == 0 || cols == 0 {
		return
	}
	dst, src = dst[:(rows-1)*ldd+cols], src[:(rows-1)*lds+cols]
	copyRows(&dst[0], &src[0], rows, cols, ldd, lds)
}

func avx2Pad(dst, src []float32, channels, h, w, ph, pw, top, left int, value float32) {
	if channels == 0 || ph*pw == 0 {
		return
	}
	dst, src = dst[:channels*ph*pw], src[:channels*h*w]
	fill(&dst[0], len(dst), value)
	if h*w == 0 {
		return
	}
	for c := range channels {
		avx2CopyRows(dst[(c*ph+top)*pw+left:], src[c*h*w:], h, w, pw, w)
	}
}

func avx2RowMean(y, x []float32, rows, cols int) {
	if rows > 0 {
		y, x = y[:rows], x[:rows*cols]
		rowMean(&y[0], unsafe.SliceData(x), rows, cols)
	}
}

func avx2Transpose(dst, src []float32, batch, rows, cols int) {
	dst, src = dst[:batch*rows*cols], src[:batch*rows*cols]
	r8, c8 := rows/8*8, cols/8*8
	for b := range batch {
		y, x := dst[b*rows*cols:(b+1)*rows*cols], src[b*rows*cols:(b+1)*rows*cols]
		if r8 > 0 {
			for c := 0; c < c8; c += 8 {
				transpose8x8(&y[c*rows], &x[c], r8/8, rows, cols)
			}
		}
		for r := range rows {
			from := x[r*cols : (r+1)*cols]
			c := c8
			if r >= r8 {
				c = 0
			}
			for ; c < cols; c++ {
				y[c*rows+r] = from[c]
			}
		}
	}
}
