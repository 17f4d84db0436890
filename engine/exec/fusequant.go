package exec

import (
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/op"
	"dropquant/engine/quant"
	"dropquant/engine/tensor"
)

// fuseQuantizer turns a QuantizeLinear whose result only DequantizeLinear of the same parameters read
// into one pass over the floats. All the DequantizeLinear share its result.
func (b *builder) fuseQuantizer(c *op.Call) bool {
	q, ok := c.Spec.(*op.Quantizer)
	n := c.Node
	if !ok || n.Op != "QuantizeLinear" || b.r.Types[n.Inputs[0]].DType != tensor.Float32 || b.constant(n.Inputs[0]) || !b.known(n) {
		return false
	}
	v := n.Out(0)
	if v == nil || len(v.Uses) == 0 || b.o.Watch[v] || b.g.IsOutput(v) {
		return false
	}
	var readers []*graph.Node
	for _, u := range v.Uses {
		if u.Index != 0 || u.Node.Op != "DequantizeLinear" || !b.matches(c, b.call(u.Node)) {
			return false
		}
		if !slices.Contains(readers, u.Node) {
			readers = append(readers, u.Node)
		}
	}
	slices.SortFunc(readers, func(x, y *graph.Node) int { return b.index[x] - b.index[y] })
	scales, zeros := b.r.Known[n.Inputs[1]].F32(), quant.Integers(b.r.Known[n.Input(2)])
	if !q.Takes(scales, zeros) {
		return false
	}
	s := &step{in: n.Inputs[:1], out: readers[0].Outputs[:1], alias: op.InPlace}
	s.run = func(in, out []*tensor.Tensor) error {
		q.Fake(out[0].F32(), in[0].F32(), scales, zeros)
		return nil
	}
	b.done[n] = true
	b.place(s, readers[0])
	for _, r := range readers[1:] {
		// A view of the first result, where the node stood.
		b.place(&step{in: readers[0].Outputs[:1], out: r.Outputs[:1], alias: op.View}, r)
	}
	return true
}

// known reports whether scale and zero point of a quantizer are there at compile time.
func (b *builder) known(n *graph.Node) bool {
	return b.r.Known[n.Inputs[1]] != nil && (n.Input(2) == nil || b.r.Known[n.Input(2)] != nil)
}

// matches reports whether a DequantizeLinear undoes a QuantizeLinear.
func (b *builder) matches(q, d *op.Call) bool {
	if !b.known(d.Node) || d.Node.Out(0) == nil || *q.Spec.(*op.Quantizer) != *d.Spec.(*op.Quantizer) {
		return false
	}
	zq, zd := quant.Integers(b.r.Known[q.Node.Input(2)]), quant.Integers(b.r.Known[d.Node.Input(2)])
	if zq == nil || zd == nil {
		if slices.ContainsFunc(append(zq, zd...), func(z int32) bool { return z != 0 }) {
			return false
		}
	} else if !slices.Equal(zq, zd) {
		return false
	}
	return slices.Equal(b.r.Known[q.Node.Inputs[1]].F32(), b.r.Known[d.Node.Inputs[1]].F32())
}
