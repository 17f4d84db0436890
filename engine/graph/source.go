package graph

import (
	"dropquant/engine/onnx"
	"dropquant/engine/tensor"
)

// source remembers the file that a graph was read from, so that what nobody changed is written back
// as it was. Its messages are shared with clones and never written into.
type source struct {
	model *onnx.Model
	stray map[string]bool // names in value_info and annotations that were no values of the graph
}

// valueSource is what the file said of a value.
type valueSource struct {
	info   *onnx.ValueInfo    // from input, output or value_info
	init   *onnx.Tensor       // the initializer
	sparse *onnx.SparseTensor // the sparse initializer
	data   *tensor.Tensor     // init decoded; nil when only a runtime can read it
}

// nodeSource is what the file said of a node.
type nodeSource struct {
	message *onnx.Node
	name    string // the unique name given to it
	attrs   []Attr // as decoded from message.Attribute, index by index
}

// Opaque reports whether v is a constant whose data this engine does not read: a sparse initializer,
// or one of an element type that package tensor does not hold. Its Const is nil.
func (v *Value) Opaque() bool {
	return v.Const == nil && v.Producer == nil && v.source != nil && (v.source.init != nil || v.source.sparse != nil)
}
