package intsim

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"dropquant/engine/exec"
	"dropquant/engine/graph"
	"dropquant/engine/kernel"
	"dropquant/engine/quant"
	"dropquant/engine/tensor"
)

// Options say what a program must show and may use.
type Options struct {
	Watch     map[*graph.Value]bool           // values of the graph that the hook of Run sees
	MaxMemory int64                           // as of exec.Options
	Exact     bool                            // as of exec.Options
	Progress  func(node string, done, of int) // as of exec.Options
	Count     bool                            // what saturates and clips is counted: see Counts. It makes runs slower
}

// Program is a Q/DQ graph compiled for a backend and fixed input shapes. It is not for use by two goroutines at once.
type Program struct {
	exec *exec.Program
	seen map[*graph.Value][]sight // by values of the lowered graph

	onAnyCPU bool

	counts []*Count // beside layers
	layers []layer
	ends   map[*graph.Value][]*Count // by the codes that leave layers
}

// sight is how a value of the graph is seen in the lowered one.
type sight struct {
	value  *graph.Value
	params *quant.Params  // nil when it is there in float
	reals  *tensor.Tensor // where its codes are made reals
}

// Compile prepares g, a graph of pairs that is not changed, to run as it would in the backend's runtime, for inputs of
// the given shapes.
func Compile(g *graph.Graph, b *Backend, shapes map[string][]int, o Options) (*Program, error) {
	l, err := lower(g, b, shapes, true)
	if err != nil {
		return nil, err
	}
	p := &Program{seen: map[*graph.Value][]sight{}, onAnyCPU: l.onAnyCPU}
	watch := map[*graph.Value]bool{}
	byName := func(a, b *graph.Value) int { return strings.Compare(a.Name, b.Name) }
	for _, v := range slices.SortedFunc(maps.Keys(o.Watch), byName) {
		at, s, ok := l.sight(v)
		if !ok {
			continue
		}
		watch[at] = true
		p.seen[at] = append(p.seen[at], s)
	}
	arithmetic := b.Arithmetic
	if o.Count {
		arithmetic.Count = true
		p.count(l, watch)
	}
	p.exec, err = exec.Compile(l.Graph, shapes, exec.Options{Watch: watch, MaxMemory: o.MaxMemory, Exact: o.Exact, Progress: o.Progress, Arithmetic: arithmetic})
	if err != nil {
		return nil, fmt.Errorf("as %s runs it: %w", b.Title, err)
	}
	return p, nil
}

// sight finds a value of the graph in the lowered graph: its codes where it is rounded, else itself.
func (l *Lowered) sight(v *graph.Value) (at *graph.Value, s sight, ok bool) {
	if c, rounded := l.codes[v.Name]; rounded {
		return c.value, sight{value: v, params: &c.params}, true
	}
	at = l.Graph.Value(v.Name)
	return at, sight{value: v}, at != nil
}

// Codes returns which value of the lowered graph holds the codes of a value of the graph, given by its name, and what they
// stand for there; false when it has none.
func (l *Lowered) Codes(name string) (*graph.Value, quant.Params, bool) {
	c, ok := l.codes[name]
	return c.value, c.params, ok
}

// Run computes the outputs. hook, when not nil, sees every watched value that the runtime computes, in topological
// order of what it executes: as the reals of its codes where it has codes. A value that only exists inside a kernel is
// not seen. Else the contract is that of exec.Program.
func (p *Program) Run(inputs map[string]*tensor.Tensor, hook func(v *graph.Value, t *tensor.Tensor)) (map[string]*tensor.Tensor, error) {
	if hook == nil && p.ends == nil {
		return p.exec.Run(inputs, nil)
	}
	return p.exec.Run(inputs, func(at *graph.Value, t *tensor.Tensor) {
		for _, c := range p.ends[at] {
			c.codes(t)
		}
		if hook == nil {
			return
		}
		for i := range p.seen[at] {
			s := &p.seen[at][i]
			if s.params == nil {
				hook(s.value, t)
				continue
			}
			if s.reals == nil {
				s.reals = tensor.New(tensor.Float32, t.Shape...)
			}
			dequantize(s.reals, t, s.params)
			hook(s.value, s.reals)
		}
	})
}

// dequantize writes the reals of codes.
func dequantize(reals, codes *tensor.Tensor, p *quant.Params) {
	switch y := reals.F32(); {
	case codes.DType == tensor.Uint8 && p.PerTensor(): // nearly all activations are such
		kernel.DequantizeU8(y, tensor.Data[uint8](codes), p.Scale[0], p.Zero[0])
	case codes.DType == tensor.Int8:
		quant.Dequantize(y, tensor.Data[int8](codes), codes.Shape, *p)
	case codes.DType == tensor.Uint8:
		quant.Dequantize(y, tensor.Data[uint8](codes), codes.Shape, *p)
	default:
		reals.CopyFrom(p.Reals(codes))
	}
}

// OnAnyCPU reports whether the backends of the same runtime on other kinds of processors give the same for any input, so that they need
// not be run.
func (p *Program) OnAnyCPU() bool { return p.onAnyCPU }

// Memory estimates the bytes that the program holds while it runs.
func (p *Program) Memory() int64 { return p.exec.Memory() }
