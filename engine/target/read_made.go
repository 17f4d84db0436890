package target

import "dropquant/engine/graph"

// madeInFloat returns the constants of a layer in float that the runtime quantizes all the same: it does so before it looks whether the layer
// can run in integers.
//
// Source: weight_bias_quantization.cc of ONNX Runtime.
func (r *reader) madeInFloat(n *graph.Node) (made []*graph.Value) {
	if !r.Target.Makes || n.Op != "Conv" && n.Op != "ConvTranspose" && n.Op != "Gemm" {
		return nil
	}
	x := r.codes[n.Inputs[0]]
	if x == nil || x.DQ == nil || len(x.Moved) > 0 || !x.Params.PerTensor() || !r.leadsToQ(n.Outputs[0]) {
		return nil
	}
	bias := n.Input(2)
	if bias != nil && (constFloat(bias) == nil || bias.Const.Rank() != 1) {
		return nil
	}
	scales := 1
	switch w := r.codes[n.Input(1)]; {
	case w != nil:
		if scales = len(w.Params.Scale); scales > 1 && w.Params.Axis != weightBiasAxis(n) {
			return nil
		}
	case constFloat(n.Input(1)) != nil:
		made = append(made, n.Inputs[1])
	default:
		return nil
	}
	if bias != nil && (scales == 1 || scales == bias.Const.Len()) {
		made = append(made, bias)
	}
	return made
}

// weightBiasAxis is the axis on which that transformer expects the scales of weights: 0 for a ConvTranspose too.
func weightBiasAxis(n *graph.Node) int {
	if n.Op == "Gemm" {
		return gemmAxis(n)
	}
	return 0
}

// leadsToQ reports whether nothing but a QuantizeLinear reads v, with a Relu and a Clip in between at most, or what the runtime moves it over.
func (r *reader) leadsToQ(v *graph.Value) bool {
	for len(v.Uses) == 1 && !r.graph.IsOutput(v) {
		n := v.Uses[0].Node
		if isQ(n) {
			return true
		}
		if n.Op != "Relu" && n.Op != "Clip" {
			c, _ := r.quantizer(v)
			return c != nil
		}
		v = n.Outputs[0]
	}
	return false
}
