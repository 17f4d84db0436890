package target

import (
	"fmt"
	"math"

	"dropquant/engine/graph"
	"dropquant/engine/tensor"
)

// Rules about the codes around units, and the checks of them that rows share.
var (
	ruleOperator = &Rule{"operator", "an operator that the runtime computes in float",
		"leave it float: a pair around it only rounds", "the rows of the target"}
	ruleAlone = &Rule{"activation-alone", "an activation that no integer kernel applies",
		"put the pair behind the activation and not before it", "the rows of the target"}
	ruleInput = &Rule{"input-float", "an input that comes in float",
		"put QuantizeLinear and DequantizeLinear on it", "the rows of the target"}
	ruleWeights = &Rule{"weights-float", "weights that are not stored in integers",
		"store them as int8 behind a DequantizeLinear", "the rows of the target"}
	ruleOutput = &Rule{"output-float", "an output that is not quantized, where the kernel ends in codes",
		"put one QuantizeLinear behind the node, or behind its Relu or Clip, that alone reads it", "SEL CheckQDQNodes"}
	ruleReluZero = &Rule{"relu-zero-point", "a Relu that the codes behind it do not replace",
		"use a zero point that is the lowest code, as uint8 with 0: no value is negative there", "qdq_util.cc IsClipMadeRedundantByQ"}
	ruleClip = &Rule{"clip-range", "a Clip that the codes behind it do not replace",
		"choose the scale so that no code lies outside of the clip", "qdq_util.cc IsClipMadeRedundantByQ; clip_quantizelinear.cc"}
	ruleCarrier = &Rule{"carrier-params", "different scales or zero points before and behind an operator that only moves elements",
		"give the pairs before and behind it the same scale and zero point", "SEL DropQDQNodesRules; LPT"}
	ruleZero = &Rule{"zero-point-missing", "a zero point that is left out",
		"write it, of the scale's shape, also where it is 0", "qdq_util.cc IsQDQPairSupported; IMP; onnxsim PR 1421"}
	rulePairDiffers = &Rule{"pair-differs", "DequantizeLinear with other parameters than the QuantizeLinear it follows",
		"give both the same scale and zero point", "ONNX QuantizeLinear"}
	ruleChannels = &Rule{"activation-per-channel", "activations with a scale for each channel",
		"use one scale for the tensor", "SEL IsQDQPairSupported; intel_cpu QuantizationGranularityRestriction; IMP"}
	ruleTypes = &Rule{"types-differ", "inputs and output in codes of different types",
		"use one code type for all, best uint8", "SEL BinaryNodeGroupSelector, ConvNodeGroupSelector"}
	ruleSigned = &Rule{"signed-shared", "signed activations that several nodes read",
		"use uint8 activations: this runtime makes unsigned only signed codes with one reader", "qdq_s8_to_u8.cc; SEL ConvNodeGroupSelector"}
	ruleOutputType = &Rule{"signed-output-type", "signed codes whose type an attribute says",
		"use uint8 activations, or an opset below 21: ONNX Runtime 1.32 makes them unsigned and leaves the attribute, which it then refuses", "seen: ONNX Runtime 1.32.0, output_dtype INT8 does not match y_zero_point type UINT8"}
	ruleWide = &Rule{"sixteen-bits", "codes of 16 bits",
		"use uint8 or int8: this runtime computes with 16 bits in float", "SEL: 16-bit types not allowed; LPT"}
	ruleWeightAxis = &Rule{"weight-axis", "weights whose scales do not lie along the output channels",
		"quantize the weights along the axis of the output channels, or with one scale", "qlinearconv.cc; LPT; IMP"}
	ruleWeightZero = &Rule{"weight-zero-point", "weights whose zero points are not 0, or differ",
		"quantize the weights symmetrically, with zero points 0", "onnxruntime issue 8890; LPT isAsymmetricOnWeights; IMP"}
	ruleWeightType = &Rule{"weight-type", "weights in codes that the kernel does not take",
		"store the weights as int8", "intel_cpu PrecisionsRestriction; IMP"}
	ruleAsymmetric = &Rule{"zero-point", "a zero point that is not 0 where the runtime takes none",
		"quantize symmetrically: int8 with zero point 0", "IMP; LPT isAsymmetricQuantization"}
	ruleUnsigned = &Rule{"unsigned", "unsigned codes where the runtime takes int8 only",
		"use int8 with zero point 0", "IMP"}
	ruleCodeOp = &Rule{"operator-on-codes", "an operator on codes, of the form that is not Q/DQ",
		"export the model in Q/DQ form", "OpenVINO 2026.4.1 fails on QLinearConv; IMP has none"}
	ruleBiasScale = &Rule{"bias-scale", "an int32 bias at another scale than that of the products it is added to",
		"store the bias at the scale of input times weights, with zero point 0", "onnxruntime pull request 28229; qgemm.cc"}
	ruleExtreme = &Rule{"extreme-float", "a QuantizeLinear behind a largest or smallest element that is taken in float",
		"put the pair before the node and not behind it: the codes that it moves are the same", "OpenVINO 2026.4.1: 0 dB of Conv, ReduceMax, a pair and Conv in a row"}
	ruleBias     = &Rule{"bias-float", "a float bias where the kernel adds int32", "store it as int32 behind a DequantizeLinear whose scale is that of input times weights", "weight_bias_quantization.cc"}
	ruleBiasType = &Rule{"bias-type", "a bias in codes that are not int32", "store it as int32", "SEL ConvNodeGroupSelector"}
	ruleBiasDQ   = &Rule{"bias-int32", "a bias through DequantizeLinear where the runtime refuses it", "keep the bias float", "IMP"}
)

// weights reports whether input i of u holds its weights: the constant second input.
func (u *Unit) weights(i int) bool {
	return i == 1 && u.Inputs[1] != nil && constantBehind(u.Node.Inputs[1]) != nil && isWeighted(u.Node)
}

func isWeighted(n *graph.Node) bool { return isLayer(n) || weightedOps[n.Op] }

// activationCodes calls f for the codes of every input of u that is neither weights nor bias, and of its output.
func (u *Unit) activationCodes(f func(c *Codes) string) string {
	for i, c := range u.Inputs {
		if c == nil || u.weights(i) || i == 2 && isWeighted(u.Node) {
			continue
		}
		if why := f(c); why != "" {
			return why
		}
	}
	if u.Codes != nil {
		return f(u.Codes)
	}
	return ""
}

// name returns what a sentence calls the pair.
func (c *Codes) name() string {
	if c.DQ != nil {
		return c.DQ.Name
	}
	return c.Q.Name
}

// The checks that rows and targets share.
var (
	perTensor = Check{Rule: ruleChannels, Why: func(_ *reader, u *Unit) string {
		return u.activationCodes(func(c *Codes) string {
			if c.Params.PerTensor() {
				return ""
			}
			return fmt.Sprintf("the pair %q has a scale for each of %d channels", c.name(), len(c.Params.Scale))
		})
	}}

	// perTensorDense lets depthwise and grouped convolutions have a scale for each channel.
	perTensorDense = Check{Rule: ruleChannels, Why: func(r *reader, u *Unit) string {
		if c := u.Inputs[0]; c == nil || u.Node.Int("group", 1) != 1 {
			return ""
		}
		return perTensor.Why(r, &Unit{Node: u.Node, Inputs: u.Inputs[:1]})
	}}

	eightBits = Check{Rule: ruleWide, Why: func(_ *reader, u *Unit) string {
		return u.activationCodes(func(c *Codes) string {
			if c.Params.DType == tensor.Int8 || c.Params.DType == tensor.Uint8 {
				return ""
			}
			return fmt.Sprintf("the codes of %q are %v", c.name(), c.Params.DType)
		})
	}}

	sameTypes = Check{Rule: ruleTypes, Why: func(_ *reader, u *Unit) string {
		var first *Codes
		return u.activationCodes(func(c *Codes) string {
			if first == nil || first.dtype() == c.dtype() {
				first = c
				return ""
			}
			if first.Params.DType == c.Params.DType {
				return fmt.Sprintf("of the signed codes of %q and %q only one is read by one node alone and becomes unsigned", first.name(), c.name())
			}
			return fmt.Sprintf("the codes of %q are %v, those of %q %v", first.name(), first.Params.DType, c.name(), c.Params.DType)
		})
	}}

	unsignedInput = Check{Rule: ruleSigned, Why: func(_ *reader, u *Unit) string {
		if c := u.Inputs[0]; c != nil && c.dtype() == tensor.Int8 {
			return fmt.Sprintf("the int8 codes of %q are read by several nodes", c.name())
		}
		return ""
	}}

	weightAxis = Check{Rule: ruleWeightAxis, Why: func(_ *reader, u *Unit) string {
		w := u.weightCodes()
		if w == nil || w.Params.PerTensor() {
			return ""
		}
		want := channels[u.Node.Op](u.Node)
		if w.Params.Axis != want {
			return fmt.Sprintf("its weights have a scale for each index of axis %d, and the output channels lie on axis %d", w.Params.Axis, want)
		}
		return ""
	}}

	weightTypes = Check{Rule: ruleWeightType, Why: func(_ *reader, u *Unit) string {
		if w := u.weightCodes(); w != nil && w.Params.DType != tensor.Int8 && w.Params.DType != tensor.Uint8 {
			return fmt.Sprintf("its weights are %v", w.Params.DType)
		}
		return ""
	}}

	weightInt8 = Check{Rule: ruleWeightType, Why: func(_ *reader, u *Unit) string {
		if w := u.weightCodes(); w != nil && w.Params.DType != tensor.Int8 {
			return fmt.Sprintf("its weights are %v", w.Params.DType)
		}
		return ""
	}}

	weightZerosEqual = Check{Rule: ruleWeightZero, Why: func(_ *reader, u *Unit) string {
		if w := u.weightCodes(); w != nil {
			for _, z := range w.Params.Zero {
				if z != w.Params.Zero[0] {
					return "the zero points of its weights differ from channel to channel"
				}
			}
		}
		return ""
	}}

	weightZeros0 = Check{Rule: ruleWeightZero, Why: func(_ *reader, u *Unit) string {
		if w := u.weightCodes(); w != nil {
			for _, z := range w.Params.Zero {
				if z != 0 {
					return fmt.Sprintf("a zero point of its weights is %d", z)
				}
			}
		}
		return ""
	}}

	zeros0 = Check{Rule: ruleAsymmetric, Why: func(_ *reader, u *Unit) string {
		return u.activationCodes(func(c *Codes) string {
			for _, z := range c.Params.Zero {
				if z != 0 {
					return fmt.Sprintf("the zero point of %q is %d", c.name(), z)
				}
			}
			return ""
		})
	}}

	inputZero0 = Check{Rule: ruleAsymmetric, Why: func(_ *reader, u *Unit) string {
		if c := u.Inputs[0]; c != nil && c.Params.Zero[0] != 0 {
			return fmt.Sprintf("the zero point of %q is %d", c.name(), c.Params.Zero[0])
		}
		return ""
	}}

	int8Only = Check{Rule: ruleUnsigned, Why: func(_ *reader, u *Unit) string {
		return u.activationCodes(func(c *Codes) string {
			if c.Params.DType == tensor.Int8 {
				return ""
			}
			return fmt.Sprintf("the codes of %q are %v", c.name(), c.Params.DType)
		})
	}}

	betaOne = Check{Rule: ruleOperator, Why: func(_ *reader, u *Unit) string {
		if u.Node.Input(2) != nil && u.Node.Float("beta", 1) != 1 {
			return "its beta is not 1"
		}
		return ""
	}}

	// biasScale holds when an int32 bias is at the scale of the products, as near as ONNX Runtime asks: 1 % and 1e-6.
	biasScale = Check{Rule: ruleBiasScale, Why: func(_ *reader, u *Unit) string {
		return u.biasOff(func(got, want float64) bool { return math.Abs(got-want) > 1e-6+0.01*want })
	}}

	// biasExact holds when it is, but for rounding.
	biasExact = Check{Rule: ruleBiasScale, Effect: Wrong, Why: func(_ *reader, u *Unit) string {
		return u.biasOff(func(got, want float64) bool { return math.Abs(got-want) > 1e-4*want })
	}}

	allCodes = Check{Rule: ruleInput, Why: func(_ *reader, u *Unit) string {
		for i, v := range u.Node.Inputs {
			if v != nil && u.Inputs[i] == nil {
				return fmt.Sprintf("its input %q comes as float", v.Name)
			}
		}
		return ""
	}}
)

// biasOff applies a comparison to the scales of an int32 bias and of the products, and reports the first that are off.
func (u *Unit) biasOff(off func(got, want float64) bool) string {
	b, w, x := (*Codes)(nil), u.weightCodes(), u.Inputs[0]
	if len(u.Inputs) > 2 && isWeighted(u.Node) {
		b = u.Inputs[2]
	}
	if b == nil || w == nil || x == nil || b.Params.DType != tensor.Int32 {
		return ""
	}
	at := func(s []float32, c int) float64 { return float64(s[min(c, len(s)-1)]) }
	for c := range max(len(b.Params.Scale), len(w.Params.Scale)) {
		if got, want := at(b.Params.Scale, c), at(w.Params.Scale, c)*float64(x.Params.Scale[0]); off(got, want) {
			return fmt.Sprintf("the scale %.4g of its bias is not the %.4g of its products", got, want)
		}
	}
	for _, z := range b.Params.Zero {
		if z != 0 {
			return fmt.Sprintf("the zero point of its bias is %d", z)
		}
	}
	return ""
}

// weightCodes returns the codes of the weights of u, or nil.
func (u *Unit) weightCodes() *Codes {
	if len(u.Inputs) > 1 && u.weights(1) {
		return u.Inputs[1]
	}
	return nil
}

// channels are the axes of the output channels of weights.
var channels = map[string]func(*graph.Node) int{"Conv": axis0, "ConvTranspose": axis1, "Gemm": gemmAxis, "MatMul": axis1}
