package intsim

import (
	"math"

	"dropquant/engine/graph"
	"dropquant/engine/target"
	"dropquant/engine/tensor"
)

// clamp makes every Clip of codes clip at the reals of whole codes: OpenVINO moves it to before the scale and the zero point, where its bounds lose what they have behind the
// point. Of a bound between two codes the one nearer to the code 0 stays. A Clip that the pair behind it makes needless goes.
//
// Source: low_precision_transformations clamp.cpp; seen in OpenVINO 2026.4.1, of signed and unsigned codes, in front of a pair, a layer, a Tanh and an output.
func (l *lowering) clamp() {
	for i := range l.r.Nodes {
		f := &l.r.Nodes[i]
		n := f.Node
		if n.Op != "Clip" || f.State != target.Float || l.g.Opset[""] < 11 {
			continue
		}
		c := l.r.Codes(n.Inputs[0])
		bounds, known := clipOf(n)
		if c == nil || c.Q == nil || !known || !c.Params.PerTensor() || c.Params.DType != tensor.Int8 && c.Params.DType != tensor.Uint8 || l.ranges[c.Q].last != 0 || l.needless(n, bounds) {
			continue
		}
		p, zero := c.Params, float64(c.Params.Zero[0])
		if c.Shifted && !l.signed[c.Q] {
			zero = float64(levelsOf(p).realZero())
			p = inRuntime(c)
			p.Scale = levelsOf(c.Params).scales()
		}
		for k, b := range bounds {
			code := math.Trunc(float64(b)/float64(p.Scale[0]) + zero)
			code = min(max(code, float64(p.QMin)), float64(p.QMax))
			for len(n.Inputs) < k+2 {
				n.Inputs = append(n.Inputs, nil)
			}
			l.g.SetInput(n, k+1, l.vector([]float32{p.Scale[0] * float32(int32(code)-p.Zero[0])}))
		}
	}
}

// needless reports whether nothing but a QuantizeLinear reads a Clip, and clips as much: OpenVINO takes it away.
func (l *lowering) needless(n *graph.Node, bounds [2]float32) bool {
	y := n.Outputs[0]
	if len(y.Uses) != 1 || l.g.IsOutput(y) || y.Uses[0].Node.Op != "QuantizeLinear" || len(y.Uses[0].Node.Outputs[0].Uses) == 0 {
		return false
	}
	behind := l.r.Codes(y.Uses[0].Node.Outputs[0].Uses[0].Node.Out(0))
	if behind == nil || !behind.Params.PerTensor() {
		return false
	}
	lo, hi := behind.Params.Real(0)
	return lo >= bounds[0] && hi <= bounds[1]
}
