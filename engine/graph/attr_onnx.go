package graph

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"dropquant/engine/onnx"
	"dropquant/engine/tensor"
)

// Opaque is the value of an attribute that the engine carries but does not read: a subgraph, a
// sparse tensor, a type, a tensor of a type that package tensor does not hold, a reference to a
// function's attribute.
type Opaque struct{ message *onnx.Attribute }

// Kind names what the attribute holds, as "graph" or "sparse_tensor".
func (o Opaque) Kind() string {
	if o.message.RefAttrName != "" {
		return "reference"
	}
	for _, k := range attrKinds {
		if k.typ == attrType(o.message) {
			return k.name
		}
	}
	return "unknown"
}

// attrKinds tells the kinds apart when a file of the first IR versions does not state the type.
var attrKinds = []struct {
	typ  onnx.AttributeType
	name string
	set  func(*onnx.Attribute) bool
}{
	{onnx.AttributeTypeFloat, "float", (*onnx.Attribute).HasF},
	{onnx.AttributeTypeInt, "int", (*onnx.Attribute).HasI},
	{onnx.AttributeTypeString, "string", (*onnx.Attribute).HasS},
	{onnx.AttributeTypeTensor, "tensor", func(a *onnx.Attribute) bool { return a.T != nil }},
	{onnx.AttributeTypeGraph, "graph", func(a *onnx.Attribute) bool { return a.G != nil }},
	{onnx.AttributeTypeFloats, "floats", func(a *onnx.Attribute) bool { return len(a.Floats) > 0 }},
	{onnx.AttributeTypeInts, "ints", func(a *onnx.Attribute) bool { return len(a.Ints) > 0 }},
	{onnx.AttributeTypeStrings, "strings", func(a *onnx.Attribute) bool { return len(a.Strings) > 0 }},
	{onnx.AttributeTypeTensors, "tensors", func(a *onnx.Attribute) bool { return len(a.Tensors) > 0 }},
	{onnx.AttributeTypeGraphs, "graphs", func(a *onnx.Attribute) bool { return len(a.Graphs) > 0 }},
	{onnx.AttributeTypeSparseTensor, "sparse_tensor", func(a *onnx.Attribute) bool { return a.SparseTensor != nil }},
	{onnx.AttributeTypeSparseTensors, "sparse_tensors", func(a *onnx.Attribute) bool { return len(a.SparseTensors) > 0 }},
	{onnx.AttributeTypeTypeProto, "type", func(a *onnx.Attribute) bool { return a.Tp != nil }},
	{onnx.AttributeTypeTypeProtos, "types", func(a *onnx.Attribute) bool { return len(a.TypeProtos) > 0 }},
}

func attrType(a *onnx.Attribute) onnx.AttributeType {
	if a.Type != onnx.AttributeTypeUndefined {
		return a.Type
	}
	for _, k := range attrKinds {
		if k.set(a) {
			return k.typ
		}
	}
	return onnx.AttributeTypeUndefined
}

// readAttr decodes an attribute. Only a tensor that contradicts itself is an error.
func readAttr(a *onnx.Attribute) (Attr, error) {
	var v any = Opaque{a}
	if a.RefAttrName != "" {
		return Attr{a.Name, v}, nil
	}
	switch attrType(a) {
	case onnx.AttributeTypeFloat:
		v = a.F
	case onnx.AttributeTypeInt:
		v = a.I
	case onnx.AttributeTypeString:
		v = string(a.S)
	case onnx.AttributeTypeFloats:
		v = a.Floats
	case onnx.AttributeTypeInts:
		v = a.Ints
	case onnx.AttributeTypeStrings:
		list := make([]string, len(a.Strings))
		for i, s := range a.Strings {
			list[i] = string(s)
		}
		v = list
	case onnx.AttributeTypeTensor:
		if a.T == nil || !onnx.Decodable(tensor.DType(a.T.DataType)) {
			break
		}
		t, err := a.T.Decode()
		if err != nil {
			return Attr{}, fmt.Errorf("attribute %q: %w", a.Name, err)
		}
		v = t
	}
	return Attr{a.Name, v}, nil
}

// writeAttr is the inverse of readAttr.
func writeAttr(at Attr) *onnx.Attribute {
	a := &onnx.Attribute{Name: at.Name}
	switch v := at.Value.(type) {
	case float32:
		a.SetF(v)
		a.Type = onnx.AttributeTypeFloat
	case int64:
		a.SetI(v)
		a.Type = onnx.AttributeTypeInt
	case string:
		a.SetS([]byte(v))
		a.Type = onnx.AttributeTypeString
	case []float32:
		a.Floats = v
		a.Type = onnx.AttributeTypeFloats
	case []int64:
		a.Ints = v
		a.Type = onnx.AttributeTypeInts
	case []string:
		for _, s := range v {
			a.Strings = append(a.Strings, []byte(s))
		}
		a.Type = onnx.AttributeTypeStrings
	case *tensor.Tensor:
		a.T = onnx.FromTensor("", v)
		a.Type = onnx.AttributeTypeTensor
	case Opaque:
		c := *v.message
		c.Name = at.Name
		return &c
	default:
		panic(fmt.Sprintf("bug: attribute %q holds a %T", at.Name, at.Value))
	}
	return a
}

// sameAttr reports whether b still says what a said.
func sameAttr(a, b Attr) bool {
	if a.Name != b.Name {
		return false
	}
	switch x := a.Value.(type) {
	case []int64:
		y, ok := b.Value.([]int64)
		return ok && slices.Equal(x, y)
	case []string:
		y, ok := b.Value.([]string)
		return ok && slices.Equal(x, y)
	case []float32:
		y, ok := b.Value.([]float32)
		return ok && slices.EqualFunc(x, y, sameFloat)
	case float32:
		y, ok := b.Value.(float32)
		return ok && sameFloat(x, y)
	}
	switch b.Value.(type) {
	case []int64, []string, []float32:
		return false
	}
	return a.Value == b.Value
}

func sameFloat(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }

// free collects what the subgraphs of a node's attributes read from outside, in order of appearance,
// and every name that they define.
type free struct {
	reads   []string
	seen    map[string]bool
	defined map[string]bool
}

func freeNames(attrs []*onnx.Attribute) free {
	f := free{seen: map[string]bool{}, defined: map[string]bool{}}
	f.attributes(attrs, nil)
	return f
}

// scope is the chain of names that enclosing subgraphs define.
type scope struct {
	names map[string]bool
	outer *scope
}

func (s *scope) has(name string) bool {
	for ; s != nil; s = s.outer {
		if s.names[name] {
			return true
		}
	}
	return false
}

func (f *free) attributes(attrs []*onnx.Attribute, s *scope) {
	for _, a := range attrs {
		if a.G != nil {
			f.graph(a.G, s)
		}
		for _, g := range a.Graphs {
			f.graph(g, s)
		}
	}
}

func (f *free) graph(g *onnx.Graph, outer *scope) {
	s := &scope{map[string]bool{}, outer}
	define := func(name string) {
		if name != "" {
			s.names[name] = true
			f.defined[name] = true
		}
	}
	for _, v := range g.Input {
		define(v.Name)
	}
	for _, t := range g.Initializer {
		define(t.Name)
	}
	for _, t := range g.SparseInitializer {
		if t.Values != nil {
			define(t.Values.Name)
		}
	}
	for _, n := range g.Node {
		for _, o := range n.Output {
			define(o)
		}
	}
	for _, n := range g.Node {
		for _, in := range n.Input {
			f.read(in, s)
		}
		f.attributes(n.Attribute, s)
	}
	for _, v := range g.Output {
		f.read(v.Name, s)
	}
}

func (f *free) read(name string, s *scope) {
	if name != "" && !s.has(name) && !f.seen[name] {
		f.seen[name] = true
		f.reads = append(f.reads, strings.Clone(name))
	}
}
