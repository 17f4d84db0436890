package kernel

import "unsafe"

// simdInteger sets the integer kernels to those of the SIMD module, and finds
// out how this engine multiplies four bytes.
func simdInteger(m *machine) {
	m.rows8 = int(wasmGemmU8Rows())
	m.gemmPairs = func(c []int32, a, b []uint8, extra []int32, m, panels, k, extras, ldc, flags int) {
		wasmGemmS16Rx8(at(c), at(a), at(b), at(extra), int32(m), int32(panels), int32(k), int32(extras), int32(ldc), int32(flags))
	}
	m.gemmQuads = func(c []int32, a, b []uint8, extra []int32, m, panels, k, extras, ldc, flags int) {
		wasmGemmU8Rx8(at(c), at(a), at(b), at(extra), int32(m), int32(panels), int32(k), int32(extras), int32(ldc), int32(flags))
	}
	m.gemmPaired = func(c []int32, a, b []uint8, extra []int32, m, panels, k, extras, ldc, flags int) {
		wasmGemmU8PairedRx8(at(c), at(a), at(b), at(extra), int32(m), int32(panels), int32(k), int32(extras), int32(ldc), int32(flags))
	}
	m.columnPairs = func(c []int32, a, b []uint8, extra []int32, m, panels, k, extras, ldc, flags int) {
		wasmColumnS16Rx8(at(c), at(a), at(b), at(extra), int32(m), int32(panels), int32(k), int32(extras), int32(ldc), int32(flags))
	}
	m.columnPaired = func(c []int32, a, b []uint8, extra []int32, m, panels, k, extras, ldc, flags int) {
		wasmColumnU8PairedRx8(at(c), at(a), at(b), at(extra), int32(m), int32(panels), int32(k), int32(extras), int32(ldc), int32(flags))
	}
	quick := func(c []int32, a, b []uint8, extra []int32, m, panels, k, extras, ldc, flags int) {
		wasmGemmU8QuickRx8(at(c), at(a), at(b), at(extra), int32(m), int32(panels), int32(k), int32(extras), int32(ldc), int32(flags))
	}
	column := func(c []int32, a, b []uint8, extra []int32, m, panels, k, extras, ldc, flags int) {
		wasmColumnU8Rx8(at(c), at(a), at(b), at(extra), int32(m), int32(panels), int32(k), int32(extras), int32(ldc), int32(flags))
	}
	quickColumn := func(c []int32, a, b []uint8, extra []int32, m, panels, k, extras, ldc, flags int) {
		wasmColumnU8QuickRx8(at(c), at(a), at(b), at(extra), int32(m), int32(panels), int32(k), int32(extras), int32(ldc), int32(flags))
	}
	m.pad8 = func(dst, src []uint8, channels, h, w, ph, pw, top, left, value int) {
		wasmPadU8(at(dst), at(src), int32(channels), int32(h), int32(w), int32(ph), int32(pw), int32(top), int32(left), int32(value))
	}
	m.packPairs = func(dst, src []uint8, koff, base, kind []int32, control []uint8, k, panels, flip int) {
		wasmPackS16X8(at(dst), at(src), at(koff), at(base), at(kind), at(control), int32(k), int32(panels), int32(flip))
	}
	m.packQuads = func(dst, src []uint8, koff, base, kind []int32, control []uint8, k, panels, flip int) {
		wasmPackU8X8(at(dst), at(src), at(koff), at(base), at(kind), at(control), int32(k), int32(panels), int32(flip))
	}
	m.depthwise8 = func(acc []int32, x []uint8, w, off []int32, pairs, rows, cols, pitch, stride int) {
		wasmDepthwiseU8(at(acc), at(x), at(w), at(off), int32(pairs), int32(rows), int32(cols), int32(pitch), int32(stride))
	}
	m.quickWino = true
	m.winoIn8 = func(dst, src []uint8, base []int32, channels, area, pitch, panels, stride int) {
		wasmWinoinU84x4(at(dst), at(src), at(base), int32(channels), int32(area), int32(pitch), int32(panels), int32(stride))
	}
	m.winoOut8 = func(y, sums, base []int32, rows, area, pitch, panels, stride int) {
		wasmWinooutS324x4(at(y), at(sums), at(base), int32(rows), int32(area), int32(pitch), int32(panels), int32(stride))
	}
	m.depthwisePlanes8 = func(acc []int32, x, plane []uint8, w, shape []int32) {
		wasmDepthwiseU8Planes(at(acc), at(x), at(plane), at(w), at(shape))
	}
	m.rescaleRows = func(f []float32, acc []int32, add []float32, offset []int32, scale, bias []float32, shape []int32, to []float32) {
		wasmRescaleS32F32Rows(at(f), at(acc), at(add), at(offset), at(scale), at(bias), at(shape), at(to))
	}
	m.requantizeRows = func(y []uint8, acc []int32, add []float32, offset []int32, scale, bias []float32, shape []int32, to []float32) {
		wasmRequantizeS32U8Rows(at(y), at(acc), at(add), at(offset), at(scale), at(bias), at(shape), at(to))
	}
	m.requantizeDiv = func(y []uint8, acc []int32, add []float32, n, offset, flags, zero int, scale, bias, divisor, lo, hi float32) {
		wasmRequantizeS32U8Div(at(y), at(acc), at(add), int32(n), int32(offset), int32(flags), int32(zero), scale, bias, divisor, lo, hi)
	}
	m.requantizeDivRows = func(y []uint8, acc []int32, add []float32, offset []int32, scale, bias []float32, shape []int32, to []float32) {
		wasmRequantizeS32U8DivRows(at(y), at(acc), at(add), at(offset), at(scale), at(bias), at(shape), at(to))
	}
	m.rescale = func(f []float32, acc []int32, add []float32, n, offset, flags int, scale, bias, lo, hi float32) {
		wasmRescaleS32F32(at(f), at(acc), at(add), int32(n), int32(offset), int32(flags), scale, bias, lo, hi)
	}
	m.requantize = func(y []uint8, acc []int32, add []float32, n, offset, flags, zero int, scale, bias, inv, shift, lo, hi float32) {
		wasmRequantizeS32U8(at(y), at(acc), at(add), int32(n), int32(offset), int32(flags), int32(zero), scale, bias, inv, shift, lo, hi)
	}
	m.quantizeDiv = func(dst []uint8, src []float32, n, zero int, scale, lo, hi float32) {
		wasmQuantizeF32U8Div(at(dst), at(src), int32(n), int32(zero), scale, lo, hi)
	}
	m.quantizeMul = func(dst []uint8, src []float32, n, zero int, inv, shift, lo, hi float32) {
		wasmQuantizeF32U8Mul(at(dst), at(src), int32(n), int32(zero), inv, shift, lo, hi)
	}
	m.quantizeFMA = func(dst []uint8, src []float32, n, zero int, inv, shift, lo, hi float32) {
		wasmQuantizeF32U8FMA(at(dst), at(src), int32(n), int32(zero), inv, shift, lo, hi)
	}
	m.fma = func(dst, src, add []float32, n, flags int, factor, shift, lo, hi float32) {
		wasmFMAF32(at(dst), at(src), at(add), int32(n), int32(flags), factor, shift, lo, hi)
	}
	m.dequantize = func(dst []float32, src []uint8, n, zero int, scale float32) {
		wasmDequantizeU8F32(at(dst), at(src), int32(n), int32(zero), scale)
	}
	m.addCodes = func(dst, a, b []uint8, n, flip int, ra, rb, fixed float32) {
		wasmAddU8(at(dst), at(a), at(b), int32(n), int32(flip), ra, rb, fixed)
	}
	m.lookup = func(dst, src, table []uint8, n int) {
		wasmLookupU8(at(dst), at(src), at(table), int32(n))
	}
	m.lookupPair = func(dst, a, b, table []uint8, n int) {
		wasmLookupU8U8(at(dst), at(a), at(b), at(table), int32(n))
	}
	m.maxPool8 = func(y, x, plane []uint8, shape []int32) {
		wasmMaxpoolU8(at(y), at(x), at(plane), at(shape))
	}
	if wasmRelaxed() == 0 {
		return
	}
	if d := probeDot(m.rows8, m.gemmQuads); d == dotUnsigned || d == dotSigned {
		m.dot = d
		if probeColumn(m.rows8, column, d) {
			m.columnQuads = column
		}
	}
	if probeDot(m.rows8, quick) == dotSaturating {
		m.gemmPaired, m.quickPairs = quick, true
		if probeColumn(m.rows8, quickColumn, dotSaturating) {
			m.columnPaired = quickColumn
		}
	}
}

// simdFused sets the kernels of fused multiply-adds to those that leave the
// rounding to the processor, if it rounds once.
func simdFused(m *machine) {
	fma := func(dst, src, add []float32, n, flags int, factor, shift, lo, hi float32) {
		wasmFMAF32Quick(at(dst), at(src), at(add), int32(n), int32(flags), factor, shift, lo, hi)
	}
	if !probeFMA(fma) {
		return
	}
	m.fma = fma
	m.quickSums = true
	m.addCodes = func(dst, a, b []uint8, n, flip int, ra, rb, fixed float32) {
		wasmAddU8Quick(at(dst), at(a), at(b), int32(n), int32(flip), ra, rb, fixed)
	}
	m.quantizeFMA = func(dst []uint8, src []float32, n, zero int, inv, shift, lo, hi float32) {
		wasmQuantizeF32U8FMAQuick(at(dst), at(src), int32(n), int32(zero), inv, shift, lo, hi)
	}
	m.unary[LogisticDNN] = func(dst, src []float32, lo, hi float32, n int) {
		wasmLogisticF32DnnQuick(at(dst), at(src), lo, hi, int32(n))
	}
	m.unary[SwishDNN] = func(dst, src []float32, lo, hi float32, n int) {
		wasmSwishF32DnnQuick(at(dst), at(src), lo, hi, int32(n))
	}
}

// The exports of the SIMD module; machine says which is which.

//go:wasmimport kernel gemm_u8_rows
//go:noescape
func wasmGemmU8Rows() int32

//go:wasmimport kernel gemm_s16_rx8
//go:noescape
func wasmGemmS16Rx8(c, a, b, extra unsafe.Pointer, m, panels, k, extras, ldc, flags int32)

//go:wasmimport kernel gemm_u8_rx8
//go:noescape
func wasmGemmU8Rx8(c, a, b, extra unsafe.Pointer, m, panels, k, extras, ldc, flags int32)

//go:wasmimport kernel gemm_u8_paired_rx8
//go:noescape
func wasmGemmU8PairedRx8(c, a, b, extra unsafe.Pointer, m, panels, k, extras, ldc, flags int32)

//go:wasmimport kernel gemm_u8_quick_rx8
//go:noescape
func wasmGemmU8QuickRx8(c, a, b, extra unsafe.Pointer, m, panels, k, extras, ldc, flags int32)

//go:wasmimport kernel column_s16_rx8
//go:noescape
func wasmColumnS16Rx8(c, a, b, extra unsafe.Pointer, m, panels, k, extras, ldc, flags int32)

//go:wasmimport kernel column_u8_rx8
//go:noescape
func wasmColumnU8Rx8(c, a, b, extra unsafe.Pointer, m, panels, k, extras, ldc, flags int32)

//go:wasmimport kernel column_u8_paired_rx8
//go:noescape
func wasmColumnU8PairedRx8(c, a, b, extra unsafe.Pointer, m, panels, k, extras, ldc, flags int32)

//go:wasmimport kernel column_u8_quick_rx8
//go:noescape
func wasmColumnU8QuickRx8(c, a, b, extra unsafe.Pointer, m, panels, k, extras, ldc, flags int32)

//go:wasmimport kernel pad_u8
//go:noescape
func wasmPadU8(dst, src unsafe.Pointer, channels, h, w, ph, pw, top, left, value int32)

//go:wasmimport kernel pack_s16_x8
//go:noescape
func wasmPackS16X8(dst, src, koff, base, kind, control unsafe.Pointer, k, panels, flip int32)

//go:wasmimport kernel pack_u8_x8
//go:noescape
func wasmPackU8X8(dst, src, koff, base, kind, control unsafe.Pointer, k, panels, flip int32)

//go:wasmimport kernel depthwise_u8
//go:noescape
func wasmDepthwiseU8(acc, x, w, off unsafe.Pointer, pairs, rows, cols, pitch, stride int32)

//go:wasmimport kernel winoin_u8_4x4
//go:noescape
func wasmWinoinU84x4(dst, src, base unsafe.Pointer, channels, area, pitch, panels, stride int32)

//go:wasmimport kernel winoout_s32_4x4
//go:noescape
func wasmWinooutS324x4(y, sums, base unsafe.Pointer, rows, area, pitch, panels, stride int32)

//go:wasmimport kernel depthwise_u8_planes
//go:noescape
func wasmDepthwiseU8Planes(acc, x, plane, w, shape unsafe.Pointer)

//go:wasmimport kernel rescale_s32_f32_rows
//go:noescape
func wasmRescaleS32F32Rows(f, acc, add, offset, scale, bias, shape, to unsafe.Pointer)

//go:wasmimport kernel requantize_s32_u8_rows
//go:noescape
func wasmRequantizeS32U8Rows(y, acc, add, offset, scale, bias, shape, to unsafe.Pointer)

//go:wasmimport kernel requantize_s32_u8_div
//go:noescape
func wasmRequantizeS32U8Div(y, acc, add unsafe.Pointer, n, offset, flags, zero int32, scale, bias, divisor, lo, hi float32)

//go:wasmimport kernel requantize_s32_u8_div_rows
//go:noescape
func wasmRequantizeS32U8DivRows(y, acc, add, offset, scale, bias, shape, to unsafe.Pointer)

//go:wasmimport kernel rescale_s32_f32
//go:noescape
func wasmRescaleS32F32(f, acc, add unsafe.Pointer, n, offset, flags int32, scale, bias, lo, hi float32)

//go:wasmimport kernel requantize_s32_u8
//go:noescape
func wasmRequantizeS32U8(y, acc, add unsafe.Pointer, n, offset, flags, zero int32, scale, bias, inv, shift, lo, hi float32)

//go:wasmimport kernel quantize_f32_u8_div
//go:noescape
func wasmQuantizeF32U8Div(dst, src unsafe.Pointer, n, zero int32, scale, lo, hi float32)

//go:wasmimport kernel quantize_f32_u8_mul
//go:noescape
func wasmQuantizeF32U8Mul(dst, src unsafe.Pointer, n, zero int32, inv, shift, lo, hi float32)

//go:wasmimport kernel quantize_f32_u8_fma
//go:noescape
func wasmQuantizeF32U8FMA(dst, src unsafe.Pointer, n, zero int32, inv, shift, lo, hi float32)

//go:wasmimport kernel fma_f32
//go:noescape
func wasmFMAF32(dst, src, add unsafe.Pointer, n, flags int32, factor, shift, lo, hi float32)

//go:wasmimport kernel dequantize_u8_f32
//go:noescape
func wasmDequantizeU8F32(dst, src unsafe.Pointer, n, zero int32, scale float32)

//go:wasmimport kernel add_u8
//go:noescape
func wasmAddU8(dst, a, b unsafe.Pointer, n, flip int32, ra, rb, fixed float32)

//go:wasmimport kernel add_u8_quick
//go:noescape
func wasmAddU8Quick(dst, a, b unsafe.Pointer, n, flip int32, ra, rb, fixed float32)

//go:wasmimport kernel lookup_u8
//go:noescape
func wasmLookupU8(dst, src, table unsafe.Pointer, n int32)

//go:wasmimport kernel lookup_u8_u8
//go:noescape
func wasmLookupU8U8(dst, a, b, table unsafe.Pointer, n int32)

//go:wasmimport kernel maxpool_u8
//go:noescape
func wasmMaxpoolU8(y, x, plane, shape unsafe.Pointer)

//go:wasmimport kernel quantize_f32_u8_fma_quick
//go:noescape
func wasmQuantizeF32U8FMAQuick(dst, src unsafe.Pointer, n, zero int32, inv, shift, lo, hi float32)

//go:wasmimport kernel fma_f32_quick
//go:noescape
func wasmFMAF32Quick(dst, src, add unsafe.Pointer, n, flags int32, factor, shift, lo, hi float32)

//go:wasmimport kernel logistic_f32_dnn
//go:noescape
func wasmLogisticF32Dnn(dst, src unsafe.Pointer, lo, hi float32, n int32)

//go:wasmimport kernel swish_f32_dnn
//go:noescape
func wasmSwishF32Dnn(dst, src unsafe.Pointer, lo, hi float32, n int32)

//go:wasmimport kernel logistic_f32_dnn_quick
//go:noescape
func wasmLogisticF32DnnQuick(dst, src unsafe.Pointer, lo, hi float32, n int32)

//go:wasmimport kernel swish_f32_dnn_quick
//go:noescape
func wasmSwishF32DnnQuick(dst, src unsafe.Pointer, lo, hi float32, n int32)
