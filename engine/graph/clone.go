package graph

import (
	"maps"
	"slices"

	"dropquant/engine/onnx"
)

// Clone returns a graph that can be edited without changing g. Constant data and what remembers the
// file are shared.
func (g *Graph) Clone() *Graph {
	c := *g
	c.Opset = maps.Clone(g.Opset)
	c.metadata = slices.Clone(g.metadata)
	c.names = names{maps.Clone(g.names.nodes), maps.Clone(g.names.reserved), maps.Clone(g.names.next)}
	values := make(map[*Value]*Value, len(g.values))
	nodes := make(map[*Node]*Node, len(g.Nodes))
	c.values = make(map[string]*Value, len(g.values))
	for name, v := range g.values {
		w := *v
		w.Shape = slices.Clone(v.Shape)
		values[v] = &w
		c.values[name] = &w
	}
	list := func(old []*Value) []*Value {
		out := slices.Clone(old)
		for i, v := range out {
			if v != nil {
				out[i] = values[v]
			}
		}
		return out
	}
	c.Nodes = make([]*Node, len(g.Nodes))
	for i, n := range g.Nodes {
		m := *n
		m.Inputs, m.Outputs, m.captures, m.Attrs = list(n.Inputs), list(n.Outputs), list(n.captures), slices.Clone(n.Attrs)
		nodes[n] = &m
		c.Nodes[i] = &m
	}
	for _, w := range c.values {
		w.Producer = nodes[w.Producer]
		w.Uses = slices.Clone(w.Uses)
		for i := range w.Uses {
			w.Uses[i].Node = nodes[w.Uses[i].Node]
		}
	}
	c.Inputs, c.Outputs = list(g.Inputs), list(g.Outputs)
	return &c
}

// SetOpset raises the import of a domain to at least version. A raised ai.onnx import raises the
// exported file's ir_version as well. Rewriting nodes whose meaning changed in between is up to the caller.
func (g *Graph) SetOpset(domain string, version int) {
	d := onnx.Domain(domain)
	g.Opset[d] = max(g.Opset[d], version)
}

// SetMetadata sets an entry of the model's metadata_props.
func (g *Graph) SetMetadata(key, value string) {
	entry := &onnx.StringStringEntry{Key: key}
	entry.SetValue(value)
	g.metadata = slices.Clone(g.metadata)
	for i, e := range g.metadata {
		if e.Key == key {
			g.metadata[i] = entry
			return
		}
	}
	g.metadata = append(g.metadata, entry)
}

// Metadata returns an entry of the model's metadata_props.
func (g *Graph) Metadata(key string) (string, bool) {
	for _, e := range g.metadata {
		if e.Key == key {
			return e.Value, true
		}
	}
	return "", false
}
