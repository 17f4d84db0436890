package engine

import (
	"errors"
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/op"
	"dropquant/engine/tensor"
)

// beyond returns the nodes that cannot be computed, and all that read what they give: these stay as they are in the
// file, and the model is observed and compared on what reaches them. refused holds nodes that are known to be among them.
func beyond(g *graph.Graph, refused map[string]error) (names []string, unsupported []error) {
	lost := map[*graph.Value]bool{}
	for _, n := range g.Nodes {
		err := op.Supported(g, n)
		if err == nil {
			err = refused[n.Name]
		}
		if err != nil {
			unsupported = append(unsupported, err)
		}
		if err != nil || slices.ContainsFunc(n.Inputs, func(v *graph.Value) bool { return lost[v] }) {
			names = append(names, n.Name)
			for _, v := range n.Outputs {
				if v != nil {
					lost[v] = true
				}
			}
		}
	}
	return names, unsupported
}

// cut returns a copy of g without the named nodes. Its outputs are the computed values that the caller or one of those
// nodes reads.
func cut(g *graph.Graph, names []string) (*graph.Graph, error) {
	g = g.Clone()
	if len(names) == 0 {
		return g, nil
	}
	gone := map[*graph.Node]bool{}
	for _, n := range g.Nodes {
		gone[n] = slices.Contains(names, n.Name)
	}
	var outputs []*graph.Value
	add := func(v *graph.Value) {
		if v != nil && v.Producer != nil && !gone[v.Producer] && !slices.Contains(outputs, v) {
			outputs = append(outputs, v)
		}
	}
	for _, v := range g.Outputs {
		add(v)
	}
	for _, n := range g.Nodes {
		if gone[n] {
			for _, v := range n.Inputs {
				add(v)
			}
		}
	}
	if len(outputs) == 0 {
		return nil, errors.New("nothing of the model can be computed")
	}
	for n, out := range gone {
		if !out {
			delete(gone, n)
		}
	}
	g.Outputs = outputs
	g.RemoveNodes(gone)
	return g, nil
}

// renamed is a program that gives outputs under the names of the values they stand for, too.
type renamed struct {
	program
	stands map[string]string // name → the output in its place
}

// Run computes the outputs.
func (r renamed) Run(inputs map[string]*tensor.Tensor, hook func(*graph.Value, *tensor.Tensor)) (map[string]*tensor.Tensor, error) {
	out, err := r.program.Run(inputs, hook)
	if err != nil {
		return nil, err
	}
	for name, in := range r.stands {
		out[name] = out[in]
	}
	return out, nil
}

// named gives the outputs of p, which runs the cut of a quantized graph, the names of the float model's: what a node that
// cannot be computed reads may be a DequantizeLinear now.
func (j *Job) named(p program, cut *graph.Graph) program {
	stands := map[string]string{}
	for _, v := range j.run.Outputs {
		if w := cut.Value(v.Name); w != nil && !cut.IsOutput(w) {
			stands[v.Name] = dequantized(w).Name
		}
	}
	if len(stands) == 0 {
		return p
	}
	return renamed{p, stands}
}
