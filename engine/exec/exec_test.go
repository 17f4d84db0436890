package exec_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	engine "dropquant/engine/exec"
	"dropquant/engine/graph"
	"dropquant/engine/op"
	"dropquant/engine/tensor"
)

// fusions are graphs of opset 13 with the number of steps that they compile to.
var fusions = []struct {
	name  string
	steps int
	text  string
}{
	{"conv, norm, add, relu", 1, `
		input x float32[2,3,5,5]
		input r float32[2,4,5,5]
		const w float32[4,3,3,3] = seq -0.5 0.01
		const b float32[4] = seq -1 0.7
		const v float32[4] = seq 1 1
		c = Conv(x, w, b) {pads=[1,1,1,1]}
		n = BatchNormalization(c, b, v, b, v)
		s = Add(r, n)
		y = Relu(s)
		output y`},
	{"two convolutions into one add", 2, `
		input x float32[1,3,5,5]
		const w float32[4,3,1,1] = seq -0.5 0.1
		a = Conv(x, w)
		b = Conv(x, w)
		s = Add(a, b)
		y = Relu(s)
		output y`},
	{"an add of a value to itself", 2, `
		input x float32[1,3,5,5]
		const w float32[4,3,1,1] = seq -0.5 0.1
		a = Conv(x, w)
		y = Add(a, a)
		output y`},
	{"an add that broadcasts is not a residual", 2, `
		input x float32[1,3,5,5]
		const w float32[4,3,1,1] = seq -0.5 0.1
		const b float32[4,1,1] = seq -0.5 0.1
		a = Conv(x, w)
		y = Add(a, b)
		output y`},
	{"codes behind the sums and a Relu", 3, `
		input x float32[2,3,5,5]
		const s float32[1] = seq 0.01 0
		const z uint8[1] = seq 120 0
		const w int8[4,3,3,3] = seq -60 1
		const ws float32[4] = seq 0.0002 0.0001
		const b float32[4] = seq -0.5 0.3
		const f float32[1] = seq 90 0
		const h float32[1] = seq 0 0
		q = QuantizeLinear(x, s, z)
		c = dropquant:IntConv(q, z, w, _, ws, b) {pads=[1,1,1,1]}
		r = Relu(c)
		k = dropquant:Requantize(r, f, h) {fused=1}
		y = Cast(k) {to=1}
		output y`},
	{"codes behind the sums and a Clip", 3, `
		input x float32[2,3,5,5]
		const s float32[1] = seq 0.01 0
		const z uint8[1] = seq 120 0
		const w int8[4,3,3,3] = seq -60 1
		const ws float32[4] = seq 0.0002 0.0001
		const b float32[4] = seq -0.5 0.3
		const f float32[1] = seq 90 0
		const h float32[1] = seq 40.5 0
		q = QuantizeLinear(x, s, z)
		c = dropquant:IntConv(q, z, w, _, ws, b) {pads=[1,1,1,1]}
		const lo float32[] = seq -0.25 0
		const up float32[] = seq 1.5 0
		r = Clip(c, lo, up)
		k = dropquant:Requantize(r, f, h) {lo=7, hi=200}
		y = Cast(k) {to=1}
		output y`},
	{"codes of sums shifted in one rounding", 3, `
		input x float32[2,3,5,5]
		const s float32[1] = seq 0.01 0
		const z uint8[1] = seq 120 0
		const w int8[4,3,3,3] = seq -60 1
		const ws float32[4] = seq 0.0002 0.0001
		const b float32[4] = seq -0.5 0.3
		const f float32[1] = seq 90 0
		const h float32[1] = seq 40.5 0
		q = QuantizeLinear(x, s, z)
		c = dropquant:IntConv(q, z, w, _, ws, b) {pads=[1,1,1,1]}
		r = Relu(c)
		k = dropquant:Requantize(r, f, h) {fused=1}
		y = Cast(k) {to=1}
		output y`},
	{"codes of Swish", 3, `
		input x float32[2,3,5,5]
		const s float32[1] = seq 0.01 0
		const z uint8[1] = seq 120 0
		const w int8[4,3,3,3] = seq -60 1
		const ws float32[4] = seq 0.0002 0.0001
		const b float32[4] = seq -0.5 0.3
		const f float32[1] = seq 90 0
		const h float32[1] = seq 40.5 0
		q = QuantizeLinear(x, s, z)
		c = dropquant:IntConv(q, z, w, _, ws, b) {pads=[1,1,1,1]}
		r = dropquant:Swish(c)
		k = dropquant:Requantize(r, f, h) {fused=1}
		y = Cast(k) {to=1}
		output y`},
	{"codes by division behind a sum", 3, `
		input x float32[2,3,5,5]
		const s float32[1] = seq 0.01 0
		const z uint8[1] = seq 120 0
		const w int8[4,3,3,3] = seq -60 1
		const ws float32[4] = seq 0.0002 0.0001
		const b float32[4] = seq -0.5 0.3
		input a float32[2,4,5,5]
		const t float32[] = seq 0.02 0
		const i int8[] = seq -100 0
		q = QuantizeLinear(x, s, z)
		c = dropquant:IntConv(q, z, w, _, ws, b) {pads=[1,1,1,1]}
		d = Add(a, c)
		r = Relu(d)
		k = QuantizeLinear(r, t, i)
		y = Cast(k) {to=1}
		output y`},
	{"codes by division behind SiLU", 3, `
		input x float32[2,3,5,5]
		const s float32[1] = seq 0.01 0
		const z uint8[1] = seq 120 0
		const w int8[4,3,3,3] = seq -60 1
		const ws float32[4] = seq 0.0002 0.0001
		const b float32[4] = seq -0.5 0.3
		const t float32[] = seq 0.02 0
		q = QuantizeLinear(x, s, z)
		c = dropquant:IntConv(q, z, w, _, ws, b) {pads=[1,1,1,1]}
		g = Sigmoid(c)
		r = Mul(c, g)
		k = QuantizeLinear(r, t, z)
		y = Cast(k) {to=1}
		output y`},
	{"sums that are activated and stay real", 2, `
		input x float32[2,3,5,5]
		const s float32[1] = seq 0.01 0
		const z uint8[1] = seq 120 0
		const w int8[4,3,3,3] = seq -60 1
		const ws float32[4] = seq 0.0002 0.0001
		const b float32[4] = seq -0.5 0.3
		q = QuantizeLinear(x, s, z)
		c = dropquant:IntConv(q, z, w, _, ws, b) {pads=[1,1,1,1]}
		y = LeakyRelu(c)
		output y`},
	{"codes of sums of weights with zero points", 5, `
		input x float32[2,3,5,5]
		const s float32[1] = seq 0.01 0
		const z uint8[1] = seq 120 0
		const w int8[4,3,3,3] = seq -60 1
		const ws float32[4] = seq 0.0002 0.0001
		const b float32[4] = seq -0.5 0.3
		const wz int8[4] = seq -1 1
		const f float32[1] = seq 90 0
		const h float32[1] = seq 40 0
		q = QuantizeLinear(x, s, z)
		c = dropquant:IntConv(q, z, w, wz, ws, b) {pads=[1,1,1,1]}
		r = Relu(c)
		k = dropquant:Requantize(r, f, h) {fused=1}
		y = Cast(k) {to=1}
		output y`},
	{"a gate of codes", 3, `
		input x float32[2,3,5,5]
		const s float32[] = seq 0.03 0
		const z uint8[] = seq 120 0
		const t float32[] = seq 0.004 0
		const u float32[] = seq 0.02 0
		const v uint8[] = seq 15 0
		q = QuantizeLinear(x, s, z)
		g = com.microsoft:QLinearSigmoid(q, s, z, t, v)
		m = com.microsoft:QLinearMul(q, s, z, g, t, v, u, v)
		y = DequantizeLinear(m, u, v)
		output y`},
	{"a gate of codes on the left that another reads", 4, `
		input x float32[2,3,5,5]
		const s float32[] = seq 0.03 0
		const z int8[] = seq -8 0
		const t float32[] = seq 0.004 0
		const u float32[] = seq 0.02 0
		const v int8[] = seq -113 0
		q = QuantizeLinear(x, s, z)
		g = com.microsoft:QLinearSigmoid(q, s, z, t, v)
		m = com.microsoft:QLinearMul(g, t, v, q, s, z, u, v)
		y = DequantizeLinear(m, u, v)
		output y
		k = DequantizeLinear(q, s, z)
		output k`},
	{"conv that an output shows", 2, `
		input x float32[1,3,5,5]
		const w float32[4,3,1,1] = seq -0.5 0.1
		c = Conv(x, w)
		y = Relu(c)
		output y
		output c`},
	{"silu", 1, `
		input x float32[1,3,5,5]
		const w float32[4,3,1,1] = seq -0.5 0.1
		c = Conv(x, w)
		s = Sigmoid(c)
		y = Mul(s, c)
		output y`},
	{"silu of a value that others read", 3, `
		input x float32[1,3,5,5]
		const w float32[4,3,1,1] = seq -0.5 0.1
		c = Conv(x, w)
		s = Sigmoid(c)
		m = Mul(s, c)
		y = Sub(m, c)
		output y`},
	{"hard swish in parts", 1, `
		input x float32[1,3,5,5]
		const w float32[4,3,1,1] = seq -0.5 0.3
		c = Conv(x, w)
		s = HardSigmoid(c) {alpha=0.16666667, beta=0.5}
		y = Mul(c, s)
		output y`},
	{"gelu in parts behind a convolution", 1, `
		input x float32[1,3,5,5]
		const w float32[4,3,1,1] = seq -0.5 0.3
		const r float32[] = {1.4142135}
		const one float32[1] = {1}
		const half float32[] = {0.5}
		c = Conv(x, w)
		d = Div(c, r)
		e = Erf(d)
		a = Add(e, one)
		m = Mul(c, a)
		y = Mul(m, half)
		output y`},
	{"gelu with its half first, and another that is none", 2, `
		input x float32[2,6]
		const r float32[] = {0.70710677}
		const one float32[] = {1}
		const half float32[] = {0.5}
		h = Mul(x, half)
		d = Mul(x, r)
		e = Erf(d)
		a = Add(one, e)
		y = Mul(h, a)
		z = Neg(x)
		output y
		output z`},
	{"gelu that shows its erf, and of another factor", 9, `
		input x float32[2,6]
		const r float32[] = {1.4142135}
		const s float32[] = {1.5}
		const one float32[] = {1}
		const half float32[] = {0.5}
		d = Div(x, r)
		e = Erf(d)
		a = Add(e, one)
		m = Mul(x, a)
		y = Mul(m, half)
		f = Div(x, s)
		g = Erf(f)
		h = Add(g, one)
		n = Mul(x, h)
		output y
		output e
		output n`},
	{"gemm", 1, `
		input x float32[2,6]
		const w float32[5,6] = seq -1 0.1
		const b float32[5] = seq -1 0.5
		g = Gemm(x, w, b) {transB=1}
		y = Clip(g)
		output y`},
	{"matmul of many rows", 2, `
		input x float32[3,7,6]
		const w float32[6,5] = seq -1 0.1
		m = MatMul(x, w)
		y = Relu(m)
		output y`},
	{"views share memory and are not overwritten", 5, `
		input x float32[2,6]
		const s int64[1] = {-1}
		r = Relu(x)
		f = Reshape(r, s)
		n = Neg(r)
		g = Reshape(n, s)
		y = Add(f, g)
		output y
		output f`},
	{"an input that is an output", 1, `
		input x float32[2,6]
		y = Identity(x)
		output y
		output x`},
	{"a chain runs in place", 3, `
		input x float32[2,6]
		a = Exp(x)
		b = Neg(a)
		y = Add(b, b)
		output y`},
	{"a transposed view beside itself", 3, `
		input x float32[4,4]
		a = Exp(x)
		t = Transpose(a)
		y = Mul(a, t)
		output y`},
	{"quantize and dequantize, read twice", 3, `
		input x float32[1,2,3]
		const s float32[] = {0.02}
		const z uint8[] = {120}
		q = QuantizeLinear(x, s, z)
		a = DequantizeLinear(q, s, z)
		b = DequantizeLinear(q, s, z)
		y = Sub(a, b)
		output y
		output a`},
	{"per channel", 1, `
		input x float32[1,2,3]
		const s float32[2] = {0.02 0.5}
		const z int8[2] = {0 3}
		q = QuantizeLinear(x, s, z) {axis=1}
		y = DequantizeLinear(q, s, z) {axis=1}
		output y`},
	{"other parameters are not undone", 2, `
		input x float32[1,2,3]
		const s float32[] = {0.02}
		const u float32[] = {0.03}
		const z uint8[] = {120}
		q = QuantizeLinear(x, s, z)
		y = DequantizeLinear(q, u, z)
		output y`},
	{"int8 weights become packed floats", 1, `
		input x float32[1,3,5,5]
		const q int8[4,3,1,1] = {1 2 3 4 5 6 -7 -8 -9 10 11 127}
		const s float32[4] = {0.1 0.2 0.3 0.4}
		const z int8[4] = {0 0 0 0}
		w = DequantizeLinear(q, s, z) {axis=0}
		y = Conv(x, w)
		output y`},
	{"shapes are not computed twice", 1, `
		input x float32[2,3,4]
		const one int64[1] = {1}
		const all int64[1] = {-1}
		s = Shape(x)
		d = Gather(s, one)
		t = Concat(d, all) {axis=0}
		y = Reshape(x, t)
		output y`},
	{"a constant output", 0, `
		input x float32[2]
		const c float32[2] = {1 2}
		y = Neg(c)
		output y`},
	{"what nobody reads is not computed", 1, `
		input x float32[2]
		a = Exp(x)
		y = Neg(x)
		output y`},
}

func parse(t testing.TB, text string) *graph.Graph {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	g, err := graph.Parse("graph \"test\" opset 13, dropquant 1\n" + strings.Join(lines, "\n") + "\n")
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// inputs gives every input of g numbers in [-1, 1) that depend on the seed.
func inputs(g *graph.Graph, seed int) map[string]*tensor.Tensor {
	in := map[string]*tensor.Tensor{}
	for k, v := range g.Inputs {
		x := tensor.New(tensor.Float32, v.Shape...)
		for i := range x.F32() {
			x.F32()[i] = float32((i+1)*(seed+k+1)*40503%65536)/32768 - 1
		}
		in[v.Name] = x
	}
	return in
}

// TestFusion runs every graph fused and with every value watched, twice on each, and wants the same
// results and the inputs untouched.
func TestFusion(t *testing.T) {
	for _, c := range fusions {
		t.Run(c.name, func(t *testing.T) {
			g := parse(t, c.text)
			steps := 0
			closed, err := engine.Compile(g, nil, engine.Options{Progress: func(_ string, _, of int) { steps = of }})
			if err != nil {
				t.Fatal(err)
			}
			watch := map[*graph.Value]bool{}
			for _, n := range g.Nodes {
				for _, v := range n.Outputs {
					watch[v] = true
				}
			}
			open, err := engine.Compile(g, nil, engine.Options{Watch: watch})
			if err != nil {
				t.Fatal(err)
			}
			for seed := range 2 {
				in, pristine := inputs(g, seed), inputs(g, seed)
				got, err := closed.Run(in, nil)
				if err != nil {
					t.Fatal(err)
				}
				plain := direct(t, g, in)
				want, err := open.Run(in, func(v *graph.Value, x *tensor.Tensor) {
					if d := difference(x, plain[v]); !(d < 1e-5) {
						t.Errorf("watched %s is off by %g", v.Name, d)
					}
				})
				if err != nil {
					t.Fatal(err)
				}
				for _, v := range g.Outputs {
					if d := difference(got[v.Name], plain[v]); !(d < 1e-5) {
						t.Errorf("seed %d: fused %s is off by %g", seed, v.Name, d)
					}
					if d := difference(want[v.Name], plain[v]); !(d < 1e-5) {
						t.Errorf("seed %d: watched %s is off by %g", seed, v.Name, d)
					}
				}
				for name, x := range in {
					if !slices.Equal(x.F32(), pristine[name].F32()) {
						t.Errorf("input %s was written to", name)
					}
				}
			}
			if steps != c.steps {
				t.Errorf("it compiles to %d steps, not %d", steps, c.steps)
			}
		})
	}
}

// direct computes a graph node by node, each into memory of its own.
func direct(t *testing.T, g *graph.Graph, in map[string]*tensor.Tensor) map[*graph.Value]*tensor.Tensor {
	t.Helper()
	r, err := op.Resolve(g, nil)
	if err != nil {
		t.Fatal(err)
	}
	values := map[*graph.Value]*tensor.Tensor{}
	for _, v := range g.Inputs {
		values[v] = in[v.Name]
	}
	for i, n := range g.Nodes {
		var args []*tensor.Tensor
		for _, v := range n.Inputs {
			switch {
			case v == nil:
				args = append(args, nil)
			case v.Const != nil:
				args = append(args, v.Const)
			default:
				args = append(args, values[v])
			}
		}
		out, err := r.Calls[i].Eval(args)
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range n.Outputs {
			values[v] = out[k]
		}
	}
	return values
}

func TestBatch(t *testing.T) {
	const text = `
		input x float32[?,3,8,8]
		const w float32[6,3,3,3] = seq -1 0.01
		const d float32[6,1,3,3] = seq -1 0.03
		const f float32[4,6] = seq -1 0.1
		c = Conv(x, w) {strides=[2,2], pads=[1,1,1,1]}
		r = Relu(c)
		e = Conv(r, d) {group=6, pads=[1,1,1,1]}
		s = Add(e, r)
		p = GlobalAveragePool(s)
		q = Flatten(p)
		y = Gemm(q, f) {transB=1}
		output y`
	g := parse(t, text)
	one, err := engine.Compile(g, map[string][]int{"x": {1, 3, 8, 8}}, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{2, 5} {
		many, err := engine.Compile(g, map[string][]int{"x": {n, 3, 8, 8}}, engine.Options{})
		if err != nil {
			t.Fatal(err)
		}
		x := ramp([]int{n, 3, 8, 8})
		got, err := many.Run(map[string]*tensor.Tensor{"x": x}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			want, err := one.Run(map[string]*tensor.Tensor{"x": x.Slice(i*192, 1, 3, 8, 8)}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if d := difference(got["y"].Slice(i*4, 1, 4), want["y"]); !(d < 1e-5) {
				t.Errorf("image %d of %d is off by %g", i, n, d)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	g := parse(t, `
		input x float32[1,3,2000,2000]
		y = Relu(x)
		z = Transpose(y)
		output z`)
	_, err := engine.Compile(g, nil, engine.Options{MaxMemory: 50 << 20})
	want := "running the model takes about 91 MB of memory and 50 MB are available: use smaller images or a smaller model"
	if err == nil || err.Error() != want {
		t.Errorf("error %v", err)
	}
	grown := parse(t, `
		input x float32[1]
		const s int64[3] = {1000 1000 2000}
		c = ConstantOfShape(s)
		d = Neg(c)
		r = ReduceSum(d) {keepdims=0}
		y = Add(x, r)
		output y`)
	want = "the constants of the model grow to 15258 MB when they are computed: simplify the model"
	if _, err := engine.Compile(grown, nil, engine.Options{}); err == nil || err.Error() != want {
		t.Errorf("error %v", err)
	}
	p, err := engine.Compile(g, map[string][]int{"x": {1, 3, 4, 4}}, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		in   map[string]*tensor.Tensor
		want string
	}{
		{nil, `input "x": no tensor is given for it`},
		{map[string]*tensor.Tensor{"x": tensor.New(tensor.Float32, 1, 3, 5, 4)}, `input "x" is float32[1,3,5,4] where float32[1,3,4,4] was announced`},
		{map[string]*tensor.Tensor{"x": tensor.New(tensor.Uint8, 1, 3, 4, 4)}, `input "x" is uint8[1,3,4,4] where float32[1,3,4,4] was announced`},
	} {
		if _, err := p.Run(c.in, nil); err == nil || err.Error() != c.want {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
}

// TestFusionOfModels compares, without any other runtime, each model fused with each model watched.
func TestFusionOfModels(t *testing.T) {
	for _, m := range models {
		t.Run(m.name, func(t *testing.T) {
			g := load(t, m.name)
			watch := map[*graph.Value]bool{}
			for _, n := range g.Nodes {
				for _, v := range n.Outputs {
					watch[v] = true
				}
			}
			in := map[string]*tensor.Tensor{g.Inputs[0].Name: ramp(m.shape)}
			want, err := compile(t, g, m.shape, engine.Options{Watch: watch}).Run(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			p := compile(t, g, m.shape, engine.Options{})
			for range 2 {
				got, err := p.Run(in, nil)
				if err != nil {
					t.Fatal(err)
				}
				for name, x := range got {
					if d := difference(x, want[name]); !(d < 1e-4) {
						t.Errorf("output %s is off by %g", name, d)
					}
				}
			}
			if n := testing.AllocsPerRun(1, func() {
				if _, err := p.Run(in, nil); err != nil {
					t.Fatal(err)
				}
			}); n > 16 {
				t.Errorf("%g allocations for an image", n)
			}
		})
	}
}

// TestDeterministic wants the same bits from two programs of the same graph.
func TestDeterministic(t *testing.T) {
	g := load(t, "mobilenet_v2")
	in := map[string]*tensor.Tensor{"input": ramp([]int{1, 3, 224, 224})}
	var bits []string
	for range 2 {
		p := compile(t, g, []int{1, 3, 224, 224}, engine.Options{})
		out, err := p.Run(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, y := range out {
			s := fmt.Sprint(p.Memory())
			for _, v := range y.F32() {
				s += fmt.Sprintf(" %x", math.Float32bits(v))
			}
			bits = append(bits, s)
		}
	}
	if bits[0] != bits[1] {
		t.Error("two programs give different bits")
	}
}
