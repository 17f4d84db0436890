package target

import (
	"fmt"

	"dropquant/engine/graph"
	"dropquant/engine/pass"
	"dropquant/engine/quant"
	"dropquant/engine/tensor"
)

// Rounded is a weight whose codes something else than rounding to nearest has chosen.
type Rounded struct {
	Params quant.Params
	Codes  *tensor.Tensor // int8, of the shape of the weight
}

// inserter is the state of Insert.
type inserter struct {
	g    *graph.Graph
	plan *Plan
	acts map[*Group]quant.Params
	in   map[*graph.Node]quant.Params // unit → the parameters of its first input
	made map[*Group][2]*graph.Value   // scale and zero point, once a group
}

// Insert writes the pairs of a plan into its graph: acts holds the parameters of
// every group, weights those weights that are not simply to be rounded to nearest
// on their own range. The graph must be the one that was planned.
//
// Weights become initializers of codes and a DequantizeLinear; every scale has a
// zero point of its shape, which ONNX Runtime and TensorRT ask for though the
// standard does not. The opset is raised when it must be. A bias goes to int32 where the row says so; channels whose
// bias would overflow get a coarser weight scale, or keep the whole bias in float when
// the codes of the weights are given.
func Insert(g *graph.Graph, p *Plan, acts map[*Group]quant.Params, weights map[*Weight]Rounded) error {
	if g != p.graph {
		panic("bug: a plan is inserted into another graph")
	}
	s := &inserter{g: g, plan: p, acts: acts, in: map[*graph.Node]quant.Params{}, made: map[*Group][2]*graph.Value{}}
	for _, group := range p.groups {
		params, ok := acts[group]
		if !ok {
			return fmt.Errorf("value %q has no range: observe it before inserting", group.Name)
		}
		if err := params.Check(); err != nil {
			return fmt.Errorf("value %q: %w", group.Name, err)
		}
	}
	rounded := make([]Rounded, len(p.Weights))
	for i, w := range p.Weights {
		r, ok := weights[w]
		if !ok {
			r = p.Round(w, acts)
		}
		rounded[i] = r
	}
	for _, pair := range p.Pairs {
		s.pair(pair)
	}
	params := map[*Weight]quant.Params{}
	for i, w := range p.Weights {
		s.weight(w, rounded[i])
		params[w] = rounded[i].Params
	}
	for _, d := range p.Nodes {
		if d.Bias == Int32Bias && d.Node.Input(2) != nil {
			s.bias(d.Node, params[d.Weight])
		}
	}
	if err := pass.RaiseOpset(p.opset(acts))(g); err != nil {
		return err
	}
	if err := g.Sort(); err != nil {
		return err
	}
	g.RemoveDead()
	return g.Check()
}

// opset returns the smallest ai.onnx that can say what is inserted: 13 brought scales per axis, 21 codes
// of 16 bits.
func (p *Plan) opset(acts map[*Group]quant.Params) int {
	for _, g := range p.groups {
		if t := acts[g].DType; t == tensor.Int16 || t == tensor.Uint16 {
			return 21
		}
	}
	return 13
}

// pair puts QuantizeLinear and DequantizeLinear between a value and its readers.
func (s *inserter) pair(p *Pair) {
	v, params := p.Value, s.acts[p.Group]
	q := s.g.AddNode("QuantizeLinear", v.Name+"_QuantizeLinear", []*graph.Value{s.clipped(v, params), nil, nil}, nil, v.Name+"_quantized")
	s.parameters(q, p.Group.Name, p.Group, params)
	code := q.Outputs[0]
	code.DType, code.Shape = params.DType, v.Shape
	dq := s.g.AddNode("DequantizeLinear", v.Name+"_DequantizeLinear", []*graph.Value{code, q.Inputs[1], q.Inputs[2]}, nil, v.Name+"_dequantized")
	real := dq.Outputs[0]
	real.DType, real.Shape = tensor.Float32, v.Shape
	for _, u := range p.Readers {
		s.g.SetInput(u.Node, u.Index, real)
		if u.Index == 0 {
			s.in[u.Node] = params
		}
	}
}

// clipped returns v, or for a grid that leaves codes of its type unused v clipped to the reals of
// those in use: QuantizeLinear knows only the limits of the type.
func (s *inserter) clipped(v *graph.Value, p quant.Params) *graph.Value {
	if full := (quant.Grid{DType: p.DType}); p.QMin == full.QMin() && p.QMax == full.QMax() {
		return v
	}
	lo, hi := p.Real(0)
	n := s.g.AddNode("Clip", v.Name+"_Clip", []*graph.Value{v,
		s.g.AddConst(v.Name+"_clip_min", tensor.Scalar(lo)), s.g.AddConst(v.Name+"_clip_max", tensor.Scalar(hi))}, nil, v.Name+"_clipped")
	n.Outputs[0].DType, n.Outputs[0].Shape = v.DType, v.Shape
	return n.Outputs[0]
}

// weight replaces a constant by its codes for the nodes that take part.
func (s *inserter) weight(w *Weight, r Rounded) {
	dq := s.dequantize(w.Value.Name, r.Codes, r.Params)
	for _, n := range w.Nodes {
		s.g.SetInput(n, 1, dq)
	}
}

// Params returns the parameters of the weight's own range.
func (w *Weight) Params() quant.Params {
	t := w.Value.Const
	return w.Grid.Weights(t.F32(), t.Shape, w.Axis)
}

// bias replaces the bias of n by int32 codes at the scale of its products, if they fit.
func (s *inserter) bias(n *graph.Node, w quant.Params) {
	b := n.Inputs[2]
	codes, params, saturated := quant.Bias(b.Const.F32(), s.in[n], w)
	if saturated == 0 {
		s.g.SetInput(n, 2, s.dequantize(b.Name, tensor.Of(codes, len(codes)), params))
	}
}

// dequantize returns the reals of constant codes.
func (s *inserter) dequantize(name string, codes *tensor.Tensor, p quant.Params) *graph.Value {
	var attrs []graph.Attr
	if p.Axis >= 0 {
		attrs = []graph.Attr{{Name: "axis", Value: int64(p.Axis)}}
	}
	c := s.g.AddConst(name+"_quantized", codes)
	n := s.g.AddNode("DequantizeLinear", name+"_DequantizeLinear", []*graph.Value{c, nil, nil}, attrs, name+"_dequantized")
	s.parameters(n, name, nil, p)
	n.Outputs[0].DType, n.Outputs[0].Shape = tensor.Float32, codes.Shape
	return n.Outputs[0]
}

// parameters gives n its scale and zero point, which the pairs of a group share.
func (s *inserter) parameters(n *graph.Node, name string, group *Group, p quant.Params) {
	both, ok := s.made[group]
	if group == nil || !ok {
		shape := []int{}
		if p.Axis >= 0 {
			shape = []int{len(p.Scale)}
		}
		both = [2]*graph.Value{s.g.AddConst(name+"_scale", tensor.Of(p.Scale, shape...)), s.g.AddConst(name+"_zero_point", zeros(p, shape))}
		if group != nil {
			s.made[group] = both
		}
	}
	s.g.SetInput(n, 1, both[0])
	s.g.SetInput(n, 2, both[1])
}

// zeros returns the zero points as a tensor of the code type.
func zeros(p quant.Params, shape []int) *tensor.Tensor {
	switch p.DType {
	case tensor.Int8:
		return tensor.Of(narrow[int8](p.Zero), shape...)
	case tensor.Uint8:
		return tensor.Of(narrow[uint8](p.Zero), shape...)
	case tensor.Int16:
		return tensor.Of(narrow[int16](p.Zero), shape...)
	case tensor.Uint16:
		return tensor.Of(narrow[uint16](p.Zero), shape...)
	case tensor.Int32:
		return tensor.Of(p.Zero, shape...)
	}
	panic(fmt.Sprintf("bug: zero points of %v", p.DType))
}

func narrow[T int8 | uint8 | int16 | uint16](zero []int32) []T {
	out := make([]T, len(zero))
	for i, z := range zero {
		out[i] = T(z)
	}
	return out
}
