// Package exec runs a graph.
//
// Compile does once what does not depend on the data: it infers shapes, computes what only constants
// decide (so int8 weights behind a DequantizeLinear become packed floats), fuses activations, residual
// additions and batch normalizations into the convolutions before them, turns a QuantizeLinear and
// its DequantizeLinear into one pass, and lays all tensors out in one block of memory, where those
// that do not live at the same time share a place. Run then computes image after image and allocates
// nothing.
package exec

import (
	"errors"
	"fmt"

	"dropquant/engine/graph"
	"dropquant/engine/kernel"
	"dropquant/engine/op"
	"dropquant/engine/tensor"
)

// Options say what a program must show and may use. The zero value shows nothing and uses what it needs.
type Options struct {
	Watch     map[*graph.Value]bool           // values that the hook of Run sees; fusion never hides them
	MaxMemory int64                           // in bytes; a program that needs more is refused before anything is allocated. 0: no bound
	Exact     bool                            // convolutions add up their products themselves, without transforms that are faster and round a little more
	Progress  func(node string, done, of int) // called before every step of Run

	// Arithmetic is that of the runtime that is imitated, exact when zero.
	Arithmetic op.Arithmetic
}

// Program is a graph compiled for fixed input shapes. It is not for use by two goroutines at once.
type Program struct {
	inputs  []*graph.Value
	outputs []*graph.Value
	steps   []*step
	watch   map[*graph.Value]bool
	types   map[*graph.Value]op.Type
	plan    plan
	opts    Options

	calls   map[*graph.Node]*op.Call        // where pairs are counted
	fixed   map[*graph.Value]*tensor.Tensor // constants that steps, outputs or the hook read
	still   []*graph.Value                  // watched values that constants alone give
	tensors map[*graph.Value]*tensor.Tensor // every tensor of a run, made by the first
	results map[string]*tensor.Tensor
	scratch *kernel.Scratch
}

// step computes one node, or several that were fused.
type step struct {
	name    string // of the node that gives the result
	op      string
	in, out []*graph.Value // nil where omitted
	run     op.Run         // nil when the outputs are views of input 0
	alias   op.Alias
	fused   bool // in and out are not those of one node: nothing but in[0] may be overwritten
	seen    []*graph.Value

	inT, outT []*tensor.Tensor
	seenT     []*tensor.Tensor
}

// Compile prepares g, which it does not change, for inputs of the given shapes; an input that shapes
// does not name has a concrete shape in the graph. The program keeps constants of g without copying
// them.
func Compile(g *graph.Graph, shapes map[string][]int, o Options) (*Program, error) {
	if err := op.Unsupported(g); err != nil {
		return nil, err
	}
	r, err := op.ResolveIn(o.Arithmetic, g, shapes)
	if err != nil {
		return nil, err
	}
	b := newBuilder(g, r, o)
	b.fuse()
	p := &Program{inputs: g.Inputs, outputs: g.Outputs, watch: o.Watch, types: r.Types, opts: o, fixed: map[*graph.Value]*tensor.Tensor{}, scratch: r.Scratch}
	p.steps = b.steps
	p.plan = layOut(p, b)
	p.plan.weights = b.weights()
	b.need = b.needed()
	folded := b.folded()
	if folded > maxFolded {
		return nil, fmt.Errorf("the constants of the model grow to %d MB when they are computed: simplify the model", folded>>20)
	}
	if m := p.Memory() + folded; o.MaxMemory > 0 && m > o.MaxMemory {
		return nil, fmt.Errorf("running the model takes about %d MB of memory and %d MB are available: use smaller images or a smaller model", m>>20, o.MaxMemory>>20)
	}
	if o.Arithmetic.Count {
		p.calls = map[*graph.Node]*op.Call{}
		for i, n := range g.Nodes {
			p.calls[n] = r.Calls[i]
		}
	}
	return p, b.pack(p)
}

// Saturated returns, by output channel and over all runs, how many pairs of products of a node were changed by saturation; nil where nothing
// is counted. See op.Arithmetic.
func (p *Program) Saturated(n *graph.Node) []int64 {
	if c := p.calls[n]; c != nil {
		return c.Saturated
	}
	return nil
}

// maxFolded bounds what constants may grow to, in bytes: a few nodes of a hostile file can ask for any
// amount.
const maxFolded = 4 << 30

// Memory estimates the bytes that the program holds while it runs: tensors, constants and packed
// weights, and working memory.
func (p *Program) Memory() int64 { return p.plan.bytes() + p.plan.weights + p.plan.scratch }

// Run computes the outputs. inputs has a tensor for every graph input, of the shape that the program
// was compiled for; it is only read. hook, when not nil, sees every watched value in topological order, those that
// constants alone give behind the inputs; its tensor is valid only during the call. The outputs are
// valid until the next Run and must not be written to.
func (p *Program) Run(inputs map[string]*tensor.Tensor, hook func(v *graph.Value, t *tensor.Tensor)) (map[string]*tensor.Tensor, error) {
	p.allocate()
	for _, v := range p.inputs {
		if err := p.accept(v, inputs[v.Name]); err != nil {
			return nil, err
		}
		if hook != nil && p.watch[v] {
			hook(v, inputs[v.Name])
		}
	}
	if hook != nil {
		for _, v := range p.still {
			hook(v, p.fixed[v])
		}
	}
	for k, s := range p.steps {
		if p.opts.Progress != nil {
			p.opts.Progress(s.name, k, len(p.steps))
		}
		if s.run != nil {
			if err := s.run(s.inT, s.outT); err != nil {
				return nil, fmt.Errorf("node %q (%s): %w", s.name, s.op, err)
			}
		}
		if hook != nil {
			for i, v := range s.seen {
				hook(v, s.seenT[i])
			}
		}
	}
	return p.results, nil
}

var errNoInput = errors.New("no tensor is given for it")

// accept copies an input to where the program wants it.
func (p *Program) accept(v *graph.Value, t *tensor.Tensor) error {
	want := p.types[v]
	switch {
	case t == nil:
		return fmt.Errorf("input %q: %w", v.Name, errNoInput)
	case t.DType != want.DType || !equal(t.Shape, want.Shape):
		return fmt.Errorf("input %q is %v where %v%s was announced", v.Name, t, want.DType, tensor.FormatShape(want.Shape))
	}
	if to := p.tensors[v]; to != nil {
		to.CopyFrom(t)
	}
	return nil
}

func equal(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
