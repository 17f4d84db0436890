//go:build !noasm

package kernel

import "unsafe"

// avx2Integer sets the integer kernels. vpmaddubsw is what Paired is named after.
func avx2Integer(m *machine) {
	m.rows8, m.quickPairs = avx2Rows, true
	m.gemmPairs, m.gemmPaired = avx2Groups(&gemmPairs), avx2Groups(&gemmQuads)
	m.columnPairs, m.columnPaired = nil, nil
	m.packPairs, m.packQuads = avx2PackPairs, avx2PackQuads
	m.depthwisePlanes8 = nil
	m.depthwise8, m.maxPool8 = avx2Depthwise8, maxPoolBy(avx2MaxBytes)
	m.rescale, m.requantize, m.requantizeDiv = avx2Rescale, avx2Requantize, avx2RequantizeDiv
	m.quantizeDiv, m.quantizeMul, m.dequantize = avx2QuantizeDiv, avx2QuantizeMul, avx2Dequantize
	m.quantizeFMA, m.fma = avx2QuantizeFMA, avx2FMA
}

type groupsPanels func(c *int32, a, b *uint8, extra *int32, count, k, extras, ldc, flags int)

// gemmPairs and gemmQuads by rows less one, for one panel of columns and for two.
var (
	gemmPairs = [avx2Rows][2]groupsPanels{{gemmPairs1x8, gemmPairs1x16}, {gemmPairs2x8, gemmPairs2x16}, {gemmPairs3x8, gemmPairs3x16},
		{gemmPairs4x8, gemmPairs4x16}, {gemmPairs5x8, gemmPairs5x16}, {gemmPairs6x8, gemmPairs6x16}}
	gemmQuads = [avx2Rows][2]groupsPanels{{gemmQuads1x8, gemmQuads1x16}, {gemmQuads2x8, gemmQuads2x16}, {gemmQuads3x8, gemmQuads3x16},
		{gemmQuads4x8, gemmQuads4x16}, {gemmQuads5x8, gemmQuads5x16}, {gemmQuads6x8, gemmQuads6x16}}
)

func avx2Groups(kernels *[avx2Rows][2]groupsPanels) groupsKernel {
	return func(c []int32, a, b []uint8, extra []int32, m, panels, k, extras, ldc, flags int) {
		if m == 0 || panels == 0 {
			return
		}
		a, b, c = a[:4*m*(k+extras)], b[:4*panels*nr*k], c[:(m-1)*ldc+panels*nr]
		for j := 0; j < panels; {
			wide := min(2, panels-j)
			right := unsafe.SliceData(b[4*j*nr*k:])
			for r, panel := 0, 0; r < m; {
				h := panelRows(m-r, avx2Rows)
				count := 1
				if h == avx2Rows { // all of that height at once
					count = max(1, (m-r)/avx2Rows-1)
				}
				here := extra[panel*extras : (panel+count)*extras]
				kernels[h-1][wide-1](&c[r*ldc+j*nr], unsafe.SliceData(a[4*r*(k+extras):]), right, unsafe.SliceData(here), count, k, extras, ldc, flags)
				r, panel = r+count*h, panel+count
			}
			j += wide
		}
	}
}

func avx2PackPairs(dst, src []uint8, koff, base, kind []int32, control []uint8, k, panels, flip int) {
	avx2PackGroups(packPairsRun, packPairsWindows, refPackPairs, 2, dst, src, koff, base, kind, control, k, panels)
}

func avx2PackQuads(dst, src []uint8, koff, base, kind []int32, control []uint8, k, panels, flip int) {
	if flip != 0 {
		panic("bug: AVX2 has no product of signed bytes")
	}
	avx2PackGroups(packQuadsRun, packQuadsWindows, refPackQuads, 4, dst, src, koff, base, kind, control, k, panels)
}

func avx2PackGroups(run func(dst, src *uint8, koff *int32, k int), windows func(dst, first, second *uint8, koff *int32, control *uint8, k int),
	far func(dst, src []uint8, koff, base, kind []int32, control []uint8, k, panels, flip int), lanes int,
	dst, src []uint8, koff, base, kind []int32, control []uint8, k, panels int) {
	if k == 0 || panels == 0 {
		return
	}
	dst, koff, base = dst[:4*panels*nr*k], koff[:k*lanes], base[:panels*nr]
	last := koff[0]
	for _, o := range koff {
		last = max(last, o)
	}
	for j := range panels {
		b, to := base[j*nr:j*nr+nr], dst[4*j*nr*k:]
		_ = src[last+b[nr-1]] // the columns go up
		switch first := kind[j]; first {
		case kindRun8:
			run(&to[0], &src[b[0]], &koff[0], k)
		case kindFar:
			far(to, src, koff, b, nil, nil, k, 1, 0)
		default:
			second := b[min(first, nr-1)]
			_ = src[last+second+windowBytes-1]
			windows(&to[0], &src[b[0]], &src[second], &koff[0], &control[j*controlBytes : (j+1)*controlBytes][0], k)
		}
	}
}

func avx2Depthwise8(acc []int32, x []uint8, w, off []int32, pairs, rows, cols, pitch, stride int) {
	if stride > 2 {
		refDepthwise8(acc, x, w, off, pairs, rows, cols, pitch, stride)
		return
	}
	if rows*cols == 0 {
		return
	}
	last := int32(0)
	for _, o := range off[:2*pairs] {
		last = max(last, o)
	}
	_ = x[(rows-1)*pitch+int(last)+((cols-1)/8*8+8)*stride-1]
	_, _ = acc[rows*cols+depthwiseSlack-1], w[pairs-1]
	kernel := depthwiseCodes1
	if stride == 2 {
		kernel = depthwiseCodes2
	}
	kernel(&acc[0], &x[0], &w[0], &off[0], pairs, rows, cols, pitch)
}

func avx2MaxBytes(dst, src []uint8, n, stride int) {
	whole := 0
	if stride == 1 && n >= 32 {
		whole = n / 32 * 32
		dst, src = dst[:n], src[:n]
		maxBytesVector(&dst[0], &src[0], whole)
	}
	refMaxBytes(dst[whole:], src[whole*stride:], n-whole, stride)
}

func avx2Rescale(f []float32, acc []int32, add []float32, n, offset, flags int, scale, bias, lo, hi float32) {
	if n > 0 {
		f, acc = f[:n], acc[:n]
		rescaleVector(&f[0], &acc[0], addend(add, n, flags), n, offset, flags, scale, bias, lo, hi)
	}
}

func avx2Requantize(y []uint8, acc []int32, add []float32, n, offset, flags, zero int, scale, bias, inv, shift, lo, hi float32) {
	if n > 0 {
		y, acc = y[:n], acc[:n]
		requantizeVector(&y[0], &acc[0], addend(add, n, flags), n, offset, flags, zero, scale, bias, inv, shift, lo, hi)
	}
}

func avx2RequantizeDiv(y []uint8, acc []int32, add []float32, n, offset, flags, zero int, scale, bias, divisor, lo, hi float32) {
	if n > 0 {
		y, acc = y[:n], acc[:n]
		requantizeDivVector(&y[0], &acc[0], addend(add, n, flags), n, offset, flags, zero, scale, bias, divisor, lo, hi)
	}
}

func addend(add []float32, n, flags int) *float32 {
	if flags&flagAdd == 0 {
		return nil
	}
	return &add[:n][0]
}

func avx2QuantizeDiv(dst []uint8, src []float32, n, zero int, scale, lo, hi float32) {
	if n > 0 {
		dst, src = dst[:n], src[:n]
		quantizeDivVector(&dst[0], &src[0], n, zero, scale, lo, hi)
	}
}

func avx2QuantizeMul(dst []uint8, src []float32, n, zero int, inv, shift, lo, hi float32) {
	if n > 0 {
		dst, src = dst[:n], src[:n]
		quantizeMulVector(&dst[0], &src[0], n, zero, inv, shift, lo, hi)
	}
}

func avx2QuantizeFMA(dst []uint8, src []float32, n, zero int, inv, shift, lo, hi float32) {
	if n > 0 {
		dst, src = dst[:n], src[:n]
		quantizeFMAVector(&dst[0], &src[0], n, zero, inv, shift, lo, hi)
	}
}

func avx2FMA(dst, src, add []float32, n, flags int, factor, shift, lo, hi float32) {
	if n > 0 {
		dst, src = dst[:n], src[:n]
		fmaVector(&dst[0], &src[0], addend(add, n, flags), n, factor, shift, lo, hi)
	}
}

func avx2Dequantize(dst []float32, src []uint8, n, zero int, scale float32) {
	whole := n / 8 * 8
	dst, src = dst[:n], src[:n]
	if whole > 0 {
		dequantizeVector(&dst[0], &src[0], whole, zero, scale)
	}
	refDequantize(dst[whole:], src[whole:], n-whole, zero, scale)
}
