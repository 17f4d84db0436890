package target

import (
	"fmt"
	"math"
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/quant"
	"dropquant/engine/tensor"
)

// pair is what one QuantizeLinear or DequantizeLinear says.
type pair struct {
	params quant.Params // only when rule is nil
	zeroed bool         // the zero point is given and not left to be 0
	rule   *Rule        // why no runtime runs on these codes
	why    string
}

func isQ(n *graph.Node) bool {
	return n != nil && n.Op == "QuantizeLinear" && len(n.Inputs) >= 2 && n.Out(0) != nil
}
func isDQ(n *graph.Node) bool {
	return n != nil && n.Op == "DequantizeLinear" && len(n.Inputs) >= 2 && n.Input(0) != nil && n.Out(0) != nil
}
func isPair(n *graph.Node) bool { return isQ(n) || isDQ(n) }

// parsePair reads the constants of n.
func parsePair(n *graph.Node) *pair {
	p := &pair{}
	bad := func(r *Rule, format string, a ...any) *pair {
		p.rule, p.why = r, fmt.Sprintf(format, a...)
		return p
	}
	zero := n.Input(2)
	dt := codeType(n)
	switch {
	case lowBits[dt] != "":
		return bad(ruleBits, "its codes are %s", lowBits[dt])
	case dt == tensor.Unknown:
		return bad(ruleType, "the type of its codes is not known")
	}
	limit, ok := quant.Limits[dt]
	if !ok {
		return bad(ruleType, "its codes are %v", dt)
	}
	s := constFloat(n.Input(1))
	switch {
	case n.Input(1) == nil || n.Input(1).Const == nil:
		return bad(ruleComputed, "its scale is not a constant")
	case s == nil:
		return bad(ruleScale, "its scale is %v", n.Input(1).Const.DType)
	case zero != nil && zero.Const == nil:
		return bad(ruleComputed, "its zero point is not a constant")
	case n.Int("block_size", 0) != 0 || s.Rank() > 1 && s.Len() > 1:
		return bad(ruleBlock, "it has a scale for every block of elements")
	case zero != nil && zero.Const.Len() != s.Len():
		return bad(ruleShapes, "it has %d scales and %d zero points", s.Len(), zero.Const.Len())
	case s.Len() == 0:
		return bad(ruleScale, "it has no scale")
	}
	for c, x := range s.F32() {
		if !(x > 0) || math.IsInf(float64(x), 1) {
			return bad(ruleScale, "scale %d is %g", c, x)
		}
	}
	p.zeroed = zero != nil
	p.params = quant.Params{DType: dt, Scale: s.F32(), Zero: make([]int32, s.Len()), Axis: -1, QMin: limit[0], QMax: limit[1]}
	if zero != nil {
		if p.params.Zero = quant.Integers(zero.Const); p.params.Zero == nil {
			return bad(ruleType, "its zero point is %v", zero.Const.DType)
		}
	}
	if s.Len() > 1 {
		p.params.Axis = channelAxis(n)
		if p.params.Axis < 0 {
			return bad(ruleShapes, "its axis is outside of the data")
		}
	}
	return p
}

// codeType returns the type of the integers of a Q/DQ node: that of the zero point, of output_dtype, or of the data.
func codeType(n *graph.Node) tensor.DType {
	switch zero := n.Input(2); {
	case zero != nil && zero.Const != nil:
		return zero.Const.DType
	case zero != nil && zero.DType != tensor.Unknown:
		return zero.DType
	case isQ(n) && n.Int("output_dtype", 0) != 0:
		return tensor.DType(n.Int("output_dtype", 0))
	case isQ(n):
		return tensor.Uint8
	}
	v := n.Input(0)
	if v.Producer != nil && isQ(v.Producer) {
		return codeType(v.Producer)
	}
	return v.DType
}

// lowBits are the types of ONNX with which no kernel of the three runtimes multiplies.
var lowBits = map[tensor.DType]string{
	17: "float8 (e4m3fn)", 18: "float8 (e4m3fnuz)", 19: "float8 (e5m2)", 20: "float8 (e5m2fnuz)", 21: "uint4", 22: "int4", 23: "float4",
	24: "float8 (e8m0)", 25: "uint2", 26: "int2",
}

// channelAxis returns the axis of a pair with several scales, counted from the front, or −1 when the data has no such axis.
func channelAxis(n *graph.Node) int {
	axis := n.Int("axis", 1)
	shape := n.Input(0).Shape
	if n.Input(0).Const != nil {
		shape = n.Input(0).Const.Shape
	}
	if shape == nil && n.Out(0) != nil {
		shape = n.Out(0).Shape
	}
	switch {
	case axis >= 0 && (shape == nil || axis < len(shape)):
		return axis
	case axis < 0 && axis+len(shape) >= 0:
		return axis + len(shape)
	}
	return -1
}

// sameParams reports whether two pairs give the same reals to the same codes.
func sameParams(a, b quant.Params) bool {
	return a.DType == b.DType && a.Axis == b.Axis && slices.Equal(a.Scale, b.Scale) && slices.Equal(a.Zero, b.Zero)
}

// behind returns what the pairs that v comes out of were put on: the constant or activation under QuantizeLinear and
// DequantizeLinear, or under DequantizeLinear alone.
func behind(v *graph.Value) *graph.Value {
	for depth := 0; v != nil && isPair(v.Producer) && depth < 4; depth++ {
		v = v.Producer.Inputs[0]
	}
	return v
}

// constantBehind returns the tensor of a constant, in reals or in codes: its shape is that of the operand.
func constantBehind(v *graph.Value) *tensor.Tensor {
	if v = behind(v); v == nil {
		return nil
	}
	return v.Const
}
