package intsim

import (
	"fmt"
	"math"
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/quant"
	"dropquant/engine/target"
	"dropquant/engine/tensor"
)

// The QLinear operators of ONNX Runtime, as its optimizer puts them in the place of units.
// Source: onnxruntime/core/optimizer/qdq_transformer/selectors_actions/qdq_actions.cc.

const contrib = "com.microsoft"

// emitQLinear lowers a unit to the operator that its row names.
func emitQLinear(l *lowering, u *target.Unit) error {
	form, ok := qlinearForms[u.Kernel]
	if !ok {
		return fmt.Errorf("the kernel %s is not one that is simulated", u.Kernel)
	}
	in, err := form(l, u)
	if err != nil {
		return err
	}
	name, domain := u.Kernel, contrib
	switch {
	case name == "QLinearMatMul" && u.Codes == nil:
		name = "MatMulIntegerToFloat"
	case name == "QLinearMatMul" || name == "QLinearConv":
		domain = ""
	}
	attrs := slices.Clone(u.Node.Attrs)
	if name == "QLinearSoftmax" {
		attrs = append(attrs, graph.Attr{Name: "opset", Value: int64(l.g.Opset[""])})
	}
	if name == "QGemm" { // it has no beta, which is 1 in a unit
		attrs = slices.DeleteFunc(attrs, func(a graph.Attr) bool { return a.Name == "beta" })
	}
	n := l.add(domain, name, u.Node.Name, in, attrs)
	if u.Codes == nil {
		l.replace(u, n)
		return nil
	}
	l.leave(u, n, n.Outputs[0])
	return nil
}

// qlinearForms list the inputs of each operator.
var qlinearForms = map[string]func(l *lowering, u *target.Unit) ([]*graph.Value, error){
	"QLinearConv": func(l *lowering, u *target.Unit) ([]*graph.Value, error) {
		in, err := l.operands(u)
		if err != nil {
			return nil, err
		}
		bias, err := l.bias(u)
		return append(append(in, l.result(u)...), bias), err
	},
	"QGemm": func(l *lowering, u *target.Unit) ([]*graph.Value, error) {
		in, err := l.operands(u)
		if err != nil {
			return nil, err
		}
		if u.Node.Int("transA", 0) != 0 {
			return nil, fmt.Errorf("its first operand is transposed, which is not simulated")
		}
		bias, err := l.bias(u)
		in = append(in, bias)
		if u.Codes != nil {
			in = append(in, l.result(u)...)
		}
		return in, err
	},
	"QLinearMatMul": func(l *lowering, u *target.Unit) ([]*graph.Value, error) {
		in, err := l.operands(u)
		if err != nil {
			return nil, err
		}
		if u.Codes == nil { // MatMulIntegerToFloat
			return []*graph.Value{in[0], in[3], in[1], in[4], in[2], in[5]}, nil
		}
		return append(in, l.result(u)...), nil
	},
	"QLinearAdd": binaryForm, "QLinearMul": binaryForm,
	"QLinearSigmoid": unaryForm, "QLinearLeakyRelu": unaryForm, "QLinearSoftmax": unaryForm,
	"QLinearAveragePool": unaryForm, "QLinearGlobalAveragePool": unaryForm,
	"QLinearConcat": func(l *lowering, u *target.Unit) ([]*graph.Value, error) {
		in := l.result(u)
		for i := range u.Node.Inputs {
			c, err := l.input(u, i)
			if err != nil {
				return nil, err
			}
			in = append(in, c.value, l.scale(c.params), l.zero(c.params))
		}
		return in, nil
	},
}

func unaryForm(l *lowering, u *target.Unit) ([]*graph.Value, error) {
	x, err := l.input(u, 0)
	if err != nil {
		return nil, err
	}
	return append([]*graph.Value{x.value, l.scale(x.params), l.zero(x.params)}, l.result(u)...), nil
}

func binaryForm(l *lowering, u *target.Unit) ([]*graph.Value, error) {
	in, err := l.operands(u)
	if err != nil {
		return nil, err
	}
	return append(in, l.result(u)...), nil
}

// result returns scale and zero point of what the unit gives.
func (l *lowering) result(u *target.Unit) []*graph.Value {
	p := inRuntime(u.Codes)
	return []*graph.Value{l.scale(p), l.zero(p)}
}

// operands returns both operands with their scales and zero points. Weights that the file leaves in float are quantized.
func (l *lowering) operands(u *target.Unit) ([]*graph.Value, error) {
	var in []*graph.Value
	for i := range 2 {
		v := u.Node.Input(i)
		if slices.Contains(u.Made, v) {
			q, scale, zero := madeWeights(v.Const)
			in = append(in, l.g.AddConst(v.Name, q), l.g.AddConst(v.Name+"_scale", scale), l.g.AddConst(v.Name+"_zero", zero))
			continue
		}
		c, err := l.input(u, i)
		if err != nil {
			return nil, err
		}
		in = append(in, c.value, l.scale(c.params), l.zero(c.params))
	}
	return in, nil
}

// bias returns the bias as int32 codes, nil when there is none. The runtime reads codes of the file at the product
// of the other scales, whatever scale the file gives them.
func (l *lowering) bias(u *target.Unit) (*graph.Value, error) {
	v := u.Node.Input(2)
	if v == nil {
		return nil, nil
	}
	if !slices.Contains(u.Made, v) {
		c, err := l.input(u, 2)
		return c.value, err
	}
	x, err := l.input(u, 0)
	if err != nil {
		return nil, err
	}
	w := l.quantizedScale(u.Node.Input(1), u.Made)
	return l.g.AddConst(v.Name+"_codes", madeBias(v.Const, x.params.Scale[0], w)), nil
}

// quantizedScale returns the scales of weights: those of the file, or what the runtime makes.
func (l *lowering) quantizedScale(w *graph.Value, made []*graph.Value) []float32 {
	if slices.Contains(made, w) {
		_, scale, _ := madeWeights(w.Const)
		return scale.F32()
	}
	return l.codes[w].params.Scale
}

// makeInFloat gives a layer in float the reals of the constants that the runtime quantizes all the same. A bias that products finds so already it makes the
// same again.
func (l *lowering) makeInFloat(f *target.Fate) {
	n := f.Node
	if len(f.Made) == 0 {
		return
	}
	x, w := l.codes[n.Inputs[0]].params.Scale[0], l.quantizedScale(n.Inputs[1], f.Made)
	for i, v := range n.Inputs[1:] {
		if !slices.Contains(f.Made, v) {
			continue
		}
		if i == 0 {
			q, scale, zero := madeWeights(v.Const)
			p := quant.Params{DType: tensor.Int8, Scale: scale.F32(), Zero: []int32{int32(tensor.Data[int8](zero)[0])}, Axis: -1}
			l.g.SetInput(n, 1, l.g.AddConst(v.Name, p.Reals(q)))
			continue
		}
		p := quant.Params{DType: tensor.Int32, Scale: make([]float32, len(w)), Zero: make([]int32, len(w)), Axis: -1}
		for c, s := range w {
			p.Scale[c] = x * s
		}
		if len(w) > 1 {
			p.Axis = 0
		}
		l.g.SetInput(n, 2, l.g.AddConst(v.Name, p.Reals(madeBias(v.Const, x, w))))
	}
}

// madeBias quantizes a float bias to int32. Source: optimizer/qdq_transformer/weight_bias_quantization.cc.
func madeBias(bias *tensor.Tensor, x float32, w []float32) *tensor.Tensor {
	out := make([]int32, bias.Len())
	for i, b := range bias.F32() {
		v := math.RoundToEven(float64(b / float32(x*w[min(i, len(w)-1)])))
		if out[i] = int32(v); !(v >= math.MinInt32 && v <= math.MaxInt32) {
			out[i] = math.MinInt32 // as the processor converts it
		}
	}
	return tensor.Of(out, len(out))
}

// madeWeights quantizes float weights to int8 per tensor: the range with 0 in it, spread over all codes.
// Source: GetQuantizationParameter in core/util/qmath.h.
func madeWeights(w *tensor.Tensor) (codes, scale, zero *tensor.Tensor) {
	lo, hi := float32(0), float32(0)
	for _, v := range w.F32() {
		lo, hi = min(lo, v), max(hi, v)
	}
	s := float32(1)
	if hi > lo {
		s = (hi - lo) / 255
	}
	z := int32(math.RoundToEven(float64(min(max(-128-lo/s, -128), 127))))
	q := make([]int8, w.Len())
	for i, v := range w.F32() {
		r := float32(math.RoundToEven(float64(v / s)))
		q[i] = int8(min(max(r+float32(z), -128), 127))
	}
	return tensor.Of(q, w.Shape...), tensor.Scalar(s), tensor.Scalar(int8(z))
}
