package pass

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dropquant/engine/graph"
)

var update = flag.Bool("update", false, "write what the passes make behind the --- of the cases")

// passes are called by the first word of a case's file name.
var passes = map[string]Pass{
	"constants": FoldConstants,
	"identity":  RemoveIdentity,
	"batchnorm": FoldBatchNorm,
	"scale":     FoldScale,
	"float":     Float,
	"opset13":   RaiseOpset(13),
	"opset21":   RaiseOpset(21),
	"halves":    func(g *graph.Graph) error { WidenHalves(g); return nil },
}

// TestCases runs a pass over the graph before the --- of a file; what it makes, or the error, stands behind.
func TestCases(t *testing.T) {
	for name, c := range cases(t) {
		t.Run(name, func(t *testing.T) {
			g := parse(t, c.before)
			pass := passes[strings.Split(name, "_")[0]]
			if pass == nil {
				t.Fatal("the file's first word names no pass")
			}
			got := ""
			if err := pass(g); err != nil {
				got = "error " + err.Error() + "\n"
			} else if err := g.Check(); err != nil {
				t.Fatalf("the graph is broken: %v\n%s", err, g)
			} else {
				got = g.Text()
			}
			if *update {
				if err := os.WriteFile(c.path, []byte(c.before+"---\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != c.after {
				t.Errorf("got\n%s\nwant\n%s", got, c.after)
			}
		})
	}
}

type testCase struct{ path, before, after string }

func cases(t testing.TB) map[string]testCase {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	out := map[string]testCase{}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		before, after, _ := strings.Cut(string(data), "---\n")
		out[strings.TrimSuffix(filepath.Base(f), ".txt")] = testCase{f, before, after}
	}
	return out
}

func parse(t testing.TB, text string) *graph.Graph {
	t.Helper()
	g, err := graph.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Check(); err != nil {
		t.Fatal(err)
	}
	return g
}
