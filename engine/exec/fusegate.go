package exec

import (
	"math"
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/kernel"
	"dropquant/engine/op"
	"dropquant/engine/tensor"
)

// gate recognizes an activation that is written as several operators on x: see gated. Nothing else sees x or what is between.
func (b *builder) gate(x *graph.Value) (act op.Activation, nodes []*graph.Node) {
	if x == nil || len(x.Uses) != 2 || b.o.Watch[x] || b.g.IsOutput(x) || x.Uses[0].Index < 0 || x.Uses[1].Index < 0 {
		return act, nil
	}
	return b.gated(x)
}

// gated is gate without asking who else may see x. The last of the nodes gives the result; nil when there are none.
//
//	x·sigmoid(x)                SiLU
//	x·hardsigmoid(x)            HardSwish, with its slope and offset
//	x·(1 + erf(x/√2))·½         Gelu, the half on either factor and the quotient also a product
func (b *builder) gated(x *graph.Value) (act op.Activation, nodes []*graph.Node) {
	for _, u := range x.Uses {
		if u.Index < 0 || b.done[u.Node] {
			continue
		}
		a, ok := b.call(u.Node).Spec.(*op.Activation)
		switch {
		case !ok:
			if nodes := b.gelu(x, u.Node); nodes != nil {
				return op.Activation{Act: kernel.Gelu}, nodes
			}
			continue
		case a.Act == kernel.Sigmoid:
			act = op.Activation{Act: kernel.SiLU}
		case a.Act == kernel.HardSigmoid && a.Lo == float32(1)/6 && a.Hi == 0.5:
			act = op.Activation{Act: kernel.HardSwish}
		default:
			continue
		}
		if n := b.soleOf("Mul", u.Node.Out(0)); n != nil && (n.Inputs[0] == x || n.Inputs[1] == x) {
			return act, []*graph.Node{u.Node, n}
		}
	}
	return act, nil
}

// gelu returns the nodes of x·(1 + erf(x/√2))·½ when scaled is the one that gives x/√2.
func (b *builder) gelu(x *graph.Value, scaled *graph.Node) []*graph.Node {
	if c, ok := b.times(scaled, x); !ok || math.Abs(c-1/math.Sqrt2) > 1e-6 || b.r.Types[x].DType != tensor.Float32 {
		return nil
	}
	erf := b.soleOf("Erf", scaled.Out(0))
	if erf == nil {
		return nil
	}
	plus := b.soleOf("Add", erf.Out(0))
	if plus == nil || !b.is(other(plus, erf.Out(0)), 1) {
		return nil
	}
	mul := b.soleOf("Mul", plus.Out(0))
	if mul == nil {
		return nil
	}
	factor := other(mul, plus.Out(0))
	if factor == x {
		half := b.soleOf("Mul", mul.Out(0))
		if half == nil || !b.is(other(half, mul.Out(0)), 0.5) {
			return nil
		}
		return []*graph.Node{scaled, erf, plus, mul, half}
	}
	half := factor.Producer
	if half == nil || b.done[half] || b.soleOf("Mul", factor) != mul {
		return nil
	}
	if c, ok := b.times(half, x); !ok || c != 0.5 {
		return nil
	}
	return []*graph.Node{scaled, half, erf, plus, mul}
}

// soleOf returns the one node that reads v when it is that operator, with two inputs if it is one of two.
func (b *builder) soleOf(name string, v *graph.Value) *graph.Node {
	if n, _ := b.sole(v); n != nil && n.Op == name && n.Domain == "" {
		return n
	}
	return nil
}

// other returns the input of a node of two that is not v.
func other(n *graph.Node, v *graph.Value) *graph.Value {
	if n.Inputs[0] == v {
		return n.Inputs[1]
	}
	return n.Inputs[0]
}

// times returns c when n computes x·c or x/c⁻¹ for a constant number.
func (b *builder) times(n *graph.Node, x *graph.Value) (c float64, ok bool) {
	switch {
	case n.Domain != "":
		return 0, false
	case n.Op == "Mul":
		return b.number(other(n, x))
	case n.Op == "Div" && n.Inputs[0] == x:
		c, ok = b.number(n.Inputs[1])
		return 1 / c, ok
	}
	return 0, false
}

func (b *builder) is(v *graph.Value, c float64) bool {
	x, ok := b.number(v)
	return ok && x == c
}

// number returns the one element of a float constant.
func (b *builder) number(v *graph.Value) (float64, bool) {
	t := b.r.Known[v]
	if t == nil || t.DType != tensor.Float32 || t.Len() != 1 {
		return 0, false
	}
	return float64(t.F32()[0]), true
}

// fuseGate computes an activation of several operators in one pass.
func (b *builder) fuseGate(c *op.Call) bool {
	for _, x := range c.Node.Inputs {
		if x == nil || b.constant(x) {
			continue
		}
		act, nodes := b.gated(x)
		if !slices.Contains(nodes, c.Node) || !equal(b.r.Types[x].Shape, b.r.Types[nodes[len(nodes)-1].Out(0)].Shape) {
			continue
		}
		s := &step{in: []*graph.Value{x}, out: nodes[len(nodes)-1].Outputs[:1], alias: op.InPlace}
		s.run = func(in, out []*tensor.Tensor) error {
			kernel.Unary(act.Act, out[0].F32(), in[0].F32(), act.Lo, act.Hi)
			return nil
		}
		b.place(s, nodes...)
		return true
	}
	return false
}
