package pass

import (
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/op"
	"dropquant/engine/tensor"
)

// maxGrown is how many elements a folded constant may have when it is larger than what it is computed
// from: an Expand or a Tile of a scalar must not fill the file.
const maxGrown = 1 << 16

// FoldConstants makes initializers of Constant nodes, of what is computed from constants alone, and of
// what is computed from shapes that are known.
//
// Needs:  an operator that the engine computes; not QuantizeLinear or DequantizeLinear, whose
// constants are meant to be stored as codes; no output of the graph, no value that a subgraph reads.
// Source: the operators' specifications; for shapes, see foldShapes.
func FoldConstants(g *graph.Graph) error {
	for _, n := range g.Nodes {
		if t := constant(n); t != nil {
			fold(g, n, t)
		}
	}
	g.RemoveDead()
	foldComputed(g)
	g.RemoveDead()
	foldShapes(g)
	g.RemoveDead()
	return nil
}

// constant returns the value of a Constant node, or nil for one that is left alone (strings, sparse).
func constant(n *graph.Node) *tensor.Tensor {
	if !named(n, "Constant") || n.Out(0) == nil {
		return nil
	}
	if t := n.Tensor("value"); t != nil {
		return t
	}
	switch {
	case n.Has("value_float"):
		return tensor.Scalar(n.Float("value_float", 0))
	case n.Has("value_int"):
		return tensor.Scalar(int64(n.Int("value_int", 0)))
	case n.Has("value_floats"):
		f := n.Floats("value_floats")
		return tensor.Of(f, len(f))
	case n.Has("value_ints"):
		var list []int64
		for _, i := range n.Ints("value_ints") {
			list = append(list, int64(i))
		}
		return tensor.Of(list, len(list))
	}
	return nil
}

// fold makes output 0 of n the constant t where it may.
func fold(g *graph.Graph, n *graph.Node, t *tensor.Tensor) {
	if v := n.Outputs[0]; !g.IsOutput(v) && !captured(v) {
		g.MakeConst(v, t)
	}
}

// foldComputed evaluates what has constant inputs only, on a copy that holds nothing else.
func foldComputed(g *graph.Graph) {
	known := map[*graph.Value]bool{}
	var chosen []*graph.Node
	for _, n := range g.Nodes {
		if !foldable(g, n) || slices.ContainsFunc(n.Inputs, func(v *graph.Value) bool { return v != nil && v.Const == nil && !known[v] }) {
			continue
		}
		known[n.Outputs[0]] = true
		chosen = append(chosen, n)
	}
	if len(chosen) == 0 {
		return
	}
	c := g.Clone()
	gone := map[*graph.Node]bool{}
	keep := chosen
	for i, n := range c.Nodes {
		if len(keep) > 0 && g.Nodes[i] == keep[0] {
			keep = keep[1:]
		} else {
			gone[n] = true
		}
	}
	c.RemoveNodes(gone)
	c.Inputs, c.Outputs = nil, nil
	r, err := op.Resolve(c, nil)
	if err != nil {
		return // inference of the whole graph meets the same node and says so
	}
	done := evaluate(r)
	for _, n := range chosen {
		if t := done[n.Outputs[0].Name]; t != nil {
			fold(g, n, t)
		}
	}
}

// evaluate runs nodes without inputs of the graph, those that do not grow, and returns the constants by name.
func evaluate(r *op.Resolved) map[string]*tensor.Tensor {
	done := map[string]*tensor.Tensor{}
	for _, call := range r.Calls {
		in := make([]*tensor.Tensor, len(call.In))
		size, complete := 0, true
		for i, v := range call.Node.Inputs[:len(in)] {
			if v == nil {
				continue
			}
			if in[i] = v.Const; in[i] == nil {
				in[i] = done[v.Name]
			}
			if in[i] == nil {
				complete = false
				break
			}
			size += in[i].Len()
		}
		if !complete || tensor.Size(call.Out[0].Shape) > max(size, maxGrown) {
			continue
		}
		if out, err := call.Eval(in); err == nil {
			done[call.Node.Outputs[0].Name] = out[0]
		}
	}
	return done
}

// foldable reports whether n may be evaluated ahead of time.
func foldable(g *graph.Graph, n *graph.Node) bool {
	return oneOutput(n) && op.Supported(g, n) == nil && !named(n, "QuantizeLinear", "DequantizeLinear", "Constant")
}

// foldShapes makes constants of what is computed from shapes and does not depend on those dimensions
// that the file leaves open, as the height of a feature map while the batch is open.
//
// Rule: infer the shapes twice, with different numbers for the open dimensions; what comes out the
// same both times is constant.
func foldShapes(g *graph.Graph) {
	a, b := resolveWith(g, 1, 224), resolveWith(g, 2, 256)
	if a == nil || b == nil {
		return
	}
	for _, n := range g.Nodes {
		if !foldable(g, n) {
			continue
		}
		v := n.Outputs[0]
		if x, y := a.Known[v], b.Known[v]; x != nil && y != nil && same(x, y) {
			fold(g, n, x)
		}
	}
}

// resolveWith infers shapes with numbers for the open dimensions of the inputs: the first, which is
// the batch, and the others. It returns nil when that is not possible.
func resolveWith(g *graph.Graph, batch, other int) *op.Resolved {
	shapes := map[string][]int{}
	for _, v := range g.Inputs {
		s := slices.Clone(v.Shape)
		for i, d := range s {
			switch {
			case d >= 0:
			case i == 0:
				s[i] = batch
			default:
				s[i] = other
			}
		}
		shapes[v.Name] = s
	}
	r, err := op.Resolve(g, shapes)
	if err != nil {
		return nil
	}
	return r
}

// same reports whether two tensors are equal; those of rare types never are.
func same(a, b *tensor.Tensor) bool {
	if a.DType != b.DType || !slices.Equal(a.Shape, b.Shape) {
		return false
	}
	switch a.DType {
	case tensor.Float32:
		return slices.Equal(a.F32(), b.F32())
	case tensor.Int64:
		return slices.Equal(a.I64(), b.I64())
	case tensor.Int32:
		return slices.Equal(tensor.Data[int32](a), tensor.Data[int32](b))
	case tensor.Bool:
		return slices.Equal(tensor.Data[bool](a), tensor.Data[bool](b))
	}
	return false
}
