// Package graph is the engine's only intermediate representation: values,
// nodes and their order, with a printed and parsed text form, and the way from
// and to ONNX.
//
// Read the fields freely; change edges only through the edit methods, which
// keep Producer and Uses true. Check verifies that they did.
package graph

import (
	"slices"

	"dropquant/engine/onnx"
	"dropquant/engine/tensor"
)

// Graph is a computation in single-assignment form.
type Graph struct {
	Name    string
	Opset   map[string]int // domain → version; "" is ai.onnx
	Inputs  []*Value       // in the model's order, initializers excluded
	Outputs []*Value
	Nodes   []*Node // in topological order after Sort

	values   map[string]*Value // every value that has a name
	created  int               // values so far: initializers are written in order of creation
	names    names
	metadata []*onnx.StringStringEntry
	source   *source // what the file said, for a lossless way back; nil when built in memory
}

// Value is a tensor that flows along edges: a graph input, a constant, or the output of a node.
type Value struct {
	Name     string
	DType    tensor.DType   // Unknown until inferred
	Shape    []int          // nil when the rank is unknown; a negative dimension is unknown
	Const    *tensor.Tensor // the data of an initializer; nil otherwise. Shared: replace, never write into
	Producer *Node          // nil for inputs and constants
	Uses     []Use          // the node inputs that read it, in no order that matters

	order  int // of creation
	source *valueSource
}

// Use is one node input that reads a value.
type Use struct {
	Node  *Node
	Index int // into Node.Inputs; CaptureIndex when a subgraph of Node reads the value by name
}

// CaptureIndex marks a use from inside a subgraph attribute.
const CaptureIndex = -1

// Node is one operator call.
type Node struct {
	Name    string // unique within the graph: made up from Op and the first output when the file had none
	Op      string
	Domain  string   // "" is ai.onnx
	Inputs  []*Value // nil where an optional input is omitted
	Outputs []*Value // nil where an optional output is omitted
	Attrs   []Attr

	captures []*Value // outer values that subgraph attributes read
	source   *nodeSource
}

// Attr is a named attribute. Value is an int64, float32, string, []int64,
// []float32, []string or *tensor.Tensor, or an Opaque for what only a runtime understands.
type Attr struct {
	Name  string
	Value any
}

// New returns an empty graph for the given ai.onnx opset.
func New(name string, opset int) *Graph {
	return &Graph{Name: name, Opset: map[string]int{"": opset}, values: map[string]*Value{}, names: newNames()}
}

// Value returns the value of that name, or nil.
func (g *Graph) Value(name string) *Value { return g.values[name] }

// IsOutput reports whether v is an output of the graph.
func (g *Graph) IsOutput(v *Value) bool {
	return slices.Contains(g.Outputs, v)
}
