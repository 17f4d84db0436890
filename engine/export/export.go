// Package export writes a quantized graph in the forms that other tools read.
//
// All take a graph with pairs of QuantizeLinear and DequantizeLinear, ours or another tool's, and leave it as it is:
//
//	FakeQuantize   ONNX with OpenVINO's FakeQuantize in place of the pairs, and float weights on their grids
//	IR             OpenVINO's own two files
//	TensorRTCache  the ranges, for TensorRT to place the integers itself
//	Encodings      the ranges and grids as JSON, in the form of AIMET
package export

import (
	"fmt"
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/quant"
	"dropquant/engine/tensor"
)

// pair is QuantizeLinear and DequantizeLinear on an activation, or DequantizeLinear alone on constant codes.
type pair struct {
	x      *graph.Value // what is quantized; nil for constant codes
	codes  *tensor.Tensor
	dq     *graph.Node
	params quant.Params
}

// pairs finds all pairs of a graph in its order. What is neither of the two kinds is an error.
func pairs(g *graph.Graph) ([]pair, error) {
	var out []pair
	for _, n := range g.Nodes {
		if n.Domain != "" || n.Op != "DequantizeLinear" {
			if n.Domain == "" && n.Op == "QuantizeLinear" && slices.ContainsFunc(n.Out(0).Uses, func(u graph.Use) bool { return u.Node.Op != "DequantizeLinear" }) {
				return nil, fmt.Errorf("node %q (QuantizeLinear): an operator on codes reads it, which these formats cannot say", n.Name)
			}
			continue
		}
		p := pair{dq: n}
		switch v := n.Input(0); {
		case v != nil && v.Constant() != nil:
			p.codes = v.Constant()
		case v != nil && v.Producer != nil && v.Producer.Op == "QuantizeLinear" && v.Producer.Domain == "":
			p.x = v.Producer.Input(0)
			if a, err := params(v.Producer); err != nil {
				return nil, err
			} else if b, err := params(n); err != nil {
				return nil, err
			} else if !slices.Equal(a.Scale, b.Scale) || !slices.Equal(a.Zero, b.Zero) {
				return nil, fmt.Errorf("node %q (DequantizeLinear): its scale or zero point differs from that of %q", n.Name, v.Producer.Name)
			}
		default:
			return nil, fmt.Errorf("node %q (DequantizeLinear): it reads neither constant codes nor a QuantizeLinear", n.Name)
		}
		var err error
		if p.params, err = params(n); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// params reads the numbers of a QuantizeLinear or DequantizeLinear: constant, and per tensor or along one axis.
func params(n *graph.Node) (quant.Params, error) {
	fail := func(why string) (quant.Params, error) {
		return quant.Params{}, fmt.Errorf("node %q (%s): %s", n.Name, n.Op, why)
	}
	scale, zero := n.Input(1).Constant(), n.Input(2).Constant()
	if scale == nil || scale.DType != tensor.Float32 {
		return fail("its scale is not a float32 constant")
	}
	if n.Input(2) != nil && zero == nil {
		return fail("its zero point is not a constant")
	}
	p := quant.Params{Axis: -1, Scale: scale.F32(), Zero: make([]int32, scale.Len())}
	switch code := n.Input(0).DType; {
	case zero != nil:
		p.DType = zero.DType
	case n.Op == "DequantizeLinear" && code != tensor.Unknown:
		p.DType = code
	default:
		p.DType = tensor.Uint8 // what the standard says of an absent zero point
	}
	limits, ok := quant.Limits[p.DType]
	if !ok {
		return fail(fmt.Sprintf("codes of %v are not among int8, uint8, int16, uint16 and int32", p.DType))
	}
	if zero != nil {
		if p.Zero = quant.Integers(zero); len(p.Zero) != scale.Len() {
			return fail(fmt.Sprintf("%d zero points do not fit %d scales", len(p.Zero), scale.Len()))
		}
	}
	switch rank := len(n.Input(0).Shape); {
	case scale.Len() == 1: // of shape [1] too, as some tools write it
	case scale.Rank() == 1 && n.Int("block_size", 0) == 0:
		if p.Axis = n.Int("axis", 1); p.Axis < 0 {
			p.Axis += rank
		}
		if p.Axis < 0 || p.Axis >= rank || n.Input(0).Shape[p.Axis] != scale.Len() {
			return fail(fmt.Sprintf("%d scales do not fit axis %d of %s", scale.Len(), p.Axis, tensor.FormatShape(n.Input(0).Shape)))
		}
	default:
		return fail("scales per block are not something that these formats can say")
	}
	p.QMin, p.QMax = limits[0], limits[1]
	if err := p.Check(); err != nil {
		return fail(err.Error())
	}
	return p, nil
}

// narrow returns p without the lowest code when it is int8 and no code uses it, as for weights of 255 levels.
func (p pair) narrow() quant.Params {
	out := p.params
	if p.codes != nil && p.codes.DType == tensor.Int8 && !slices.Contains(tensor.Data[int8](p.codes), -128) {
		out.QMin = -127
	}
	return out
}
