package kernel

import "unsafe"

// The exports of the SIMD module; machine says which is which. Addresses are
// those of heap slices, which do not move.

//go:wasmimport kernel gemm_f32_rows
//go:noescape
func wasmGemmRows() int32

//go:wasmimport kernel relaxed
//go:noescape
func wasmRelaxed() int32

//go:wasmimport kernel gemm_f32_rx8
//go:noescape
func wasmGemmF32Rx8(c, a, b, bias, add unsafe.Pointer, m, panels, k, ldc, ldadd, flags int32, lo, hi float32)

//go:wasmimport kernel column_f32_rx8
//go:noescape
func wasmColumnF32Rx8(c, a, b, bias, add unsafe.Pointer, m, panels, k, ldc, ldadd, flags int32, lo, hi float32)

//go:wasmimport kernel pack_f32_x8
//go:noescape
func wasmPackF32X8(dst, src, koff, base, kind unsafe.Pointer, k, panels int32)

//go:wasmimport kernel packleft_f32
//go:noescape
func wasmPackleftF32(dst, src unsafe.Pointer, rows, k, rowStride, colStride int32)

//go:wasmimport kernel pad_f32
//go:noescape
func wasmPadF32(dst, src unsafe.Pointer, channels, h, w, ph, pw, top, left int32, fill float32)

//go:wasmimport kernel copyrows_f32
//go:noescape
func wasmCopyrowsF32(dst, src unsafe.Pointer, rows, cols, ldd, lds int32)

//go:wasmimport kernel winoin_f32_2x2
//go:noescape
func wasmWinoinF322x2(dst, src, base unsafe.Pointer, channels, area, pitch, panels, stride int32)

//go:wasmimport kernel winoout_f32_2x2
//go:noescape
func wasmWinooutF322x2(y, sums, bias, add, base unsafe.Pointer, rows, area, pitch, panels, stride, flags int32, lo, hi float32)

//go:wasmimport kernel winoin_f32_4x4
//go:noescape
func wasmWinoinF324x4(dst, src, base unsafe.Pointer, channels, area, pitch, panels, stride int32)

//go:wasmimport kernel winoout_f32_4x4
//go:noescape
func wasmWinooutF324x4(y, sums, bias, add, base unsafe.Pointer, rows, area, pitch, panels, stride, flags int32, lo, hi float32)

//go:wasmimport kernel depthwise_f32
//go:noescape
func wasmDepthwiseF32(y, x, w, bias, add, plane, shape unsafe.Pointer, flags int32, lo, hi float32)

//go:wasmimport kernel maxpool_f32
//go:noescape
func wasmMaxpoolF32(y, x, plane, shape unsafe.Pointer)

//go:wasmimport kernel avgpool_f32
//go:noescape
func wasmAvgpoolF32(y, x, plane, countY, countX, shape unsafe.Pointer)

//go:wasmimport kernel rowmean_f32
//go:noescape
func wasmRowmeanF32(y, x unsafe.Pointer, rows, cols int32)

//go:wasmimport kernel clip_f32
//go:noescape
func wasmClipF32(dst, src unsafe.Pointer, lo, hi float32, n int32)

//go:wasmimport kernel leakyrelu_f32
//go:noescape
func wasmLeakyreluF32(dst, src unsafe.Pointer, lo, hi float32, n int32)

//go:wasmimport kernel sigmoid_f32
//go:noescape
func wasmSigmoidF32(dst, src unsafe.Pointer, lo, hi float32, n int32)

//go:wasmimport kernel silu_f32
//go:noescape
func wasmSiluF32(dst, src unsafe.Pointer, lo, hi float32, n int32)

//go:wasmimport kernel hardswish_f32
//go:noescape
func wasmHardswishF32(dst, src unsafe.Pointer, lo, hi float32, n int32)

//go:wasmimport kernel hardsigmoid_f32
//go:noescape
func wasmHardsigmoidF32(dst, src unsafe.Pointer, lo, hi float32, n int32)

//go:wasmimport kernel tanh_f32
//go:noescape
func wasmTanhF32(dst, src unsafe.Pointer, lo, hi float32, n int32)

//go:wasmimport kernel exp_f32
//go:noescape
func wasmExpF32(dst, src unsafe.Pointer, lo, hi float32, n int32)

//go:wasmimport kernel elu_f32
//go:noescape
func wasmEluF32(dst, src unsafe.Pointer, lo, hi float32, n int32)

//go:wasmimport kernel abs_f32
//go:noescape
func wasmAbsF32(dst, src unsafe.Pointer, lo, hi float32, n int32)

//go:wasmimport kernel neg_f32
//go:noescape
func wasmNegF32(dst, src unsafe.Pointer, lo, hi float32, n int32)

//go:wasmimport kernel sqrt_f32
//go:noescape
func wasmSqrtF32(dst, src unsafe.Pointer, lo, hi float32, n int32)

//go:wasmimport kernel reciprocal_f32
//go:noescape
func wasmReciprocalF32(dst, src unsafe.Pointer, lo, hi float32, n int32)

//go:wasmimport kernel floor_f32
//go:noescape
func wasmFloorF32(dst, src unsafe.Pointer, lo, hi float32, n int32)

//go:wasmimport kernel ceil_f32
//go:noescape
func wasmCeilF32(dst, src unsafe.Pointer, lo, hi float32, n int32)

//go:wasmimport kernel round_f32
//go:noescape
func wasmRoundF32(dst, src unsafe.Pointer, lo, hi float32, n int32)

//go:wasmimport kernel erf_f32
//go:noescape
func wasmErfF32(dst, src unsafe.Pointer, lo, hi float32, n int32)

//go:wasmimport kernel gelu_f32
//go:noescape
func wasmGeluF32(dst, src unsafe.Pointer, lo, hi float32, n int32)

//go:wasmimport kernel add_f32
//go:noescape
func wasmAddF32(dst, a, b unsafe.Pointer, n int32)

//go:wasmimport kernel sub_f32
//go:noescape
func wasmSubF32(dst, a, b unsafe.Pointer, n int32)

//go:wasmimport kernel mul_f32
//go:noescape
func wasmMulF32(dst, a, b unsafe.Pointer, n int32)

//go:wasmimport kernel div_f32
//go:noescape
func wasmDivF32(dst, a, b unsafe.Pointer, n int32)

//go:wasmimport kernel min_f32
//go:noescape
func wasmMinF32(dst, a, b unsafe.Pointer, n int32)

//go:wasmimport kernel max_f32
//go:noescape
func wasmMaxF32(dst, a, b unsafe.Pointer, n int32)

//go:wasmimport kernel rsub_f32
//go:noescape
func wasmRsubF32(dst, a, b unsafe.Pointer, n int32)

//go:wasmimport kernel rdiv_f32
//go:noescape
func wasmRdivF32(dst, a, b unsafe.Pointer, n int32)

//go:wasmimport kernel add_f32_scalar
//go:noescape
func wasmAddF32Scalar(dst, a unsafe.Pointer, b float32, n int32)

//go:wasmimport kernel sub_f32_scalar
//go:noescape
func wasmSubF32Scalar(dst, a unsafe.Pointer, b float32, n int32)

//go:wasmimport kernel mul_f32_scalar
//go:noescape
func wasmMulF32Scalar(dst, a unsafe.Pointer, b float32, n int32)

//go:wasmimport kernel div_f32_scalar
//go:noescape
func wasmDivF32Scalar(dst, a unsafe.Pointer, b float32, n int32)

//go:wasmimport kernel min_f32_scalar
//go:noescape
func wasmMinF32Scalar(dst, a unsafe.Pointer, b float32, n int32)

//go:wasmimport kernel max_f32_scalar
//go:noescape
func wasmMaxF32Scalar(dst, a unsafe.Pointer, b float32, n int32)

//go:wasmimport kernel rsub_f32_scalar
//go:noescape
func wasmRsubF32Scalar(dst, a unsafe.Pointer, b float32, n int32)

//go:wasmimport kernel rdiv_f32_scalar
//go:noescape
func wasmRdivF32Scalar(dst, a unsafe.Pointer, b float32, n int32)

//go:wasmimport kernel add_f32_channel
//go:noescape
func wasmAddF32Channel(dst, a, b unsafe.Pointer, channels, inner int32)

//go:wasmimport kernel sub_f32_channel
//go:noescape
func wasmSubF32Channel(dst, a, b unsafe.Pointer, channels, inner int32)

//go:wasmimport kernel mul_f32_channel
//go:noescape
func wasmMulF32Channel(dst, a, b unsafe.Pointer, channels, inner int32)

//go:wasmimport kernel div_f32_channel
//go:noescape
func wasmDivF32Channel(dst, a, b unsafe.Pointer, channels, inner int32)

//go:wasmimport kernel min_f32_channel
//go:noescape
func wasmMinF32Channel(dst, a, b unsafe.Pointer, channels, inner int32)

//go:wasmimport kernel max_f32_channel
//go:noescape
func wasmMaxF32Channel(dst, a, b unsafe.Pointer, channels, inner int32)

//go:wasmimport kernel rsub_f32_channel
//go:noescape
func wasmRsubF32Channel(dst, a, b unsafe.Pointer, channels, inner int32)

//go:wasmimport kernel rdiv_f32_channel
//go:noescape
func wasmRdivF32Channel(dst, a, b unsafe.Pointer, channels, inner int32)

//go:wasmimport kernel softmax_f32
//go:noescape
func wasmSoftmaxF32(dst, src unsafe.Pointer, rows, cols int32)

//go:wasmimport kernel transpose_f32_4x4
//go:noescape
func wasmTransposeF324x4(dst, src unsafe.Pointer, batch, rows, cols int32)

//go:wasmimport kernel fakequant_f32
//go:noescape
func wasmFakequantF32(dst, src unsafe.Pointer, scale, lo, hi float32, n int32)

//go:wasmimport kernel minmax_f32
//go:noescape
func wasmMinmaxF32(out, x unsafe.Pointer, n int32) int32

//go:wasmimport kernel histogram_f32
//go:noescape
func wasmHistogramF32(counts, x unsafe.Pointer, scale float32, first, bins, weight, n int32) int32

//go:wasmimport kernel sample_f32
//go:noescape
func wasmSampleF32(dst, ends, x unsafe.Pointer, blocks, period, from int32)

//go:wasmimport kernel outside_f32
//go:noescape
func wasmOutsideF32(dst, x unsafe.Pointer, lo, hi float32, n int32) int32

//go:wasmimport kernel noise_f32
//go:noescape
func wasmNoiseF32(out, a, b unsafe.Pointer, n int32)
