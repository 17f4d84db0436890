package target

import (
	"fmt"
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/tensor"
)

// Rules about what only OpenVINO does, and the checks of them.
var (
	ruleStrides = &Rule{"strided-point", "a 1x1 Conv that skips pixels where nothing else reads its input",
		"let a MaxPool of 1x1 skip the pixels in front of the Conv, or leave it float", "OpenVINO 2026.4.1, StridesOptimization: the strides move to between the pair as a MaxPool"}
	rulePadding = &Rule{"padding-counted", "an AveragePool that counts its padding, on codes whose zero point is not 0",
		"leave the pool float: OpenVINO 2026.4.1 pads the codes with 0, which stands for the lowest real", "seen: OpenVINO 2026.4.1, −5 to 3 dB of a pool with padding and count_include_pad"}
	ruleSignedZero = &Rule{"signed-zero-point", "signed activations with a zero point in front of a convolution",
		"use uint8 activations, or the zero point 0: on CPUs with AMX OpenVINO leaves signed codes signed, and computes such a layer in float", "seen: OpenVINO 2026.4.1 on Sapphire Rapids, brgconv_avx512_f32"}
	ruleBlocks = &Rule{"blocks-of-concat", "a DepthToSpace of codes that meet in a Concat, with a zero point that is not 0",
		"leave the DepthToSpace float: OpenVINO 2026.4.1 fails to compile it", "seen: OpenVINO 2026.4.1, DepthToSpaceTransformation: argument shapes are inconsistent"}
)

var (
	// wholePair holds for a 1x1 Conv that skips pixels where something else than such a Conv reads the same pair: else the strides of all
	// of them move up, and end between QuantizeLinear and DequantizeLinear.
	wholePair = Check{Rule: ruleStrides, Why: func(r *reader, u *Unit) string {
		c := u.Inputs[0]
		if !stridedPoint(u.Node) || c == nil || c.Q == nil || c.DQ == nil || len(c.Moved) > 0 || r.graph.IsOutput(c.DQ.Outputs[0]) {
			return ""
		}
		for _, use := range c.DQ.Outputs[0].Uses {
			if use.Node.Op != "Conv" || !stridedPoint(use.Node) || !slices.Equal(use.Node.Ints("strides"), u.Node.Ints("strides")) {
				return ""
			}
		}
		return fmt.Sprintf("nothing else reads the pair %q, and the strides of a 1x1 Conv move up into it", c.Q.Name)
	}}

	signedZero = Check{Rule: ruleSignedZero, Effect: Note, Why: func(_ *reader, u *Unit) string {
		if c := u.Inputs[0]; c != nil && c.Params.DType == tensor.Int8 && c.Params.Zero[0] != 0 {
			return fmt.Sprintf("the codes of %q are signed with the zero point %d: on CPUs with AMX it computes in float", c.name(), c.Params.Zero[0])
		}
		return ""
	}}

	countedPadding = Check{Rule: rulePadding, Why: func(_ *reader, u *Unit) string {
		if c := u.Inputs[0]; c != nil && countsPads(u.Node) && c.Params.Zero[0] != c.Params.QMin {
			return fmt.Sprintf("it counts its padding, and the zero point of %q is %d", c.name(), c.Params.Zero[0])
		}
		return ""
	}}

	blocksOfConcat = Check{Rule: ruleBlocks, Why: func(_ *reader, u *Unit) string {
		c := u.Inputs[0]
		if c == nil || c.Params.Zero[0] == 0 || !slices.ContainsFunc(c.Moved, func(n *graph.Node) bool { return n.Op == "Concat" }) {
			return ""
		}
		return fmt.Sprintf("its input comes through a Concat, and the zero point of %q is %d", c.name(), c.Params.Zero[0])
	}}

	// paddedByConv holds for Pads of codes whose 0 is the code 0, and for others in front of convolutions only, which take the padding over.
	paddedByConv = Check{Rule: ruleAsymmetric, Why: func(r *reader, u *Unit) string {
		c := u.Inputs[0]
		if c == nil || c.Params.Zero[0] == 0 || u.Node.Str("mode", "constant") != "constant" {
			return ""
		}
		y := u.Node.Outputs[0]
		if !r.graph.IsOutput(y) && !slices.ContainsFunc(y.Uses, func(u graph.Use) bool { return u.Node.Op != "Conv" }) {
			return ""
		}
		return fmt.Sprintf("the zero point of %q is %d, and it pads codes with 0 only", c.name(), c.Params.Zero[0])
	}}

	// padsAreZeros holds for pools whose padding is not counted, or stands for the 0 that the codes have as their lowest.
	padsAreZeros = Need{Holds: func(n *graph.Node) bool { return !countsPads(n) || bounds(n.Input(0)).lo >= 0 },
		Else: "it counts its padding, and this runtime pads codes with 0"}

	// blocksOfOne holds for inputs that no Concat has put together, or whose zero point will be 0.
	blocksOfOne = Need{Holds: func(n *graph.Node) bool { return bounds(n.Input(0)).lo >= 0 || !fromConcat(n.Input(0)) },
		Else: "its input comes through a Concat and can be negative, which this runtime fails to compile"}

	// meansInCodes holds where one that wants codes reads the means, directly or through what leaves codes as they are.
	meansInCodes = Need{Holds: func(n *graph.Node) bool { return wantsCodes(n.Out(0), map[*graph.Node]bool{}) },
		Else: "nothing that reads it wants codes"}
)

// countsPads reports whether an AveragePool takes padding for elements of 0.
func countsPads(n *graph.Node) bool {
	return n.Int("count_include_pad", 0) != 0 && (slices.ContainsFunc(n.Ints("pads"), func(p int) bool { return p > 0 }) || n.Str("auto_pad", "NOTSET") != "NOTSET")
}

// fromConcat reports whether v comes through a Concat that only movers follow.
func fromConcat(v *graph.Value) bool {
	for v != nil && v.Producer != nil {
		switch n := v.Producer; {
		case n.Op == "Concat":
			return true
		case !passesCodes[n.Op] || n.Op == "Relu" || n.Op == "Clip":
			return false
		}
		v = v.Producer.Input(0)
	}
	return false
}

// passesCodes are the operators through which OpenVINO looks for readers that want codes.
var passesCodes = map[string]bool{"Relu": true, "Clip": true, "MaxPool": true, "Concat": true, "Split": true, "Slice": true, "Reshape": true, "Flatten": true,
	"Transpose": true, "Squeeze": true, "Unsqueeze": true, "Identity": true, "DepthToSpace": true}

// wantsCodes reports whether a layer with stored weights, a sum, or a product with a constant reads v.
//
// Source: seen in OpenVINO 2026.4.1; products of two activations, convolutions with float weights and Sigmoid do not.
func wantsCodes(v *graph.Value, seen map[*graph.Node]bool) bool {
	if v == nil {
		return false
	}
	for _, u := range v.Uses {
		n := u.Node
		if seen[n] {
			continue
		}
		seen[n] = true
		switch {
		case n.Op == "Add" || n.Op == "Sub" || n.Op == "BatchNormalization":
			return true
		case n.Op == "Mul" && slices.ContainsFunc(n.Inputs, func(v *graph.Value) bool { return constantBehind(v) != nil }):
			return true
		case isWeighted(n) && u.Index == 0 && isDQ(n.Inputs[1].Producer):
			return true
		case passesCodes[n.Op] && slices.ContainsFunc(n.Outputs, func(v *graph.Value) bool { return wantsCodes(v, seen) }):
			return true
		}
	}
	return false
}
