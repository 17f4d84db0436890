package intsim_test

import (
	"testing"

	"dropquant/engine/graph"
	"dropquant/engine/intsim"
	"dropquant/engine/tensor"
)

// TestTensorRT wants exactly what ONNX defines where the scales are powers of two, so that every float operation is exact: s8 codes,
// exact sums, a residual that is added before it is rounded, ties to even, codes down to −128.
func TestTensorRT(t *testing.T) {
	g := parse(t, `
		input x float32[2,4,3,3]
		const s float32[] = {0.125}
		const z int8[] = {0}
		const w int8[4,4,1,1] = {1 2 -3 4 127 127 127 127 -127 -127 -127 -127 7 0 0 1}
		const ws float32[4] = {0.25 0.0078125 0.5 1}
		const wz int8[4] = {0 0 0 0}
		const b float32[4] = {0.0625 -3 5.5 0}
		const ys float32[] = {0.5}
		xq = QuantizeLinear(x, s, z)
		xd = DequantizeLinear(xq, s, z)
		wd = DequantizeLinear(w, ws, wz) {axis=0}
		c = Conv(xd, wd, b)
		a = Add(c, xd)
		r = Relu(a)
		rq = QuantizeLinear(r, ys, z)
		rd = DequantizeLinear(rq, ys, z)
		d = Conv(rd, wd, b)
		dq = QuantizeLinear(d, ys, z)
		dd = DequantizeLinear(dq, ys, z)
		p = MaxPool(dd) {kernel_shape=[2, 2]}
		y = Conv(p, wd)
		output y
		output d`)
	x := tensor.New(tensor.Float32, 2, 4, 3, 3)
	for i := range x.F32() {
		x.F32()[i] = float32(i*7%400-200) / 16
	}
	feed := map[string]*tensor.Tensor{"x": x}
	watch := map[*graph.Value]bool{g.Value("xd"): true, g.Value("rd"): true, g.Value("dd"): true}
	var seen [2]map[string]*tensor.Tensor
	for k, name := range []string{"tensorrt", "qdq"} {
		seen[k] = map[string]*tensor.Tensor{}
		p, err := intsim.Compile(g, intsim.ByName(name, ""), nil, intsim.Options{Watch: watch})
		if err != nil {
			t.Fatal(err)
		}
		out, err := p.Run(feed, func(v *graph.Value, got *tensor.Tensor) {
			c := tensor.New(got.DType, got.Shape...)
			c.CopyFrom(got)
			seen[k][v.Name] = c
		})
		if err != nil {
			t.Fatal(err)
		}
		for n, v := range out {
			c := tensor.New(v.DType, v.Shape...)
			c.CopyFrom(v)
			seen[k][n] = c
		}
	}
	for _, name := range []string{"xd", "rd", "d", "dd", "y"} {
		if n, first := differing(seen[0][name], seen[1][name]); n > 0 {
			t.Errorf("%s: %d elements differ: %s", name, n, first)
		}
	}
	l, err := intsim.Lower(g, intsim.ByName("tensorrt", ""), nil)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, n := range l.Graph.Nodes {
		counts[n.Op]++
	}
	if counts["IntConv"] != 3 || counts["Conv"] != 0 {
		t.Errorf("the lowered graph has %v", counts)
	}
}
