package target

import (
	"strings"
	"testing"

	"dropquant/engine/graph"
	"dropquant/engine/op"
	"dropquant/engine/tensor"
)

// FuzzPlace plans and inserts for any graph whose types can be inferred: nothing may panic, the graph must stay whole,
// and a plan must not depend on anything but the graph.
func FuzzPlace(f *testing.F) {
	for _, text := range placeCases(f) {
		before, _, _ := strings.Cut(text, "--- ")
		f.Add(before)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<12 {
			return
		}
		g, err := graph.Parse(text)
		if err != nil || g.Check() != nil || !small(g) || op.Infer(g, nil) != nil {
			return
		}
		for _, target := range Targets {
			c := g.Clone()
			p := Place(c, target)
			if again := Place(g, target).String(); again != p.String() {
				t.Fatalf("two plans:\n%s\n%s", p, again)
			}
			if err := Insert(c, p, plain(p), nil); err != nil && c.Opset[""] >= 13 {
				t.Fatalf("%s: %v", target.Name, err)
			}
		}
	})
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

// FuzzRead reads and lints any graph, with types or without: nothing may panic, the graph must stay as it is, and a
// reading must not depend on anything but the graph.
func FuzzRead(f *testing.F) {
	for _, text := range readCases(f) {
		f.Add(text)
	}
	for _, text := range placeCases(f) {
		before, _, _ := strings.Cut(text, "--- ")
		for _, target := range Targets {
			g := parse(f, before)
			p := Place(g, target)
			if !strings.Contains(text, "# not computable") && Insert(g, p, plain(p), nil) == nil {
				f.Add(g.Text())
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<14 {
			return
		}
		g, err := graph.Parse(text)
		if err != nil || g.Check() != nil || !small(g) {
			return
		}
		_ = op.Infer(g, nil) // what cannot be inferred is read too
		before := g.String()
		for _, target := range Targets {
			r := Read(g, target)
			if again := Read(g, target).String(); again != r.String() {
				t.Fatalf("two readings:\n%s\n%s", r, again)
			}
			Lint(g, target)
		}
		if after := g.String(); after != before {
			t.Fatalf("the graph has changed:\n%s\n%s", before, after)
		}
	})
}
