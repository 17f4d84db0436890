package graph

import (
	"slices"

	"dropquant/engine/tensor"
)

// AddInput adds a graph input.
func (g *Graph) AddInput(name string, dt tensor.DType, shape ...int) *Value {
	v := g.newValue(name)
	v.DType, v.Shape = dt, shape
	g.Inputs = append(g.Inputs, v)
	return v
}

// AddConst adds an initializer under a fresh name made from base.
func (g *Graph) AddConst(base string, t *tensor.Tensor) *Value {
	v := g.newValue(g.FreshName(base))
	v.DType, v.Shape, v.Const = t.DType, t.Shape, t
	return v
}

// AddOutput marks v as the next output of the graph.
func (g *Graph) AddOutput(v *Value) { g.Outputs = append(g.Outputs, v) }

// AddNode appends a node with one fresh output value per name in outputs; an
// empty name omits that output. The caller runs Sort when it has added nodes
// that others before them read.
func (g *Graph) AddNode(op, name string, inputs []*Value, attrs []Attr, outputs ...string) *Node {
	n := &Node{Name: g.FreshName(name), Op: op, Inputs: slices.Clone(inputs), Attrs: attrs}
	for i, v := range n.Inputs {
		v.addUse(n, i)
	}
	for _, o := range outputs {
		if o == "" {
			n.Outputs = append(n.Outputs, nil)
			continue
		}
		v := g.newValue(g.FreshName(o))
		v.Producer = n
		n.Outputs = append(n.Outputs, v)
	}
	g.Nodes = append(g.Nodes, n)
	g.names.nodes[n.Name]++
	return n
}

// SetInput makes input i of n read v, which may be nil to omit it. Inputs are added up to i.
func (g *Graph) SetInput(n *Node, i int, v *Value) {
	for len(n.Inputs) <= i {
		n.Inputs = append(n.Inputs, nil)
	}
	n.Inputs[i].dropUse(n, i)
	n.Inputs[i] = v
	v.addUse(n, i)
}

// SetOutput makes n produce v as its output i in place of what it produced. v must have no
// producer; the old value is left without one.
func (g *Graph) SetOutput(n *Node, i int, v *Value) {
	if old := n.Outputs[i]; old != nil {
		old.Producer = nil
	}
	n.Outputs[i] = v
	v.Producer = n
}

// SetAttr sets or adds an attribute.
func (g *Graph) SetAttr(n *Node, name string, value any) {
	for i := range n.Attrs {
		if n.Attrs[i].Name == name {
			n.Attrs[i].Value = value
			return
		}
	}
	n.Attrs = append(n.Attrs, Attr{name, value})
}

// ReplaceUses makes every node input that reads old, and for which keep is not
// true, read new; keep may be nil. Graph outputs are left alone: they are named by the file.
func (g *Graph) ReplaceUses(old, new *Value, keep func(Use) bool) {
	for _, u := range slices.Clone(old.Uses) {
		if u.Index != CaptureIndex && (keep == nil || !keep(u)) {
			g.SetInput(u.Node, u.Index, new)
		}
	}
}

// RemoveNode takes n out of the graph. Its outputs must have no uses and not be graph outputs.
func (g *Graph) RemoveNode(n *Node) {
	for i, v := range n.Inputs {
		v.dropUse(n, i)
	}
	for _, v := range n.captures {
		v.dropUse(n, CaptureIndex)
	}
	g.abandon(n)
	if i := slices.Index(g.Nodes, n); i >= 0 {
		g.Nodes = slices.Delete(g.Nodes, i, i+1)
	}
}

// RemoveNodes takes several nodes out at once, in time linear in the graph.
func (g *Graph) RemoveNodes(gone map[*Node]bool) {
	if len(gone) == 0 {
		return
	}
	seen := map[*Value]bool{nil: true}
	for n := range gone {
		for _, v := range slices.Concat(n.Inputs, n.captures) {
			if !seen[v] {
				seen[v] = true
				v.Uses = slices.DeleteFunc(v.Uses, func(u Use) bool { return gone[u.Node] })
			}
		}
		g.abandon(n)
	}
	g.Nodes = slices.DeleteFunc(g.Nodes, func(n *Node) bool { return gone[n] })
}

// abandon forgets n's name and outputs.
func (g *Graph) abandon(n *Node) {
	for _, v := range n.Outputs {
		if v != nil && v.Producer == n {
			v.Producer = nil
			g.forget(v)
		}
	}
	if g.names.nodes[n.Name]--; g.names.nodes[n.Name] <= 0 {
		delete(g.names.nodes, n.Name)
	}
}

// RemoveDead removes every node whose outputs nothing reads and that are not graph outputs, and
// the constants and abandoned values that nothing else reads. Nodes must be in order.
func (g *Graph) RemoveDead() {
	outputs := map[*Value]bool{}
	for _, o := range g.Outputs {
		outputs[o] = true
	}
	dead := map[*Node]bool{}
	used := func(v *Value) bool {
		return v != nil && (outputs[v] || slices.ContainsFunc(v.Uses, func(u Use) bool { return !dead[u.Node] }))
	}
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		if !slices.ContainsFunc(g.Nodes[i].Outputs, used) {
			dead[g.Nodes[i]] = true
		}
	}
	g.RemoveNodes(dead)
	inputs := map[*Value]bool{}
	for _, v := range g.Inputs {
		inputs[v] = true
	}
	for _, v := range g.values {
		if v.Producer == nil && len(v.Uses) == 0 && !outputs[v] && !inputs[v] {
			g.forget(v)
		}
	}
}

func (g *Graph) newValue(name string) *Value {
	if g.values[name] != nil {
		panic("bug: two values named " + name)
	}
	v := &Value{Name: name, order: g.created}
	g.created++
	g.values[name] = v
	return v
}

func (g *Graph) forget(v *Value) { delete(g.values, v.Name) }

func (v *Value) addUse(n *Node, i int) {
	if v != nil {
		v.Uses = append(v.Uses, Use{n, i})
	}
}

func (v *Value) dropUse(n *Node, i int) {
	if v == nil {
		return
	}
	if k := slices.Index(v.Uses, Use{n, i}); k >= 0 {
		v.Uses = slices.Delete(v.Uses, k, k+1)
	}
}
