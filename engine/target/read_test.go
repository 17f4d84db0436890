package target

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dropquant/engine/graph"
	"dropquant/engine/op"
)

// TestRead holds what each runtime makes of small graphs with pairs, and what the linter finds in them.
func TestRead(t *testing.T) {
	for name, before := range readCases(t) {
		t.Run(name, func(t *testing.T) {
			path := "testdata/read/" + name + ".txt"
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := before
			g := parse(t, before)
			for _, target := range Targets {
				got += "--- " + target.Name + "\n" + Read(g, target).String()
				for _, f := range Lint(g, target).Findings {
					got += fmt.Sprintf("%v %s %q: %s\n", f.Effect, f.ID, f.Node, f.Text)
				}
			}
			golden(t, path, got, string(want))
		})
	}
}

// TestReadsWhatItPlans: of every file that a plan writes, the reading of the same target is the plan.
func TestReadsWhatItPlans(t *testing.T) {
	check := func(name string, g *graph.Graph) {
		for _, target := range Targets {
			c := g.Clone()
			p := Place(c, target)
			if err := Insert(c, p, plain(p), nil); err != nil {
				t.Fatal(err)
			}
			if err := op.Infer(c, oneSample(c)); err != nil {
				t.Fatal(err)
			}
			r := Read(c, target)
			for _, d := range p.Nodes {
				switch f := r.Fate(d.Node); {
				case f.State == d.State, d.State == Stored && f.State == Float:
				case d.State == Moves && f.State == Int8: // a Concat that ONNX Runtime has a kernel for
				default:
					t.Errorf("%s for %s: %s %s is planned %v and read %v: %s", name, target.Name, d.Node.Op, d.Node.Name, d.State, f.State, f.Why)
				}
			}
		}
	}
	for name, text := range placeCases(t) {
		before, _, _ := strings.Cut(text, "--- ")
		if !strings.Contains(text, "# not computable") {
			check(name, parse(t, before))
		}
	}
	for _, name := range models {
		check(name, model(t, name))
	}
}

// readCases returns the graphs of the cases, without what is expected of them.
func readCases(t testing.TB) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("testdata/read/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	out := map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		before, _, _ := strings.Cut(string(text), "--- ")
		out[strings.TrimSuffix(filepath.Base(path), ".txt")] = before
	}
	return out
}
