package target

// Rule is one thing that keeps nodes out of the integers, or makes a file wrong, in a runtime.
type Rule struct {
	ID     string // stable: pages and scripts tell findings apart by it
	Title  string // what it is about, a few words
	Fix    string // what to do, a sentence in the imperative without its period
	Source string
}

// Rules lists every rule, in the order in which -rules prints them.
var Rules = []*Rule{
	ruleScale, ruleComputed, ruleShapes, ruleBlock, ruleBits, ruleType, ruleZero, rulePairDiffers,
	ruleOperator, ruleCodeOp, ruleAlone, ruleGraph, ruleRank, ruleOpset, ruleAlwaysCodes, ruleOutputPair, ruleBetween,
	ruleMade, ruleSaturates, ruleBiasOverflow, ruleSums, ruleInput, ruleOutput, ruleWeights,
	ruleReluZero, ruleClip, ruleCarrier, ruleChannels, ruleTypes, ruleSigned, ruleOutputType, ruleWide, ruleAsymmetric, ruleUnsigned, ruleSignedConcat,
	ruleWeightAxis, ruleWeightZero, ruleWeightType, ruleBias, ruleBiasScale, ruleBiasType, ruleBiasDQ, ruleStrides, ruleExtreme, rulePadding, ruleNegative, ruleBlocks, ruleSignedZero, ruleDynamic,
}

// What a pair itself can have wrong, in any runtime.
var (
	ruleScale = &Rule{"bad-scale", "a scale that is 0, negative, not finite, or no float32",
		"quantize this tensor again: its range was empty or held NaN", "ONNX QuantizeLinear: scale > 0"}
	ruleComputed = &Rule{"computed-scale", "a scale or zero point that is computed at run time",
		"store scale and zero point as initializers; dynamic quantization has no integer layers in this runtime's Q/DQ form", "SEL; V-cqdq; IMP"}
	ruleShapes = &Rule{"shapes-differ", "scales and zero points that do not fit each other or the data",
		"give the zero point the shape of the scale, and as many scales as the axis has elements", "ONNX QuantizeLinear"}
	ruleBlock = &Rule{"per-block", "a scale for every block of elements",
		"use one scale for the tensor, or one for each output channel of weights", "ONNX QuantizeLinear-21: block_size"}
	ruleBits = &Rule{"low-bits", "codes of 4 or 2 bits, or float8",
		"use int8 or uint8: this runtime unpacks the others and computes in float", "SEL: 4-bit types not allowed"}
	ruleType = &Rule{"code-type", "codes of a type that is not for this use",
		"use uint8 or int8 codes", "ONNX QuantizeLinear"}
)
