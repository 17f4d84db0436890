package target

import "dropquant/engine/quant"

// OpenVINO is OpenVINO's CPU plugin reading ONNX. Each pair becomes one
// FakeQuantize, for which each QuantizeLinear must feed exactly one
// DequantizeLinear (openvino, common_optimizations/convert_quantize_dequantize);
// the low precision transformations then move the integers. They want activations
// unsigned: a convolution takes u8 on every CPU, i8 only on the newest
// (intel_cpu transformation_pipeline, supported precisions), and one scale per tensor.
//
// Sources in short: NNCF is nncf's hardware/setups/cpu.py and its quantizer
// propagation at ef8e1db; LPT is OpenVINO's low_precision_transformations;
// CPU its intel_cpu plugin.
var OpenVINO = &Target{
	Name:        "openvino",
	Title:       "OpenVINO",
	Act:         quant.U8,
	Weight:      quant.W8, // 255 levels: NNCF qspaces.py, q8_w_sym
	AlignsReals: true,     // 2026.4.1
	Inverts:     true,     // 2026.4.1
	Mixes:       true,     // LPT concat.cpp
	Checks:      []Check{eightBits},
	Pairs:       true,
	Rows: []Row{
		// Strides of a 1x1 Conv move up to where a value forks, as a MaxPool. Where the fork lies before the QuantizeLinear,
		// the MaxPool comes between it and DequantizeLinear and the Conv stays float: OpenVINO 2026.4.1, StridesOptimization.
		{Op: "Conv", Role: Weighted, Axis: axis0, Whole: stridedPoint, Checks: []Check{perTensorDense, wholePair, weightInt8, weightAxis, weightZeros0, signedZero}, Needs: []Need{constWeights, activation}, Source: "LPT convolution.cpp; NNCF CONVOLUTION"},
		{Op: "ConvTranspose", Role: Weighted, Axis: axis1, Checks: []Check{perTensor, inputZero0, weightInt8, weightAxis, weightZeros0}, Needs: []Need{constWeights, activation, planned(notNegative), oneGroup}, Source: "LPT convolution_backprop_data.cpp: no zero point; groups seen in float, OpenVINO 2026.4.1"},
		{Op: "ConvTranspose", Role: WeightsOnly, Axis: axis1, Needs: []Need{constWeights, activation}, Source: "the int8 kernel takes no groups and no zero point, which a negative input would need"},
		{Op: "Gemm", Role: Weighted, Axis: gemmAxis, Checks: []Check{weightInt8, weightAxis}, Needs: []Need{matrixWeights, activation, plainGemm}, Source: "LPT mat_mul.cpp; NNCF MATMUL"},
		{Op: "MatMul", Role: Weighted, Axis: axis1, Checks: []Check{weightInt8, weightAxis}, Needs: []Need{matrixWeights, activation}, Source: "LPT mat_mul.cpp; NNCF MATMUL"},

		{Op: "Add", Role: Compute, Checks: []Check{allCodes}, Needs: []Need{activations}, Source: "LPT add.cpp; NNCF ADD: both inputs"},
		// Where a layer, or a Mul or Add with a constant, reads the means without a pair, they are rounded to codes of the input.
		{Op: "AveragePool", Role: Carrier, Found: true, In: first, Checks: []Check{countedPadding.with(Wrong)}, Needs: []Need{activation, meansInCodes}, Source: "LPT update_shared_precision_preserved.hpp; seen: OpenVINO 2026.4.1, 33 to 44 dB of a pool and Mul, Add or Conv"},
		{Op: "AveragePool", Role: Compute, Checks: []Check{countedPadding.with(Wrong)}, Needs: []Need{activation, planned(padsAreZeros)}, Source: "LPT avg_pool.cpp; NNCF AVGPOOL"},
		{Op: "GlobalAveragePool", Role: Compute, Needs: []Need{activation}, Source: "read as ReduceMean: LPT reduce_mean.cpp; NNCF onnx metatypes"},

		{Op: "MatMul", Role: Compute, Found: true, Needs: []Need{activations}, Source: "LPT mat_mul.cpp"},

		// On signed codes with zero point 0 a Concat before a quantized Conv loses its scale: OpenVINO 2026.4.1, seen by
		// running the same file in ONNX Runtime (11 to 17 dB in five nodes). Unsigned codes are right.
		{Op: "Concat", Role: Carrier, Unsigned: true, Needs: []Need{activations}, Source: "LPT concat.cpp: one scale for all; NNCF unifies"},
		{Op: "MaxPool", Role: Carrier, Needs: []Need{activation, oneOutput}, Source: "LPT max_pool.cpp"},
		// A largest or smallest element taken in float is wrong once the QuantizeLinear behind it is fused into its kernel, in
		// OpenVINO 2026.4.1: 0 dB of Conv, ReduceMax, a pair and Conv. On codes it is exact.
		{Op: "ReduceMax", Role: Carrier, Eager: true, In: first, Needs: []Need{activation}, Source: "LPT reduce_max.cpp"},
		{Op: "ReduceMin", Role: Carrier, Eager: true, In: first, Needs: []Need{activation}, Source: "LPT reduce_min.cpp"},
		{Op: "GlobalMaxPool", Role: Carrier, Eager: true, Needs: []Need{activation}, Source: "read as ReduceMax"},
		{Op: "Reshape", Role: Carrier, In: first, Needs: []Need{activation}, Source: "LPT reshape.cpp"},
		{Op: "Flatten", Role: Carrier, In: first, Needs: []Need{activation}, Source: "read as Reshape"},
		{Op: "Transpose", Role: Carrier, In: first, Needs: []Need{activation}, Source: "LPT transpose.cpp"},
		{Op: "Squeeze", Role: Carrier, In: first, Needs: []Need{activation}, Source: "LPT squeeze.cpp"},
		{Op: "Unsqueeze", Role: Carrier, In: first, Needs: []Need{activation}, Source: "LPT unsqueeze.cpp"},
		{Op: "Slice", Role: Carrier, In: first, Needs: []Need{activation}, Source: "LPT slice.cpp, strided_slice.cpp"},
		{Op: "Split", Role: Carrier, In: first, Needs: []Need{activation}, Source: "LPT split.cpp, variadic_split.cpp"},
		{Op: "DepthToSpace", Role: Carrier, In: first, Checks: []Check{perTensor, blocksOfConcat.with(Refused)}, Needs: []Need{activation, planned(blocksOfOne)}, Source: "LPT depth_to_space.cpp"},
		{Op: "SpaceToDepth", Role: Carrier, In: first, Checks: []Check{perTensor}, Needs: []Need{activation}, Source: "LPT space_to_batch.cpp's family; NNCF transparent"},
		{Op: "Pad", Role: Carrier, In: first, Checks: []Check{paddedByConv}, Needs: []Need{activation, zeroPad, planned(notNegative)}, Source: "LPT pad.cpp: the constant must be the code of 0; seen: OpenVINO 2026.4.1, ref_f32"},
		{Op: "Resize", Role: Carrier, In: first, Needs: []Need{activation, nearest}, Source: "LPT interpolate.cpp: nearest"},
		{Op: "Dropout", Role: Carrier, In: first, Needs: []Need{activation, oneOutput}, Source: "nothing in inference"},
		{Op: "Identity", Role: Carrier, In: first, Needs: []Need{activation}, Source: "nothing"},

		{Op: "BatchNormalization", Role: Follower, Found: true, Needs: []Need{activation, oneOutput}, Source: "folded into the scales and the bias"},
		{Op: "Relu", Role: Follower, Needs: []Need{activation}, Source: "CPU graph_optimizer.cpp FuseConvolutionAndSimpleOperation; NNCF quantizes after"},
		{Op: "Clip", Role: Follower, Needs: []Need{activation}, Source: "as Relu"},
		{Op: "LeakyRelu", Role: Follower, Needs: []Need{activation}, Source: "as Relu"},
		{Op: "PRelu", Role: Follower, Needs: []Need{activation, constSlope}, Source: "as Relu; LPT prelu.cpp"},
		{Op: "Elu", Role: Follower, Needs: []Need{activation}, Source: "as Relu"},
		{Op: "HardSwish", Role: Follower, Needs: []Need{activation}, Source: "as Relu; NNCF HSWISH pattern"},
		{Op: "Sigmoid", Role: Follower, Needs: []Need{activation, feedsSwish}, Source: "one Swish: NNCF SWISH_WITH_SIGMOID pattern"},
		{Op: "HardSigmoid", Role: Follower, Needs: []Need{activation, feedsSwish}, Source: "one HSwish: NNCF HSWISH pattern"},
		{Op: "Mul", Role: Follower, Needs: []Need{activations, swish}, Source: "as Sigmoid. Other products (gates) stay float: NNCF ignores SE blocks"},
	},
}

// OpenVINOAMX is OpenVINO on a CPU with AMX, whose convolutions take signed codes. It leaves them signed, which spares it the defect that
// AlignsReals stands for; but a zero point takes a signed convolution out of the integers.
//
// Source: intel_cpu transformation_pipeline.cpp (supportedPrecisions); seen in OpenVINO 2026.4.1 on Sapphire Rapids.
var OpenVINOAMX = func() *Target {
	t := *OpenVINO
	t.AlignsReals, t.TakesSigned = false, true
	return &t
}()
