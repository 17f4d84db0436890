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
		if n.Domain != "" || len(n.Outputs) == 0 || n.Outputs[0] == nil || n.Input(0) == nil || !returnsInput(n) {
			continue
		}
		y := n.Outputs[0]
		if g.IsOutput(y) || captured(y) || slices.ContainsFunc(n.Outputs[1:], func(v *graph.Value) bool { return v != nil && (len(v.Uses) > 0 || g.IsOutput(v)) }) {
			continue
		}
		g.ReplaceUses(y, n.Inputs[0], nil)
		g.RemoveNode(n)
	}
	return nil
}

// returnsInput reports whether output 0 of n is input 0.
func returnsInput(n *graph.Node) bool {
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
	}
	return false
}
