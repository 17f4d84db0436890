// The SIMD module of kernel/wasmasm, instantiated on this program's memory by
// wasm/shim.js.

package kernel

import "unsafe"

// platform returns the machine of the SIMD module, whichever variant of it the
// browser got.
func platform() *machine {
	m := newReference()
	m.name, m.rows = "simd", int(wasmGemmRows())
	if wasmRelaxed() != 0 {
		m.name = "relaxed"
	}
	m.gemm = func(c, a, b, bias, add []float32, m, panels, k, ldc, ldadd, flags int, lo, hi float32) {
		wasmGemmF32Rx8(at(c), at(a), at(b), at(bias), at(add), int32(m), int32(panels), int32(k), int32(ldc), int32(ldadd), int32(flags), lo, hi)
	}
	m.column = func(c, a, b, bias, add []float32, m, panels, k, ldc, ldadd, flags int, lo, hi float32) {
		wasmColumnF32Rx8(at(c), at(a), at(b), at(bias), at(add), int32(m), int32(panels), int32(k), int32(ldc), int32(ldadd), int32(flags), lo, hi)
	}
	m.pack = func(dst, src []float32, koff, base, kind []int32, k, panels int) {
		wasmPackF32X8(at(dst), at(src), at(koff), at(base), at(kind), int32(k), int32(panels))
	}
	m.packLeft = func(dst, src []float32, rows, k, rowStride, colStride int) {
		wasmPackleftF32(at(dst), at(src), int32(rows), int32(k), int32(rowStride), int32(colStride))
	}
	m.pad = func(dst, src []float32, channels, h, w, ph, pw, top, left int, fill float32) {
		wasmPadF32(at(dst), at(src), int32(channels), int32(h), int32(w), int32(ph), int32(pw), int32(top), int32(left), fill)
	}
	m.copyRows = func(dst, src []float32, rows, cols, ldd, lds int) {
		wasmCopyrowsF32(at(dst), at(src), int32(rows), int32(cols), int32(ldd), int32(lds))
	}
	for i, f := range simdWinoIn {
		m.winoIn[i] = func(dst, src []float32, base []int32, channels, area, pitch, panels, stride int) {
			f(at(dst), at(src), at(base), int32(channels), int32(area), int32(pitch), int32(panels), int32(stride))
		}
	}
	for i, f := range simdWinoOut {
		m.winoOut[i] = func(y, sums, bias, add []float32, base []int32, rows, area, pitch, panels, stride, flags int, lo, hi float32) {
			f(at(y), at(sums), at(bias), at(add), at(base), int32(rows), int32(area), int32(pitch), int32(panels), int32(stride), int32(flags), lo, hi)
		}
	}
	m.depthwise = func(y, x, w, bias, add, plane []float32, shape []int32, flags int, lo, hi float32) {
		wasmDepthwiseF32(at(y), at(x), at(w), at(bias), at(add), at(plane), at(shape), int32(flags), lo, hi)
	}
	m.maxPool = func(y, x, plane []float32, shape []int32) {
		wasmMaxpoolF32(at(y), at(x), at(plane), at(shape))
	}
	m.avgPool = func(y, x, plane, countY, countX []float32, shape []int32) {
		wasmAvgpoolF32(at(y), at(x), at(plane), at(countY), at(countX), at(shape))
	}
	m.rowMean = func(y, x []float32, rows, cols int) {
		wasmRowmeanF32(at(y), at(x), int32(rows), int32(cols))
	}
	m.softmax = func(dst, src []float32, rows, cols int) {
		wasmSoftmaxF32(at(dst), at(src), int32(rows), int32(cols))
	}
	m.transpose = func(dst, src []float32, batch, rows, cols int) {
		wasmTransposeF324x4(at(dst), at(src), int32(batch), int32(rows), int32(cols))
	}
	m.fakeQuantize = func(dst, src []float32, scale, lo, hi float32, n int) {
		wasmFakequantF32(at(dst), at(src), scale, lo, hi, int32(n))
	}
	m.minMax = func(out, x []float32, n int) int {
		return int(wasmMinmaxF32(at(out), at(x), int32(n)))
	}
	m.histogram = func(counts []uint32, x []float32, scale float32, first, bins, weight, n int) int {
		return int(wasmHistogramF32(at(counts), at(x), scale, int32(first), int32(bins), int32(weight), int32(n)))
	}
	m.sample = func(dst, ends, x []float32, blocks, period, from int) {
		wasmSampleF32(at(dst), at(ends), at(x), int32(blocks), int32(period), int32(from))
	}
	m.outside = func(dst, x []float32, lo, hi float32, n int) int {
		return int(wasmOutsideF32(at(dst), at(x), lo, hi, int32(n)))
	}
	m.noise = func(out []float64, a, b []float32, n int) {
		wasmNoiseF32(at(out), at(a), at(b), int32(n))
	}
	simdInteger(m)
	for act, f := range simdUnary {
		if f != nil {
			m.unary[act] = func(dst, src []float32, lo, hi float32, n int) { f(at(dst), at(src), lo, hi, int32(n)) }
		}
	}
	if wasmRelaxed() != 0 {
		simdFused(m)
	}
	for op, f := range simdBinary {
		m.binary[op] = func(dst, a, b []float32, n int) { f(at(dst), at(a), at(b), int32(n)) }
	}
	for op, f := range simdScalar {
		m.scalar[op] = func(dst, a []float32, b float32, n int) { f(at(dst), at(a), b, int32(n)) }
	}
	for op, f := range simdChannel {
		m.channel[op] = func(dst, a, b []float32, channels, inner int) {
			f(at(dst), at(a), at(b), int32(channels), int32(inner))
		}
	}
	return m
}

// at returns the address of a slice, 0 for an empty one.
func at[T any](s []T) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(s)) }

var (
	simdWinoIn = [len(winoSizes)]func(dst, src, base unsafe.Pointer, channels, area, pitch, panels, stride int32){wasmWinoinF322x2, wasmWinoinF324x4}

	simdWinoOut = [len(winoSizes)]func(y, sums, bias, add, base unsafe.Pointer, rows, area, pitch, panels, stride, flags int32, lo, hi float32){
		wasmWinooutF322x2, wasmWinooutF324x4,
	}

	simdUnary = [numActs]func(dst, src unsafe.Pointer, lo, hi float32, n int32){
		Clip:        wasmClipF32,
		LeakyRelu:   wasmLeakyreluF32,
		Sigmoid:     wasmSigmoidF32,
		SiLU:        wasmSiluF32,
		HardSwish:   wasmHardswishF32,
		HardSigmoid: wasmHardsigmoidF32,
		Tanh:        wasmTanhF32,
		Exp:         wasmExpF32,
		Elu:         wasmEluF32,
		Abs:         wasmAbsF32,
		Neg:         wasmNegF32,
		Sqrt:        wasmSqrtF32,
		Reciprocal:  wasmReciprocalF32,
		Floor:       wasmFloorF32,
		Ceil:        wasmCeilF32,
		Round:       wasmRoundF32,
		Erf:         wasmErfF32,
		Gelu:        wasmGeluF32,
		LogisticDNN: wasmLogisticF32Dnn,
		SwishDNN:    wasmSwishF32Dnn,
	}
	simdBinary = [numBinary]func(dst, a, b unsafe.Pointer, n int32){
		opAdd:  wasmAddF32,
		opSub:  wasmSubF32,
		opMul:  wasmMulF32,
		opDiv:  wasmDivF32,
		opMin:  wasmMinF32,
		opMax:  wasmMaxF32,
		opRSub: wasmRsubF32,
		opRDiv: wasmRdivF32,
	}
	simdScalar = [numBinary]func(dst, a unsafe.Pointer, b float32, n int32){
		opAdd:  wasmAddF32Scalar,
		opSub:  wasmSubF32Scalar,
		opMul:  wasmMulF32Scalar,
		opDiv:  wasmDivF32Scalar,
		opMin:  wasmMinF32Scalar,
		opMax:  wasmMaxF32Scalar,
		opRSub: wasmRsubF32Scalar,
		opRDiv: wasmRdivF32Scalar,
	}
	simdChannel = [numBinary]func(dst, a, b unsafe.Pointer, channels, inner int32){
		opAdd:  wasmAddF32Channel,
		opSub:  wasmSubF32Channel,
		opMul:  wasmMulF32Channel,
		opDiv:  wasmDivF32Channel,
		opMin:  wasmMinF32Channel,
		opMax:  wasmMaxF32Channel,
		opRSub: wasmRsubF32Channel,
		opRDiv: wasmRdivF32Channel,
	}
)
