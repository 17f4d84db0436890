package intsim_test

import (
	"testing"

	"dropquant/engine/intsim"
)

// TestOnAnyCPU: ONNX Runtime adds a convolution of float weights by as many channels as a vector has, so that a file with one is not the
// same on all CPUs though no product of it overflows.
func TestOnAnyCPU(t *testing.T) {
	const head = `
input x float32[1,16,8,8]
const s float32[] = {0.05}
const z uint8[] = {128}
const w int8[16,16,1,1] = seq 1 0
const ws float32[] = {0.01}
const wz int8[] = {0}
const f float32[16,16,3,3] = seq 0.01 0.001
q: a = QuantizeLinear(x, s, z)
d: b = DequantizeLinear(a, s, z)
dw: v = DequantizeLinear(w, ws, wz)
c: e = Conv(b, v)
qc: g = QuantizeLinear(e, s, z)
dc: h = DequantizeLinear(g, s, z)
`
	for text, want := range map[string]bool{head + "output h\n": true, head + "float: y = Conv(h, f)\noutput y\n": false} {
		p, err := intsim.Compile(parse(t, text), intsim.ByName("onnxruntime", "vnni"), nil, intsim.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.OnAnyCPU(); got != want {
			t.Errorf("the same on any CPU: %v, want %v, of%s", got, want, text)
		}
	}
}
