package target

import (
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/tensor"
)

// isActivation reports whether v is a float tensor that depends on the data.
func isActivation(v *graph.Value) bool {
	return v != nil && v.Const == nil && v.DType == tensor.Float32 && constantBehind(v) == nil
}

// constFloat returns the data of a float32 constant, or nil.
func constFloat(v *graph.Value) *tensor.Tensor {
	if v == nil || v.Const == nil || v.Const.DType != tensor.Float32 {
		return nil
	}
	return v.Const
}

// weightsOf returns the constant second input of n, float32 or the codes of a pair: its shape is that of the weights.
func weightsOf(n *graph.Node) *tensor.Tensor {
	if v := n.Input(1); v != nil && v.Const == nil {
		return constantBehind(v)
	}
	return constFloat(n.Input(1))
}

// scalar returns the one element of a float32 constant.
func scalar(v *graph.Value) (float32, bool) {
	if t := constFloat(v); t != nil && t.Len() == 1 {
		return t.F32()[0], true
	}
	return 0, false
}

// planned is a need that is asked when placing only.
func planned(n Need) Need {
	n.Plan = true
	return n
}

// The needs that rows share.
var (
	constWeights = Need{Holds: func(n *graph.Node) bool { t := weightsOf(n); return t != nil && t.Rank() > 2 && t.Len() > 0 },
		Else: "its weights are not float32 constants"}

	activations = Need{Holds: func(n *graph.Node) bool {
		return len(n.Inputs) > 0 && !slices.ContainsFunc(n.Inputs, func(v *graph.Value) bool { return !isActivation(v) })
	}, Else: "an operand is a constant, or not float32"}

	activation = Need{Holds: func(n *graph.Node) bool { return isActivation(n.Input(0)) },
		Else: "its input is not known to be a float32 activation"}

	constBias = Need{Holds: func(n *graph.Node) bool {
		return n.Input(2) == nil || constFloat(n.Input(2)) != nil || constantBehind(n.Input(2)) != nil
	},
		Else: "its bias is not a float32 constant"}

	matrixWeights = Need{Holds: func(n *graph.Node) bool { t := weightsOf(n); return t != nil && t.Rank() == 2 && t.Len() > 0 },
		Else: "its weights are not a matrix"}

	// plainGemm holds where y = x·W + b with a bias per column: what a fully connected layer is.
	plainGemm = Need{Holds: func(n *graph.Node) bool {
		return n.Int("transA", 0) == 0 && n.Float("alpha", 1) == 1 && (n.Input(2) == nil || n.Float("beta", 1) == 1 && biasPerColumn(n))
	}, Else: "it is not a fully connected layer: transA, alpha, beta or the shape of C differ"}

	nearest = Need{Holds: func(n *graph.Node) bool { return n.Str("mode", "nearest") == "nearest" },
		Else: "it interpolates, and is exact only in float"}

	notNegative = Need{Holds: func(n *graph.Node) bool { return bounds(n.Input(0)).lo >= 0 },
		Else: "its input can be negative, which needs a zero point"}

	oneGroup = Need{Holds: func(n *graph.Node) bool { return n.Int("group", 1) == 1 },
		Else: "it works in groups, which this runtime does in float"}

	oneOutput = Need{Holds: func(n *graph.Node) bool { return len(n.Outputs) == 1 || n.Out(1) == nil },
		Else: "its second output is used"}

	swish = Need{Holds: isSwish, Else: "it gates with something else than its own input"}

	feedsSwish = Need{Holds: func(n *graph.Node) bool {
		y := n.Out(0)
		return len(y.Uses) == 1 && y.Uses[0].Node.Op == "Mul" && isSwish(y.Uses[0].Node)
	}, Else: "it is not part of x·sigmoid(x)"}

	// reluClip holds for ReLU6 and its like: a quantizer with zero point 0 and the right scale clips just so.
	reluClip = Need{Holds: func(n *graph.Node) bool { lo, ok := scalar(n.Input(1)); return ok && lo == 0 },
		Else: "it does not clip at 0, so a quantizer cannot stand for it"}

	constSlope = Need{Holds: func(n *graph.Node) bool { return constFloat(n.Input(1)) != nil },
		Else: "its slope is not a constant"}

	zeroPad = Need{Holds: func(n *graph.Node) bool {
		if n.Str("mode", "constant") != "constant" {
			return true
		}
		v, ok := scalar(n.Input(2))
		return n.Input(2) == nil || ok && v == 0
	}, Else: "it pads with something else than 0"}

	residual = Need{Holds: func(n *graph.Node) bool { return convSide(n) >= 0 },
		Else: "no operand is a convolution that only it reads"}
)

// biasPerColumn reports whether the C of a Gemm has one element per output column.
func biasPerColumn(n *graph.Node) bool {
	c, w := constantBehind(n.Input(2)), weightsOf(n)
	if c == nil || w == nil || w.Rank() != 2 {
		return false
	}
	return c.Len() == w.Shape[gemmAxis(n)] && c.Rank() >= 1 && c.Shape[c.Rank()-1] == c.Len()
}

// isSwish reports whether a Mul computes x·σ(x) for a Sigmoid or HardSigmoid σ that nothing else reads.
func isSwish(n *graph.Node) bool {
	a, b := n.Input(0), n.Input(1)
	return gates(a, b) || gates(b, a)
}

func gates(s, x *graph.Value) bool {
	return s != nil && s.Producer != nil && (s.Producer.Op == "Sigmoid" || s.Producer.Op == "HardSigmoid") &&
		s.Producer.Input(0) == x && len(s.Uses) == 1
}

// convSide returns which operand of an Add is a convolution's output that only the Add reads, and so
// can be added in the convolution's kernel; −1 when none is. Of two, the first is taken: the other is
// then the skip branch.
func convSide(n *graph.Node) int {
	for i, v := range n.Inputs {
		if isActivation(v) && v.Producer != nil && v.Producer.Op == "Conv" && len(v.Uses) == 1 {
			return i
		}
	}
	return -1
}

// skipSide is the operand beside convSide.
func skipSide(n *graph.Node) []int { return []int{1 - convSide(n)} }

// stridedPoint reports whether n is a 1x1 convolution that skips pixels.
func stridedPoint(n *graph.Node) bool {
	w := weightsOf(n)
	return w != nil && w.Rank() > 2 && tensor.Size(w.Shape[2:]) == 1 && slices.ContainsFunc(n.Ints("strides"), func(s int) bool { return s > 1 })
}

func first(*graph.Node) []int { return []int{0} }

// The axis of the output channels of each kind of weights.
func axis0(*graph.Node) int { return 0 } // Conv [out, in/group, …]
func axis1(*graph.Node) int { return 1 } // ConvTranspose [in, out/group, …], MatMul [in, out]
func gemmAxis(n *graph.Node) int {
	if n.Int("transB", 0) != 0 {
		return 0
	}
	return 1
}
