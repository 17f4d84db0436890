package op

import (
	"math"

	"dropquant/engine/kernel"
)

const (
	ai   = ""              // the default domain, ai.onnx
	ms   = "com.microsoft" // contributed operators that ONNX Runtime's own tools write
	many = 1 << 16         // inputs of a variadic operator
)

// Table is every operator that Dropquant computes: a row per version whose meaning differs. A version
// that only admits more types has no row of its own.
//
//	name, domain, since opset, least and most inputs, types of input 0, memory, rule
var Table = []Row{
	// Convolution and matrix products
	{"Conv", ai, 1, 2, 3, floats, Fresh, conv},
	{"ConvTranspose", ai, 1, 2, 3, fp32, Fresh, convTranspose},
	{"Gemm", ai, 7, 2, 3, products, Fresh, gemm},
	{"Gemm", ai, 1, 3, 3, products, Fresh, gemm},
	{"MatMul", ai, 1, 2, 2, products, Fresh, matMul},

	// Pooling
	{"MaxPool", ai, 1, 1, 1, numbers, Fresh, maxPool},
	{"AveragePool", ai, 1, 1, 1, floats, Fresh, averagePool},
	{"LpPool", ai, 2, 1, 1, floats, Fresh, lpPool},
	{"GlobalAveragePool", ai, 1, 1, 1, floats, Fresh, global(reduceMean)},
	{"GlobalMaxPool", ai, 1, 1, 1, floats, Fresh, global(reduceMax)},
	{"GlobalLpPool", ai, 2, 1, 1, floats, Fresh, globalLpPool},

	// Activations
	{"Relu", ai, 1, 1, 1, signed, InPlace, activation(kernel.Relu)},
	{"LeakyRelu", ai, 1, 1, 1, floats, InPlace, activation(kernel.LeakyRelu, param{"alpha", 0.01})},
	{"PRelu", ai, 1, 2, 2, numbers, InPlace, prelu},
	{"Clip", ai, 11, 1, 3, numbers, InPlace, clip},
	{"Clip", ai, 1, 1, 1, floats, InPlace, clip6},
	{"Sigmoid", ai, 1, 1, 1, floats, InPlace, activation(kernel.Sigmoid)},
	{"HardSigmoid", ai, 1, 1, 1, floats, InPlace, activation(kernel.HardSigmoid, param{"alpha", 0.2}, param{"beta", 0.5})},
	{"HardSwish", ai, 14, 1, 1, floats, InPlace, activation(kernel.HardSwish)},
	{"Swish", ai, 24, 1, 1, floats, InPlace, swish},
	{"Mish", ai, 18, 1, 1, floats, InPlace, activation(kernel.Mish)},
	{"Gelu", ai, 20, 1, 1, floats, InPlace, gelu},
	{"Gelu", ms, 1, 1, 1, floats, InPlace, gelu},
	{"Elu", ai, 1, 1, 1, floats, InPlace, activation(kernel.Elu, param{"alpha", 1})},
	{"Celu", ai, 12, 1, 1, floats, InPlace, function(celu)},
	{"Selu", ai, 1, 1, 1, floats, InPlace, function(selu)},
	{"Softplus", ai, 1, 1, 1, floats, InPlace, activation(kernel.Softplus)},
	{"Softsign", ai, 1, 1, 1, floats, InPlace, plain(softsign)},
	{"ThresholdedRelu", ai, 10, 1, 1, floats, InPlace, function(thresholdedRelu)},
	{"Shrink", ai, 9, 1, 1, numbers, InPlace, function(shrink)},
	{"Softmax", ai, 13, 1, 1, floats, Fresh, softmax(softMax, false)},
	{"Softmax", ai, 1, 1, 1, floats, Fresh, softmax(softMax, true)},
	{"LogSoftmax", ai, 13, 1, 1, floats, Fresh, softmax(logSoftMax, false)},
	{"LogSoftmax", ai, 1, 1, 1, floats, Fresh, softmax(logSoftMax, true)},
	{"Hardmax", ai, 13, 1, 1, floats, Fresh, softmax(hardMax, false)},
	{"Hardmax", ai, 1, 1, 1, floats, Fresh, softmax(hardMax, true)},

	// Element-wise functions of one tensor
	{"Abs", ai, 1, 1, 1, numbers, InPlace, activation(kernel.Abs)},
	{"Neg", ai, 1, 1, 1, signed, InPlace, activation(kernel.Neg)},
	{"Sign", ai, 9, 1, 1, numbers, InPlace, plain(signOf)},
	{"Exp", ai, 1, 1, 1, floats, InPlace, activation(kernel.Exp)},
	{"Log", ai, 1, 1, 1, floats, InPlace, activation(kernel.Log)},
	{"Sqrt", ai, 1, 1, 1, floats, InPlace, activation(kernel.Sqrt)},
	{"Reciprocal", ai, 1, 1, 1, floats, InPlace, activation(kernel.Reciprocal)},
	{"Floor", ai, 1, 1, 1, floats, InPlace, activation(kernel.Floor)},
	{"Ceil", ai, 1, 1, 1, floats, InPlace, activation(kernel.Ceil)},
	{"Round", ai, 11, 1, 1, floats, InPlace, activation(kernel.Round)},
	{"Erf", ai, 9, 1, 1, floats, InPlace, activation(kernel.Erf)},
	{"Tanh", ai, 1, 1, 1, floats, InPlace, activation(kernel.Tanh)},
	{"Sin", ai, 7, 1, 1, floats, InPlace, plain(math.Sin)},
	{"Cos", ai, 7, 1, 1, floats, InPlace, plain(math.Cos)},
	{"Tan", ai, 7, 1, 1, floats, InPlace, plain(math.Tan)},
	{"Asin", ai, 7, 1, 1, floats, InPlace, plain(math.Asin)},
	{"Acos", ai, 7, 1, 1, floats, InPlace, plain(math.Acos)},
	{"Atan", ai, 7, 1, 1, floats, InPlace, plain(math.Atan)},
	{"Sinh", ai, 9, 1, 1, floats, InPlace, plain(math.Sinh)},
	{"Cosh", ai, 9, 1, 1, floats, InPlace, plain(math.Cosh)},
	{"Asinh", ai, 9, 1, 1, floats, InPlace, plain(math.Asinh)},
	{"Acosh", ai, 9, 1, 1, floats, InPlace, plain(math.Acosh)},
	{"Atanh", ai, 9, 1, 1, floats, InPlace, plain(math.Atanh)},
	{"IsNaN", ai, 9, 1, 1, floats, Fresh, test(isNaN)},
	{"IsInf", ai, 10, 1, 1, floats, Fresh, test(isInf)},
	{"Not", ai, 1, 1, 1, bools, InPlace, not},
	{"BitwiseNot", ai, 18, 1, 1, integers, InPlace, bitNot},
	{"Cast", ai, 1, 1, 1, anything, Fresh, castTo},
	{"CastLike", ai, 15, 2, 2, anything, Fresh, castLike},

	// Element-wise functions of several tensors
	{"Add", ai, 7, 2, 2, numbers, InPlace, binary(opAdd)},
	{"Add", ai, 1, 2, 2, numbers, InPlace, binary1(opAdd)},
	{"Sub", ai, 7, 2, 2, numbers, InPlace, binary(opSub)},
	{"Sub", ai, 1, 2, 2, numbers, InPlace, binary1(opSub)},
	{"Mul", ai, 7, 2, 2, numbers, InPlace, binary(opMul)},
	{"Mul", ai, 1, 2, 2, numbers, InPlace, binary1(opMul)},
	{"Div", ai, 7, 2, 2, numbers, InPlace, binary(opDiv)},
	{"Div", ai, 1, 2, 2, numbers, InPlace, binary1(opDiv)},
	{"Pow", ai, 7, 2, 2, numbers, InPlace, pow},
	{"Pow", ai, 1, 2, 2, floats, InPlace, binary1(opPow)},
	{"Mod", ai, 10, 2, 2, numbers, InPlace, mod},
	{"Min", ai, 1, 1, many, numbers, Fresh, variadic(opMin, false)},
	{"Max", ai, 1, 1, many, numbers, Fresh, variadic(opMax, false)},
	{"Sum", ai, 1, 1, many, floats, Fresh, variadic(opAdd, false)},
	{"Mean", ai, 1, 1, many, floats, Fresh, variadic(opAdd, true)},
	{"Equal", ai, 1, 2, 2, numbers | bools | texts, Fresh, compare(opEqual)},
	{"Less", ai, 1, 2, 2, numbers, Fresh, compare(opLess)},
	{"LessOrEqual", ai, 12, 2, 2, numbers, Fresh, compare(opLessEqual)},
	{"Greater", ai, 1, 2, 2, numbers, Fresh, compare(opGreater)},
	{"GreaterOrEqual", ai, 12, 2, 2, numbers, Fresh, compare(opGreaterEqual)},
	{"And", ai, 1, 2, 2, bools, Fresh, boolean([4]bool{false, false, false, true})},
	{"Or", ai, 1, 2, 2, bools, Fresh, boolean([4]bool{false, true, true, true})},
	{"Xor", ai, 1, 2, 2, bools, Fresh, boolean([4]bool{false, true, true, false})},
	{"BitwiseAnd", ai, 18, 2, 2, integers, Fresh, bitwise(func(a, b uint64) uint64 { return a & b })},
	{"BitwiseOr", ai, 18, 2, 2, integers, Fresh, bitwise(func(a, b uint64) uint64 { return a | b })},
	{"BitwiseXor", ai, 18, 2, 2, integers, Fresh, bitwise(func(a, b uint64) uint64 { return a ^ b })},
	{"BitShift", ai, 11, 2, 2, unsigned, Fresh, bitShift},
	{"Where", ai, 9, 3, 3, bools, Fresh, where},

	// Normalization
	{"BatchNormalization", ai, 1, 5, 5, floats, InPlace, batchNorm},
	{"InstanceNormalization", ai, 1, 3, 3, floats, Fresh, instanceNorm},
	{"LayerNormalization", ai, 17, 2, 3, fp32, Fresh, layerNorm(false)},
	{"RMSNormalization", ai, 23, 2, 2, floats, Fresh, layerNorm(true)},
	{"GroupNormalization", ai, 18, 3, 3, floats, Fresh, groupNorm},
	{"MeanVarianceNormalization", ai, 9, 1, 1, floats, Fresh, meanVarianceNorm},
	{"LpNormalization", ai, 1, 1, 1, floats, Fresh, lpNormalization},
	{"LRN", ai, 1, 1, 1, floats, Fresh, localResponse},

	// Quantization
	{"QuantizeLinear", ai, 10, 2, 3, quantizable, Fresh, quantizeLinear},
	{"QuantizeLinear", ms, 1, 2, 3, quantizable, Fresh, quantizeLinear},
	{"DequantizeLinear", ai, 10, 2, 3, codes, Fresh, dequantizeLinear},
	{"DequantizeLinear", ms, 1, 2, 3, codes, Fresh, dequantizeLinear},

	// Reduction and selection
	{"ReduceSum", ai, 13, 1, 2, numbers, Fresh, reduce(reduceSum, true)},
	{"ReduceSum", ai, 1, 1, 1, numbers, Fresh, reduce(reduceSum, false)},
	{"ReduceMean", ai, 18, 1, 2, numbers, Fresh, reduce(reduceMean, true)},
	{"ReduceMean", ai, 1, 1, 1, numbers, Fresh, reduce(reduceMean, false)},
	{"ReduceMax", ai, 18, 1, 2, numbers | bools, Fresh, reduceBool(reduceMax)},
	{"ReduceMax", ai, 1, 1, 1, numbers, Fresh, reduce(reduceMax, false)},
	{"ReduceMin", ai, 18, 1, 2, numbers | bools, Fresh, reduceBool(reduceMin)},
	{"ReduceMin", ai, 1, 1, 1, numbers, Fresh, reduce(reduceMin, false)},
	{"ReduceProd", ai, 18, 1, 2, numbers, Fresh, reduce(reduceProd, true)},
	{"ReduceProd", ai, 1, 1, 1, numbers, Fresh, reduce(reduceProd, false)},
	{"ReduceL1", ai, 18, 1, 2, numbers, Fresh, reduce(reduceL1, true)},
	{"ReduceL1", ai, 1, 1, 1, numbers, Fresh, reduce(reduceL1, false)},
	{"ReduceL2", ai, 18, 1, 2, numbers, Fresh, reduce(reduceL2, true)},
	{"ReduceL2", ai, 1, 1, 1, numbers, Fresh, reduce(reduceL2, false)},
	{"ReduceSumSquare", ai, 18, 1, 2, numbers, Fresh, reduce(reduceSumSquare, true)},
	{"ReduceSumSquare", ai, 1, 1, 1, numbers, Fresh, reduce(reduceSumSquare, false)},
	{"ReduceLogSum", ai, 18, 1, 2, numbers, Fresh, reduce(reduceLogSum, true)},
	{"ReduceLogSum", ai, 1, 1, 1, numbers, Fresh, reduce(reduceLogSum, false)},
	{"ReduceLogSumExp", ai, 18, 1, 2, numbers, Fresh, reduce(reduceLogSumExp, true)},
	{"ReduceLogSumExp", ai, 1, 1, 1, numbers, Fresh, reduce(reduceLogSumExp, false)},
	{"CumSum", ai, 11, 2, 2, numbers, Fresh, cumSum},
	{"ArgMax", ai, 1, 1, 1, numbers, Fresh, argExtreme(1)},
	{"ArgMin", ai, 1, 1, 1, numbers, Fresh, argExtreme(-1)},
	{"TopK", ai, 1, 1, 2, numbers, Fresh, topK},
	{"OneHot", ai, 9, 3, 3, numbers, Fresh, oneHot},

	// The same elements under another shape
	{"Identity", ai, 1, 1, 1, anything, View, identity},
	{"Dropout", ai, 12, 1, 3, floats, View, dropout},
	{"Dropout", ai, 1, 1, 1, floats, View, dropout},
	{"Reshape", ai, 5, 2, 2, anything, View, reshape},
	{"Reshape", ai, 1, 1, 1, anything, View, reshape1},
	{"Flatten", ai, 1, 1, 1, anything, View, flatten},
	{"Squeeze", ai, 13, 1, 2, anything, View, squeeze(true)},
	{"Squeeze", ai, 1, 1, 1, anything, View, squeeze(false)},
	{"Unsqueeze", ai, 13, 2, 2, anything, View, unsqueeze(true)},
	{"Unsqueeze", ai, 1, 1, 1, anything, View, unsqueeze(false)},

	// Elements moved
	{"Transpose", ai, 1, 1, 1, anything, Fresh, transpose},
	{"Expand", ai, 8, 2, 2, anything, Fresh, expand},
	{"Tile", ai, 6, 2, 2, anything, Fresh, tile},
	{"Concat", ai, 1, 1, many, anything, Fresh, concat},
	{"Split", ai, 13, 1, 2, anything, Fresh, split(true)},
	{"Split", ai, 1, 1, 1, anything, Fresh, split(false)},
	{"Slice", ai, 10, 3, 5, anything, Fresh, slice},
	{"Slice", ai, 1, 1, 1, anything, Fresh, slice1},
	{"Pad", ai, 11, 2, 4, anything, Fresh, pad},
	{"Pad", ai, 1, 1, 1, fp32, Fresh, pad2},
	{"Gather", ai, 1, 2, 2, anything, Fresh, gather},
	{"GatherElements", ai, 11, 2, 2, anything, Fresh, gatherElements},
	{"GatherND", ai, 11, 2, 2, anything, Fresh, gatherND},
	{"DepthToSpace", ai, 1, 1, 1, anything, Fresh, depthToSpace},
	{"SpaceToDepth", ai, 1, 1, 1, anything, Fresh, spaceToDepth},
	{"Trilu", ai, 14, 1, 2, anything, Fresh, trilu},
	{"Resize", ai, 11, 1, 4, anything, Fresh, resize},
	{"Resize", ai, 10, 2, 2, anything, Fresh, upsample9},
	{"Upsample", ai, 9, 2, 2, anything, Fresh, upsample9},
	{"Upsample", ai, 7, 1, 1, anything, Fresh, upsample7},

	// Shapes and constants
	{"Constant", ai, 1, 0, 0, nothing, Fresh, constant},
	{"ConstantOfShape", ai, 9, 1, 1, indices, Fresh, constantOfShape},
	{"Shape", ai, 1, 1, 1, anything, Fresh, shapeOf},
	{"Size", ai, 1, 1, 1, anything, Fresh, sizeOf},
	{"Range", ai, 11, 3, 3, rangeable, Fresh, rangeOf},
	{"EyeLike", ai, 9, 1, 1, numbers, Fresh, eyeLike},
}
