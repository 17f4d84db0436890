package exec

import (
	"dropquant/engine/graph"
	"dropquant/engine/kernel"
	"dropquant/engine/op"
	"dropquant/engine/tensor"
)

// fuseCodes makes the codes behind an integer convolution, with the clamp between them, as its sums leave it: the reals need no
// tensor.
func (b *builder) fuseCodes(c *op.Call) bool {
	conv, ok := c.Spec.(*op.IntConv)
	n := c.Node
	if !ok || !b.constants(n.Inputs[1:]) || b.constant(n.Inputs[0]) {
		return false
	}
	nodes, act := []*graph.Node{n}, op.Activation{}
	next, _ := b.sole(n.Outputs[0])
	if next != nil {
		if a, ok := b.call(next).Spec.(*op.Activation); ok && (a.Act == kernel.Relu || a.Act == kernel.Clip) {
			nodes, act = append(nodes, next), *a
			next, _ = b.sole(next.Outputs[0])
		}
	}
	if next == nil {
		return false
	}
	codes, ok := b.call(next).Spec.(*op.Requantize)
	if !ok || !b.known(next) {
		return false
	}
	in := make([]*tensor.Tensor, len(n.Inputs))
	for i := 1; i < len(in); i++ {
		if v := n.Inputs[i]; v != nil {
			if in[i] = b.r.Known[v]; in[i] == nil {
				return false
			}
		}
	}
	run := conv.Codes(in, act, codes, b.r.Known[next.Inputs[1]].F32(), b.r.Known[next.Inputs[2]].F32())
	if run == nil {
		return false
	}
	s := &step{in: n.Inputs[:1], out: next.Outputs[:1], run: run}
	b.place(s, append(nodes, next)...)
	for _, v := range n.Inputs[1:] {
		if v != nil {
			b.kept[v] = true // in the estimate, as without fusion
		}
	}
	return true
}
