package intsim

import (
	"math"
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/target"
	"dropquant/engine/tensor"
)

// order makes a layer that ONNX Runtime leaves in float round where it does there: which way the codes behind it go at a tie depends on it. The
// operators are those of engine/op/ordered.go.
func (l *lowering) order(n *graph.Node) {
	if v := n.Out(0); v == nil || v.DType != tensor.Float32 { // nil when a convolution has taken an Add over
		return
	}
	switch n.Op {
	case "Conv", "Gemm", "MatMul":
		if n.Op == "Conv" && l.static(n) {
			n.Attrs = append(slices.Clone(n.Attrs), graph.Attr{Name: "static", Value: int64(1)})
			n.Op, n.Domain = "OrderedConv", own
			l.g.SetOpset(own, 1)
			return
		}
		if block := l.r.Block(n); block > 0 {
			l.roundInBlocks(n, block)
			return
		}
		l.products(n)
	case "AveragePool", "GlobalAveragePool":
		if l.g.Opset[""] >= 19 || len(n.Inputs[0].Shape) > 4 { // computed otherwise
			return
		}
		n.Op, n.Domain = "Ordered"+n.Op, own
		l.g.SetOpset(own, 1)
	case "Resize":
		if l.g.Opset[""] >= 11 {
			n.Op, n.Domain = "Ordered"+n.Op, own
			l.g.SetOpset(own, 1)
		}
	case "BatchNormalization":
		l.affine(n)
	}
}

// static reports whether n is a convolution of constant float weights that ONNX Runtime leaves as they are: what scales the channels behind it
// is folded into them.
func (l *lowering) static(n *graph.Node) bool {
	constant := func(i int) bool { return n.Input(i) != nil && n.Input(i).Const != nil }
	folded := func(u graph.Use) bool {
		return u.Node.Op == "BatchNormalization" || (u.Node.Op == "Mul" || u.Node.Op == "Add") && u.Node.Inputs[1-u.Index].Const != nil
	}
	return constant(1) && len(l.r.Fate(n).Made) == 0 && (n.Input(2) == nil || constant(2)) && len(n.Outputs[0].Shape) == 4 && !slices.ContainsFunc(n.Outputs[0].Uses, folded)
}

// products orders a convolution or product of quantized weights. Since such weights come through a DequantizeLinear, the
// runtime does not know them beforehand and multiplies matrices.
func (l *lowering) products(n *graph.Node) {
	made := len(l.r.Fate(n).Made) > 0 && n.Inputs[1].Const != nil // by makeInFloat
	if l.g.Opset[""] < 13 || l.r.Codes(n.Input(1)).Constant() == nil && !made {
		return
	}
	for i := 1; i < len(n.Inputs); i++ {
		if c := l.r.Codes(n.Input(i)); c.Constant() != nil {
			l.g.SetInput(n, i, l.g.AddConst(n.Inputs[i].Name, c.Params.Reals(c.Constant().Const)))
		}
	}
	if n.Op == "Conv" {
		l.sum(n)
	}
	n.Op, n.Domain = "Ordered"+n.Op, own
	l.g.SetOpset(own, 1)
}

// affine makes a BatchNormalization one factor and one term for each channel, as float32. One behind a convolution of float weights the
// runtime folds into them.
//
// Source: core/providers/cpu/nn/batch_norm.h.
func (l *lowering) affine(n *graph.Node) {
	p := n.Inputs[0].Producer
	if len(n.Inputs) != 5 || slices.ContainsFunc(n.Inputs[1:], func(v *graph.Value) bool { return v.Const == nil || v.DType != tensor.Float32 }) || p != nil && p.Domain == "" && p.Op == "Conv" {
		return
	}
	gamma, beta, mean, variance := n.Inputs[1].Const.F32(), n.Inputs[2].Const.F32(), n.Inputs[3].Const.F32(), n.Inputs[4].Const.F32()
	factor, shift := make([]float32, len(gamma)), make([]float32, len(gamma))
	for i := range factor {
		factor[i] = 1 / float32(math.Sqrt(float64(variance[i]+n.Float("epsilon", 1e-5)))) * gamma[i]
		shift[i] = beta[i] - float32(mean[i]*factor[i])
	}
	last := l.add(own, "Rescale", n.Name, []*graph.Value{n.Inputs[0], l.vector(factor), l.vector(shift)}, nil)
	l.g.TakeOutput(last, 0, n, 0)
}

// sum makes the sums of a convolution with a bias begin with the other operand of the Add behind it.
//
// Source: optimizer/conv_add_act_fusion.cc.
func (l *lowering) sum(n *graph.Node) {
	y := n.Outputs[0]
	if n.Input(2) == nil || len(y.Shape) != 4 || len(y.Uses) != 1 || l.g.IsOutput(y) {
		return
	}
	add := y.Uses[0].Node
	if add.Op != "Add" || l.r.Fate(add).State != target.Float {
		return
	}
	other := add.Inputs[1-y.Uses[0].Index]
	if other.Const != nil || !slices.Equal(other.Shape, y.Shape) {
		return
	}
	l.g.SetInput(n, 3, other)
	l.g.TakeOutput(n, 0, add, 0)
}

// roundInBlocks makes ONNX Runtime's MatMulNBits of a product: it makes codes of the rows of the other operand as it runs, with a scale for each block, and
// adds up floats.
func (l *lowering) roundInBlocks(n *graph.Node, block int) {
	l.g.SetOpset(own, 1)
	l.g.SetInput(n, 0, l.op(own, "RoundBlocks", []*graph.Value{n.Inputs[0]}, graph.Attr{Name: "block", Value: int64(block)}))
}
