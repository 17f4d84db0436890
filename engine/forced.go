package engine

import (
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/target"
	"dropquant/engine/tensor"
)

// forced is a quantized graph in which every layer reads the float model's activations in place of what the layers before
// it give: so each shows the error that it makes itself.
type forced struct {
	graph  *graph.Graph
	inputs map[string]string // graph input → the float value that fills it
	gives  map[string]string // float value → the graph output that stands in its place
}

// force makes the forced form of g, a graph with pairs. values are the names of those that are compared.
//
// Rule:   v → Q → DQ → readers   becomes   v → Q → DQ → output   and   input → Q → DQ → readers
// so that both are rounded as before: what the layer gives, for comparing it, and what the next layers read.
// Readers of v that do not round it read the input itself.
func force(g *graph.Graph, values []string) *forced {
	g = g.Clone()
	f := &forced{graph: g, inputs: map[string]string{}, gives: map[string]string{}}
	old := slices.Clone(g.Outputs)
	g.Outputs = nil
	for _, name := range values {
		v := g.Value(name)
		if v == nil || v.DType != tensor.Float32 {
			continue
		}
		real := dequantized(v)
		if real == v && !slices.Contains(old, v) {
			continue // no pair stands on it: it lies within a layer
		}
		if v.Producer != nil && len(v.Uses) > 0 { // the input of the model is what it is
			f.cut(v)
		}
		g.AddOutput(real)
		f.gives[name] = real.Name
	}
	for _, v := range old { // the others leave as they did
		if f.gives[v.Name] == "" && !slices.Contains(g.Outputs, v) {
			g.AddOutput(v)
		}
	}
	if err := g.Sort(); err != nil {
		panic("bug: " + err.Error())
	}
	g.RemoveDead()
	return f
}

// cut lets all that read v, or v rounded, read an input instead.
func (f *forced) cut(v *graph.Value) {
	g := f.graph
	in := g.AddInput(g.FreshName(v.Name+"_float"), v.DType, slices.Clone(v.Shape)...)
	f.inputs[in.Name] = v.Name
	for _, u := range slices.Clone(v.Uses) {
		if u.Index == graph.CaptureIndex {
			continue
		}
		if u.Node.Op != "QuantizeLinear" || u.Index != 0 {
			g.SetInput(u.Node, u.Index, in)
			continue
		}
		q := copyNode(g, u.Node)
		g.SetInput(q, 0, in)
		for _, w := range slices.Clone(u.Node.Out(0).Uses) {
			if w.Index != 0 || w.Node.Op != "DequantizeLinear" {
				continue
			}
			d := copyNode(g, w.Node)
			g.SetInput(d, 0, q.Out(0))
			g.ReplaceUses(w.Node.Out(0), d.Out(0), nil)
		}
	}
}

// copyNode appends a node of one output that computes what n does.
func copyNode(g *graph.Graph, n *graph.Node) *graph.Node {
	v := n.Out(0)
	c := g.AddNode(n.Op, n.Name+"_forced", n.Inputs, slices.Clone(n.Attrs), v.Name+"_forced")
	c.Outputs[0].DType, c.Outputs[0].Shape = v.DType, slices.Clone(v.Shape)
	return c
}

// floatWeights gives the nodes of g the weights and biases that they have in the float model.
func floatWeights(g *graph.Graph, plan *target.Plan, float *graph.Graph) {
	nodes, originals := map[string]*graph.Node{}, map[string]*graph.Node{}
	for _, n := range g.Nodes {
		nodes[n.Name] = n
	}
	for _, n := range float.Nodes {
		originals[n.Name] = n
	}
	for _, w := range plan.Weights {
		c := g.AddConst(w.Value.Name+"_float", w.Value.Const)
		for _, reader := range w.Nodes {
			n, original := nodes[reader.Name], originals[reader.Name]
			if n == nil || original == nil {
				continue
			}
			g.SetInput(n, 1, c)
			if n.Input(2) == nil {
				continue
			}
			var bias *graph.Value
			if b := original.Input(2); b != nil && b.Const != nil {
				bias = g.AddConst(b.Name+"_float", b.Const)
			}
			g.SetInput(n, 2, bias)
		}
	}
	g.RemoveDead()
}
