package pass

import (
	"testing"

	"dropquant/engine/graph"
	"dropquant/engine/tensor"
)

// FuzzFloat rewrites any graph: nothing may panic, the graph must stay whole, and its inputs and outputs keep their names.
func FuzzFloat(f *testing.F) {
	for _, c := range cases(f) {
		f.Add(c.before)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<12 {
			return
		}
		g, err := graph.Parse(text)
		if err != nil || g.Check() != nil || !small(g) {
			return
		}
		want := names(g)
		for _, pass := range []Pass{Float, RaiseOpset(13), RaiseOpset(21)} {
			if err := pass(g); err != nil {
				return
			}
			if err := g.Check(); err != nil {
				t.Fatalf("%v\n%s", err, g)
			}
		}
		if got := names(g); got != want {
			t.Fatalf("inputs and outputs %s became %s", want, got)
		}
	})
}

func names(g *graph.Graph) (s string) {
	for _, v := range g.Inputs {
		s += v.Name + " "
	}
	s += "→ "
	for _, v := range g.Outputs {
		s += v.Name + " "
	}
	return s
}

// small keeps the fuzzer from waiting for large constants.
func small(g *graph.Graph) bool {
	for _, n := range g.Nodes {
		for _, v := range n.Inputs {
			if v != nil && v.Const != nil && tensor.Size(v.Const.Shape) > 1<<12 {
				return false
			}
		}
	}
	return true
}
