package graph

import "dropquant/engine/tensor"

// attr returns the value of an attribute, or nil.
func (n *Node) attr(name string) any {
	for i := range n.Attrs {
		if n.Attrs[i].Name == name {
			return n.Attrs[i].Value
		}
	}
	return nil
}

// Has reports whether the attribute is present.
func (n *Node) Has(name string) bool { return n.attr(name) != nil }

// Int returns an integer attribute, or the default when it is absent or of another kind.
func (n *Node) Int(name string, def int) int {
	if v, ok := n.attr(name).(int64); ok {
		return int(v)
	}
	return def
}

// Float returns a float attribute, or the default.
func (n *Node) Float(name string, def float32) float32 {
	if v, ok := n.attr(name).(float32); ok {
		return v
	}
	return def
}

// Str returns a string attribute, or the default.
func (n *Node) Str(name, def string) string {
	if v, ok := n.attr(name).(string); ok {
		return v
	}
	return def
}

// Ints returns an integer list attribute as a new slice, or nil.
func (n *Node) Ints(name string) []int {
	v, ok := n.attr(name).([]int64)
	if !ok {
		return nil
	}
	out := make([]int, len(v))
	for i, x := range v {
		out[i] = int(x)
	}
	return out
}

// Floats returns a float list attribute, or nil.
func (n *Node) Floats(name string) []float32 {
	v, _ := n.attr(name).([]float32)
	return v
}

// Strings returns a string list attribute, or nil.
func (n *Node) Strings(name string) []string {
	v, _ := n.attr(name).([]string)
	return v
}

// Tensor returns a tensor attribute, or nil.
func (n *Node) Tensor(name string) *tensor.Tensor {
	v, _ := n.attr(name).(*tensor.Tensor)
	return v
}

// Input returns input i, or nil when it is omitted.
func (n *Node) Input(i int) *Value {
	if i < len(n.Inputs) {
		return n.Inputs[i]
	}
	return nil
}

// Out returns output i, or nil when it is omitted.
func (n *Node) Out(i int) *Value {
	if i < len(n.Outputs) {
		return n.Outputs[i]
	}
	return nil
}

// Constant returns the data of v when the graph states it: an initializer's, or that of the Constant
// node that produces v. It is nil for everything else.
func (v *Value) Constant() *tensor.Tensor {
	if v == nil {
		return nil
	}
	if p := v.Producer; p == nil || p.Op != "Constant" || p.Domain != "" {
		return v.Const
	}
	for _, a := range v.Producer.Attrs {
		switch x := a.Value.(type) {
		case *tensor.Tensor:
			return x
		case float32:
			return tensor.Scalar(x)
		case int64:
			return tensor.Scalar(x)
		case string:
			return tensor.Scalar(x)
		case []float32:
			return tensor.Of(x, len(x))
		case []int64:
			return tensor.Of(x, len(x))
		case []string:
			return tensor.Of(x, len(x))
		}
	}
	return nil
}
