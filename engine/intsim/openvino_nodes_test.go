package intsim_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"dropquant/engine/graph"
	"dropquant/engine/intsim"
	"dropquant/engine/tensor"
)

// sketch builds small graphs of pairs with weights that saturate and scales that put many sums next to a tie.
type sketch struct {
	*graph.Graph
	random *rand.Rand
}

func newSketch(seed uint64) *sketch {
	return &sketch{graph.New("sketch", 17), rand.New(rand.NewPCG(seed, 1))}
}

func (s *sketch) op(name string, attrs []graph.Attr, in ...*graph.Value) *graph.Value {
	return s.AddNode(name, name, in, attrs, name+"_out").Outputs[0]
}

// pair quantizes v and takes it back. Signed codes are 128 lower.
func (s *sketch) pair(v *graph.Value, scale float32, zero int, signed bool) *graph.Value {
	z := s.AddConst("zero", tensor.Scalar(uint8(zero)))
	if signed {
		z = s.AddConst("zero", tensor.Scalar(int8(zero-128)))
	}
	c := s.AddConst("scale", tensor.Scalar(scale))
	return s.op("DequantizeLinear", nil, s.op("QuantizeLinear", nil, v, c, z), c, z)
}

// weights are codes of the shape with a scale for each output, next to multiples of step.
func (s *sketch) weights(step float32, axis int, shape ...int) *graph.Value {
	w, scale, zero := tensor.New(tensor.Int8, shape...), tensor.New(tensor.Float32, shape[axis]), tensor.New(tensor.Int8, shape[axis])
	for i := range w.Len() {
		tensor.Data[int8](w)[i] = int8(s.random.IntN(255) - 127)
	}
	for i := range scale.F32() {
		scale.F32()[i] = step * []float32{0.5, 1.0 / 16, 0.25}[s.random.IntN(3)] * (1 + float32(s.random.IntN(5)-2)*0x1p-23)
	}
	return s.op("DequantizeLinear", []graph.Attr{{Name: "axis", Value: int64(axis)}}, s.AddConst("w", w), s.AddConst("w_scale", scale), s.AddConst("w_zero", zero))
}

// bias is next to multiples of step.
func (s *sketch) bias(step float32, n int) *graph.Value {
	b := tensor.New(tensor.Float32, n)
	for i := range b.F32() {
		b.F32()[i] = step * float32(s.random.IntN(80)-20) / 2 * (1 + float32(s.random.IntN(5)-2)*0x1p-23)
	}
	return s.AddConst("bias", b)
}

// norm is a BatchNormalization of n channels.
func (s *sketch) norm(x *graph.Value, n int) *graph.Value {
	in := []*graph.Value{x}
	for range 4 {
		v := tensor.New(tensor.Float32, n)
		for i := range v.F32() {
			v.F32()[i] = 0.3 + s.random.Float32()
		}
		in = append(in, s.AddConst("norm", v))
	}
	return s.op("BatchNormalization", nil, in...)
}

func ints(name string, v ...int64) graph.Attr { return graph.Attr{Name: name, Value: v} }

// conv is a convolution of the kernel k over pairs, with padding that keeps the size.
func (s *sketch) conv(x *graph.Value, step float32, in, out, k, group int, bias bool) *graph.Value {
	p := int64(k / 2)
	operands := []*graph.Value{x, s.weights(step, 0, out, in/group, k, k)}
	if bias {
		operands = append(operands, s.bias(step*0.013, out))
	}
	return s.op("Conv", []graph.Attr{ints("pads", p, p, p, p), {Name: "group", Value: int64(group)}}, operands...)
}

// TestOpenVINONodes compares small graphs: which products make a pair in each kernel of oneDNN, and in which steps codes are made.
func TestOpenVINONodes(t *testing.T) {
	python(t)
	var cases []deployed
	saturating := 0
	const in, out = 0.013, 0.371 // scales of the first input and of results
	for name, c := range map[string]struct {
		shape []int
		build func(s *sketch, x *graph.Value) *graph.Value
	}{
		"1x1, odd channels": {[]int{1, 17, 9, 9}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.pair(s.op("Relu", nil, s.conv(s.pair(x, in, 0, false), out/in, 17, 24, 1, 1, true)), 40*out, 0, false)
		}},
		"first layer, zero point": {[]int{1, 3, 11, 9}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.pair(s.conv(s.pair(x, in, 114, false), out/in, 3, 32, 3, 1, true), 40*out, 117, false)
		}},
		"signed": {[]int{1, 16, 8, 8}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.pair(s.conv(s.pair(x, in, 128, true), out/in, 16, 8, 3, 1, true), 60*out, 128, true)
		}},
		"no bias": {[]int{1, 8, 8, 8}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.pair(s.conv(s.pair(x, in, 120, false), out/in, 8, 16, 3, 1, false), 60*out, 99, false)
		}},
		"clip": {[]int{1, 8, 8, 8}, func(s *sketch, x *graph.Value) *graph.Value {
			clip := s.op("Clip", nil, s.conv(s.pair(x, in, 0, false), out/in, 8, 16, 3, 1, true), s.AddConst("lo", tensor.Scalar(float32(0))), s.AddConst("hi", tensor.Scalar(float32(6000*in))))
			return s.pair(clip, 0.5, 0, false)
		}},
		"normalized": {[]int{1, 8, 8, 8}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.pair(s.op("Relu", nil, s.norm(s.conv(s.pair(x, in, 120, false), out/in, 8, 16, 3, 1, false), 16)), 60*out, 0, false)
		}},
		"normalized behind a bias": {[]int{1, 8, 8, 8}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.pair(s.norm(s.conv(s.pair(x, in, 120, false), out/in, 8, 16, 1, 1, true), 16), 60*out, 99, false)
		}},
		"Concat of two scales, a pair of the second behind it": {[]int{1, 8, 8, 8}, func(s *sketch, x *graph.Value) *graph.Value {
			q := s.pair(x, in, 120, false)
			a := s.pair(s.op("Relu", nil, s.conv(q, out/in, 8, 16, 1, 1, true)), 60*out, 0, false)
			b := s.pair(s.op("Relu", nil, s.conv(q, out/in, 8, 16, 3, 1, true)), 77*out, 0, false)
			y := s.pair(s.op("Concat", []graph.Attr{{Name: "axis", Value: int64(1)}}, a, b), 77*out, 0, false)
			return s.pair(s.conv(y, 0.02, 32, 8, 1, 1, true), 900*out, 110, false)
		}},
		"depthwise": {[]int{1, 24, 8, 8}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.pair(s.op("LeakyRelu", nil, s.conv(s.pair(x, in, 7, false), out/in, 24, 24, 3, 24, true)), 8*out, 30, false)
		}},
		"groups of odd channels": {[]int{1, 12, 8, 8}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.pair(s.conv(s.pair(x, in, 3, false), out/in, 12, 16, 3, 4, true), 20*out, 100, false)
		}},
		"groups of long odd sums": {[]int{1, 58, 5, 5}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.pair(s.conv(s.pair(x, in, 3, false), out/in, 58, 16, 3, 2, true), 90*out, 100, false)
		}},
		"swish": {[]int{1, 8, 12, 12}, func(s *sketch, x *graph.Value) *graph.Value {
			y := s.conv(s.pair(x, in, 100, false), 0.0004, 8, 16, 1, 1, true)
			return s.pair(s.op("Mul", nil, y, s.op("Sigmoid", nil, y)), 0.02, 14, false)
		}},
		"hard swish of two operators": {[]int{1, 8, 12, 12}, func(s *sketch, x *graph.Value) *graph.Value {
			y := s.conv(s.pair(x, in, 100, false), 0.0004, 8, 16, 1, 1, true)
			return s.pair(s.op("Mul", nil, y, s.op("HardSigmoid", []graph.Attr{{Name: "alpha", Value: float32(1) / 6}}, y)), 0.02, 14, false)
		}},
		"product, long odd sums": {[]int{3, 385}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.op("Gemm", []graph.Attr{{Name: "transB", Value: int64(1)}}, s.pair(x, in, 9, false), s.weights(out/in, 0, 33, 385), s.bias(out, 33))
		}},
		"product of sequences, no bias": {[]int{1, 5, 40}, func(s *sketch, x *graph.Value) *graph.Value {
			y := s.pair(s.op("MatMul", nil, s.pair(x, in, 9, false), s.weights(out/in, 1, 40, 24)), 20*out, 117, false)
			return s.op("MatMul", nil, y, s.weights(1, 1, 24, 10))
		}},
		"means": {[]int{1, 64, 7, 7}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.pair(s.op("GlobalAveragePool", nil, s.pair(x, in, 100, false)), in/2, 90, false)
		}},
		"means less the input": {[]int{1, 16, 8, 8}, func(s *sketch, x *graph.Value) *graph.Value {
			y := s.op("AveragePool", []graph.Attr{ints("kernel_shape", 3, 3), ints("pads", 1, 1, 1, 1)}, s.pair(x, in, 100, false))
			return s.pair(s.op("Sub", nil, y, x), 0.0137, 128, false)
		}},
		"normalization of a sum of codes": {[]int{1, 5, 64}, func(s *sketch, x *graph.Value) *graph.Value {
			y := s.op("Add", nil, s.pair(x, in, 120, false), s.pair(s.op("Abs", nil, x), in/3, 11, false))
			y = s.op("LayerNormalization", []graph.Attr{{Name: "epsilon", Value: float32(0.5)}}, y, s.bias(1, 64), s.bias(1, 64))
			return s.op("MatMul", nil, s.pair(y, 0.2937, 117, false), s.weights(out/in, 1, 64, 24))
		}},
		"residual": {[]int{1, 16, 8, 8}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.residual(x, false, false, 110, 125, same)
		}},
		"residual, no bias": {[]int{1, 16, 8, 8}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.residual(x, true, false, 110, 125, same)
		}},
		"residual behind Relu": {[]int{1, 16, 8, 8}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.residual(x, false, false, 0, 0, func(y *graph.Value) *graph.Value { return s.op("Relu", nil, y) })
		}},
		"residual behind LeakyRelu": {[]int{1, 16, 8, 8}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.residual(x, false, false, 110, 125, func(y *graph.Value) *graph.Value { return s.op("LeakyRelu", nil, y) })
		}},
		"residual that ends in float": {[]int{1, 16, 8, 8}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.op("Relu", nil, s.added(x, false, false, 110, 125, same))
		}},
		"residual, Tanh and a pair": {[]int{1, 16, 8, 8}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.pair(s.op("Tanh", nil, s.added(x, false, false, 110, 125, same)), 0.008, 128, false)
		}},
		"residual behind a hard swish of two operators": {[]int{1, 16, 8, 8}, func(s *sketch, x *graph.Value) *graph.Value {
			y := s.added(x, false, false, 110, 125, same)
			return s.pair(s.op("Mul", nil, y, s.op("HardSigmoid", []graph.Attr{{Name: "alpha", Value: float32(1) / 6}}, y)), 0.0937, 3, false)
		}},
		"sum of codes that others read": {[]int{1, 16, 8, 8}, func(s *sketch, x *graph.Value) *graph.Value {
			a, b := s.pair(x, in, 120, false), s.pair(s.op("Abs", nil, x), in/3, 11, false)
			sum := s.pair(s.op("Add", nil, a, b), in, 100, false)
			u, v := s.conv(a, 1, 16, 8, 1, 1, true), s.conv(b, 1, 16, 8, 1, 1, true)
			return s.op("Concat", []graph.Attr{{Name: "axis", Value: int64(1)}}, s.conv(sum, 1, 16, 8, 1, 1, true), u, v)
		}},
		"signed residual": {[]int{1, 16, 8, 8}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.residual(x, false, true, 110, 125, same)
		}},
		"signed residual behind Relu": {[]int{1, 16, 8, 8}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.residual(x, false, true, 0, 0, func(y *graph.Value) *graph.Value { return s.op("Relu", nil, y) })
		}},
		"signed, and only signed codes are wanted": {[]int{1, 16, 8, 8}, func(s *sketch, x *graph.Value) *graph.Value {
			y := s.pair(s.conv(s.pair(x, in, 128, true), out/in, 16, 64, 1, 1, true), 10*out, 124, true)
			return s.op("Gemm", []graph.Attr{{Name: "transB", Value: int64(1)}}, s.op("Flatten", nil, y), s.weights(out/in, 0, 9, 64*64), s.bias(out, 9))
		}},
		"product of signed codes": {[]int{3, 385}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.op("Gemm", []graph.Attr{{Name: "transB", Value: int64(1)}}, s.pair(x, in, 119, true), s.weights(out/in, 0, 33, 385), s.bias(out, 33))
		}},
		"means of signed codes": {[]int{1, 64, 7, 7}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.pair(s.op("GlobalAveragePool", nil, s.pair(x, in, 100, true)), in/2, 90, true)
		}},
		"sum of signed codes": {[]int{1, 16, 8, 8}, func(s *sketch, x *graph.Value) *graph.Value {
			a, b := s.pair(x, in, 120, true), s.pair(s.op("Abs", nil, x), in/3, 11, true)
			return s.conv(s.pair(s.op("Add", nil, a, b), in, 100, true), 1, 16, 8, 1, 1, true)
		}},
		"sum of signed codes and such as others read": {[]int{1, 16, 8, 8}, func(s *sketch, x *graph.Value) *graph.Value {
			a, b := s.pair(x, 0.012345678, 107, true), s.pair(s.op("Abs", nil, x), 0.0051234567, 11, true)
			y := s.pair(s.op("Add", nil, a, b), 0.013, 100, true)
			return s.op("Concat", []graph.Attr{{Name: "axis", Value: int64(1)}}, s.conv(y, 1, 16, 8, 1, 1, true), s.conv(a, 1, 16, 8, 1, 1, true))
		}},
		"signed Concat": {[]int{1, 8, 8, 8}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.signedConcat(x, 0.05, 0.05, 128, 0)
		}},
		"signed Concat of two scales": {[]int{1, 8, 8, 8}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.signedConcat(x, 0.05, 0.031, 128, 0)
		}},
		"signed Concat with zero points": {[]int{1, 8, 8, 8}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.signedConcat(x, 0.05, 0.05, 100, 0)
		}},
		"signed Concat and a pair behind": {[]int{1, 8, 8, 8}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.signedConcat(x, 0.02, 0.03, 128, 0.04)
		}},
		"signed Concat of few whole numbers": {[]int{1, 8, 8, 8}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.signedConcat(x, 0.003, 0.003, 128, 0)
		}},
		"sum of codes": {[]int{1, 16, 8, 8}, func(s *sketch, x *graph.Value) *graph.Value {
			a, b := s.pair(x, in, 120, false), s.pair(s.op("Abs", nil, x), in/3, 11, false)
			return s.conv(s.pair(s.op("Add", nil, a, b), in, 100, false), 1, 16, 8, 1, 1, true)
		}},
	} {
		s := newSketch(3)
		x := s.AddInput("x", tensor.Float32, c.shape...)
		y := c.build(s, x)
		// Codes stay codes only where something in integers reads them.
		if y.Producer.Op == "DequantizeLinear" {
			y = s.conv(y, 1, s.channels(y), 8, 1, 1, true)
		}
		s.AddOutput(y)
		d := deployed{name: name, graph: s.Graph, byGemm: strings.HasPrefix(name, "groups of")}
		for range 3 {
			p := tensor.New(tensor.Float32, c.shape...)
			for i := range p.F32() {
				p.F32()[i] = in * float32(s.random.IntN(600)-200) / 2
			}
			d.inputs = append(d.inputs, p)
		}
		if d.saturates(t) {
			saturating++
		}
		cases = append(cases, d)
	}
	if saturating < len(cases)/2 {
		t.Errorf("pairs saturate in %d of %d graphs only", saturating, len(cases))
	}
	compareOpenVINO(t, cases)
}

// TestSignedConcats has ranges of so many whole numbers that pairs of products saturate with 128 added to the codes, and of more than fit
// 8 bits.
func TestSignedConcats(t *testing.T) {
	python(t)
	var cases []deployed
	for name, c := range map[string]struct {
		scale, behind float32
		zero          int
	}{
		"121 from 0": {0.476, 0, 0}, "121 around 0": {0.476, 0, 128}, "89 and a pair behind": {0.35, 0.35, 0}, "204": {0.8, 0.8, 0}, "306": {1.2, 1.2, 0},
	} {
		s := newSketch(3)
		x := s.AddInput("x", tensor.Float32, 1, 8, 8, 8)
		s.AddOutput(s.signedConcat(x, c.scale, c.scale, c.zero, c.behind))
		in := tensor.New(tensor.Float32, 1, 8, 8, 8)
		for i := range in.F32() {
			in.F32()[i] = c.scale * 1.3 * float32(s.random.IntN(256)-c.zero)
		}
		cases = append(cases, deployed{name: name, graph: s.Graph, inputs: []*tensor.Tensor{in}})
	}
	compareOpenVINO(t, cases)
}

// TestWithoutDefects wants signed codes behind a Concat to be the whole numbers that OpenVINO makes of them only where the backend has the
// defect: without it, it agrees with plain Q/DQ.
func TestWithoutDefects(t *testing.T) {
	s := newSketch(3)
	x := s.AddInput("x", tensor.Float32, 1, 8, 8, 8)
	s.AddOutput(s.signedConcat(x, 0.05, 0.05, 128, 0))
	in := tensor.New(tensor.Float32, 1, 8, 8, 8)
	for i := range in.F32() {
		in.F32()[i] = float32(s.random.IntN(2000)-1000) / 200
	}
	run := func(b *intsim.Backend) []float32 {
		p, err := intsim.Compile(s.Graph, b, nil, intsim.Options{})
		if err != nil {
			t.Fatal(err)
		}
		out, err := p.Run(map[string]*tensor.Tensor{"x": in}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return slices.Clone(out[s.Outputs[0].Name].F32())
	}
	want, seen := run(intsim.ByName("qdq", "")), intsim.ByName("openvino", "vnni")
	if db := sqnr(want, run(seen)); db > 25 {
		t.Errorf("with the defect %.1f dB are left, and whole numbers have less than 25", db)
	}
	if db := sqnr(want, run(seen.Without(intsim.SignedConcat))); db < 60 {
		t.Errorf("without the defect it agrees with Q/DQ to %.1f dB", db)
	}
}

// saturates reports whether the two kinds of processor give different outputs.
func (d *deployed) saturates(t *testing.T) bool {
	var sums [2]float64
	for k, isa := range []string{"vnni", "avx2"} {
		p, err := intsim.Compile(d.graph, intsim.ByName("openvino", isa), nil, intsim.Options{})
		if err != nil {
			t.Fatal(err)
		}
		out, err := p.Run(map[string]*tensor.Tensor{"x": d.inputs[0]}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range out[d.graph.Outputs[0].Name].F32() {
			sums[k] += float64(v) * float64(i%7)
		}
	}
	return sums[0] != sums[1]
}

// channels returns how many output channels the layer in front of v has.
func (s *sketch) channels(v *graph.Value) int {
	for n := v.Producer; n != nil; n = n.Inputs[0].Producer {
		if n.Op == "Conv" {
			return n.Inputs[1].Producer.Inputs[0].Const.Shape[0]
		}
		if n.Inputs[0].Producer == nil {
			return n.Inputs[0].Shape[1]
		}
	}
	panic(fmt.Sprint("bug: no layer in front of ", v.Name))
}

// signedConcat convolves signed pairs of x and of its absolute value side by side, behind another pair where behind is a scale.
func (s *sketch) signedConcat(x *graph.Value, a, b float32, zero int, behind float32) *graph.Value {
	y := s.op("Concat", []graph.Attr{{Name: "axis", Value: int64(1)}}, s.pair(x, a, zero, true), s.pair(s.op("Abs", nil, x), b, zero, true))
	if behind != 0 {
		y = s.pair(y, behind, zero, true)
	}
	return s.conv(y, 1, 16, 8, 1, 1, true)
}

// residual adds a convolution of x to a pair that a later layer reads too.
func (s *sketch) residual(x *graph.Value, noBias, signed bool, z1, z2 int, act func(*graph.Value) *graph.Value) *graph.Value {
	const scale = 0.05
	return s.pair(act(s.added(x, noBias, signed, z1, z2, act)), 2*scale, z2, signed)
}

// added is the sum of residual.
func (s *sketch) added(x *graph.Value, noBias, signed bool, z1, z2 int, act func(*graph.Value) *graph.Value) *graph.Value {
	const scale = 0.05
	skip := s.pair(x, 0.5*scale, 100, signed)
	y := s.pair(act(s.conv(skip, 0.01, 16, 16, 3, 1, !noBias)), 1.7*scale, z1, signed)
	y = s.pair(act(s.conv(y, 0.01, 16, 16, 1, 1, !noBias)), 1.3*scale, z2, signed)
	return s.op("Add", nil, y, skip)
}

func same(y *graph.Value) *graph.Value { return y }
