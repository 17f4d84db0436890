package target

import (
	"errors"

	"dropquant/engine/graph"
	"dropquant/engine/op"
)

// blamed returns the nodes whose types cannot be inferred, given what Resolve said: those that are not supported at all, or
// the one that it failed on.
func blamed(g *graph.Graph, err error) ([]*graph.Node, bool) {
	var bad []*graph.Node
	for _, n := range g.Nodes {
		if op.Supported(g, n) != nil {
			bad = append(bad, n)
		}
	}
	var node *op.NodeError
	if len(bad) == 0 && errors.As(err, &node) {
		bad = append(bad, node.Node)
	}
	return bad, len(bad) > 0
}

// cutBehind takes nodes out of g, and all that depends on them.
func cutBehind(g *graph.Graph, bad []*graph.Node) {
	gone := map[*graph.Node]bool{}
	for len(bad) > 0 {
		n := bad[len(bad)-1]
		bad = bad[:len(bad)-1]
		if gone[n] {
			continue
		}
		gone[n] = true
		for _, v := range n.Outputs {
			for _, u := range uses(v) {
				bad = append(bad, u.Node)
			}
		}
	}
	outputs := g.Outputs[:0:0]
	for _, v := range g.Outputs {
		if v.Producer == nil || !gone[v.Producer] {
			outputs = append(outputs, v)
		}
	}
	g.Outputs = outputs
	g.RemoveNodes(gone)
}
