package op

import "dropquant/engine/graph"

// ofCodes are the operators on codes that multiply matrices: the operator on reals that each stands for, and which input
// holds the weights.
var ofCodes = map[string]struct {
	op      string
	weights int
}{
	"QLinearConv": {"Conv", 3}, "ConvInteger": {"Conv", 1}, "QLinearMatMul": {"MatMul", 3}, "MatMulInteger": {"MatMul", 1},
	"MatMulIntegerToFloat": {"MatMul", 1}, "QGemm": {"Gemm", 3}, "IntConv": {"Conv", 2}, "IntMatMul": {"MatMul", 2},
}

// MACs returns how many multiply-accumulates a node takes, 0 for what multiplies no matrices. The
// shapes of its values must be known (Infer); an unknown dimension counts as 1.
func MACs(n *graph.Node) int64 {
	float, at := n.Op, 1
	if f, ok := ofCodes[n.Op]; ok {
		float, at = f.op, f.weights
	} else if n.Domain != "" && n.Domain != "ai.onnx" {
		return 0
	}
	if n.Input(0) == nil || n.Input(at) == nil || n.Out(0) == nil {
		return 0
	}
	x, w, y := n.Inputs[0].Shape, n.Inputs[at].Shape, n.Outputs[0].Shape
	switch float {
	case "Conv": // each output element takes one filter
		if len(w) < 2 {
			return 0
		}
		return count64(y) * count64(w[1:])
	case "ConvTranspose": // each input element meets one filter
		if len(w) < 2 {
			return 0
		}
		return count64(x) * count64(w[1:])
	case "Gemm":
		if len(x) != 2 {
			return 0
		}
		if n.Int("transA", 0) != 0 {
			return count64(y) * count64(x[:1])
		}
		return count64(y) * count64(x[1:])
	case "MatMul":
		if len(x) == 0 {
			return 0
		}
		return count64(y) * count64(x[len(x)-1:])
	}
	return 0
}

func count64(dims []int) int64 {
	n := int64(1)
	for _, d := range dims {
		if d >= 0 {
			n *= int64(d)
		}
	}
	return n
}
