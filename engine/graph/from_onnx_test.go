package graph

import (
	"testing"

	"dropquant/engine/onnx"
)

func node(name, op string, inputs, outputs []string, attrs ...*onnx.Attribute) *onnx.Node {
	return &onnx.Node{Name: name, OpType: op, Input: inputs, Output: outputs, Attribute: attrs}
}

func infos(names ...string) []*onnx.ValueInfo {
	var list []*onnx.ValueInfo
	for _, n := range names {
		list = append(list, &onnx.ValueInfo{Name: n})
	}
	return list
}

type vals = []string

// TestLyingModels pins the one sentence that each kind of broken model gives.
func TestLyingModels(t *testing.T) {
	w := func(name string) *onnx.Tensor {
		return &onnx.Tensor{Name: name, DataType: 1, Dims: []int64{1}, FloatData: []float32{1}}
	}
	body := &onnx.Graph{Node: []*onnx.Node{node("", "Add", vals{"x", "nowhere"}, vals{"z"})}, Output: infos("z")}
	for _, c := range []struct {
		name string
		g    *onnx.Graph
		want string
	}{
		{"no graph", nil, `the model holds no graph: export it again`},
		{"dangling input", &onnx.Graph{Node: []*onnx.Node{node("a", "Relu", vals{"x"}, vals{"y"})}},
			`node "a" reads the value "x", which nothing produces: the file is damaged`},
		{"dangling input of a subgraph", &onnx.Graph{Input: infos("x"), Node: []*onnx.Node{node("a", "If", vals{"x"}, vals{"y"}, &onnx.Attribute{Name: "then_branch", G: body})}},
			`node "a" has a subgraph that reads the value "nowhere", which nothing produces: the file is damaged`},
		{"dangling output", &onnx.Graph{Output: infos("y")},
			`the graph's output "y" is produced by nothing: the file is damaged`},
		{"two producers", &onnx.Graph{Input: infos("x"), Node: []*onnx.Node{node("a", "Relu", vals{"x"}, vals{"y"}), node("b", "Relu", vals{"x"}, vals{"y"})}},
			`the value "y" is defined twice, as the output of node "a" and as the output of node "b": the file is damaged`},
		{"an output that is an input", &onnx.Graph{Input: infos("x"), Node: []*onnx.Node{node("a", "Relu", vals{"x"}, vals{"x"})}},
			`the value "x" is defined twice, as a graph input and as the output of node "a": the file is damaged`},
		{"an output that is an initializer", &onnx.Graph{Initializer: []*onnx.Tensor{w("w")}, Node: []*onnx.Node{node("a", "Relu", vals{"w"}, vals{"w"})}},
			`the value "w" is defined twice, as an initializer and as the output of node "a": the file is damaged`},
		{"two inputs", &onnx.Graph{Input: infos("x", "x")},
			`the value "x" is defined twice, as a graph input and as a graph input: the file is damaged`},
		{"two initializers", &onnx.Graph{Initializer: []*onnx.Tensor{w("w"), w("w")}},
			`the value "w" is defined twice, as an initializer and as an initializer: the file is damaged`},
		{"nameless initializer", &onnx.Graph{Initializer: []*onnx.Tensor{w("")}}, `an initializer has no name: the file is damaged`},
		{"nameless input", &onnx.Graph{Input: infos("")}, `a graph input has no name: the file is damaged`},
		{"no operator", &onnx.Graph{Input: infos("x"), Node: []*onnx.Node{node("a", "", vals{"x"}, vals{"y"})}},
			`node "a" has no operator: the file is damaged`},
		{"a node that reads itself", &onnx.Graph{Node: []*onnx.Node{node("a", "Relu", vals{"y"}, vals{"y"})}},
			`node "a" reads its own output: the graph has a cycle`},
		{"a cycle", &onnx.Graph{Node: []*onnx.Node{node("a", "Relu", vals{"z"}, vals{"y"}), node("", "Relu", vals{"y"}, vals{"z"})}},
			`the graph has a cycle through the nodes "a", "Relu_z"`},
		{"a short initializer", &onnx.Graph{Initializer: []*onnx.Tensor{{Name: "w", DataType: 1, Dims: []int64{3}, RawData: []byte{1}}}},
			`the tensor "w" of type float32[3] needs 12 bytes but holds 1: the file is damaged`},
		{"a short attribute", &onnx.Graph{Node: []*onnx.Node{node("c", "Constant", nil, vals{"y"},
			&onnx.Attribute{Name: "value", T: &onnx.Tensor{DataType: 1, Dims: []int64{3}}})}},
			`node "c", attribute "value": the tensor "" of type float32[3] needs 3 elements but holds 0: the file is damaged`},
		{"external data", &onnx.Graph{Initializer: []*onnx.Tensor{{Name: "w", DataType: 1, DataLocation: onnx.TensorDataLocationExternal,
			ExternalData: []*onnx.StringStringEntry{{Key: "location", Value: "w.bin"}}}}},
			`the data of the tensor "w" lies in the file "w.bin", which is missing: add it to the model`},
		{"sparse without values", &onnx.Graph{SparseInitializer: []*onnx.SparseTensor{{}}},
			`a sparse initializer has no values: the file is damaged`},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, err := FromONNX(&onnx.Model{Graph: c.g})
			if err == nil || g != nil {
				t.Fatalf("it was accepted")
			}
			if err.Error() != c.want {
				t.Errorf("got  %s\nwant %s", err, c.want)
			}
		})
	}
}

// TestNames: nodes get unique names that no file's name takes part in, and the file's own are written back.
func TestNames(t *testing.T) {
	m := &onnx.Model{Graph: &onnx.Graph{Input: infos("x"), Node: []*onnx.Node{
		node("conv", "Relu", vals{"x"}, vals{"a"}),
		node("", "Relu", vals{"a"}, vals{"b"}),
		node("conv", "Relu", vals{"b"}, vals{"c"}),
		node("Relu_b", "Relu", vals{"c"}, vals{"d"}),
		node("conv_1", "Relu", vals{"d"}, vals{"e"}),
		node("", "Sink", vals{"e"}, nil),
		node("", "Sink", vals{"e"}, nil),
	}}}
	g, err := FromONNX(m)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"conv", "Relu_b_1", "conv_2", "Relu_b", "conv_1", "Sink", "Sink_1"}
	for i, n := range g.Nodes {
		if n.Name != want[i] {
			t.Errorf("node %d is called %q, want %q", i, n.Name, want[i])
		}
	}
	g.SetAttr(g.Nodes[2], "alpha", float32(1))
	out, err := g.ToONNX()
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range out.Graph.Node {
		if n.Name != m.Graph.Node[i].Name {
			t.Errorf("node %d is written as %q", i, n.Name)
		}
	}
}

// TestUnsortedFile: a file out of order is read in an order that is one.
func TestUnsortedFile(t *testing.T) {
	g, err := FromONNX(&onnx.Model{Graph: &onnx.Graph{Input: infos("x"), Node: []*onnx.Node{
		node("1", "Relu", vals{"x"}, vals{"a"}),
		node("2", "Add", vals{"a", "c"}, vals{"b"}),
		node("3", "Relu", vals{"x"}, vals{"d"}),
		node("4", "Relu", vals{"a"}, vals{"c"}),
	}, Output: infos("b", "d")}})
	if err != nil {
		t.Fatal(err)
	}
	order := ""
	for _, n := range g.Nodes {
		order += n.Name
	}
	if order != "1342" {
		t.Errorf("sorted to %s", order)
	}
	if err := g.Check(); err != nil {
		t.Error(err)
	}
}

// TestCaptures: what a subgraph reads from outside keeps its producer alive and in front, and names
// inside it are not given to new values.
func TestCaptures(t *testing.T) {
	inner := &onnx.Graph{Node: []*onnx.Node{node("", "Add", vals{"a", "own"}, vals{"z"})}, Output: infos("z"), Input: infos("own")}
	body := &onnx.Graph{Node: []*onnx.Node{node("", "Loop", vals{"b"}, vals{"own"}, &onnx.Attribute{Name: "body", G: inner})}, Output: infos("own")}
	g, err := FromONNX(&onnx.Model{Graph: &onnx.Graph{Input: infos("x"), Node: []*onnx.Node{
		node("if", "If", vals{"x"}, vals{"y"}, &onnx.Attribute{Name: "then_branch", G: body}),
		node("a", "Relu", vals{"x"}, vals{"a"}),
		node("b", "Relu", vals{"x"}, vals{"b"}),
		node("dead", "Relu", vals{"x"}, vals{"c"}),
	}, Output: infos("y")}})
	if err != nil {
		t.Fatal(err)
	}
	if last := g.Nodes[len(g.Nodes)-1]; last.Name != "if" && last.Name != "dead" {
		t.Errorf("the last node is %q", last.Name)
	}
	for _, name := range []string{"a", "b"} {
		if u := g.Value(name).Uses; len(u) != 1 || u[0].Index != CaptureIndex || u[0].Node.Op != "If" {
			t.Errorf("%q has the uses %v", name, u)
		}
	}
	for _, name := range []string{"z", "own"} {
		if got := g.FreshName(name); got == name {
			t.Errorf("the fresh name %q is one of a subgraph", got)
		}
	}
	g.RemoveDead()
	if len(g.Nodes) != 3 {
		t.Errorf("%d nodes live, want 3", len(g.Nodes))
	}
	if err := g.Check(); err != nil {
		t.Error(err)
	}
	g.ReplaceUses(g.Value("a"), g.Value("x"), nil)
	if len(g.Value("a").Uses) != 1 {
		t.Error("a use by a subgraph was replaced")
	}
}
