package exec

import (
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/kernel"
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
	in, all := b.parameters(n, 0)
	if !all {
		return false
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

// fuseCodeGate makes one table of a function of codes and the product with, or other function of, the same codes: x·sigmoid(x).
func (b *builder) fuseCodeGate(c *op.Call) bool {
	gate, ok := c.Spec.(*op.CodeFunction)
	n := c.Node
	if !ok || b.constant(n.Inputs[0]) {
		return false
	}
	m, i := b.sole(n.Out(0))
	if m == nil || i != 0 && i != 3 {
		return false
	}
	pair, ok := b.call(m).Spec.(*op.CodePair)
	if !ok || !pair.Same || m.Inputs[3-i] != n.Inputs[0] {
		return false
	}
	first, all := b.parameters(n, 0)
	second, both := b.parameters(m, 0, 3)
	if !all || !both {
		return false
	}
	table, code := gate.Table(first), pair.Code(second)
	for x, g := range table {
		if i == 0 {
			table[x] = code(g, uint8(x))
		} else {
			table[x] = code(uint8(x), g)
		}
	}
	s := &step{in: n.Inputs[:1], out: m.Outputs[:1], alias: op.InPlace}
	s.run = func(in, out []*tensor.Tensor) error {
		kernel.Lookup8(tensor.Bytes(out[0]), tensor.Bytes(in[0]), &table)
		return nil
	}
	b.place(s, n, m)
	return true
}

// parameters returns the elements of the inputs of n but for those at data, and whether all are there at compile time.
func (b *builder) parameters(n *graph.Node, data ...int) (in []*tensor.Tensor, all bool) {
	in, all = make([]*tensor.Tensor, len(n.Inputs)), true
	for i, v := range n.Inputs {
		if v != nil && !slices.Contains(data, i) {
			in[i] = b.r.Known[v]
			all = all && in[i] != nil
		}
	}
	return in, all
}
