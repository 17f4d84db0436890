package target

import (
	"math"
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/kernel"
	"dropquant/engine/op"
	"dropquant/engine/quant"
	"dropquant/engine/tensor"
)

// Fragile is the SQNR in dB below which a layer is better left in float.
//
// Source: measured on three images a model with the ranges of 64. YOLOX-Nano's first depthwise Conv has 7.6 dB: of its
// 16 input channels one reaches 129 and others stay below 1, and one scale serves all. In float it brings the model from
// 28 AP to 37 (36 in float). Of all other layers of the seven models, on every target, none is below 13 dB.
const Fragile = 12

// Probe measures what rounding its input alone costs each layer of a plan. Errors that were there before the layer,
// and those of its weights, do not count: it says where one scale cannot serve a tensor.
type Probe struct {
	layers []probed
	spare  []float32
}

// probed is one layer, and what the present image gave.
type probed struct {
	call   *op.Call
	params quant.Params
	cost   Cost
}

// Cost is the signal of a layer's output and the noise that rounding its input adds, as sums of squares over an image.
// Costs of several images are added.
type Cost struct {
	Node          *graph.Node
	Signal, Noise float64
}

// SQNR returns the ratio in dB; +Inf without noise.
func (c Cost) SQNR() float64 { return 10 * math.Log10(c.Signal/c.Noise) }

// Probe prepares to measure the layers of p, whose graph must not have been edited yet, under the parameters of its groups.
func (p *Plan) Probe(acts map[*Group]quant.Params, shapes map[string][]int) (*Probe, error) {
	r, err := op.Resolve(p.graph, shapes)
	if err != nil {
		return nil, err
	}
	out := &Probe{}
	for i, d := range p.Nodes {
		if d.State != Int8 || d.Weight == nil {
			continue
		}
		if group := p.GroupOf(d.Node.Inputs[0]); group != nil {
			out.layers = append(out.layers, probed{call: r.Calls[i], params: acts[group], cost: Cost{Node: d.Node}})
		}
	}
	return out, nil
}

// Watch returns the values that See must see.
func (p *Probe) Watch() []*graph.Value {
	var out []*graph.Value
	seen := map[*graph.Value]bool{}
	for _, l := range p.layers {
		if v := l.call.Node.Inputs[0]; !seen[v] {
			seen[v] = true
			out = append(out, v)
		}
	}
	return out
}

// See measures the layers that read v, whose elements in float are x.
func (p *Probe) See(v *graph.Value, x *tensor.Tensor) error {
	for i := range p.layers {
		if l := &p.layers[i]; l.call.Node.Inputs[0].Name == v.Name {
			p.spare = slices.Grow(p.spare[:0], x.Len())[:x.Len()]
			if err := l.measure(x, tensor.Of(p.spare, x.Shape...)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Take returns the costs of the image, in the graph's order, and starts the next one.
func (p *Probe) Take() []Cost {
	out := make([]Cost, len(p.layers))
	for i := range p.layers {
		c := &p.layers[i].cost
		out[i] = *c
		c.Signal, c.Noise = 0, 0
	}
	return out
}

// measure runs the layer on x and on x rounded, for which there is room.
func (l *probed) measure(x, rounded *tensor.Tensor) error {
	p := l.params
	kernel.FakeQuantize(rounded.F32(), x.F32(), p.Scale[0], p.Zero[0], p.QMin, p.QMax)
	exact, err := l.run(x)
	if err != nil {
		return err
	}
	off, err := l.run(rounded)
	if err != nil {
		return err
	}
	_, noise := kernel.Noise(exact.F32(), off.F32())
	l.cost.Noise += noise
	l.cost.Signal += spread(exact.F32(), exact.Shape)
	return nil
}

func (l *probed) run(x *tensor.Tensor) (*tensor.Tensor, error) {
	in := make([]*tensor.Tensor, len(l.call.In))
	for i, v := range l.call.Node.Inputs[:len(in)] {
		if v != nil {
			in[i] = v.Const
		}
	}
	in[0] = x
	out, err := l.call.Eval(in)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// spread returns the squares of y about its mean: the mean of each channel where channels have enough elements, since a
// bias is no signal, else of all.
func spread(y []float32, shape []int) float64 {
	run := len(y)
	if len(shape) > 2 {
		if inner := tensor.Size(shape[2:]); inner >= 16 {
			run = inner
		}
	}
	if run == 0 {
		return 0
	}
	means := make([]float32, len(y)/run)
	kernel.GlobalAveragePool(means, y)
	total, _ := kernel.Noise(y, y)
	for _, m := range means {
		total -= float64(run) * float64(m) * float64(m)
	}
	return max(0, total) // below it only by rounding
}

// Keep returns the nodes that must stay float, as Place takes them, for n to read its input unrounded: n itself and,
// where the target asks for complete units, those that make the input.
func (p *Plan) Keep(n *graph.Node) []string {
	keep := map[*graph.Node]bool{n: true}
	if p.Target.Complete {
		p.makers(n.Inputs[0], keep)
	}
	var out []string
	for _, d := range p.Nodes {
		if keep[d.Node] {
			out = append(out, d.Node.Name)
		}
	}
	return out
}

// makers marks what v comes out of: the unit, and back through activations to the layer before them. A sum is the end
// of the search too, since its operands are rounded for themselves.
func (p *Plan) makers(v *graph.Value, keep map[*graph.Node]bool) {
	if v == nil || v.Producer == nil || keep[v.Producer] {
		return
	}
	n := v.Producer
	d := p.Decision(n)
	if d.State == Float || d.State == Stored {
		return
	}
	keep[n] = true
	if d.State != Int8 || n.Op == "Sigmoid" || n.Op == "LeakyRelu" || n.Op == "Mul" && isSwish(n) {
		for _, in := range n.Inputs {
			p.makers(in, keep)
		}
	}
}
