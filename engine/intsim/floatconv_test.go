package intsim_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dropquant/engine/graph"
	"dropquant/engine/intsim"
	"dropquant/engine/op"
	"dropquant/engine/tensor"
)

// A floatCase is a layer of quantized weights that stays float, since nothing behind it is quantized.
type floatCase struct {
	name  string
	shape []int // of the input
	build func(s *sketch, x *graph.Value) *graph.Value
}

// floatConv is a convolution over a quantized input, with what stands behind it.
func floatConv(out, group, kh, kw int, bias bool, then string, attrs ...graph.Attr) func(s *sketch, x *graph.Value) *graph.Value {
	return func(s *sketch, x *graph.Value) *graph.Value {
		operands := []*graph.Value{s.pair(x, 0.013, 100, s.random.IntN(2) == 0), s.weights(0.37, 0, out, x.Shape[1]/group, kh, kw)}
		if bias {
			operands = append(operands, s.bias(0.005, out))
		}
		y := s.op("Conv", append(attrs, graph.Attr{Name: "group", Value: int64(group)}), operands...)
		switch then {
		case "Clip":
			return s.op("Clip", nil, y, s.AddConst("lo", tensor.Scalar(float32(0))), s.AddConst("hi", tensor.Scalar(float32(6))))
		case "Add": // of what another convolution gives
			return s.op("Relu", nil, s.op("Add", nil, y, s.op("Neg", nil, s.op("Conv", append(attrs, graph.Attr{Name: "group", Value: int64(group)}), operands...))))
		case "":
			return y
		}
		return s.op(then, nil, y)
	}
}

// floatProduct is a Gemm or MatMul of a float input and quantized weights. Without a transposed operand ONNX Runtime leaves it in float only in
// front of a pair.
func floatProduct(kind string, n int, bias bool, attrs ...graph.Attr) func(s *sketch, x *graph.Value) *graph.Value {
	return func(s *sketch, x *graph.Value) *graph.Value {
		turned := func(name string) bool {
			return slices.ContainsFunc(attrs, func(a graph.Attr) bool { return a.Name == name })
		}
		k, axis := x.Shape[len(x.Shape)-1], 1
		if turned("transA") {
			k = x.Shape[0]
		}
		shape := []int{k, n}
		if turned("transB") {
			shape, axis = []int{n, k}, 0
		}
		operands := []*graph.Value{x, s.weights(0.37, axis, shape...)}
		if bias {
			operands = append(operands, s.bias(0.005, n))
		}
		y := s.op(kind, attrs, operands...)
		if len(attrs) == 0 {
			s.AddOutput(s.pair(y, 0.37, 99, false))
		}
		return y
	}
}

// floatPool is a pooling of what a pair gives.
func floatPool(kind string, attrs ...graph.Attr) func(s *sketch, x *graph.Value) *graph.Value {
	return func(s *sketch, x *graph.Value) *graph.Value { return s.op(kind, attrs, s.pair(x, 0.013, 100, false)) }
}

// staticConv is a convolution of float weights.
func staticConv(out, group, kh, kw int, bias bool, then string, attrs ...graph.Attr) func(s *sketch, x *graph.Value) *graph.Value {
	return func(s *sketch, x *graph.Value) *graph.Value {
		w := tensor.New(tensor.Float32, out, x.Shape[1]/group, kh, kw)
		for i := range w.F32() {
			w.F32()[i] = s.random.Float32() - 0.5
		}
		operands := []*graph.Value{s.pair(x, 0.013, 100, false), s.AddConst("w", w)}
		if bias {
			operands = append(operands, s.bias(0.005, out))
		}
		y := s.op("Conv", append(attrs, graph.Attr{Name: "group", Value: int64(group)}), operands...)
		if then != "" {
			y = s.op(then, nil, y)
		}
		return y
	}
}

func floatCases() (list []floatCase) {
	add := func(shape []int, name string, build func(s *sketch, x *graph.Value) *graph.Value) {
		list = append(list, floatCase{fmt.Sprint(len(list), " ", name), shape, build})
	}
	pads := func(p ...int64) graph.Attr { return ints("pads", p...) }
	for _, c := range []struct {
		in, out, side int
		bias          bool
	}{{24, 40, 14, true}, {144, 24, 14, true}, {300, 33, 9, false}, {384, 64, 14, true}, {960, 160, 7, true}, {700, 96, 6, true}, {160, 64, 1, true}, {160, 63, 1, true}, {45, 6, 1, false}, {45, 1, 1, true}, {70, 1, 5, true}} {
		add([]int{1, c.in, c.side, c.side}, "1x1", floatConv(c.out, 1, 1, 1, c.bias, ""))
	}
	add([]int{2, 24, 9, 7}, "1x1, two images", floatConv(40, 1, 1, 1, true, "Relu"))
	add([]int{1, 24, 9, 7}, "1x1 with strides", floatConv(40, 1, 1, 1, true, "Clip", ints("strides", 2, 2)))
	add([]int{1, 3, 31, 29}, "first layer", floatConv(32, 1, 3, 3, true, "Clip", ints("strides", 2, 2), pads(1, 1, 1, 1)))
	add([]int{1, 64, 13, 13}, "3x3", floatConv(96, 1, 3, 3, true, "Relu", pads(1, 1, 1, 1)))
	add([]int{1, 96, 7, 7}, "3x3, more filters than places", floatConv(64, 1, 3, 3, true, "LeakyRelu", pads(1, 1, 1, 1)))
	add([]int{1, 96, 4, 4}, "3x3, few places", floatConv(15, 1, 3, 3, true, "", pads(1, 1, 1, 1)))
	add([]int{1, 19, 12, 10}, "dilated", floatConv(21, 1, 3, 2, false, "", ints("dilations", 2, 3), pads(2, 0, 1, 3)))
	add([]int{1, 19, 12, 10}, "padded to the same", floatConv(21, 1, 4, 5, false, "", graph.Attr{Name: "auto_pad", Value: "SAME_UPPER"}, ints("strides", 2, 3)))
	add([]int{1, 24, 12, 10}, "groups", floatConv(36, 4, 3, 3, true, "Relu", pads(1, 1, 1, 1)))
	add([]int{2, 24, 12, 10}, "groups of one filter", floatConv(4, 4, 3, 3, true, "", pads(1, 1, 1, 1)))
	add([]int{1, 200, 5, 5}, "groups, 1x1", floatConv(60, 2, 1, 1, true, ""))
	add([]int{1, 40, 5, 5}, "groups of one place", floatConv(26, 2, 5, 5, true, ""))
	add([]int{1, 32, 14, 14}, "depthwise", floatConv(32, 32, 3, 3, true, "Clip", pads(1, 1, 1, 1)))
	add([]int{1, 31, 15, 14}, "depthwise with strides", floatConv(31, 31, 5, 5, true, "Clip", ints("strides", 2, 2), pads(2, 2, 2, 2)))
	add([]int{1, 12, 7, 7}, "depthwise of the whole", floatConv(12, 12, 7, 7, true, ""))
	add([]int{1, 12, 8, 8}, "depthwise of two filters", floatConv(24, 12, 3, 3, true, "Relu", pads(1, 1, 1, 1)))
	add([]int{1, 6, 20, 20}, "depthwise of two filters, 7x7", floatConv(12, 6, 7, 7, true, "", pads(3, 3, 3, 3)))
	add([]int{1, 12, 9, 6}, "as wide as the input", floatConv(12, 12, 2, 6, true, ""))
	add([]int{1, 12, 9, 6}, "as wide as the input, three filters", floatConv(36, 12, 2, 6, true, ""))
	add([]int{1, 12, 9, 6}, "as high as the input", floatConv(36, 12, 9, 1, true, ""))
	add([]int{1, 40, 50}, "over one dimension", floatConv1(30, 3))
	add([]int{1, 30, 8, 8}, "sum", floatConv(30, 1, 3, 3, true, "Add", pads(1, 1, 1, 1)))
	add([]int{1, 30, 8, 8}, "sum without a bias", floatConv(300, 1, 1, 1, false, "Add"))
	add([]int{1, 3, 31, 29}, "first layer of float weights", staticConv(32, 1, 3, 3, true, "Relu", ints("strides", 2, 2), pads(1, 1, 1, 1)))
	add([]int{1, 12, 9, 9}, "float weights, between a vector and another", staticConv(20, 1, 3, 3, true, "Relu", pads(1, 1, 1, 1)))
	add([]int{1, 64, 13, 13}, "float weights", staticConv(96, 1, 3, 3, true, "Relu", pads(1, 1, 1, 1)))
	add([]int{1, 36, 9, 7}, "float weights, channels left over", staticConv(21, 1, 3, 2, false, "", pads(0, 1, 1, 0), ints("dilations", 2, 1)))
	add([]int{1, 37, 9, 7}, "float weights of odd channels", staticConv(32, 1, 3, 3, true, "", pads(1, 1, 1, 1)))
	add([]int{1, 300, 9, 7}, "float weights, 1x1", staticConv(40, 1, 1, 1, true, ""))
	add([]int{1, 300, 9, 7}, "float weights, 1x1 with strides", staticConv(40, 1, 1, 1, true, "", ints("strides", 2, 2)))
	add([]int{1, 32, 9, 7}, "float weights, 1x1 with padding", staticConv(40, 1, 1, 1, true, "", pads(1, 1, 1, 1)))
	add([]int{1, 36, 14, 14}, "depthwise of float weights", staticConv(36, 36, 3, 3, true, "Relu", pads(1, 1, 1, 1)))
	add([]int{1, 37, 14, 14}, "depthwise of float weights, odd channels", staticConv(37, 37, 3, 3, true, "", pads(1, 1, 1, 1)))
	add([]int{1, 32, 14, 14}, "groups of float weights", staticConv(64, 2, 3, 3, true, "", pads(1, 1, 1, 1)))
	add([]int{1, 32, 14, 14}, "small groups of float weights", staticConv(64, 8, 3, 3, true, "", pads(1, 1, 1, 1)))
	for _, c := range [][]int{{1, 7, 13, 13}, {1, 5, 6, 7}, {2, 3, 1, 2}, {1, 4, 50}} {
		add(c, "GlobalAveragePool", floatPool("GlobalAveragePool"))
	}
	kernel := func(k ...int64) graph.Attr { return ints("kernel_shape", k...) }
	add([]int{1, 5, 9, 8}, "AveragePool", floatPool("AveragePool", kernel(3, 2), ints("strides", 1, 2), pads(1, 0, 1, 1)))
	add([]int{1, 5, 9, 8}, "AveragePool with padding", floatPool("AveragePool", kernel(3, 4), pads(1, 2, 1, 1), graph.Attr{Name: "count_include_pad", Value: int64(1)}))
	add([]int{1, 5, 19, 18}, "AveragePool, strides of three", floatPool("AveragePool", kernel(4, 5), ints("strides", 3, 3)))
	add([]int{1, 5, 9, 7}, "AveragePool of the whole", floatPool("AveragePool", kernel(9, 7)))
	add([]int{1, 5, 60}, "AveragePool over one dimension", floatPool("AveragePool", kernel(7)))
	for _, mode := range []string{"half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"} {
		for _, scales := range [][]float32{{1, 1, 2, 2}, {1, 1, 1.7, 2.3}, {1, 1, 1, 3}, {1, 1, 0.6, 0.7}} {
			add([]int{1, 3, 10, 8}, "Resize "+mode, func(s *sketch, x *graph.Value) *graph.Value {
				attrs := []graph.Attr{{Name: "mode", Value: "linear"}, {Name: "coordinate_transformation_mode", Value: mode}}
				return s.op("Resize", attrs, s.pair(x, 0.013, 100, false), nil, s.AddConst("scales", tensor.Of(scales, 4)))
			})
		}
	}
	add([]int{1, 999, 8, 8}, "Pad by nothing", func(s *sketch, x *graph.Value) *graph.Value { // without it the pool runs in integers
		y := s.op("Pad", nil, s.pair(x, 0.237, 7, false), s.AddConst("pads", tensor.New(tensor.Int64, 8)))
		return s.pair(s.op("AveragePool", []graph.Attr{kernel(8, 8)}, y), 0.237, 7, false)
	})
	add([]int{1, 9, 8, 8}, "BatchNormalization", func(s *sketch, x *graph.Value) *graph.Value {
		y := s.pair(x, 0.013, 100, false)
		positive := tensor.New(tensor.Float32, 9)
		for i := range positive.F32() {
			positive.F32()[i] = 0.01 + s.random.Float32()
		}
		return s.op("BatchNormalization", []graph.Attr{{Name: "epsilon", Value: float32(1e-3)}}, y, s.bias(1, 9), s.bias(1, 9), s.bias(1, 9), s.AddConst("variance", positive))
	})
	transB, transA := graph.Attr{Name: "transB", Value: int64(1)}, graph.Attr{Name: "transA", Value: int64(1)}
	for _, m := range []int{1, 2, 5, 20} {
		for _, n := range []int{1, 2, 3, 30, 99} {
			add([]int{m, 333}, "Gemm", floatProduct("Gemm", n, true, transB))
			add([]int{m, 333}, "Gemm", floatProduct("Gemm", n, false))
			add([]int{m, 131}, "MatMul", floatProduct("MatMul", n, false))
			add([]int{333, m}, "Gemm", floatProduct("Gemm", n, true, transA))
		}
	}
	add([]int{2, 3, 40}, "MatMul", floatProduct("MatMul", 24, false))
	add([]int{2, 1, 40}, "MatMul", floatProduct("MatMul", 24, false))
	return list
}

func floatConv1(out, k int) func(s *sketch, x *graph.Value) *graph.Value {
	return func(s *sketch, x *graph.Value) *graph.Value {
		return s.op("Conv", []graph.Attr{ints("strides", 2), ints("pads", 1, 2)}, s.pair(x, 0.013, 100, false), s.weights(0.37, 0, out, x.Shape[1], k), s.bias(0.005, out))
	}
}

// TestFloatLayers wants the bits of ONNX Runtime's sums where a layer of quantized weights stays float.
func TestFloatLayers(t *testing.T) {
	python(t)
	dir, cases := t.TempDir(), floatCases()
	var graphs []*graph.Graph
	var inputs []*tensor.Tensor
	var jobs []job
	for i, c := range cases {
		s := newSketch(uint64(i))
		x := s.AddInput("x", tensor.Float32, c.shape...)
		s.AddOutput(c.build(s, x))
		if err := op.Infer(s.Graph, nil); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		in, random := tensor.New(tensor.Float32, x.Shape...), rand.New(rand.NewPCG(7, uint64(i)))
		for k := range in.F32() {
			in.F32()[k] = 3*random.Float32() - 1.3
		}
		path := filepath.Join(dir, fmt.Sprint(i, ".onnx"))
		writeGraph(t, s.Graph, path)
		graphs, inputs = append(graphs, s.Graph), append(inputs, in)
		jobs = append(jobs, job{Model: path, Inputs: []map[string]array{write(t, dir, map[string]*tensor.Tensor{"x": in})}, Out: t.TempDir()})
	}
	b := *intsim.ByName("onnxruntime", "avx2")
	if strings.Contains(bestKernel(t), "avx512") {
		b.Arithmetic.Lanes = intsim.ByName("onnxruntime", "vnni").Arithmetic.Lanes
	}
	for i, real := range runReal(t, jobs) {
		p, err := intsim.Compile(graphs[i], &b, nil, intsim.Options{})
		if err != nil {
			t.Fatalf("%s: %v", cases[i].name, err)
		}
		got, err := p.Run(map[string]*tensor.Tensor{"x": inputs[i]}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range graphs[i].Outputs {
			if n, first := differing(got[v.Name], real[0][v.Name]); n > 0 {
				t.Errorf("%s of %s: %d of %d elements of %s differ: %s", cases[i].name, tensor.FormatShape(inputs[i].Shape), n, got[v.Name].Len(), v.Name, first)
			}
		}
	}
}
