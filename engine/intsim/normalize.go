package intsim

import (
	"math"
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/target"
	"dropquant/engine/tensor"
)

// normalize gives a normalization in float the form that OpenVINO has for it.
func (l *lowering) normalize(n *graph.Node) {
	switch n.Op {
	case "BatchNormalization":
		l.normalizeBatch(n)
	case "LayerNormalization":
		if s, ok := l.scaleOfSum(n.Inputs[0]); ok {
			n.Attrs = slices.DeleteFunc(slices.Clone(n.Attrs), func(a graph.Attr) bool { return a.Name == "epsilon" })
			n.Attrs = append(n.Attrs, graph.Attr{Name: "epsilon", Value: n.Float("epsilon", 1e-5) * s * s})
		}
	}
}

// scaleOfSum returns the scale of the codes that v is a sum of, directly or moved: OpenVINO takes it over a LayerNormalization of the sum, whose epsilon it leaves. What is small beside
// its epsilon it so makes larger.
//
// Source: low_precision_transformations mvn.cpp; seen in OpenVINO 2026.4.1.
func (l *lowering) scaleOfSum(v *graph.Value) (float32, bool) {
	for v.Producer != nil {
		n := v.Producer
		switch n.Op {
		case "Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze":
			v = n.Inputs[0]
			continue
		case "Add":
		default:
			return 0, false
		}
		f := l.r.Fate(n)
		if f.Node != n || f.State != target.Int8 || f.Unit.Codes != nil || len(f.Unit.Fused) > 0 {
			return 0, false
		}
		a, okA := l.branch(f.Unit, 0)
		b, okB := l.branch(f.Unit, 1)
		if !okA || !okB {
			return 0, false
		}
		both := [2]branch{a, b}
		return both[1-l.full(f.Unit, both)].params.Scale[0], true
	}
	return 0, false
}

// normalizeBatch makes a BatchNormalization in float the factor and the term for each channel that OpenVINO makes of it, added in one rounding.
//
// Source: transformations batch_norm_decomposition.cpp; snippets MulAddToFMA.
func (l *lowering) normalizeBatch(n *graph.Node) {
	if len(n.Inputs) != 5 || slices.ContainsFunc(n.Inputs[1:], func(v *graph.Value) bool { return v == nil || v.Const == nil || v.DType != tensor.Float32 }) {
		return
	}
	gamma, beta, mean, variance := n.Inputs[1].Const.F32(), n.Inputs[2].Const.F32(), n.Inputs[3].Const.F32(), n.Inputs[4].Const.F32()
	factor, shift := make([]float32, len(gamma)), make([]float32, len(gamma))
	for i := range factor {
		factor[i] = gamma[i] / float32(math.Sqrt(float64(variance[i]+n.Float("epsilon", 1e-5))))
		shift[i] = beta[i] - float32(mean[i]*factor[i])
	}
	last := l.add(own, "Rescale", n.Name, []*graph.Value{n.Inputs[0], l.vector(factor), l.vector(shift)}, []graph.Attr{fusedAttr})
	l.g.TakeOutput(last, 0, n, 0)
}
