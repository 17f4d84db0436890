package graph

import (
	"fmt"
	"testing"
	"time"

	"dropquant/engine/tensor"
)

// chain is a graph of n nodes, each with a constant of its own, that all read one shared value too.
func chain(n int) *Graph {
	g := New("chain", 13)
	x := g.AddInput("x", tensor.Float32, 1)
	v := x
	for range n {
		c := g.AddConst("c", tensor.Of([]float32{1}, 1))
		v = g.AddNode("Sum", "sum", []*Value{v, c, x}, nil, "y").Out(0)
	}
	g.AddOutput(v)
	return g
}

// TestThirtyThousandNodes holds every edit and walk to a time that only a linear one meets.
func TestThirtyThousandNodes(t *testing.T) {
	const n = 30000
	var g *Graph
	for _, step := range []struct {
		name string
		run  func() error
	}{
		{"build", func() error { g = chain(n); return nil }},
		{"check", func() error { return g.Check() }},
		{"sort", func() error { return g.Sort() }},
		{"clone", func() error { g = g.Clone(); return nil }},
		{"write", func() error { _, err := g.ToONNX(); return err }},
		{"print", func() error { _ = g.Text(); return nil }},
		{"parse", func() (err error) { g, err = Parse(g.Text()); return err }},
		{"remove 2000 nodes one by one", func() error {
			for range 2000 {
				n := g.Nodes[len(g.Nodes)-1]
				g.Outputs[0] = n.Input(0)
				g.RemoveNode(n)
			}
			return g.Check()
		}},
		{"cut the output off and remove the dead", func() error {
			g.Outputs = g.Outputs[:0]
			g.AddOutput(g.Nodes[0].Out(0))
			g.RemoveDead()
			if len(g.Nodes) != 1 {
				return fmt.Errorf("%d nodes are left", len(g.Nodes))
			}
			return g.Check()
		}},
	} {
		start := time.Now()
		if err := step.run(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		took := time.Since(start)
		t.Logf("%-40s %v", step.name, took.Round(time.Millisecond))
		if took > 10*time.Second {
			t.Errorf("%s took %v", step.name, took)
		}
	}
}
