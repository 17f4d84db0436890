package pass

import (
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/tensor"
)

// RemoveIdentity removes what returns its input: Identity, Dropout in inference, Cast to the type that
// is there, Transpose that moves nothing, Pad by nothing, Concat of one.
//
// Needs:  the output is not the graph's, whose names are the file's, and no subgraph reads it;
// further outputs unused; for Cast a known type, for Pad constant pads.
// Source: the operators' specifications.
func RemoveIdentity(g *graph.Graph) error {
	for _, n := range slices.Clone(g.Nodes) {
		if n.Domain != "" || len(n.Outputs) == 0 || n.Outputs[0] == nil || n.Input(0) == nil {
			continue
		}
		i := 0
		if isNeutral(n, 0) {
			i = 1
		} else if !returnsFirst(n) {
			continue
		}
		y := n.Outputs[0]
		if g.IsOutput(y) || captured(y) || slices.ContainsFunc(n.Outputs[1:], func(v *graph.Value) bool { return v != nil && (len(v.Uses) > 0 || g.IsOutput(v)) }) {
			continue
		}
		g.ReplaceUses(y, n.Inputs[i], nil)
		g.RemoveNode(n)
	}
	return nil
}

// returnsFirst reports whether output 0 of n is input 0.
func returnsFirst(n *graph.Node) bool {
	switch n.Op {
	case "Identity":
		return true
	case "Dropout":
		if t := n.Input(2); t != nil {
			return t.Const != nil && t.Const.DType == tensor.Bool && t.Const.Len() == 1 && !tensor.Data[bool](t.Const)[0]
		}
		return n.Int("is_test", 1) != 0
	case "Cast":
		return n.Input(0).DType != tensor.Unknown && int(n.Input(0).DType) == n.Int("to", 0)
	case "Transpose":
		perm := n.Ints("perm")
		for i, p := range perm {
			if p != i {
				return false
			}
		}
		return perm != nil
	case "Pad":
		pads := n.Ints("pads")
		if pads == nil {
			pads = ints(n.Input(1))
		}
		return pads != nil && !slices.ContainsFunc(pads, func(p int) bool { return p != 0 })
	case "Concat":
		return len(n.Inputs) == 1
	case "Add", "Sub", "Mul", "Div":
		return isNeutral(n, 1)
	}
	return false
}

// isNeutral reports whether operand i of n leaves the other one as it is: a float32 constant without dimensions, which
// changes no shape either.
func isNeutral(n *graph.Node, i int) bool {
	v, other := n.Input(i), n.Input(1-i)
	t := f32(v)
	if len(t) != 1 || v.Const.Rank() > 0 || other == nil || other.Const != nil {
		return false
	}
	switch n.Op {
	case "Add":
		return t[0] == 0
	case "Mul":
		return t[0] == 1
	case "Sub":
		return i == 1 && t[0] == 0
	case "Div":
		return i == 1 && t[0] == 1
	}
	return false
}
