// Package onnxgo makes the engine a backend of onnx-go:
//
//	g := onnxgo.NewGraph()
//	m := onnx.NewModel(g)
//	err := m.UnmarshalBinary(data)
//	err = m.SetInput(0, x)
//	err = g.Run()
//	y, err := m.GetOutputTensors()
//
// onnx-go (v0.5.0) reads the file and hands over a gonum graph whose nodes are tensors; an edge leads
// from what an operator computes to what it reads and is weighted with the position of the input. Run
// compiles that graph for the shapes of the inputs and keeps the program for the next run.
//
// onnx-go reads float32, float64, int32 and int64 tensors, no subgraphs and not the model's opset, which
// the field Opset therefore has to say.
package onnxgo

import (
	"fmt"
	"math"
	"strings"

	"github.com/owulveryck/onnx-go"
	gonum "gonum.org/v1/gonum/graph"
	"gonum.org/v1/gonum/graph/simple"
	gorgonia "gorgonia.org/tensor"

	"dropquant/engine/exec"
	"dropquant/engine/graph"
	"dropquant/engine/op"
	"dropquant/engine/tensor"
)

// Graph is a computation that onnx-go fills and Run computes.
type Graph struct {
	*simple.WeightedDirectedGraph

	Opset int // version of the operators; 10 unless set before the model is read

	reads   map[int64][]*Node // what the operator behind an output reads, by its first output
	calls   []call
	started bool // operators have arrived: a tensor set from now on is an input of a run
	program *program
}

// call is one operator between tensors.
type call struct {
	op      onnx.Operation
	inputs  []*Node
	outputs []*Node
}

// Node is a tensor of the graph. It implements onnx.Namer and onnx.DataCarrier.
type Node struct {
	id    int64
	name  string
	value gorgonia.Tensor
	owner *Graph
	input bool         // was set after the model had been read
	dtype tensor.DType // that the model declares; Unknown when it declares none
}

// ID returns the number of the node in its graph.
func (n *Node) ID() int64 { return n.id }

// SetName sets the name that the model gives to the tensor.
func (n *Node) SetName(name string) { n.name = name }

// GetName returns the name that the model gives to the tensor.
func (n *Node) GetName() string { return n.name }

// SetTensor sets the elements.
func (n *Node) SetTensor(t gorgonia.Tensor) error {
	n.value, n.input = t, n.owner.started
	if !n.owner.started && t != nil {
		n.dtype = dtypes[t.Dtype()]
	}
	return nil
}

// GetTensor returns the elements; for the output of an operator, those of the last run.
func (n *Node) GetTensor() gorgonia.Tensor { return n.value }

// NewGraph returns an empty graph for onnx.NewModel.
func NewGraph() *Graph {
	return &Graph{WeightedDirectedGraph: simple.NewWeightedDirectedGraph(math.Inf(1), math.Inf(1)), Opset: 10, reads: map[int64][]*Node{}}
}

// NewNode returns a node to add to the graph.
func (g *Graph) NewNode() gonum.Node {
	return &Node{id: g.WeightedDirectedGraph.NewNode().ID(), owner: g}
}

// SetWeightedEdge notes that the operator behind e.From() reads e.To() as its input number e.Weight().
// A tensor may be read twice, which the graph of gonum alone could not say.
func (g *Graph) SetWeightedEdge(e gonum.WeightedEdge) {
	from, to, i := e.From().(*Node), e.To().(*Node), int(e.Weight())
	list := g.reads[from.id]
	for len(list) <= i {
		list = append(list, nil)
	}
	list[i] = to
	g.reads[from.id] = list
	if from.id != to.id {
		g.WeightedDirectedGraph.SetWeightedEdge(e)
	}
}

// ApplyOperation adds the operator that computes outputs. It returns an *onnx.ErrNotImplemented for
// one that the engine does not compute.
func (g *Graph) ApplyOperation(o onnx.Operation, outputs ...gonum.Node) error {
	g.started = true
	row := op.Lookup("", o.Name, g.Opset)
	if row == nil {
		return &onnx.ErrNotImplemented{Operator: o.Name, Message: fmt.Sprintf("operator %s at opset %d is not one that Dropquant can compute", o.Name, g.Opset)}
	}
	c := call{op: o}
	for _, v := range outputs {
		c.outputs = append(c.outputs, v.(*Node))
	}
	if len(c.outputs) == 0 {
		return fmt.Errorf("operator %s computes nothing", o.Name)
	}
	if row.Max > 0 { // onnx-go invents an input where there is none
		c.inputs = g.reads[c.outputs[0].id]
	}
	for _, v := range outputs {
		delete(g.reads, v.ID())
	}
	g.calls = append(g.calls, c)
	g.program = nil
	return nil
}

// program is a compiled graph and what it was compiled for.
type program struct {
	*exec.Program
	key     string
	inputs  []*Node
	outputs []*Node
}

// Run computes every output of every operator that no other operator reads.
func (g *Graph) Run() error {
	key := g.key()
	if g.program == nil || g.program.key != key {
		p, err := g.compile()
		if err != nil {
			return err
		}
		p.key = key
		g.program = p
	}
	p := g.program
	in := map[string]*tensor.Tensor{}
	for _, n := range p.inputs {
		x, err := fromGorgonia(n.value)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", n.name, err)
		}
		in[n.key()] = x
	}
	out, err := p.Program.Run(in, nil)
	if err != nil {
		return err
	}
	for _, n := range p.outputs {
		n.value = toGorgonia(out[n.key()])
	}
	if len(p.inputs) < len(g.inputs()) {
		g.program = nil // it holds this run's inputs as constants
	}
	return nil
}

// key names a tensor uniquely, whatever the model called it.
func (n *Node) key() string { return fmt.Sprintf("%d:%s", n.id, n.name) }

// inputs returns the tensors that were set after the model had been read.
func (g *Graph) inputs() []*Node {
	var list []*Node
	seen := map[*Node]bool{}
	for _, c := range g.calls {
		for _, n := range c.inputs {
			if n != nil && n.input && !seen[n] {
				seen[n] = true
				list = append(list, n)
			}
		}
	}
	return list
}

// key says what a program depends on beside the model.
func (g *Graph) key() string {
	var b strings.Builder
	for _, n := range g.inputs() {
		fmt.Fprint(&b, n.id, n.value.Dtype(), n.value.Shape())
	}
	return b.String()
}

// compile keeps the inputs open when it can. Where an input decides a shape, it holds first all but
// the first constant, then all.
func (g *Graph) compile() (*program, error) {
	all := g.inputs()
	var first error
	for _, open := range [][]*Node{all, all[:min(1, len(all))], nil} {
		p, err := g.compileFor(open)
		if err == nil {
			return p, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

func (g *Graph) compileFor(open []*Node) (*program, error) {
	r := graph.New("onnx-go", g.Opset)
	values := map[*Node]*graph.Value{}
	for _, n := range open {
		x, err := fromGorgonia(n.value)
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", n.name, err)
		}
		values[n] = declared(r, n, r.AddInput(n.key(), x.DType, x.Shape...))
	}
	read := map[*Node]bool{}
	p := &program{inputs: open}
	for _, c := range g.calls {
		if err := addCall(r, c, values, read); err != nil {
			return nil, err
		}
	}
	for _, c := range g.calls {
		for _, n := range c.outputs {
			if n.name != "" && !read[n] {
				r.AddOutput(values[n])
				p.outputs = append(p.outputs, n)
			}
		}
	}
	var err error
	p.Program, err = exec.Compile(r, nil, exec.Options{})
	return p, err
}

// declared converts a tensor that was set with another element type than the model declares, as the
// operator Cast does.
func declared(r *graph.Graph, n *Node, v *graph.Value) *graph.Value {
	if n.dtype == tensor.Unknown || n.dtype == v.DType {
		return v
	}
	cast := r.AddNode("Cast", "declared type", []*graph.Value{v}, []graph.Attr{{Name: "to", Value: int64(n.dtype)}}, v.Name+" converted")
	return cast.Outputs[0]
}

// addCall adds an operator and the constants that it reads. A tensor without a name is omitted.
func addCall(r *graph.Graph, c call, values map[*Node]*graph.Value, read map[*Node]bool) error {
	var in []*graph.Value
	for _, n := range c.inputs {
		if n == nil || n.name == "" {
			in = append(in, nil)
			continue
		}
		read[n] = true
		if values[n] == nil {
			x, err := fromGorgonia(n.value)
			if err != nil {
				return fmt.Errorf("tensor %q of operator %s: %w", n.name, c.op.Name, err)
			}
			values[n] = declared(r, n, r.AddConst(n.key(), x))
		}
		in = append(in, values[n])
	}
	names := make([]string, len(c.outputs))
	for i, n := range c.outputs {
		if n.name != "" {
			names[i] = n.key()
		}
	}
	attrs, err := attributes(c.op)
	if err != nil {
		return err
	}
	node := r.AddNode(c.op.Name, c.op.Name, in, attrs, names...)
	for i, n := range c.outputs {
		if n.name == "" {
			continue
		}
		if values[n] != nil {
			return fmt.Errorf("tensor %q is computed twice, or read before it is computed", n.name)
		}
		values[n] = node.Outputs[i]
	}
	return nil
}
