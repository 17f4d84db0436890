package kernel

import "math"

// A machine is one implementation of the inner loops. Each field is one kernel;
// the tag names it in the SIMD module, where slices become addresses and every
// other parameter a number. The first slice is what a kernel writes.
//
// The reference machine's functions are the definitions of the kernels.
type machine struct {
	name string

	// rows is the height of a panel of a packed left operand. When it is zero
	// the machine multiplies row-major matrices with sgemm instead.
	rows  int
	sgemm func(transA, transB bool, m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int)

	gemm func(c, a, b, bias, add []float32, m, panels, k, ldc, ldadd, flags int, lo, hi float32) `wasm:"gemm_f32_rx8"`
	// column is gemm for one panel of which only the first column counts, or nil:
	// an image with odd sides, 7x7 say, has one pixel more than fill its panels.
	column func(c, a, b, bias, add []float32, m, panels, k, ldc, ldadd, flags int, lo, hi float32) `wasm:"column_f32_rx8"`

	pack     func(dst, src []float32, koff, base, kind []int32, k, panels int)             `wasm:"pack_f32_x8"`
	packLeft func(dst, src []float32, rows, k, rowStride, colStride int)                   `wasm:"packleft_f32"`
	pad      func(dst, src []float32, channels, h, w, ph, pw, top, left int, fill float32) `wasm:"pad_f32"`
	copyRows func(dst, src []float32, rows, cols, ldd, lds int)                            `wasm:"copyrows_f32"`

	// winoIn and winoOut transform tiles of each of winoSizes.
	winoIn  [2]func(dst, src []float32, base []int32, channels, area, pitch, panels, stride int)                              `wasm:"winoin_f32_2x2,winoin_f32_4x4"`
	winoOut [2]func(y, sums, bias, add []float32, base []int32, rows, area, pitch, panels, stride, flags int, lo, hi float32) `wasm:"winoout_f32_2x2,winoout_f32_4x4"`

	depthwise func(y, x, w, bias, add, plane []float32, shape []int32, flags int, lo, hi float32) `wasm:"depthwise_f32"`
	maxPool   func(y, x, plane []float32, shape []int32)                                          `wasm:"maxpool_f32"`
	avgPool   func(y, x, plane, countY, countX []float32, shape []int32)                          `wasm:"avgpool_f32"`
	rowMean   func(y, x []float32, rows, cols int)                                                `wasm:"rowmean_f32"`

	unary     [numActs]func(dst, src []float32, lo, hi float32, n int)  `wasm:",,clip_f32,leakyrelu_f32,sigmoid_f32,silu_f32,hardswish_f32,hardsigmoid_f32,tanh_f32,exp_f32,elu_f32,abs_f32,neg_f32,sqrt_f32,reciprocal_f32,floor_f32,ceil_f32,round_f32,,,erf_f32,gelu_f32,,logistic_f32_dnn,swish_f32_dnn"`
	binary    [numBinary]func(dst, a, b []float32, n int)               `wasm:"add_f32,sub_f32,mul_f32,div_f32,min_f32,max_f32,rsub_f32,rdiv_f32"`
	scalar    [numBinary]func(dst, a []float32, b float32, n int)       `wasm:"add_f32_scalar,sub_f32_scalar,mul_f32_scalar,div_f32_scalar,min_f32_scalar,max_f32_scalar,rsub_f32_scalar,rdiv_f32_scalar"`
	channel   [numBinary]func(dst, a, b []float32, channels, inner int) `wasm:"add_f32_channel,sub_f32_channel,mul_f32_channel,div_f32_channel,min_f32_channel,max_f32_channel,rsub_f32_channel,rdiv_f32_channel"`
	softmax   func(dst, src []float32, rows, cols int)                  `wasm:"softmax_f32"`
	transpose func(dst, src []float32, batch, rows, cols int)           `wasm:"transpose_f32_4x4"`

	fakeQuantize func(dst, src []float32, scale, lo, hi float32, n int)                                      `wasm:"fakequant_f32"`
	minMax       func(out, x []float32, n int) (bad int)                                                     `wasm:"minmax_f32"`
	histogram    func(counts []uint32, x []float32, scale float32, first, bins, weight, n int) (outside int) `wasm:"histogram_f32"`
	sample       func(dst, ends, x []float32, blocks, period, from int)                                      `wasm:"sample_f32"`
	outside      func(dst, x []float32, lo, hi float32, n int) (count int)                                   `wasm:"outside_f32"`
	noise        func(out []float64, a, b []float32, n int)                                                  `wasm:"noise_f32"`

	// Integer products; scheme says which of them computes what.
	rows8      int          // height of a panel of a packed left operand
	dot        dot          // what gemmQuads does
	gemmPairs  groupsKernel `wasm:"gemm_s16_rx8"`
	gemmQuads  groupsKernel `wasm:"gemm_u8_rx8"`
	gemmPaired groupsKernel `wasm:"gemm_u8_paired_rx8"`
	// The columns are the same for one panel of which only the first column counts, or nil.
	columnPairs  groupsKernel                                                                           `wasm:"column_s16_rx8"`
	columnQuads  groupsKernel                                                                           `wasm:"column_u8_rx8"`
	columnPaired groupsKernel                                                                           `wasm:"column_u8_paired_rx8"`
	quickPairs   bool                                                                                   // gemmPaired takes less time than gemmPairs
	pad8         func(dst, src []uint8, channels, h, w, ph, pw, top, left, value int)                   `wasm:"pad_u8"`
	packPairs    func(dst, src []uint8, koff, base, kind []int32, control []uint8, k, panels, flip int) `wasm:"pack_s16_x8"`
	packQuads    func(dst, src []uint8, koff, base, kind []int32, control []uint8, k, panels, flip int) `wasm:"pack_u8_x8"`
	depthwise8   func(acc []int32, x []uint8, w, off []int32, pairs, rows, cols, pitch, stride int)     `wasm:"depthwise_u8"`

	quickWino bool                                                                            // winoIn8 and winoOut8 are more than the loops of the reference
	winoIn8   func(dst, src []uint8, base []int32, channels, area, pitch, panels, stride int) `wasm:"winoin_u8_4x4"`
	winoOut8  func(y, sums, base []int32, rows, area, pitch, panels, stride int)              `wasm:"winoout_s32_4x4"`

	// depthwisePlanes8 convolves channel after channel by one window for each, or
	// is nil where calling depthwise8 for each is as good.
	depthwisePlanes8 func(acc []int32, x, plane []uint8, w, shape []int32) `wasm:"depthwise_u8_planes"`

	rescale       func(f []float32, acc []int32, add []float32, n, offset, flags int, scale, bias, lo, hi float32)                 `wasm:"rescale_s32_f32"`
	requantize    func(y []uint8, acc []int32, add []float32, n, offset, flags, zero int, scale, bias, inv, shift, lo, hi float32) `wasm:"requantize_s32_u8"`
	requantizeDiv func(y []uint8, acc []int32, add []float32, n, offset, flags, zero int, scale, bias, divisor, lo, hi float32)    `wasm:"requantize_s32_u8_div"`
	// These do so with the rows of a block: see finisher.
	rescaleRows       func(f []float32, acc []int32, add []float32, offset []int32, scale, bias []float32, shape []int32, to []float32) `wasm:"rescale_s32_f32_rows"`
	requantizeRows    func(y []uint8, acc []int32, add []float32, offset []int32, scale, bias []float32, shape []int32, to []float32)   `wasm:"requantize_s32_u8_rows"`
	requantizeDivRows func(y []uint8, acc []int32, add []float32, offset []int32, scale, bias []float32, shape []int32, to []float32)   `wasm:"requantize_s32_u8_div_rows"`
	quantizeDiv       func(dst []uint8, src []float32, n, zero int, scale, lo, hi float32)                                              `wasm:"quantize_f32_u8_div"`
	quantizeMul       func(dst []uint8, src []float32, n, zero int, inv, shift, lo, hi float32)                                         `wasm:"quantize_f32_u8_mul"`
	quantizeFMA       func(dst []uint8, src []float32, n, zero int, inv, shift, lo, hi float32)                                         `wasm:"quantize_f32_u8_fma"`
	fma               func(dst, src, add []float32, n, flags int, factor, shift, lo, hi float32)                                        `wasm:"fma_f32"`
	dequantize        func(dst []float32, src []uint8, n, zero int, scale float32)                                                      `wasm:"dequantize_u8_f32"`
	lookup            func(dst, src, table []uint8, n int)                                                                              `wasm:"lookup_u8"`
	quickSums         bool                                                                                                              // addCodes takes less time than lookupPair
	addCodes          func(dst, a, b []uint8, n, flip int, ra, rb, fixed float32)                                                       `wasm:"add_u8"`
	lookupPair        func(dst, a, b, table []uint8, n int)                                                                             `wasm:"lookup_u8_u8"`
	maxPool8          func(y, x, plane []uint8, shape []int32)                                                                          `wasm:"maxpool_u8"`
}

// Flags of gemm and depthwise.
const (
	flagLoad = 1 << iota // begin with what c holds rather than with zero
	flagDone             // apply bias, add and the clamp: the last of the inner dimension
	flagBias
	flagAdd
)

// nr is the width of a panel of the right operand, in columns.
const nr = 8

var (
	posInf = float32(math.Inf(1))
	negInf = float32(math.Inf(-1))
)
