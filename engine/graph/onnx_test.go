package graph

import (
	"bytes"
	"testing"

	"dropquant/engine/internal/testdata"
	"dropquant/engine/onnx"
)

// TestLossless reads every model that there is into a graph and expects the same bytes back, from the
// graph and from its clone.
func TestLossless(t *testing.T) {
	testdata.Models(t, func(name string, data []byte) {
		m, err := onnx.Parse(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		g, err := FromONNX(m)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		for _, g := range []*Graph{g, g.Clone()} {
			out, err := g.ToONNX()
			if err != nil {
				t.Errorf("%s: %v", name, err)
				return
			}
			if !bytes.Equal(out.Marshal(), data) {
				t.Errorf("%s: what is written differs from what was read", name)
			}
		}
	})
}
