package intsim_test

import (
	"strings"
	"testing"

	"dropquant/engine/intsim"
	"dropquant/engine/target"
	"dropquant/engine/tensor"
)

// TestForms wants a program for what the runtimes compute in float, and a sentence that names the node for what is not computed.
func TestForms(t *testing.T) {
	const head = `
		input x float32[1,4,3,3]
		const s float32[] = {0.02}
		const z uint8[] = {120}
		const s4 float32[4] = {0.02 0.03 0.04 0.05}
		const z4 uint8[4] = {1 2 3 4}
		const b float32[1,2,3,3] = seq 0.01 0.001
		const bz uint8[1,2,3,3] = {1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1}
		const z16 int16[] = {5}
		`
	for _, c := range []struct{ name, text, want string }{
		{"plain", "q = QuantizeLinear(x, s, z)\ny = DequantizeLinear(q, s, z)\noutput y", ""},
		{"no zero point", "q = QuantizeLinear(x, s)\nd = DequantizeLinear(q, s)\nr = Sigmoid(d)\nq2 = QuantizeLinear(r, s)\ny = DequantizeLinear(q2, s)\noutput y", ""},
		{"per channel", "q = QuantizeLinear(x, s4, z4) {axis=1}\nd = DequantizeLinear(q, s4, z4) {axis=1}\nnamed: r = Sigmoid(d)\nq2 = QuantizeLinear(r, s, z)\ny = DequantizeLinear(q2, s, z)\noutput y", `node "named`},
		{"per block", "q = QuantizeLinear(x, b, bz) {axis=1, block_size=2}\nd = DequantizeLinear(q, b, bz) {axis=1, block_size=2}\ny = Sigmoid(d)\noutput y", ""},
		{"16 bits", "q = QuantizeLinear(x, s, z16)\nd = DequantizeLinear(q, s, z16)\nr = Sigmoid(d)\nq2 = QuantizeLinear(r, s, z16)\ny = DequantizeLinear(q2, s, z16)\noutput y", ""},
		{"codes leave", "q = QuantizeLinear(x, s, z)\nd = DequantizeLinear(q, s, z)\nr = Sigmoid(d)\ny = QuantizeLinear(r, s, z)\noutput y", ""},
		{"a scale that is computed", "e = Neg(x)\nm = ReduceMax(e) {keepdims=0}\nq = QuantizeLinear(x, m, z)\nd = DequantizeLinear(q, m, z)\ny = Sigmoid(d)\noutput y", ""},
		{"int4", "named: q = QuantizeLinear(x, s) {output_dtype=22}\ny = DequantizeLinear(q, s)\noutput y", `node "named"`},
		{"float8", "named: q = QuantizeLinear(x, s) {output_dtype=17}\ny = DequantizeLinear(q, s)\noutput y", `node "named"`},
		{"a custom operator", "q = QuantizeLinear(x, s, z)\nd = DequantizeLinear(q, s, z)\nnamed: y = my.domain:Gadget(d)\noutput y", `node "named"`},
		{"a quantizer in front of a float operator", "q = QuantizeLinear(x, s, z)\nnamed: y = Sigmoid(q)\noutput y", `node "named"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := parse(t, head+c.text)
			g.SetOpset("my.domain", 1)
			for _, b := range intsim.Backends {
				p, err := intsim.Compile(g, b, nil, intsim.Options{})
				switch {
				case c.name == "per channel" && b.Target != target.ONNXRuntime: // which refuses such a file; others compute in float
				case c.want != "":
					if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "bug") {
						t.Errorf("%s: error %v, want one that names %s", b.Name(), err, c.want)
					}
					continue
				case err != nil:
					t.Errorf("%s: %v", b.Name(), err)
					continue
				}
				x := tensor.New(tensor.Float32, 1, 4, 3, 3)
				for i := range x.F32() {
					x.F32()[i] = float32(i)/9 - 2
				}
				if _, err := p.Run(map[string]*tensor.Tensor{"x": x}, nil); err != nil {
					t.Errorf("%s: %v", b.Name(), err)
				}
			}
		})
	}
}
