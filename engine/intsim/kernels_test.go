package intsim_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"dropquant/engine/exec"
	"dropquant/engine/graph"
	"dropquant/engine/internal/testdata"
	"dropquant/engine/intsim"
	"dropquant/engine/op"
	"dropquant/engine/tensor"
)

// A nodeCase is one operator on codes, with its inputs: the first few are fed, the others constant.
type nodeCase struct {
	name, domain, op string
	feed             []*tensor.Tensor // nil where a constant follows
	constants        []*tensor.Tensor // beside feed: nil where fed, both nil where omitted
	attrs            []graph.Attr
}

// f32 and code are constants of one element.
func f32(v float32) *tensor.Tensor { return tensor.Scalar(v) }

func code(dt tensor.DType, v int) *tensor.Tensor {
	t := tensor.New(dt)
	tensor.Bytes(t)[0] = uint8(v)
	return t
}

// steps returns the codes 0…255 over and over, as bytes of dt.
func steps(dt tensor.DType, by func(i int) int, shape ...int) *tensor.Tensor {
	t := tensor.New(dt, shape...)
	for i := range tensor.Bytes(t) {
		tensor.Bytes(t)[i] = uint8(by(i))
	}
	return t
}

func low(i int) int  { return i }
func high(i int) int { return i >> 8 }

// random returns codes that lie at the ends of their range often.
func random(r *rand.Rand, dt tensor.DType, shape ...int) *tensor.Tensor {
	return steps(dt, func(int) int {
		if r.IntN(3) == 0 {
			return []int{0, 127, 128, 255}[r.IntN(4)]
		}
		return r.IntN(256)
	}, shape...)
}

// nodeCases are the operators of ONNX Runtime on all codes, and on all pairs of codes, with scales that make ties and such that do not.
func nodeCases() (list []nodeCase) {
	r := rand.New(rand.NewPCG(7, 8))
	add := func(name, domain, kind string, attrs []graph.Attr, in ...*tensor.Tensor) {
		c := nodeCase{name: kind + " " + name, domain: domain, op: kind, attrs: attrs}
		for i, x := range in {
			// Codes with a shape are fed, and weights and parameters constant.
			if x != nil && (i == 0 || len(x.Shape) > 0 && (kind == "QLinearAdd" || kind == "QLinearMul" || kind == "QLinearConcat" && x.DType != tensor.Float32)) {
				c.feed, c.constants = append(c.feed, x), append(c.constants, nil)
			} else {
				c.feed, c.constants = append(c.feed, nil), append(c.constants, x)
			}
		}
		list = append(list, c)
	}
	ms := "com.microsoft"
	for _, dt := range []tensor.DType{tensor.Uint8, tensor.Int8} {
		for k, s := range [][3]float32{{0.5, 0.25, 0.5}, {0.02, 0.04, 0.08}, {0.0173, 0.0291, 0.0377}, {0.05, 0.001, 0.06}} {
			name := fmt.Sprint(dt, " ", k)
			za, zb, zy := code(dt, 37*k), code(dt, 128-19*k), code(dt, 90*k)
			for _, kind := range []string{"QLinearAdd", "QLinearMul"} {
				add(name, ms, kind, nil, steps(dt, high, 1<<16), f32(s[0]), za, steps(dt, low, 1<<16), f32(s[1]), zb, f32(s[2]), zy)
				add(name+" broadcast right", ms, kind, nil, steps(dt, low, 1, 256, 4, 64), f32(s[0]), za, steps(dt, low, 1, 256, 1, 1), f32(s[1]), zb, f32(s[2]), zy)
				add(name+" broadcast left", ms, kind, nil, steps(dt, low, 256, 1), f32(s[0]), za, steps(dt, low, 256, 256), f32(s[1]), zb, f32(s[2]), zy)
			}
			add(name, ms, "QLinearSigmoid", nil, steps(dt, low, 256), f32(s[0]), za, f32(1.0/256), zy)
			add(name+" coarse", ms, "QLinearSigmoid", nil, steps(dt, low, 256), f32(s[1]), za, f32(s[2]/16), zy)
			add(name, ms, "QLinearLeakyRelu", []graph.Attr{{Name: "alpha", Value: float32(0.1)}}, steps(dt, low, 256), f32(s[0]), za, f32(s[1]), zy)
			add(name, ms, "QLinearConcat", []graph.Attr{{Name: "axis", Value: int64(0)}}, f32(s[2]), zy, steps(dt, low, 256), f32(s[0]), za, steps(dt, low, 256), f32(s[2]), zy)
			for _, area := range []int{1, 7, 49, 64} {
				add(fmt.Sprint(name, " ", area), ms, "QLinearGlobalAveragePool", nil, random(r, dt, 2, 13, area, 1), f32(s[0]), za, f32(s[1]), zy)
			}
			pool := []graph.Attr{{Name: "kernel_shape", Value: []int64{3, 2}}, {Name: "pads", Value: []int64{1, 0, 1, 1}}, {Name: "strides", Value: []int64{2, 1}}}
			add(name, ms, "QLinearAveragePool", pool, random(r, dt, 1, 5, 9, 8), f32(s[0]), za, f32(s[1]), zy)
			add(name+" with padding", ms, "QLinearAveragePool", append(pool[:3:3], graph.Attr{Name: "count_include_pad", Value: int64(1)}), random(r, dt, 1, 5, 9, 8), f32(s[0]), za, f32(s[1]), zy)
			add(name+" of the whole", ms, "QLinearAveragePool", []graph.Attr{{Name: "kernel_shape", Value: []int64{8, 8}}}, steps(dt, func(int) int { return r.IntN(12) }, 1, 999, 8, 8), f32(s[0]), code(dt, 0), f32(s[0]), code(dt, 0))
			soft := []graph.Attr{{Name: "axis", Value: int64(-1)}, {Name: "opset", Value: int64(13)}}
			add(name, ms, "QLinearSoftmax", soft, random(r, dt, 3, 17), f32(s[0]), za, f32(1.0/256), code(dt, map[tensor.DType]int{tensor.Uint8: 0, tensor.Int8: -128}[dt]))
		}
	}
	for _, c := range []struct {
		inC, outC, group, kh, kw int
		w                        tensor.DType
	}{{3, 16, 1, 3, 3, tensor.Int8}, {8, 16, 1, 1, 1, tensor.Int8}, {7, 5, 1, 1, 1, tensor.Int8}, {8, 24, 1, 3, 3, tensor.Int8}, {5, 17, 1, 2, 3, tensor.Int8},
		{16, 16, 16, 3, 3, tensor.Int8}, {12, 12, 12, 3, 3, tensor.Int8}, {12, 24, 12, 3, 3, tensor.Int8}, {12, 8, 4, 3, 3, tensor.Int8}, {6, 6, 2, 1, 1, tensor.Int8},
		{32, 32, 1, 3, 3, tensor.Uint8}, {4, 64, 1, 5, 5, tensor.Int8}} {
		attrs := []graph.Attr{{Name: "group", Value: int64(c.group)}, {Name: "pads", Value: []int64{1, 0, 1, 1}}, {Name: "strides", Value: []int64{1, 2}}}
		if c.kh == 1 {
			attrs = attrs[:1]
		}
		scales, zero := tensor.New(tensor.Float32, c.outC), tensor.New(c.w, c.outC)
		bias := tensor.New(tensor.Int32, c.outC)
		for i := range c.outC {
			scales.F32()[i], tensor.Data[int32](bias)[i] = 0.002+r.Float32()/100, int32(r.IntN(20000)-10000)
			if c.w == tensor.Uint8 {
				tensor.Bytes(zero)[i] = 128
			}
		}
		add(fmt.Sprint(c), "", "QLinearConv", attrs, random(r, tensor.Uint8, 2, c.inC, 6, 7), f32(0.02), code(tensor.Uint8, 113), random(r, c.w, c.outC, c.inC/c.group, c.kh, c.kw), scales, zero,
			f32(0.25), code(tensor.Uint8, 100), bias)
		add(fmt.Sprint(c, " per tensor"), "", "QLinearConv", attrs, random(r, tensor.Uint8, 1, c.inC, 6, 7), f32(0.02), code(tensor.Uint8, 0), random(r, c.w, c.outC, c.inC/c.group, c.kh, c.kw), f32(0.015625), code(c.w, int(tensor.Bytes(zero)[0])),
			f32(0.5), code(tensor.Uint8, 128), nil)
	}
	for _, c := range []struct{ m, k, n int }{{1, 64, 10}, {1, 37, 33}, {5, 37, 33}, {3, 8, 1}} {
		add(fmt.Sprint(c), "", "QLinearMatMul", nil, random(r, tensor.Uint8, c.m, c.k), f32(0.02), code(tensor.Uint8, 113), random(r, tensor.Int8, c.k, c.n), f32(0.0171), code(tensor.Int8, 0), f32(0.25), code(tensor.Uint8, 99))
		add(fmt.Sprint(c, " zero point"), "", "QLinearMatMul", nil, random(r, tensor.Uint8, c.m, c.k), f32(0.02), code(tensor.Uint8, 113), random(r, tensor.Int8, c.k, c.n), f32(0.0171), code(tensor.Int8, 5), f32(0.25), code(tensor.Uint8, 99))
		bias := tensor.New(tensor.Int32, c.n)
		for i := range c.n {
			tensor.Data[int32](bias)[i] = int32(r.IntN(20000) - 10000)
		}
		add(fmt.Sprint(c), "com.microsoft", "QGemm", []graph.Attr{{Name: "transB", Value: int64(1)}}, random(r, tensor.Uint8, c.m, c.k), f32(0.02), code(tensor.Uint8, 113), random(r, tensor.Int8, c.n, c.k), f32(0.0171), code(tensor.Int8, 0), bias)
		add(fmt.Sprint(c), "com.microsoft", "MatMulIntegerToFloat", nil, random(r, tensor.Uint8, c.m, c.k), random(r, tensor.Int8, c.k, c.n), f32(0.02), f32(0.0171), code(tensor.Uint8, 113), code(tensor.Int8, 0))
		add(fmt.Sprint(c), "", "MatMulInteger", nil, random(r, tensor.Uint8, c.m, c.k), random(r, tensor.Int8, c.k, c.n), code(tensor.Uint8, 113), code(tensor.Int8, 0))
	}
	for _, dt := range []tensor.DType{tensor.Uint8, tensor.Int8} {
		for _, mode := range []string{"half_pixel", "asymmetric"} { // of other factors than 2 the weights are rounded, and truncation shows the order of the sum, which is imitated too
			attrs := []graph.Attr{{Name: "mode", Value: "linear"}, {Name: "coordinate_transformation_mode", Value: mode}}
			add(fmt.Sprint(dt, " ", mode), "", "Resize", attrs, random(r, dt, 1, 4, 10, 8), nil, tensor.Of([]float32{1, 1, 2, 2}, 4))
			add(fmt.Sprint(dt, " ", mode, " by fractions"), "", "Resize", attrs, random(r, dt, 1, 40, 10, 8), nil, tensor.Of([]float32{1, 1, 1.7, 2.3}, 4))
		}
	}
	// Every tie of a quantizer, in a division that rounds: the codes of (k+½)·scale and of its neighbours.
	for _, s := range []float32{0.5, 0.06, 0.0371} {
		x := tensor.New(tensor.Float32, 3*600)
		for i := range x.F32() {
			x.F32()[i] = (float32(i/3-300) + 0.5) * s * (1 + float32(i%3-1)*0x1p-23)
		}
		for _, dt := range []tensor.DType{tensor.Uint8, tensor.Int8} {
			add(fmt.Sprint(s, " ", dt), "", "QuantizeLinear", nil, x, f32(s), code(dt, 17))
		}
	}
	return list
}

// graph returns the case as a model, and what it is fed.
func (c *nodeCase) graph(t *testing.T) (*graph.Graph, map[string]*tensor.Tensor) {
	t.Helper()
	g, feed := graph.New("kernel", 13), map[string]*tensor.Tensor{}
	var in []*graph.Value
	for i, x := range c.feed {
		switch {
		case x != nil:
			name := fmt.Sprintf("x%d", i)
			feed[name] = x
			in = append(in, g.AddInput(name, x.DType, x.Shape...))
		case c.constants[i] != nil:
			in = append(in, g.AddConst(fmt.Sprintf("c%d", i), c.constants[i]))
		default:
			in = append(in, nil)
		}
	}
	n := g.AddNode(c.op, "n", in, c.attrs, "y")
	n.Domain = c.domain
	g.SetOpset(c.domain, 1)
	g.AddOutput(n.Outputs[0])
	if err := op.Infer(g, nil); err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	return g, feed
}

// TestKernels runs every operator on codes in ONNX Runtime and here, and wants the same bits in each arithmetic of the processor.
func TestKernels(t *testing.T) {
	python(t)
	cases, dir, vnni := nodeCases(), t.TempDir(), testdata.Exact(t, python(t))
	for isa, precise := range arithmetics(t) {
		var jobs []job
		for i, c := range cases {
			g, feed := c.graph(t)
			path := filepath.Join(dir, fmt.Sprintf("%s-%d.onnx", isa, i))
			writeGraph(t, g, path)
			jobs = append(jobs, job{Model: path, Inputs: []map[string]array{write(t, dir, feed)}, Precise: precise, Out: t.TempDir()})
		}
		a := intsim.ByName("onnxruntime", isa).Arithmetic
		for i, real := range runReal(t, jobs) {
			g, feed := cases[i].graph(t)
			if precise && !vnni && exactOnlyThroughPairs[cases[i].op] {
				continue // nodes on codes are no Q/DQ pairs, whose weights the option makes unsigned
			}
			p, err := exec.Compile(g, nil, exec.Options{Arithmetic: a})
			if err != nil {
				t.Errorf("%s: %v", cases[i].name, err)
				continue
			}
			out, err := p.Run(feed, nil)
			if err != nil {
				t.Fatal(err)
			}
			if n, first := differing(out["y"], real[0]["y"]); n > 0 {
				t.Errorf("%s, %s: %d of %d differ: %s", isa, cases[i].name, n, out["y"].Len(), first)
			}
		}
	}
}

// exactOnlyThroughPairs are operators that session.x64quantprecision does not reach in a file of operators on codes.
var exactOnlyThroughPairs = map[string]bool{"QLinearConv": true, "QLinearMatMul": true, "QGemm": true, "MatMulIntegerToFloat": true, "MatMulInteger": true}
