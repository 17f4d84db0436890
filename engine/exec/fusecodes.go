package exec

import (
	"dropquant/engine/graph"
	"dropquant/engine/op"
	"dropquant/engine/tensor"
)

// fuseIntegers does what follows an integer convolution as its sums leave it: an addition, an activation, and the codes of that. The reals
// then need no tensor.
func (b *builder) fuseIntegers(c *op.Call) bool {
	conv, ok := c.Spec.(*op.IntConv)
	n := c.Node
	if !ok || !b.constants(n.Inputs[1:]) || b.constant(n.Inputs[0]) {
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
	t := b.tail(c)
	s := &step{in: n.Inputs[:1], out: []*graph.Value{t.out}}
	if q, coding, ok := b.coding(t.out); ok {
		if s.run = conv.Codes(in, t.act, coding); s.run != nil {
			s.out, t.nodes = q.Outputs[:1], append(t.nodes, q)
		}
	}
	if s.run == nil && len(t.nodes) > 1 {
		s.run = conv.Float(in, t.act)
	}
	if s.run == nil {
		return false
	}
	if t.add != nil {
		s.in = []*graph.Value{n.Inputs[0], t.add}
	}
	b.place(s, t.nodes...)
	for _, v := range n.Inputs[1:] {
		if v != nil {
			b.kept[v] = true // in the estimate, as without fusion
		}
	}
	return true
}

// coding returns the node that makes codes of v, and nothing else sees v, with how it does so.
func (b *builder) coding(v *graph.Value) (*graph.Node, op.Coding, bool) {
	n, i := b.sole(v)
	if n == nil || i != 0 {
		return nil, op.Coding{}, false
	}
	var c op.Coding
	ok := false
	switch spec := b.call(n).Spec.(type) {
	case *op.Requantize:
		if b.known(n) {
			c, ok = spec.Coding(b.r.Known[n.Inputs[1]].F32(), b.r.Known[n.Inputs[2]].F32())
		}
	case *op.Quantizer:
		if n.Op == "QuantizeLinear" && b.known(n) {
			c, ok = spec.Coding(b.r.Known[n.Inputs[1]].F32(), b.r.Known[n.Input(2)])
		}
	}
	return n, c, ok
}
