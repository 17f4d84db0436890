package graph

import "dropquant/engine/tensor"

// MakeConst turns an output of a node into a constant of the same name. The node no longer
// produces it; RemoveDead takes away a node that produces nothing.
func (g *Graph) MakeConst(v *Value, t *tensor.Tensor) {
	for i, o := range v.Producer.Outputs {
		if o == v {
			v.Producer.Outputs[i] = nil
		}
	}
	v.Producer, v.Const, v.DType, v.Shape = nil, t, t.DType, t.Shape
}

// TakeOutput makes n produce output j of from as its output i, so that the value keeps its name, and
// takes from out of the graph. Nothing but from may read what n produced before, and from may
// produce nothing else.
func (g *Graph) TakeOutput(n *Node, i int, from *Node, j int) {
	v, old := from.Outputs[j], n.Outputs[i]
	from.Outputs[j] = nil
	g.RemoveNode(from)
	n.Outputs[i] = v
	v.Producer = n
	old.Producer = nil
	g.forget(old)
}
