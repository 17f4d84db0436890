package intsim_test

import (
	"fmt"
	"testing"

	"dropquant/engine/exec"
	"dropquant/engine/graph"
	"dropquant/engine/intsim"
	"dropquant/engine/tensor"
)

// A comparison is a graph lowered for a backend with everything cut that computes in float: its codes come from the real
// runtime, since no two libraries sum floats in the same order.
type comparison struct {
	program *exec.Program
	input   string
	cuts    []string                  // names of codes that are fed
	seen    map[*graph.Value][]string // names of codes to compare, by values of the lowered graph
}

func newComparison(t *testing.T, g *graph.Graph, b *intsim.Backend, shape []int) *comparison {
	t.Helper()
	in := g.Inputs[0].Name
	l, err := intsim.Lower(g, b, map[string][]int{in: shape})
	if err != nil {
		t.Fatal(err)
	}
	c := &comparison{input: in, seen: map[*graph.Value][]string{}}
	shapes := map[string][]int{in: shape}
	for _, n := range append([]*graph.Node{}, l.Graph.Nodes...) {
		v := n.Out(0)
		if n.Op != "QuantizeLinear" || n.Inputs[0].Producer == nil && n.Inputs[0].Const == nil {
			continue
		}
		fed := l.Graph.AddInput("fed "+v.Name, v.DType, v.Shape...)
		l.Graph.ReplaceUses(v, fed, nil)
		c.cuts, shapes[fed.Name] = append(c.cuts, v.Name), v.Shape
	}
	watch := map[*graph.Value]bool{}
	for _, n := range g.Nodes {
		if n.Op != "QuantizeLinear" {
			continue
		}
		name := n.Out(0).Name
		v, _, ok := l.Codes(name)
		if !ok {
			v = l.Graph.Value(name)
		}
		if v != nil && v.Const == nil {
			watch[v] = true
			c.seen[v] = append(c.seen[v], name)
		}
	}
	if c.program, err = exec.Compile(l.Graph, shapes, exec.Options{Watch: watch, Arithmetic: b.Arithmetic}); err != nil {
		t.Fatal(err)
	}
	return c
}

// against runs one input and returns how many tensors were compared with those of the runtime, and what differs.
func (c *comparison) against(t *testing.T, x *tensor.Tensor, real map[string]*tensor.Tensor) (compared int, differ []string) {
	t.Helper()
	feed := map[string]*tensor.Tensor{c.input: x}
	cut := map[string]bool{}
	for _, name := range c.cuts {
		if feed["fed "+name] = real[name]; real[name] == nil {
			t.Fatalf("the runtime does not show %q, which comes out of float operators", name)
		}
		cut[name] = true
	}
	if _, err := c.program.Run(feed, func(v *graph.Value, got *tensor.Tensor) {
		for _, name := range c.seen[v] {
			want := real[name]
			if want == nil || cut[name] {
				continue
			}
			compared++
			if n, first := differing(got, want); n > 0 {
				differ = append(differ, fmt.Sprintf("%d of %d elements of %s, of %s: %s", n, want.Len(), name, v.Producer.Op, first))
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	return compared, differ
}
