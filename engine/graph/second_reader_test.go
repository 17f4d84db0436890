package graph

import (
	"fmt"
	"slices"
	"testing"

	second "github.com/owulveryck/onnx-go"
	gonum "gonum.org/v1/gonum/graph"

	"dropquant/engine/internal/testdata"
	"dropquant/engine/onnx"
)

// topology is an onnx-go backend that writes down which operator reads and produces what, and takes no
// tensors.
type topology struct {
	names []string
	edges []*wire // since the last operation
	nodes []seen
}

// seen is a node as the second reader sees it.
type seen struct {
	op              string
	inputs, outputs []string
}

// point is a value: it has a name that onnx-go sets.
type point struct {
	t  *topology
	id int64
}

func (p point) ID() int64        { return p.id }
func (p point) SetName(s string) { p.t.names[p.id] = s }
func (p point) GetName() string  { return p.t.names[p.id] }

type wire struct {
	from, to gonum.Node
	weight   float64
}

func (w *wire) From() gonum.Node         { return w.from }
func (w *wire) To() gonum.Node           { return w.to }
func (w *wire) ReversedEdge() gonum.Edge { return &wire{w.to, w.from, w.weight} }
func (w *wire) Weight() float64          { return w.weight }

func (t *topology) NewNode() gonum.Node {
	t.names = append(t.names, "")
	return point{t, int64(len(t.names) - 1)}
}

func (t *topology) AddNode(gonum.Node)                         {}
func (t *topology) Node(id int64) gonum.Node                   { return point{t, id} }
func (t *topology) Nodes() gonum.Nodes                         { return gonum.Empty }
func (t *topology) From(int64) gonum.Nodes                     { return gonum.Empty }
func (t *topology) To(int64) gonum.Nodes                       { return gonum.Empty }
func (t *topology) HasEdgeBetween(_, _ int64) bool             { return false }
func (t *topology) HasEdgeFromTo(_, _ int64) bool              { return false }
func (t *topology) Edge(_, _ int64) gonum.Edge                 { return nil }
func (t *topology) WeightedEdge(_, _ int64) gonum.WeightedEdge { return nil }
func (t *topology) Weight(_, _ int64) (float64, bool)          { return 0, false }
func (t *topology) SetWeightedEdge(e gonum.WeightedEdge)       { t.edges = append(t.edges, e.(*wire)) }
func (t *topology) NewWeightedEdge(a, b gonum.Node, w float64) gonum.WeightedEdge {
	return &wire{a, b, w}
}

// ApplyOperation closes a node: onnx-go has drawn its edges once for each output.
func (t *topology) ApplyOperation(op second.Operation, outputs ...gonum.Node) error {
	c := seen{op: op.Name}
	for _, o := range outputs {
		c.outputs = append(c.outputs, t.names[o.ID()])
	}
	for _, e := range t.edges[:len(t.edges)/max(len(outputs), 1)] {
		c.inputs = append(c.inputs, t.names[e.to.ID()])
	}
	t.edges = nil
	t.nodes = append(t.nodes, c)
	return nil
}

// skeleton is a model without the attributes and data that onnx-go cannot read.
func skeleton(m *onnx.Model) []byte {
	g := &onnx.Graph{Input: m.Graph.Input, Output: m.Graph.Output}
	for _, n := range m.Graph.Node {
		g.Node = append(g.Node, &onnx.Node{Name: n.Name, OpType: n.OpType, Input: n.Input, Output: n.Output})
	}
	return (&onnx.Model{Graph: g}).Marshal()
}

// readTopology turns the panics with which onnx-go meets empty tensors into errors.
func readTopology(data []byte) (top *topology, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	top = &topology{}
	return top, second.NewModel(top).UnmarshalBinary(data)
}

// TestSecondReader compares nodes, operators, ordered inputs and outputs of every model with what onnx-go,
// which shares no code with this package, makes of the same file. Subgraphs and some types it cannot read:
// then it gets the file without attributes.
func TestSecondReader(t *testing.T) {
	whole, stripped := 0, 0
	testdata.Models(t, func(name string, data []byte) {
		m, err := onnx.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		g, err := FromONNX(m)
		if err != nil {
			t.Fatal(err)
		}
		top, err := readTopology(data)
		if err == nil {
			whole++
		} else if top, err = readTopology(skeleton(m)); err == nil {
			stripped++
		} else {
			t.Errorf("%s: onnx-go: %v", name, err)
			return
		}
		if len(top.nodes) != len(g.Nodes) {
			t.Errorf("%s: %d nodes, onnx-go sees %d", name, len(g.Nodes), len(top.nodes))
			return
		}
		for i, n := range g.Nodes {
			want := top.nodes[i]
			if len(n.Inputs) == 0 {
				want.inputs = nil // onnx-go invents one
			}
			if n.Op != want.op || !slices.Equal(valueNames(n.Inputs), want.inputs) || !slices.Equal(valueNames(n.Outputs), want.outputs) {
				t.Errorf("%s: node %d is %v, onnx-go sees %v", name, i, n, want)
			}
		}
	})
	t.Logf("%d files read whole, %d without attributes", whole, stripped)
	if whole < 1700 {
		t.Errorf("only %d files were compared whole", whole)
	}
}
