package intsim_test

import (
	"testing"

	"dropquant/engine/intsim"
	"dropquant/engine/tensor"
)

// TestCounts puts one pair of the largest codes and weights in one output channel, and one value beyond each end.
func TestCounts(t *testing.T) {
	g := parse(t, `
		input x float32[1,2,1,2]
		const s float32[] = {1}
		const z uint8[] = {0}
		const w int8[3,2,1,1] = {127 127 127 -127 1 1}
		const ws float32[3] = {1 1 1}
		const wz int8[3] = {0 0 0}
		const ys float32[] = {4}
		const yz uint8[] = {100}
		xq = QuantizeLinear(x, s, z)
		xd = DequantizeLinear(xq, s, z)
		wd = DequantizeLinear(w, ws, wz) {axis=0}
		layer: c = Conv(xd, wd)
		q = QuantizeLinear(c, ys, yz)
		y = DequantizeLinear(q, ys, yz)
		output y`)
	// Channel 0: 255·127·2 = 64770 saturates to 32767, and 1·127+129·127 = 16510 does not. Channel 2: 510/4+100 is 227, 130/4+100 is 132.
	x := map[string]*tensor.Tensor{"x": tensor.Of([]float32{255, 1, 255, 129}, 1, 2, 1, 2)}
	for _, c := range []struct {
		runtime, isa string
		saturated    int64
	}{{"onnxruntime", "avx2", 1}, {"onnxruntime", "vnni", 0}, {"openvino", "avx2", 1}, {"openvino", "vnni", 0}} {
		p, err := intsim.Compile(g, intsim.ByName(c.runtime, c.isa), nil, intsim.Options{Count: true})
		if err != nil {
			t.Fatal(err)
		}
		for run := range int64(2) {
			if _, err := p.Run(x, nil); err != nil {
				t.Fatal(err)
			}
			counts := p.Counts()
			if len(counts) != 1 || counts[0].Node != "layer" {
				t.Fatalf("%s %s: %+v", c.runtime, c.isa, counts)
			}
			got := counts[0]
			if c.isa == "vnni" && got.Saturated != nil || c.isa == "avx2" && (len(got.Saturated) != 3 || got.Saturated[0] != c.saturated*(run+1) || got.Saturated[1]+got.Saturated[2] != 0) {
				t.Errorf("%s %s: saturated %v", c.runtime, c.isa, got.Saturated)
			}
			// Channel 0 ends at 255 twice; channel 1 holds 0 and 127-129·127 = -16256, which ends at 0.
			if want := []int64{2, 1, 0}; got.Codes != 2*(run+1) || got.AtEnds[0] != want[0]*(run+1) || got.AtEnds[1] != want[1]*(run+1) || got.AtEnds[2] != 0 {
				t.Errorf("%s %s: %v of %d codes at the ends, want %v in a run", c.runtime, c.isa, got.AtEnds, got.Codes, want)
			}
		}
	}
}
