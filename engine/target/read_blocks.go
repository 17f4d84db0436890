package target

import (
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/tensor"
)

var ruleDynamic = &Rule{"dynamic-codes", "a product of stored weights whose other operand the runtime rounds to 8 bits as it runs",
	"put a pair on that operand, or set session.qdq_matmulnbits_accuracy_level to 1: it then computes in float", "qdq_selectors.cc, DQMatMulNodeGroupSelector; seen: ONNX Runtime 1.32.0, 42 to 48 dB"}

// nBits is how many elements share a scale in MatMulNBits where the file does not say.
const nBits = 32

// Block returns how many elements of a row of its first operand share a scale, where the runtime puts MatMulNBits in the place of n, a product in float of
// weights that are stored in integers; 0 where it does not.
func (r *Reading) Block(n *graph.Node) int {
	if !r.Target.NBits || n.Op != "MatMul" && n.Op != "Gemm" || n.Int("transA", 0)+n.Int("transB", 0) != 0 || n.Input(1) == nil {
		return 0
	}
	dq := n.Inputs[1].Producer
	if f := r.Fate(n); f.State != Stored && f.State != Float || !isDQ(dq) || dq.Inputs[0].Const == nil || dq.Inputs[0].Const.Rank() != 2 || n.Input(0) == nil || n.Inputs[0].DType != tensor.Float32 {
		return 0
	}
	if v := dq.Outputs[0]; len(v.Uses) > 1 || r.graph.IsOutput(v) || n.Op == "Gemm" && !plainBias(n, dq.Inputs[0].Const.Shape[1]) {
		return 0
	}
	if slices.ContainsFunc(n.Outputs[0].Uses, func(u graph.Use) bool { return isQ(u.Node) }) {
		return 0
	}
	if size := dq.Int("block_size", 0); size > 0 {
		return size
	}
	return nBits
}

// plainBias reports whether a Gemm only adds a constant for each of n columns, or nothing. Seen in ONNX Runtime 1.32.0.
func plainBias(g *graph.Node, n int) bool {
	if g.Float("alpha", 1) != 1 {
		return false
	}
	c := constFloat(g.Input(2))
	return g.Input(2) == nil || c != nil && g.Float("beta", 1) == 1 && c.Rank() == 1 && c.Len() == n
}

// dynamicProducts finds products that become MatMulNBits.
func dynamicProducts(l *linter) {
	for _, n := range l.reading.graph.Nodes {
		if block := l.reading.Block(n); block > 0 {
			l.find(ruleDynamic, Note, n, "its input %q is rounded to 8 bits in blocks of %d as it runs", n.Inputs[0].Name, block)
		}
	}
}
