package target

import (
	"slices"

	"dropquant/engine/graph"
)

var ruleNegative = &Rule{"negative-factor", "a product with negative constants next to an AveragePool, or behind an activation or MaxPool of a layer in integers, before a QuantizeLinear",
	"put a pair in front of the product, or leave out the one behind it", "seen: OpenVINO 2026.4.1, −20 to 5 dB; intel_cpu graph_optimizer.cpp, FusePerformedAsScaleShiftAndFakeQuantize"}

// inverted returns the product with a negative constant that OpenVINO takes into a FakeQuantize of v, and the AveragePool between them; nil where it
// takes none in, or does it right. The range of that FakeQuantize is then upside down. unit says which layers run in integers.
//
// The plugin does so where the product stays an operator of its own: behind a layer or an AveragePool whose kernel might apply it, and on scales that the rewriting
// of pairs has moved to it. What is and is not right was seen by running 130 chains of up to five nodes, with one constant and with one for each channel, in OpenVINO 2026.4.1.
// A product that follows a convolution directly is folded into its weights, and one with a term for each channel is most often one operator of another kind.
func inverted(v *graph.Value, unit func(*graph.Node) bool) (product, pool *graph.Node) {
	bent, shifted := false, false
	for v.Producer != nil {
		n := v.Producer
		next := n.Input(0)
		switch n.Op {
		case "AveragePool":
			if bent {
				return nil, nil
			}
			pool = n
		case "Reshape", "Transpose", "Pad", "Resize":
			if pool == nil {
				return nil, nil
			}
		case "Relu", "MaxPool", "Concat":
			bent = true
		case "Clip", "Slice":
		default:
			f, ok := affineOf(n)
			if !ok {
				return nil, nil
			}
			next, shifted = f.x, shifted || f.term
			if !f.negative {
				break
			}
			if isDQ(f.x.Producer) {
				return nil, nil
			}
			if pool != nil && !f.one && !shifted || scaledBefore(f, shifted, unit) {
				return n, pool
			}
			return nil, nil
		}
		if next == nil {
			return nil, nil
		}
		v = next
	}
	return nil, nil
}

// scaledBefore reports whether a layer in integers, or an AveragePool, leaves its scales to the product f.
func scaledBefore(f affine, shifted bool, unit func(*graph.Node) bool) bool {
	bent, sliced := false, false
	for v := f.x; v != nil && v.Producer != nil; {
		n := v.Producer
		next := n.Input(0)
		switch n.Op {
		case "Relu", "LeakyRelu", "PRelu":
			bent = true
		case "MaxPool":
			if bent = true; f.one {
				return false
			}
		case "Slice":
			sliced = true
		case "Transpose":
			if !f.one {
				return false
			}
		case "AveragePool":
			return !bent && !shifted && !f.one
		case "Conv":
			return bent && !sliced && unit(n) && (f.one || !shifted)
		case "ConvTranspose":
			return bent && !sliced && unit(n)
		case "Gemm", "MatMul":
			return unit(n) && (!bent || shifted)
		default:
			g, ok := affineOf(n)
			if !ok {
				return false
			}
			next, shifted = g.x, shifted || g.term
		}
		v = next
	}
	return false
}

// affine is a product with, or a sum with, constants.
type affine struct {
	x             *graph.Value
	negative, one bool // of the factors: some are below 0, there is one
	term          bool // something is added
}

// affineOf returns what n computes of its one activation by constants.
func affineOf(n *graph.Node) (f affine, ok bool) {
	switch n.Op {
	case "Neg":
		return affine{x: n.Input(0), negative: true, one: true}, n.Input(0) != nil
	case "BatchNormalization":
		gamma := constFloat(n.Input(1))
		if gamma == nil || gamma.Len() == 0 {
			return f, false
		}
		return affine{x: n.Input(0), negative: slices.Min(gamma.F32()) < 0, term: true}, true
	case "Mul", "Div", "Add", "Sub":
	default:
		return f, false
	}
	k := 1
	if len(n.Inputs) == 2 && constFloat(n.Inputs[0]) != nil {
		k = 0
	}
	c := constFloat(n.Input(k))
	if c == nil || c.Len() == 0 || n.Op == "Div" && k == 0 {
		return f, false
	}
	f = affine{x: n.Inputs[1-k], one: c.Len() == 1}
	if f.x == nil {
		return f, false
	}
	switch n.Op {
	case "Mul", "Div":
		f.negative = slices.Min(c.F32()) < 0
	case "Sub":
		f.negative, f.one, f.term = k == 0, true, true
	default:
		f.term = true
	}
	return f, true
}

// negativeFactors finds pairs behind what inverted finds.
func negativeFactors(l *linter) {
	if !l.reading.Target.Inverts {
		return
	}
	for _, n := range l.reading.graph.Nodes {
		if !isQ(n) || n.Inputs[0] == nil {
			continue
		}
		if product, _ := inverted(n.Inputs[0], func(m *graph.Node) bool { return l.reading.Fate(m).State == Int8 }); product != nil {
			l.find(ruleNegative, Wrong, product, "its negative constants become part of %q", n.Name)
		}
	}
}

// upright keeps negative products out of the pairs behind them: with a pair in front, they stay what they are. It returns the readers of a pair that no other can help: with one in front
// of the product, the pool would take its padding for the lowest code.
func (p *placer) upright() (float []string) {
	if !p.t.Inverts {
		return nil
	}
	paired := func(v *graph.Value) bool {
		return slices.ContainsFunc(uses(v), func(u graph.Use) bool { return p.want[u] })
	}
	check := func(v *graph.Value) {
		if v == nil || !paired(v) {
			return
		}
		product, pool := inverted(v, p.isUnit)
		if product == nil {
			return
		}
		f, _ := affineOf(product)
		if pool != nil && countsPads(pool) && bounds(f.x).lo < 0 {
			for _, u := range v.Uses {
				if p.want[u] {
					float = append(float, u.Node.Name)
				}
			}
			return
		}
		for _, u := range f.x.Uses {
			if u.Node == product {
				p.want[u] = true
			}
		}
	}
	for _, n := range p.g.Nodes {
		for _, v := range n.Outputs {
			check(v)
		}
	}
	return float
}
