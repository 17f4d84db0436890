package target

import "dropquant/engine/quant"

// TensorRT is TensorRT's explicit quantization from ONNX. The importer takes
// int8 with zero points 0 only, one scale per activation, and no int32 bias;
// weighted layers are quantized at their inputs, their outputs are requantized
// where the next Q stands. A Q moves up and a DQ down through what commutes.
// (Q/DQ pairs on graph outputs can make the build fail: NVIDIA/TensorRT#2604.)
//
// Sources in short: IMP is onnx-tensorrt's importer (2024-06, TensorRT 10.1),
// QAT TensorRT's tools/tensorflow-quantization (ResNet placement), OPT NVIDIA's
// Model-Optimizer modelopt/onnx/quantization at 0.3x. TensorRT itself is closed
// and was not run.
var TensorRT = &Target{
	Name:   "tensorrt",
	Title:  "TensorRT",
	Act:    quant.S8,
	Weight: quant.W8,
	Up:     true,
	Merges: true,
	Strict: true,
	Sums:   true,
	Checks: []Check{eightBits, perTensor.with(Refused), int8Only.with(Refused), zeros0.with(Refused)},
	Rows: []Row{
		{Op: "Conv", Role: Weighted, Checks: []Check{weightInt8.with(Refused), weightAxis.with(Refused), weightZeros0.with(Refused)}, Axis: axis0, Needs: []Need{constWeights, activation}, Source: "IMP: weights per axis 0; OPT"},
		{Op: "ConvTranspose", Role: Weighted, Checks: []Check{weightInt8.with(Refused), weightAxis.with(Refused), weightZeros0.with(Refused)}, Axis: axis1, Needs: []Need{constWeights, activation}, Source: "IMP: weights per axis 1"},
		{Op: "Gemm", Role: Weighted, Checks: []Check{weightInt8.with(Refused), weightAxis.with(Refused), weightZeros0.with(Refused)}, Axis: gemmAxis, Needs: []Need{matrixWeights, activation, plainGemm}, Source: "OPT"},
		{Op: "MatMul", Role: Weighted, Checks: []Check{weightInt8.with(Refused), weightAxis.with(Refused), weightZeros0.with(Refused)}, Axis: axis1, Needs: []Need{matrixWeights, activation}, Source: "OPT"},

		// The convolution's own operand stays float between Conv and Add: the kernel adds the other one.
		{Op: "Add", Role: Compute, In: skipSide, Needs: []Need{activations, residual}, Source: "QAT ResNetV1 case; OPT build_non_residual_input_map"},
		{Op: "Add", Role: Compute, Found: true, Checks: []Check{allCodes}, Needs: []Need{activations}, Source: "a layer whose inputs all come from DequantizeLinear"},
		{Op: "MatMul", Role: Compute, Found: true, Checks: []Check{allCodes}, Needs: []Need{activations}, Source: "OPT"},
		{Op: "AveragePool", Role: Compute, Needs: []Need{activation}, Source: "OPT: quantizable"},
		{Op: "GlobalAveragePool", Role: Compute, Needs: []Need{activation}, Source: "OPT: quantizable"},

		{Op: "Concat", Role: Carrier, Needs: []Need{activations}, Source: "OPT concat_elimination: one scale for inputs and output"},
		{Op: "Reshape", Role: Carrier, In: first, Needs: []Need{activation}, Source: "commutes"},
		{Op: "Flatten", Role: Carrier, In: first, Needs: []Need{activation}, Source: "commutes"},
		{Op: "Transpose", Role: Carrier, In: first, Needs: []Need{activation}, Source: "commutes"},
		{Op: "Squeeze", Role: Carrier, In: first, Needs: []Need{activation}, Source: "commutes"},
		{Op: "Unsqueeze", Role: Carrier, In: first, Needs: []Need{activation}, Source: "commutes"},
		{Op: "Slice", Role: Carrier, In: first, Needs: []Need{activation}, Source: "commutes"},
		{Op: "Split", Role: Carrier, In: first, Needs: []Need{activation}, Source: "commutes"},
		{Op: "Identity", Role: Carrier, In: first, Needs: []Need{activation}, Source: "nothing"},
		{Op: "Dropout", Role: Carrier, In: first, Needs: []Need{activation, oneOutput}, Source: "nothing in inference"},
		// A pair between Conv, Relu and MaxPool kept them from fusing (NVIDIA developer forum, topic 208983); the Q behind
		// MaxPool or Resize moves up by itself.
		{Op: "MaxPool", Role: Carrier, Below: true, Needs: []Need{activation, oneOutput}, Source: "commutes"},
		{Op: "Resize", Role: Carrier, Below: true, In: first, Needs: []Need{activation, nearest}, Source: "commutes"},

		{Op: "BatchNormalization", Role: Follower, Found: true, Needs: []Need{activation, oneOutput}, Source: "folded into the scales and the bias"},
		{Op: "Relu", Role: Follower, Needs: []Need{activation}, Source: "QAT: Conv+Relu; no pair between"},
		{Op: "Clip", Role: Follower, Needs: []Need{activation}, Source: "as Relu"},
		{Op: "Sigmoid", Role: Follower, Needs: []Need{activation, feedsSwish}, Source: "OPT: SiLU after Conv is left whole"},
		{Op: "Mul", Role: Follower, Needs: []Need{activations, swish}, Source: "OPT: SiLU after Conv is left whole"},
	},
}
