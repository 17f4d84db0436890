package target

import "dropquant/engine/quant"

// ONNXRuntime is ONNX Runtime's CPU provider. Its optimizer turns a node into
// its QLinear form only as a complete unit: DequantizeLinear on every input and
// QuantizeLinear, nothing else, on the output. Activations are u8: on x86-64 signed
// ones are rewritten to unsigned first, at a cost.
//
// Sources in short: SEL is onnxruntime/core/optimizer/qdq_transformer/selectors_actions
// (qdq_selectors.cc, qdq_selector_action_transformer.cc), REG the registry of
// onnxruntime/python/tools/quantization.
var ONNXRuntime = &Target{
	Name:     "onnxruntime",
	Title:    "ONNX Runtime",
	Act:      quant.U8,
	Weight:   quant.W8,
	Pairs:    true,
	Complete: true,
	CodeOps:  true,
	Shifts:   true, // qdq_s8_to_u8.cc
	Makes:    true, // weight_bias_quantization.cc
	NBits:    true, // qdq_selectors.cc (DQMatMulNodeGroupSelector), 1.32
	Merges:   true, // common_subexpression_elimination.cc
	Checks:   []Check{eightBits, perTensor.with(Refused)},
	Rows: []Row{
		{Op: "Conv", Role: Weighted, Kernel: "QLinearConv", Checks: []Check{sameTypes, unsignedInput, weightTypes, weightAxis.with(Wrong), weightZerosEqual.with(Wrong), biasScale, biasExact}, Axis: axis0, Bias: Int32Bias, Needs: []Need{constWeights, constBias, activation}, Source: "SEL ConvNodeGroupSelector"},
		{Op: "Gemm", Role: Weighted, Kernel: "QGemm", Checks: []Check{sameTypes, weightTypes, weightAxis.with(Wrong), weightZerosEqual.with(Wrong), betaOne, biasExact}, Axis: gemmAxis, Bias: Int32Bias, Optional: true, Needs: []Need{matrixWeights, activation, planned(plainGemm)}, Source: "SEL GemmNodeGroupSelector: beta 1, output Q optional"},
		{Op: "MatMul", Role: Weighted, Kernel: "QLinearMatMul", Checks: []Check{sameTypes, unsignedInput, weightTypes, weightAxis.with(Wrong), weightZerosEqual.with(Wrong)}, Axis: axis1, Optional: true, Needs: []Need{matrixWeights, activation}, Source: "SEL MatMulNodeGroupSelector: without Q it is MatMulIntegerToFloat"},
		{Op: "ConvTranspose", Role: WeightsOnly, Axis: axis1, Needs: []Need{constWeights, activation}, Source: "no integer kernel in core/providers/cpu"},

		{Op: "Add", Role: Compute, Kernel: "QLinearAdd", Checks: []Check{sameTypes}, Needs: []Need{planned(activations)}, Source: "SEL BinaryNodeGroupSelector: QLinearAdd"},
		{Op: "Mul", Role: Compute, Kernel: "QLinearMul", Checks: []Check{sameTypes}, Needs: []Need{planned(activations)}, Source: "SEL BinaryNodeGroupSelector: QLinearMul"},
		{Op: "Sigmoid", Role: Compute, Kernel: "QLinearSigmoid", Checks: []Check{sameTypes}, Needs: []Need{activation}, Source: "SEL UnaryNodeGroupSelector: QLinearSigmoid"},
		{Op: "LeakyRelu", Role: Compute, Kernel: "QLinearLeakyRelu", Checks: []Check{sameTypes}, Needs: []Need{activation}, Source: "SEL UnaryNodeGroupSelector: QLinearLeakyRelu"},
		{Op: "AveragePool", Role: Compute, Kernel: "QLinearAveragePool", Checks: []Check{sameTypes}, Needs: []Need{activation}, Source: "SEL UnaryNodeGroupSelector: QLinearAveragePool"},
		{Op: "GlobalAveragePool", Role: Compute, Kernel: "QLinearGlobalAveragePool", Checks: []Check{sameTypes}, Needs: []Need{activation}, Source: "SEL UnaryNodeGroupSelector: QLinearGlobalAveragePool"},

		// QLinearConcat takes inputs of different scales, but each would be rounded again: with one scale for all
		// NanoDet-m has 16.6 dB instead of 15.5, YOLOX-Nano 11.7 instead of 11.3, SqueezeNet the same.
		{Op: "Concat", Role: Carrier, Kernel: "QLinearConcat", Checks: []Check{sameTypes}, Needs: []Need{planned(activations)}, Source: "SEL VariadicNodeGroupSelector: QLinearConcat"},
		{Op: "MaxPool", Role: Carrier, Spreads: true, Since: 12, Needs: []Need{activation, oneOutput}, Source: "SEL DropQDQNodesRules: equal parameters, opset ≥ 12"},
		{Op: "Reshape", Role: Carrier, Spreads: true, In: first, Needs: []Need{activation}, Source: "SEL DropQDQNodesRules"},
		{Op: "Flatten", Role: Carrier, In: first, Needs: []Need{activation}, Source: "SEL DropQDQNodesRules"},
		{Op: "Transpose", Role: Carrier, Spreads: true, In: first, Needs: []Need{activation}, Source: "SEL DropQDQNodesRules"},
		{Op: "Squeeze", Role: Carrier, Spreads: true, In: first, Needs: []Need{activation}, Source: "SEL DropQDQNodesRules"},
		{Op: "Unsqueeze", Role: Carrier, Spreads: true, In: first, Needs: []Need{activation}, Source: "SEL DropQDQNodesRules"},
		{Op: "Slice", Role: Carrier, Spreads: true, In: first, Needs: []Need{activation}, Source: "SEL DropQDQNodesRules"},
		{Op: "Split", Role: Carrier, In: first, Needs: []Need{activation}, Source: "SEL SplitNodeGroupSelector: equal parameters"},
		{Op: "Resize", Role: Carrier, In: first, Needs: []Need{activation, nearest}, Source: "SEL DropQDQNodesRules; interpolating ones stay float, 1.32"},
		{Op: "ReduceMax", Role: Carrier, In: first, Needs: []Need{activation}, Source: "SEL DropQDQNodesRules"},
		{Op: "ReduceMin", Role: Carrier, In: first, Needs: []Need{activation}, Source: "SEL DropQDQNodesRules"},

		// Never placed; tools of others place them.
		{Op: "MatMul", Role: Compute, Found: true, Kernel: "QLinearMatMul", Optional: true, Needs: []Need{activation}, Checks: []Check{sameTypes, unsignedInput}, Source: "SEL MatMulNodeGroupSelector"},
		{Op: "Softmax", Role: Compute, Found: true, Kernel: "QLinearSoftmax", Needs: []Need{activation}, Checks: []Check{sameTypes}, Source: "SEL UnaryNodeGroupSelector"},
		{Op: "Expand", Role: Carrier, Found: true, In: first, Needs: []Need{activation}, Source: "SEL DropQDQNodesRules"},
		{Op: "Gather", Role: Carrier, Found: true, In: first, Needs: []Need{activation}, Source: "SEL DropQDQNodesRules"},
		{Op: "GatherElements", Role: Carrier, Found: true, In: first, Needs: []Need{activation}, Source: "SEL DropQDQNodesRules"},
		{Op: "Tile", Role: Carrier, Found: true, In: first, Needs: []Need{activation}, Source: "SEL DropQDQNodesRules"},

		// After these the zero point is the lowest code and the scale within the clip, so that the
		// quantizer does their work and they are removed: optimizer/qdq_transformer relu_quantizelinear.cc, clip_quantizelinear.cc.
		{Op: "Relu", Role: Follower, Needs: []Need{activation}, Source: "ReluQuantFusion: zero point must be the lowest code"},
		{Op: "Clip", Role: Follower, Needs: []Need{activation, planned(reluClip)}, Source: "ClipQuantFusion: the codes must lie within the clip"},
	},
}
