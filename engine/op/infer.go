package op

import (
	"fmt"

	"dropquant/engine/graph"
	"dropquant/engine/kernel"
	"dropquant/engine/tensor"
)

// foldLimit is how many elements a tensor may have for inference to compute with it: enough for
// every chain that computes a shape, little enough that inference stays fast on any file.
const foldLimit = 1 << 14

// Resolved is a graph for given input shapes: the call of every node, the type of every value, and
// the elements of the small values that no input decides.
type Resolved struct {
	Graph *graph.Graph
	Calls []*Call // beside Graph.Nodes
	Types map[*graph.Value]Type
	Known map[*graph.Value]*tensor.Tensor // constants and what small constants compute

	Scratch    *kernel.Scratch // working memory of all calls
	Arithmetic Arithmetic
}

// NodeError says that a node cannot be computed, though its operator is in the table. A caller may cut
// the graph before the node and try again.
type NodeError struct {
	Node *graph.Node
	Err  error
}

func (e *NodeError) Error() string {
	return fmt.Sprintf("node %q (%s): %v", e.Node.Name, e.Node.Op, e.Err)
}

// Unwrap returns what is wrong.
func (e *NodeError) Unwrap() error { return e.Err }

// Infer fills the type and shape of every value for the given shapes of the inputs. An input that
// shapes does not name must have a concrete shape in the graph. The declared shapes of the inputs
// are left as they are, so that a symbolic batch survives. Errors name the node.
func Infer(g *graph.Graph, shapes map[string][]int) error {
	r, err := Resolve(g, shapes)
	if err != nil {
		return err
	}
	for _, n := range g.Nodes {
		for _, v := range n.Outputs {
			if v != nil {
				v.DType, v.Shape = r.Types[v].DType, r.Types[v].Shape
			}
		}
	}
	return nil
}

// Resolve runs the rule of every node, with exact integer sums. It does not change the graph.
func Resolve(g *graph.Graph, shapes map[string][]int) (*Resolved, error) {
	return ResolveIn(Arithmetic{}, g, shapes)
}

// ResolveIn is Resolve in the arithmetic of a runtime.
func ResolveIn(a Arithmetic, g *graph.Graph, shapes map[string][]int) (*Resolved, error) {
	r := &Resolved{Graph: g, Types: map[*graph.Value]Type{}, Known: map[*graph.Value]*tensor.Tensor{}, Scratch: kernel.NewScratch(), Arithmetic: a}
	for _, v := range g.Inputs {
		t := Type{v.DType, v.Shape}
		if s, ok := shapes[v.Name]; ok {
			t.Shape = s
		}
		if err := checkInput(v, t); err != nil {
			return nil, err
		}
		r.Types[v] = t
	}
	for _, n := range g.Nodes {
		if err := supported(n, opset(g, n.Domain)); err != nil {
			return nil, err
		}
		c, err := r.call(n)
		if err != nil {
			return nil, &NodeError{n, err}
		}
		r.Calls = append(r.Calls, c)
	}
	return r, nil
}

func checkInput(v *graph.Value, t Type) error {
	if !anything.Has(t.DType) {
		return fmt.Errorf("input %q has the element type %v, which Dropquant does not compute with", v.Name, t.DType)
	}
	if t.Shape == nil {
		return fmt.Errorf("input %q declares no shape: give one", v.Name)
	}
	for _, d := range t.Shape {
		if d < 0 {
			return fmt.Errorf("input %q has the unknown dimensions %s: give its shape", v.Name, tensor.FormatShape(t.Shape))
		}
	}
	if err := checkShape(t.Shape); err != nil {
		return fmt.Errorf("input %q: %w", v.Name, err)
	}
	return nil
}

// call runs the rule of one node and records what it states.
func (r *Resolved) call(n *graph.Node) (*Call, error) {
	version := opset(r.Graph, n.Domain)
	c := &Call{Node: n, Row: Lookup(n.Domain, n.Op, version), Opset: version, Scratch: r.Scratch, Arithmetic: r.Arithmetic}
	for i, v := range n.Inputs {
		t, err := r.input(i, v)
		if err != nil {
			return nil, err
		}
		c.In = append(c.In, t)
		c.Known = append(c.Known, r.Known[v])
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	for i, v := range n.Outputs {
		if v == nil {
			continue
		}
		if i >= len(c.Out) || c.Out[i].DType == tensor.Unknown {
			return nil, fmt.Errorf("output %d (%q) is not one that Dropquant computes", i, v.Name)
		}
		r.Types[v] = c.Out[i]
	}
	return c, r.fold(c)
}

func (r *Resolved) input(i int, v *graph.Value) (Type, error) {
	if v == nil {
		return Type{}, nil
	}
	if v.Const != nil {
		r.Known[v], r.Types[v] = v.Const, Type{v.Const.DType, v.Const.Shape}
	}
	t, ok := r.Types[v]
	if !ok {
		return t, fmt.Errorf("input %d (%q) is computed by no earlier node", i, v.Name)
	}
	if v.Const != nil && !anything.Has(t.DType) {
		return t, fmt.Errorf("input %d (%q) has the element type %v, which Dropquant does not compute with", i, v.Name, t.DType)
	}
	return t, nil
}

// check runs the rule inside what the row promises about inputs.
func (c *Call) check() error {
	for len(c.In) > c.Row.Min && !c.has(len(c.In)-1) {
		c.In, c.Known = c.In[:len(c.In)-1], c.Known[:len(c.Known)-1]
	}
	if len(c.In) < c.Row.Min || len(c.In) > c.Row.Max {
		return fmt.Errorf("it has %d inputs where %d to %d are needed", len(c.In), c.Row.Min, c.Row.Max)
	}
	for i := range c.Row.Min {
		if !c.has(i) {
			return fmt.Errorf("input %d is missing", i)
		}
	}
	if len(c.In) > 0 && c.has(0) && !c.Row.Types.Has(c.In[0].DType) {
		return fmt.Errorf("input 0 is %v, which Dropquant does not compute with here", c.In[0].DType)
	}
	err := c.Row.Rule(c)
	if c.err != nil {
		return c.err
	}
	return err
}

// fold computes the outputs now when every input is known and all is small.
func (r *Resolved) fold(c *Call) error {
	if c.Result != nil {
		if v := c.Node.Out(0); v != nil {
			r.Known[v] = c.Result
		}
		return nil
	}
	for i, t := range c.In {
		if t.DType != tensor.Unknown && (c.Known[i] == nil || product(t.Shape) > foldLimit) {
			return nil
		}
	}
	for _, t := range c.Out {
		if product(t.Shape) > foldLimit {
			return nil
		}
	}
	out, err := c.Eval(c.Known)
	if err != nil {
		return err
	}
	for i, v := range c.Node.Outputs {
		if v != nil {
			r.Known[v] = out[i]
		}
	}
	return nil
}

// Eval allocates the outputs and computes them.
func (c *Call) Eval(in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	out := make([]*tensor.Tensor, max(len(c.Out), len(c.Node.Outputs)))
	for i, v := range c.Node.Outputs {
		if v != nil {
			out[i] = tensor.New(c.Out[i].DType, c.Out[i].Shape...)
		}
	}
	if c.Result != nil {
		if len(out) > 0 {
			out[0] = c.Result
		}
		return out, nil
	}
	return out, c.Run(in, out)
}
