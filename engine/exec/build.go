package exec

import (
	"fmt"

	"dropquant/engine/graph"
	"dropquant/engine/op"
	"dropquant/engine/tensor"
)

// builder turns calls into steps. It first decides everything from shapes alone; pack then computes
// constants and packs weights.
type builder struct {
	g     *graph.Graph
	r     *op.Resolved
	o     Options
	index map[*graph.Node]int // of the calls
	live  map[*graph.Value]bool
	fixed map[*graph.Value]bool // computed from constants alone
	done  map[*graph.Node]bool  // part of a step already
	steps []*step
	pend  map[*graph.Node]*step // a fused step waits for the place of its last node

	packs []func(get func(*graph.Value) *tensor.Tensor) // filled by fuse, run by pack
	kept  map[*graph.Value]bool                         // constants that remain in use beside packed weights
	sized []sizing
	need  map[*graph.Node]bool // constant nodes that pack computes
	work  int64                // bytes that the loops of single nodes allocate for themselves
}

// sizing is what a convolution or product adds to the estimate of memory, in bytes.
type sizing struct{ weights, scratch int64 }

func newBuilder(g *graph.Graph, r *op.Resolved, o Options) *builder {
	b := &builder{g: g, r: r, o: o, index: map[*graph.Node]int{}, live: map[*graph.Value]bool{}, fixed: map[*graph.Value]bool{},
		done: map[*graph.Node]bool{}, pend: map[*graph.Node]*step{}, kept: map[*graph.Value]bool{}}
	for i, n := range g.Nodes {
		b.index[n] = i
		constant := true
		for _, v := range n.Inputs {
			constant = constant && (v == nil || b.constant(v))
		}
		for _, v := range n.Outputs {
			if v != nil && (constant || r.Known[v] != nil) {
				b.fixed[v] = true
			}
		}
	}
	for _, v := range g.Outputs {
		b.live[v] = true
	}
	for v := range o.Watch {
		b.live[v] = true
	}
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		n := g.Nodes[i]
		for _, v := range n.Outputs {
			if v == nil || !b.live[v] || b.fixed[v] {
				continue
			}
			for _, in := range n.Inputs {
				if in != nil {
					b.live[in] = true
				}
			}
		}
	}
	return b
}

// constant reports whether the elements of v do not depend on the inputs of the graph.
func (b *builder) constant(v *graph.Value) bool { return v.Const != nil || b.fixed[v] }

// fuse makes a step of every node whose result is wanted, or of several nodes at once.
func (b *builder) fuse() {
	for i, n := range b.g.Nodes {
		if s := b.pend[n]; s != nil {
			b.add(s)
			continue
		}
		if b.done[n] || !b.wanted(n) {
			continue
		}
		c := b.r.Calls[i]
		if b.fuseConv(c) || b.fuseGemm(c) || b.fuseIntegers(c) || b.fuseQuantizer(c) || b.fuseGate(c) || b.fuseCodeGate(c) {
			if s := b.pend[n]; s != nil {
				b.add(s)
			}
			continue
		}
		s := &step{name: n.Name, op: n.Op, in: n.Inputs, out: n.Outputs, run: c.Run, alias: c.Row.Alias}
		b.work += c.Work
		if s.alias == op.View && onlyFirst(n.Outputs) && !b.constant(n.Inputs[0]) {
			s.run = nil
			s.in, s.out = n.Inputs[:1], n.Outputs[:1]
		}
		b.add(s)
	}
}

func onlyFirst(out []*graph.Value) bool {
	for i, v := range out {
		if (v != nil) != (i == 0) {
			return false
		}
	}
	return len(out) > 0
}

// wanted reports whether anything asks for what n computes from the inputs.
func (b *builder) wanted(n *graph.Node) bool {
	for _, v := range n.Outputs {
		if v != nil && b.live[v] && !b.fixed[v] {
			return true
		}
	}
	return false
}

// add appends a step and notes what its hook sees and which constants it reads.
func (b *builder) add(s *step) {
	for _, v := range s.out {
		if v != nil && b.o.Watch[v] {
			s.seen = append(s.seen, v)
		}
	}
	for _, v := range s.in {
		if v != nil && b.constant(v) {
			b.kept[v] = true
		}
	}
	b.steps = append(b.steps, s)
}

// place puts a fused step where its last node stands, when everything it reads is there.
func (b *builder) place(s *step, nodes ...*graph.Node) {
	last := nodes[0]
	for _, n := range nodes {
		b.done[n] = true
		if b.index[n] > b.index[last] {
			last = n
		}
	}
	s.name, s.op = last.Name, nodes[0].Op
	s.fused = true
	b.pend[last] = s
}

// sole returns the one node that reads v, at which input, when nothing else can see v.
func (b *builder) sole(v *graph.Value) (*graph.Node, int) {
	if v == nil || len(v.Uses) != 1 || b.o.Watch[v] || b.g.IsOutput(v) || v.Uses[0].Index == graph.CaptureIndex || b.done[v.Uses[0].Node] {
		return nil, 0
	}
	return v.Uses[0].Node, v.Uses[0].Index
}

func (b *builder) call(n *graph.Node) *op.Call { return b.r.Calls[b.index[n]] }

func (b *builder) scratch() int64 {
	most := int64(0)
	for _, s := range b.sized {
		most = max(most, s.scratch)
	}
	return most + b.work
}

// weights is the memory of constants: those that steps read, and the packed ones.
func (b *builder) weights() int64 {
	total := int64(0)
	for _, s := range b.sized {
		total += s.weights
	}
	for v := range b.kept {
		total += b.r.Types[v].Bytes()
	}
	return total
}

// pack computes the constants, packs the weights and keeps what the program reads.
func (b *builder) pack(p *Program) error {
	values := map[*graph.Value]*tensor.Tensor{}
	get := func(v *graph.Value) *tensor.Tensor {
		switch {
		case v == nil:
			return nil
		case v.Const != nil:
			return v.Const
		case b.r.Known[v] != nil:
			return b.r.Known[v]
		}
		return values[v]
	}
	for i, n := range b.g.Nodes {
		if !b.need[n] {
			continue
		}
		in := make([]*tensor.Tensor, len(n.Inputs))
		for k, v := range n.Inputs {
			in[k] = get(v)
		}
		out, err := b.r.Calls[i].Eval(in)
		if err != nil {
			return fmt.Errorf("node %q (%s): %w", n.Name, n.Op, err)
		}
		for k, v := range n.Outputs {
			if v != nil {
				values[v] = out[k]
			}
		}
	}
	for _, f := range b.packs {
		f(get)
	}
	for v := range b.kept {
		p.fixed[v] = get(v)
	}
	for _, v := range b.g.Outputs {
		if b.constant(v) {
			p.fixed[v] = get(v)
		}
	}
	for _, n := range b.g.Nodes {
		for _, v := range n.Outputs {
			if v != nil && b.fixed[v] && b.o.Watch[v] {
				p.fixed[v] = get(v)
				p.still = append(p.still, v)
			}
		}
	}
	return nil
}

// needed marks the constant nodes whose elements a step, a packing or an output reads, or the hook sees, and that
// inference did not compute already.
func (b *builder) needed() map[*graph.Node]bool {
	need, want := map[*graph.Node]bool{}, map[*graph.Value]bool{}
	mark := func(v *graph.Value) {
		if v != nil && b.fixed[v] && b.r.Known[v] == nil {
			want[v] = true
		}
	}
	for _, n := range b.g.Nodes {
		if b.wanted(n) {
			for _, v := range n.Inputs {
				mark(v)
			}
		}
	}
	for _, v := range b.g.Outputs {
		mark(v)
	}
	for v := range b.o.Watch {
		mark(v)
	}
	for i := len(b.g.Nodes) - 1; i >= 0; i-- {
		n := b.g.Nodes[i]
		for _, v := range n.Outputs {
			if v != nil && want[v] {
				need[n] = true
			}
		}
		if need[n] {
			for _, v := range n.Inputs {
				mark(v)
			}
		}
	}
	return need
}

// folded is the memory of everything that pack computes, which is held until it ends.
func (b *builder) folded() int64 {
	total := int64(0)
	for n := range b.need {
		for _, v := range n.Outputs {
			if v != nil {
				total += b.r.Types[v].Bytes()
			}
		}
	}
	return total
}
