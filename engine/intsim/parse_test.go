package intsim_test

import (
	"strings"
	"testing"

	"dropquant/engine/graph"
)

// parse reads a graph of opset 21 from its text.
func parse(t testing.TB, text string) *graph.Graph {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	g, err := graph.Parse("graph \"test\" opset 21\n" + strings.Join(lines, "\n") + "\n")
	if err != nil {
		t.Fatal(err)
	}
	return g
}
