package intsim

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"dropquant/engine/exec"
	"dropquant/engine/graph"
	"dropquant/engine/kernel"
	"dropquant/engine/op"
	"dropquant/engine/tensor"
)

// kernelInputs says at which inputs a kernel has what; −1 where it has none.
type kernelInputs struct {
	x, xScale, xZero, w, wScale, wZero int
	bias                               int
	scale                              int // of the sum, where the operator is given it
	yScale, yZero                      int // of codes
	integer                            bool
}

var floatInputs = kernelInputs{0, -1, -1, 1, -1, -1, 2, -1, -1, -1, false}

// tracedKernels lists the kernels whose elements can be traced.
var tracedKernels = map[string]kernelInputs{
	"QLinearConv":          {0, 1, 2, 3, 4, 5, 8, -1, 6, 7, true},
	"QLinearMatMul":        {0, 1, 2, 3, 4, 5, -1, -1, 6, 7, true},
	"QGemm":                {0, 1, 2, 3, 4, 5, 6, -1, 7, 8, true},
	"MatMulIntegerToFloat": {0, 2, 4, 1, 3, 5, 6, -1, -1, -1, true},
	"IntConv":              {0, -1, 1, 2, -1, 3, 5, 4, -1, -1, true},
	"IntMatMul":            {0, -1, 1, 2, -1, 3, 5, 4, -1, -1, true},
	"Conv":                 floatInputs,
	"Gemm":                 floatInputs,
	"MatMul":               floatInputs,
	"OrderedConv":          floatInputs,
	"OrderedGemm":          floatInputs,
	"OrderedMatMul":        floatInputs,
}

// constant returns the elements of a constant input, or of one that only constants give, as weights behind a DequantizeLinear
// in plain Q/DQ; nil when there are none.
func (t *tracer) constant(n *graph.Node, i int) *tensor.Tensor {
	if i < 0 || n.Input(i) == nil {
		return nil
	}
	v := n.Input(i)
	if v.Const != nil || v.Producer == nil || v.Producer.Op != "DequantizeLinear" {
		return v.Const
	}
	if t.made[v] == nil {
		t.made[v] = t.evaluate(v.Producer)
	}
	return t.made[v]
}

// evaluate computes a node of constant inputs; nil when it has others.
func (t *tracer) evaluate(n *graph.Node) *tensor.Tensor {
	in := make([]*tensor.Tensor, len(n.Inputs))
	for i, v := range n.Inputs {
		if v == nil {
			continue
		}
		if in[i] = v.Const; in[i] == nil {
			return nil
		}
	}
	out, err := t.calls[n].Eval(in)
	if err != nil {
		return nil
	}
	return out[0]
}

// pick returns the element of a parameter that serves channel c, or a default.
func pick(t *tensor.Tensor, c int, otherwise float64) float64 {
	if t == nil {
		return otherwise
	}
	return number(t, min(c, t.Len()-1))
}

// kernel writes down the terms and the steps of the kernel itself.
func (t *tracer) kernel(c, y, x int) error {
	n := t.chain[0]
	f := tracedKernels[n.Op]
	t.path.Kernel, t.path.Integer = strings.TrimPrefix(n.Op, "Ordered"), f.integer
	window, err := t.window(n, c, y, x)
	if err != nil {
		return err
	}
	if f.integer {
		window = cut(window, t.adding(n))
	}
	if !f.integer {
		return t.floatKernel(n, f, window, c)
	}
	xs, xz := t.scaleOf(n, f.x, f.xScale, 0), int32(pick(t.constant(n, f.xZero), 0, 0))
	ws, wz := t.scaleOf(n, f.w, f.wScale, c), int32(pick(t.constant(n, f.wZero), c, 0))
	in, w := t.seen[n.Inputs[0]], t.constant(n, f.w)
	codes, weights := tensor.New(in.DType, 1, len(window), 1, 1), tensor.New(w.DType, 1, len(window), 1, 1)
	raw := 0.0
	for i, s := range window {
		term := Term{Channel: s.c, Y: s.y, X: s.x, Padding: s.input < 0, XCode: xz}
		if s.weight >= 0 {
			term.WCode = int32(number(w, s.weight))
			if s.input >= 0 {
				term.XCode = int32(number(in, s.input))
			}
		}
		tensor.Bytes(codes)[i], tensor.Bytes(weights)[i] = uint8(term.XCode), uint8(term.WCode)
		if s.weight < 0 { // a slot that the runtime pads the channels with
			tensor.Bytes(weights)[i] = uint8(wz)
			term.WCode = wz
		}
		term.Product = term.XCode * term.WCode
		term.Input, term.Weight = float32(term.XCode-xz)*float32(xs), float32(term.WCode-wz)*float32(ws)
		raw += float64(term.Product)
		t.path.Terms = append(t.path.Terms, term)
	}
	adding := t.adding(n)
	exact, err := sum(codes, weights, t.constant(n, f.xZero), wz, op.Adding{})
	if err != nil {
		return err
	}
	got, err := sum(codes, weights, t.constant(n, f.xZero), wz, adding)
	if err != nil {
		return err
	}
	t.step(StepProducts, fmt.Sprintf("sum of %d products of codes", len(window)), raw)
	if got != exact {
		t.pairs(in.DType)
		t.step(StepSaturation, fmt.Sprintf("%d sums of two products do not fit 16 bits", len(t.path.Pairs)), float64(got-exact))
	}
	t.step(StepZero, fmt.Sprintf("zero points %d and %d", xz, wz), float64(exact)-raw)
	t.step(StepSum, "in 32 bits", float64(got))
	return t.epilogue(n, f, got, c, xs, ws)
}

// scaleOf returns the scale of the codes at input i for channel c: of the input that holds it, or what the codes are known to
// stand for; 0 when that is not known.
func (t *tracer) scaleOf(n *graph.Node, i, at, c int) float64 {
	if at >= 0 {
		return pick(t.constant(n, at), c, 0)
	}
	for _, name := range slices.Sorted(maps.Keys(t.lowered.codes)) {
		if known := t.lowered.codes[name]; known.value == n.Inputs[i] {
			return float64(known.params.Scale[min(c, len(known.params.Scale)-1)])
		}
	}
	return 0
}

// epilogue writes down what the kernel makes of the sum, and checks that it is what the run gave.
func (t *tracer) epilogue(n *graph.Node, f kernelInputs, total int32, c int, xs, ws float64) error {
	bias := t.constant(n, f.bias)
	if bias != nil && bias.DType == tensor.Int32 {
		b := int32(pick(bias, c, 0))
		total += b // wraps, as the processor's
		t.step(StepBias, "bias in units of the product of both scales", float64(b))
		t.step(StepTotal, "sum with its bias", float64(total))
	}
	scale, text := float32(pick(t.constant(n, f.scale), c, 0)), "scales of input and weights"
	if f.scale < 0 {
		scale = float32(float32(n.Float("alpha", 1)*float32(xs)) * float32(ws))
	}
	ys := t.constant(n, f.yScale)
	if ys != nil {
		scale, text = scale/ys.F32()[0], "scales of input and weights over that of the result"
	}
	t.step(StepScale, text, float64(scale))
	real := float32(total) * scale
	if bias != nil && bias.DType == tensor.Float32 {
		t.step(StepScaled, "in 32-bit float", float64(real))
		b := float32(pick(bias, c, 0))
		real += b
		t.step(StepFloatBias, "bias in float", float64(b))
	}
	t.step(StepReal, "in 32-bit float", float64(real))
	value := float64(real)
	if ys != nil {
		yz, lo, hi := pick(t.constant(n, f.yZero), 0, 0), 0.0, 255.0
		if t.constant(n, f.yZero).DType == tensor.Int8 {
			lo, hi = -128, 127
		}
		value = min(max(math.RoundToEven(value)+yz, lo), hi)
		t.step(StepCode, fmt.Sprintf("rounded half to even, plus the zero point %v, within %v to %v", yz, lo, hi), value)
	}
	if ran := t.element(n.Outputs[0]); ran != value {
		return fmt.Errorf("bug: the path of %q ends at %v and the simulator at %v", n.Name, value, ran)
	}
	return nil
}

// floatKernel writes down the path of an element in float.
func (t *tracer) floatKernel(n *graph.Node, f kernelInputs, window []slot, c int) error {
	in, w := t.seen[n.Inputs[0]].F32(), t.constant(n, f.w).F32()
	total := 0.0
	for _, s := range window {
		term := Term{Channel: s.c, Y: s.y, X: s.x, Padding: s.input < 0, Weight: w[s.weight]}
		if s.input >= 0 {
			term.Input = in[s.input]
		}
		total += float64(term.Input) * float64(term.Weight)
		t.path.Terms = append(t.path.Terms, term)
	}
	t.step(StepScaled, fmt.Sprintf("sum of %d products", len(window)), total)
	if bias := t.constant(n, f.bias); bias != nil {
		t.step(StepFloatBias, "bias in float", pick(bias, c, 0))
	}
	if other := n.Input(3); other != nil {
		t.step(StepFloatBias, "the other operand of the addition behind it, with which the sum begins", t.element(other))
	}
	t.step(StepReal, "in 32-bit float", t.element(n.Outputs[0]))
	return nil
}

// sum adds products up with the simulator's operator: a convolution of one element, whose channels are the terms.
func sum(x, w, xZero *tensor.Tensor, wz int32, adding op.Adding) (int32, error) {
	g := graph.New("sum", 13)
	in := g.AddInput("x", x.DType, x.Shape...)
	wZero := tensor.New(w.DType)
	tensor.Bytes(wZero)[0] = uint8(wz)
	if xZero == nil {
		xZero = tensor.New(x.DType)
	}
	n := g.AddNode("ConvInteger", "sum", []*graph.Value{in, g.AddConst("w", w), g.AddConst("xz", xZero.Reshape()), g.AddConst("wz", wZero)}, nil, "y")
	g.AddOutput(n.Outputs[0])
	p, err := exec.Compile(g, nil, exec.Options{Arithmetic: op.Arithmetic{Conv: op.Adding{Sums: adding.Sums, Block: 1}}})
	if err != nil {
		return 0, err
	}
	out, err := p.Run(map[string]*tensor.Tensor{"x": x}, nil)
	if err != nil {
		return 0, err
	}
	return tensor.Data[int32](out["y"])[0], nil
}

// adding returns how the products of n add up.
func (t *tracer) adding(n *graph.Node) op.Adding {
	a := t.b.Arithmetic
	if n.Op != "QLinearConv" && n.Op != "IntConv" {
		return a.MatMul
	}
	w, group := t.constant(n, tracedKernels[n.Op].w), n.Int("group", 1)
	if in := t.types[n.Inputs[0]].Shape; group > 1 && group == in[1] && group == w.Shape[0] {
		return a.Depthwise
	}
	if group > 1 {
		return a.Grouped
	}
	return a.Conv
}

// pairs lists the pairs of terms that saturate. Codes of int8 are added up with 128 added.
func (t *tracer) pairs(dt tensor.DType) {
	shift := int32(0)
	if dt == tensor.Int8 {
		shift = 128
	}
	terms := t.path.Terms
	for i := 0; i+1 < len(terms); i += 2 {
		exact := (terms[i].XCode+shift)*terms[i].WCode + (terms[i+1].XCode+shift)*terms[i+1].WCode
		if got := min(max(exact, math.MinInt16), math.MaxInt16); got != exact {
			t.path.Pairs = append(t.path.Pairs, Pair{First: i, Exact: exact, Got: got})
		}
	}
}

// slot is one place of the inner dimension.
type slot struct {
	c, y, x int
	input   int // offset into the input; −1 in the padding
	weight  int // offset into the weights; −1 where the runtime pads the channels
}

// window lists the slots of an element in the order in which the backend adds them: by tap and then by channel.
func (t *tracer) window(n *graph.Node, c, y, x int) (out []slot, err error) {
	in, w := t.types[n.Inputs[0]].Shape, t.constant(n, tracedKernels[n.Op].w).Shape
	block := 1
	if a := t.adding(n); tracedKernels[n.Op].integer && a.Sums == kernel.Paired {
		block = max(a.Block, 1)
	}
	if n.Op != "QLinearConv" && n.Op != "IntConv" && n.Op != "Conv" && n.Op != "OrderedConv" {
		return matrixWindow(n, in, w, c, block)
	}
	if len(in) != 4 || len(w) != 4 {
		return nil, fmt.Errorf("node %q convolves over %d dimensions: only two can be traced", n.Name, len(in)-2)
	}
	win := geometry(n, in, w, t.types[n.Outputs[0]].Shape)
	group := n.Int("group", 1)
	channels := w[1]
	first := c / (w[0] / group) * channels
	for ky := range w[2] {
		for kx := range w[3] {
			sy, sx := y*win.stride[0]+ky*win.dilation[0]-win.pad[0], x*win.stride[1]+kx*win.dilation[1]-win.pad[1]
			for k := range (channels + block - 1) / block * block {
				s := slot{c: first + k, y: sy, x: sx, input: -1, weight: -1}
				if k < channels {
					s.weight = ((c*channels+k)*w[2]+ky)*w[3] + kx
					if sy >= 0 && sy < in[2] && sx >= 0 && sx < in[3] {
						s.input = ((first+k)*in[2]+sy)*in[3] + sx
					}
				}
				out = append(out, s)
			}
		}
	}
	return out, nil
}

// cut inserts the slots with which a runtime fills up the pieces of a long sum.
func cut(window []slot, a op.Adding) (out []slot) {
	order := make([]int32, len(window))
	for i := range order {
		order[i] = int32(i)
	}
	if a.Sums == kernel.Paired {
		order = a.Cut(order)
	}
	for _, i := range order {
		if i < 0 {
			out = append(out, slot{input: -1, weight: -1})
		} else {
			out = append(out, window[i])
		}
	}
	return out
}

func matrixWindow(n *graph.Node, in, w []int, c, block int) (out []slot, err error) {
	if len(w) != 2 || len(in) != 2 || in[0] != 1 || n.Int("transA", 0) != 0 {
		return nil, fmt.Errorf("node %q multiplies %s by %s: only a row by a matrix can be traced", n.Name, tensor.FormatShape(in), tensor.FormatShape(w))
	}
	k := in[1]
	for i := range (k + block - 1) / block * block {
		s := slot{c: i, input: i, weight: i*w[1] + c}
		if n.Int("transB", 0) != 0 {
			s.weight = c*w[1] + i
		}
		if i >= k {
			s.input, s.weight = -1, -1
		}
		out = append(out, s)
	}
	return out, nil
}

// windows is where the windows of a convolution lie.
type windows struct{ stride, dilation, pad [2]int }

func geometry(n *graph.Node, in, w, out []int) (g windows) {
	read := func(name string, k, otherwise int) int {
		if list := n.Ints(name); k < len(list) {
			return list[k]
		}
		return otherwise
	}
	auto := n.Str("auto_pad", "NOTSET")
	for i := range 2 {
		g.stride[i], g.dilation[i], g.pad[i] = read("strides", i, 1), read("dilations", i, 1), read("pads", i, 0)
		total := max(0, (out[i+2]-1)*g.stride[i]+(w[i+2]-1)*g.dilation[i]+1-in[i+2])
		switch auto {
		case "SAME_UPPER":
			g.pad[i] = total / 2
		case "SAME_LOWER":
			g.pad[i] = (total + 1) / 2
		case "VALID":
			g.pad[i] = 0
		}
	}
	return g
}
