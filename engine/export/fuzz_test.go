package export

import (
	"testing"

	"dropquant/engine/graph"
	"dropquant/engine/op"
	"dropquant/engine/target"
	"dropquant/engine/tensor"
)

// FuzzExport writes any graph whose types can be inferred in every form: nothing may panic, or change the graph.
func FuzzExport(f *testing.F) {
	for _, to := range target.Targets {
		f.Add(quantized(f, to).String())
	}
	f.Add("graph \"g\" opset 13\ninput x float32[1,4]\nconst s float32[1] = {0.1}\nconst z uint8[1] = {3}\nq: a = QuantizeLinear(x, s, z)\nd: y = DequantizeLinear(a, s, z)\noutput y\n")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<13 {
			return
		}
		g, err := graph.Parse(text)
		if err != nil || g.Check() != nil || op.Infer(g, nil) != nil {
			return
		}
		for _, n := range g.Nodes {
			for _, v := range append(n.Inputs, n.Outputs...) {
				if v != nil && tensor.Size(v.Shape) > 1<<14 {
					return
				}
			}
		}
		before := g.String()
		if out, err := FakeQuantize(g); err == nil {
			if _, err := out.ToONNX(); err != nil {
				t.Fatal(err)
			}
		}
		for _, write := range []func() error{
			func() error { _, err := Encodings(g); return err },
			func() error { _, err := TensorRTCache(g); return err },
			func() error { _, _, err := IR(g, nil); return err },
		} {
			if err := write(); err != nil && err.Error() == "" {
				t.Fatal("an error without a sentence")
			}
		}
		if g.String() != before {
			t.Fatal("the graph was changed")
		}
	})
}
