package intsim

import (
	"fmt"
	"slices"

	"dropquant/engine/exec"
	"dropquant/engine/graph"
	"dropquant/engine/op"
	"dropquant/engine/quant"
	"dropquant/engine/tensor"
)

// Path is how one element of a layer with weights comes about in the arithmetic of a backend, from the codes that it reads to
// the code that it gives.
type Path struct {
	Backend string  `json:"backend"`
	Title   string  `json:"title"`
	Kernel  string  `json:"kernel"`  // the operator that the runtime runs
	Integer bool    `json:"integer"` // it multiplies codes
	Terms   []Term  `json:"terms"`   // in the order in which the products add up
	Pairs   []Pair  `json:"pairs,omitempty"`
	Steps   []Step  `json:"steps"`
	Result  float32 `json:"result"`         // the real that the element stands for
	Code    *int32  `json:"code,omitempty"` // nil when it leaves in float
}

// Term is one product. In float there are only the reals.
type Term struct {
	Channel int     `json:"channel"` // of the input
	Y       int     `json:"y"`       // outside of the input where it is padded
	X       int     `json:"x"`
	Padding bool    `json:"padding,omitempty"`
	Input   float32 `json:"input"`  // real
	Weight  float32 `json:"weight"` // real
	XCode   int32   `json:"x_code"`
	WCode   int32   `json:"w_code"`
	Product int32   `json:"product"` // of the codes
}

// Pair is two neighbouring terms the sum of whose products does not fit 16 bits.
type Pair struct {
	First int   `json:"first"` // index into Terms; the other is the next
	Exact int32 `json:"exact"`
	Got   int32 `json:"got"`
}

// Step is one intermediate result.
type Step struct {
	ID    string  `json:"id"`   // the same in all backends that have it
	Text  string  `json:"text"` // what is done
	Value float64 `json:"value"`
}

// The steps that backends have in common. Those between Real and Code are named as the operators, in small letters.
const (
	StepProducts   = "products"
	StepSaturation = "saturation"
	StepZero       = "zero-points"
	StepSum        = "sum"
	StepBias       = "bias"
	StepTotal      = "total"
	StepScale      = "scale"
	StepScaled     = "scaled" // in float, without a bias that is float
	StepFloatBias  = "float-bias"
	StepReal       = "real" // what the layer gives, before activations and rounding
	StepCode       = "code"
	StepResult     = "result"
)

// Trace runs g for one input and returns the path of one element of a value: channel c, and row and column where the value
// has them. Integers are those of the simulator: sums come from its operators, run on the terms alone, and everything
// behind them from the run itself.
func Trace(g *graph.Graph, b *Backend, shapes map[string][]int, inputs map[string]*tensor.Tensor, value string, c, y, x int) (*Path, error) {
	l, err := lower(g, b, shapes, true)
	if err != nil {
		return nil, err
	}
	v := g.Value(value)
	if v == nil {
		return nil, fmt.Errorf("the model has no value %q", value)
	}
	end, codes, rounded := l.rounded(v)
	if end == nil {
		return nil, fmt.Errorf("%q exists only inside a kernel there: name the value that leaves it", value)
	}
	r, err := op.Resolve(l.Graph, shapes)
	if err != nil {
		return nil, err
	}
	t := &tracer{b: b, lowered: l, types: r.Types, calls: map[*graph.Node]*op.Call{}, made: map[*graph.Value]*tensor.Tensor{}, path: &Path{Backend: b.Name(), Title: b.Title}}
	for i, n := range l.Graph.Nodes {
		t.calls[n] = r.Calls[i]
	}
	if t.chain = t.find(end, 0); t.chain == nil {
		by := "the input of the model"
		if end.Producer != nil {
			by = "computed by " + end.Producer.Op
		}
		return nil, fmt.Errorf("%q is %s, which adds no products up: choose a layer with weights", value, by)
	}
	if err := t.run(l.Graph, shapes, inputs); err != nil {
		return nil, err
	}
	if t.at, err = offset(t.types[end].Shape, c, y, x); err != nil {
		return nil, fmt.Errorf("%q: %w", value, err)
	}
	if err := t.kernel(c, y, x); err != nil {
		return nil, err
	}
	for _, n := range t.chain[1:] {
		t.follow(n)
	}
	last := t.element(end)
	t.path.Result = float32(last)
	if rounded {
		code := int32(last)
		t.path.Code = &code
		k := min(c, len(codes.Scale)-1)
		t.path.Result = float32(code-codes.Zero[k]) * codes.Scale[k]
	}
	t.step(StepResult, "the real that it stands for", float64(t.path.Result))
	return t.path, nil
}

// rounded returns where the lowered graph holds what v is rounded to, and what those codes stand for; v itself when it stays
// float, nil when it exists only inside a kernel.
func (l *Lowered) rounded(v *graph.Value) (*graph.Value, quant.Params, bool) {
	for _, u := range v.Uses {
		if u.Node.Op != "QuantizeLinear" || u.Index != 0 {
			continue
		}
		for _, w := range u.Node.Outputs[0].Uses {
			if w.Node.Op != "DequantizeLinear" {
				continue
			}
			if codes, p, ok := l.Codes(w.Node.Outputs[0].Name); ok {
				return codes, p, true
			}
		}
	}
	if codes, p, ok := l.Codes(v.Name); ok {
		return codes, p, true
	}
	if same := l.Graph.Value(v.Name); same != nil {
		return roundedNext(same)
	}
	return nil, quant.Params{}, false
}

// roundedNext returns the codes that a QuantizeLinear makes of v with one scale; v itself when none does.
func roundedNext(v *graph.Value) (*graph.Value, quant.Params, bool) {
	for _, u := range v.Uses {
		n := u.Node
		if n.Op != "QuantizeLinear" || u.Index != 0 || n.Inputs[1].Const == nil || n.Inputs[1].Const.Len() != 1 || n.Input(2) != nil && n.Input(2).Const == nil {
			continue
		}
		if dt := n.Outputs[0].DType; dt != tensor.Int8 && dt != tensor.Uint8 {
			continue
		}
		zero := int32(0)
		if z := n.Input(2); z != nil {
			zero = int32(number(z.Const, 0))
		}
		return n.Outputs[0], quant.Params{Scale: n.Inputs[1].Const.F32(), Zero: []int32{zero}}, true
	}
	return v, quant.Params{}, false
}

// tracer is the state of Trace.
type tracer struct {
	b       *Backend
	lowered *Lowered
	types   map[*graph.Value]op.Type
	calls   map[*graph.Node]*op.Call
	made    map[*graph.Value]*tensor.Tensor // what only constants give
	chain   []*graph.Node                   // the kernel, then what follows it element by element
	seen    map[*graph.Value]*tensor.Tensor
	at      int // offset of the element
	path    *Path
}

func (t *tracer) step(id, text string, value float64) {
	t.path.Steps = append(t.path.Steps, Step{id, text, value})
}

// maxFollowers bounds how many operators may follow a kernel.
const maxFollowers = 8

// find returns the nodes from a kernel to v, all but the first element by element; nil when there are none.
func (t *tracer) find(v *graph.Value, depth int) []*graph.Node {
	n := v.Producer
	if n == nil || depth > maxFollowers {
		return nil
	}
	if f, is := tracedKernels[n.Op]; is && t.constant(n, f.w) != nil {
		return []*graph.Node{n}
	}
	for _, in := range n.Inputs {
		if in == nil || in.Const != nil || !slices.Equal(t.types[in].Shape, t.types[v].Shape) {
			continue
		}
		if chain := t.find(in, depth+1); chain != nil {
			return append(chain, n)
		}
	}
	return nil
}

// run keeps what flows along the chain.
func (t *tracer) run(g *graph.Graph, shapes map[string][]int, inputs map[string]*tensor.Tensor) error {
	watch := map[*graph.Value]bool{t.chain[0].Inputs[0]: true}
	for i, n := range t.chain {
		watch[n.Outputs[0]] = true
		for _, v := range n.Inputs {
			if (i > 0 || !tracedKernels[n.Op].integer) && v != nil && v.Const == nil {
				watch[v] = true
			}
		}
	}
	p, err := exec.Compile(g, shapes, exec.Options{Watch: watch, Exact: true, Arithmetic: t.b.Arithmetic})
	if err != nil {
		return err
	}
	t.seen = map[*graph.Value]*tensor.Tensor{}
	_, err = p.Run(inputs, func(v *graph.Value, x *tensor.Tensor) {
		t.seen[v] = tensor.New(x.DType, x.Shape...)
		t.seen[v].CopyFrom(x)
	})
	return err
}

// element returns the traced element of a value of the chain.
func (t *tracer) element(v *graph.Value) float64 { return number(t.seen[v], t.at) }

// number returns one element of a tensor of floats or codes.
func number(x *tensor.Tensor, i int) float64 {
	switch x.DType {
	case tensor.Float32:
		return float64(x.F32()[i])
	case tensor.Int32:
		return float64(tensor.Data[int32](x)[i])
	case tensor.Int8:
		return float64(tensor.Data[int8](x)[i])
	case tensor.Uint8:
		return float64(tensor.Data[uint8](x)[i])
	}
	panic(fmt.Sprintf("bug: an element of %v is traced", x.DType))
}

// follow writes down what an operator behind the kernel makes of the element.
func (t *tracer) follow(n *graph.Node) {
	id, text := lowerCase(n.Op), n.Op
	for _, v := range n.Inputs {
		switch {
		case v == nil:
		case v.Const != nil && v.Const.Len() == 1 && (v.DType == tensor.Float32 || v.DType == tensor.Uint8 || v.DType == tensor.Int8):
			text += fmt.Sprintf(" %v", float32(number(v.Const, 0)))
		case v.Const == nil && v.Producer != nil && !slices.Contains(t.chain, v.Producer) && t.seen[v] != nil && t.seen[v].Len() > t.at:
			text += fmt.Sprintf(" with %v of %q", float32(number(t.seen[v], t.at)), v.Name)
		}
	}
	if n.Op == "QuantizeLinear" || n.Op == "Requantize" {
		id = StepCode
	}
	t.step(id, text, t.element(n.Outputs[0]))
}

func lowerCase(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// offset returns where the element of a channel, row and column lies in a value of a batch of one.
func offset(shape []int, c, y, x int) (int, error) {
	dims := []int{1, 1, 1} // channels, rows, columns
	switch {
	case len(shape) >= 2 && len(shape) <= 4 && shape[0] == 1:
		copy(dims, shape[1:])
	default:
		return 0, fmt.Errorf("a value of shape %s is not of one image with channels, rows and columns", tensor.FormatShape(shape))
	}
	for i, at := range []int{c, y, x} {
		if at < 0 || at >= dims[i] {
			return 0, fmt.Errorf("%s %d is not one of %d", [...]string{"channel", "row", "column"}[i], at, dims[i])
		}
	}
	return (c*dims[1]+y)*dims[2] + x, nil
}
