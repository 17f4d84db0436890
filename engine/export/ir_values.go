package export

import (
	"errors"
	"fmt"
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/op"
	"dropquant/engine/quant"
	"dropquant/engine/tensor"
)

// node adds the layers of one node. Constants are added where they are read.
func (w *irWriter) node(n *graph.Node, known []*tensor.Tensor) error {
	if !slices.ContainsFunc(n.Outputs, func(v *graph.Value) bool { return v != nil && w.known[v] == nil }) {
		return nil
	}
	if n.Domain == "" && n.Op == "QuantizeLinear" {
		return nil
	}
	if p, ok := w.pairs[n]; ok {
		if p.x == nil {
			return nil
		}
		return w.fakeQuantize(n, p)
	}
	rule := irRules[n.Op]
	if n.Domain != "" || rule == nil {
		return errors.New("this operator is not one that Dropquant writes as OpenVINO IR: give OpenVINO the ONNX file, which it reads itself")
	}
	c := &irCall{w, n, known}
	err := rule(c)
	for _, v := range n.Outputs {
		if _, ok := w.at[v]; err == nil && v != nil && len(v.Uses) > 0 && !ok {
			return fmt.Errorf("its output %q is not one that Dropquant writes as OpenVINO IR", v.Name)
		}
	}
	return err
}

// value returns the port that gives v, of which constants are added now.
func (w *irWriter) value(v *graph.Value) (port, error) {
	if v == nil {
		return port{}, errors.New("an input is missing")
	}
	if p, ok := w.at[v]; ok {
		return p, nil
	}
	p, err := w.shaped(v, w.types[v].Shape)
	if err == nil {
		w.at[v] = p
	}
	return p, err
}

// shaped returns a constant under another shape of as many elements.
func (w *irWriter) shaped(v *graph.Value, shape []int) (port, error) {
	if n := v.Producer; n != nil {
		if p, ok := w.pairs[n]; ok && p.codes != nil {
			return w.compressed(v, p, shape), nil
		}
	}
	t := v.Constant()
	if t == nil {
		t = w.known[v]
	}
	if t == nil {
		return port{}, fmt.Errorf("its input %q is computed, where a constant is needed", v.Name)
	}
	if elements[t.DType].data == "" {
		return port{}, fmt.Errorf("its constant %q has elements of %v", v.Name, t.DType)
	}
	return w.constant(v.Name, t, shape), nil
}

// compressed adds constant codes with what makes reals of them: int8 weights stay so, other codes become float. shape is that of
// the codes, or splits their first axis in two.
func (w *irWriter) compressed(v *graph.Value, p pair, shape []int) port {
	if p.codes.DType != tensor.Int8 && p.codes.DType != tensor.Uint8 {
		return w.constant(v.Name, p.params.Reals(p.codes), shape)
	}
	real := op.Type{DType: tensor.Float32, Shape: shape}
	scale := paramShape(p.params, p.codes.Shape, shape)
	y := w.constant(v.Name+"/codes", p.codes, shape)
	y = w.layer("Convert", "opset1", v.Name+"/convert", attrs{{"destination_type", "f32"}}, []port{y}, irOutput{"", real})[0]
	if slices.ContainsFunc(p.params.Zero, func(z int32) bool { return z != 0 }) {
		zero := make([]float32, len(p.params.Zero))
		for i, z := range p.params.Zero {
			zero[i] = float32(z)
		}
		z := w.constant(v.Name+"/zero_point", tensor.Of(zero, len(zero)), scale)
		y = w.layer("Subtract", "opset1", v.Name+"/subtract", numpy, []port{y, z}, irOutput{"", real})[0]
	}
	s := w.constant(v.Name+"/scale", tensor.Of(p.params.Scale, len(p.params.Scale)), scale)
	return w.layer("Multiply", "opset1", v.Name, numpy, []port{y, s}, irOutput{"", real})[0]
}

// numpy is how all element-wise layers broadcast.
var numpy = attrs{{"auto_broadcast", "numpy"}}

// paramShape returns the shape in which parameters broadcast against codes that were given another shape, in which the
// first axis may be split in two, as groups of a convolution are.
func paramShape(p quant.Params, codes, shape []int) []int {
	out := make([]int, len(shape))
	for i := range out {
		out[i] = 1
	}
	switch extra := len(shape) - len(codes); {
	case p.PerTensor():
	case p.Axis == 0:
		copy(out, shape[:1+extra])
	default:
		out[p.Axis+extra] = len(p.Scale)
	}
	return out
}

// fakeQuantize adds what stands for the pair that ends in n: a FakeQuantize to codes, and what makes reals of them. OpenVINO
// reads Q/DQ so too, and then makes one FakeQuantize of all; from that alone it would compute a scale whose last bit can differ.
func (w *irWriter) fakeQuantize(n *graph.Node, p pair) error {
	x, err := w.value(p.x)
	if err != nil {
		return err
	}
	q, y := p.params, n.Out(0)
	shape := shapeOf(q, len(w.types[p.x].Shape))
	numbers := func(name string, v ...float32) port {
		if len(v) == 1 {
			return w.constant(n.Name+"/"+name, tensor.Of(v, 1), []int{})
		}
		return w.constant(n.Name+"/"+name, tensor.Of(v, len(v)), shape)
	}
	low, high := limits(q)
	real := irOutput{"", w.types[y]}
	a := append(attrs{{"levels", fmt.Sprint(int64(q.QMax) - int64(q.QMin) + 1)}}, numpy...)
	v := w.layer("FakeQuantize", "opset1", n.Name+"/FakeQuantize", a, []port{x, numbers("low", low...), numbers("high", high...),
		numbers("first", float32(q.QMin)), numbers("last", float32(q.QMax))}, real)
	code := irOutput{"", op.Type{DType: q.DType, Shape: w.types[y].Shape}}
	v = w.layer("Convert", "opset1", n.Name+"/codes", attrs{{"destination_type", elements[q.DType].data}}, v, code)
	v = w.layer("Convert", "opset1", n.Name+"/reals", attrs{{"destination_type", "f32"}}, v, real)
	zero := make([]float32, len(q.Zero))
	for i, z := range q.Zero {
		zero[i] = float32(z)
	}
	v = w.layer("Subtract", "opset1", n.Name+"/Subtract", numpy, append(v, numbers("zero", zero...)), real)
	w.at[y] = w.layer("Multiply", "opset1", n.Name, numpy, append(v, numbers("scale", q.Scale...)), irOutput{y.Name, w.types[y]})[0]
	return nil
}
