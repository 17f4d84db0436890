package target

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dropquant/engine/graph"
	"dropquant/engine/op"
)

var update = flag.Bool("update", false, "write the plans into the cases and the golden files")

// TestPlace holds the plan of every target for small graphs. A case is a graph, then the plan of
// each target behind a line "--- name".
func TestPlace(t *testing.T) {
	for name, text := range placeCases(t) {
		t.Run(name, func(t *testing.T) {
			before, _, _ := strings.Cut(text, "--- ")
			got := before
			for _, target := range Targets {
				g := parse(t, before)
				text := g.Text()
				got += "--- " + target.Name + "\n" + Place(g, target).String()
				if g.Text() != text {
					t.Errorf("%s: Place changed the graph", target.Name)
				}
			}
			golden(t, "testdata/place/"+name+".txt", got, text)
		})
	}
}

func golden(t *testing.T, path, got, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// placeCases reads the cases by name.
func placeCases(t testing.TB) map[string]string {
	t.Helper()
	files, err := filepath.Glob("testdata/place/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	out := map[string]string{}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSuffix(filepath.Base(f), ".txt")] = string(data)
	}
	return out
}

// parse reads a graph and infers its types, except behind what the engine cannot compute.
func parse(t testing.TB, text string) *graph.Graph {
	t.Helper()
	g, err := graph.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Check(); err != nil {
		t.Fatal(err)
	}
	if err := op.Infer(g, nil); err != nil && !strings.Contains(text, "# not computable") {
		t.Fatal(err)
	}
	return g
}
