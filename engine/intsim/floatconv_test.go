package intsim_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"dropquant/engine/graph"
	"dropquant/engine/intsim"
	"dropquant/engine/tensor"
)

// TestFloatConvs wants the bits of ONNX Runtime's sums where a convolution of quantized weights stays float, since nothing behind it is
// quantized: for one block and several, with rows so short that blocks are longer, and without a bias.
func TestFloatConvs(t *testing.T) {
	python(t)
	dir := t.TempDir()
	var graphs []*graph.Graph
	var inputs []*tensor.Tensor
	var jobs []job
	for i, c := range []struct {
		in, out, side int
		bias          bool
	}{{24, 40, 14, true}, {144, 24, 14, true}, {300, 33, 9, false}, {384, 64, 14, true}, {960, 160, 7, true}, {700, 96, 6, true}} {
		s := newSketch(uint64(i))
		x := s.AddInput("x", tensor.Float32, 1, c.in, c.side, c.side)
		y := s.conv(s.pair(x, 0.013, 100, i%2 == 0), 0.37, c.in, c.out, 1, 1, c.bias)
		y.DType, y.Shape = tensor.Float32, []int{1, c.out, c.side, c.side}
		s.AddOutput(y)
		in, random := tensor.New(tensor.Float32, x.Shape...), rand.New(rand.NewPCG(7, uint64(i)))
		for k := range in.F32() {
			in.F32()[k] = 3*random.Float32() - 1.3
		}
		path := filepath.Join(dir, fmt.Sprint(i, ".onnx"))
		writeGraph(t, s.Graph, path)
		graphs, inputs = append(graphs, s.Graph), append(inputs, in)
		jobs = append(jobs, job{Model: path, Inputs: []map[string]array{write(t, dir, map[string]*tensor.Tensor{"x": in})}, Out: t.TempDir()})
	}
	for i, real := range runReal(t, jobs) {
		p, err := intsim.Compile(graphs[i], intsim.ByName("onnxruntime", "avx2"), nil, intsim.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Run(map[string]*tensor.Tensor{"x": inputs[i]}, nil)
		if err != nil {
			t.Fatal(err)
		}
		name := graphs[i].Outputs[0].Name
		if n, first := differing(got[name], real[0][name]); n > 0 {
			t.Errorf("%s by %s: %d of %d elements differ: %s", tensor.FormatShape(inputs[i].Shape), tensor.FormatShape(got[name].Shape), n, got[name].Len(), first)
		}
	}
}
