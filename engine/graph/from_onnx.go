package graph

import (
	"cmp"
	"fmt"
	"maps"

	"dropquant/engine/onnx"
	"dropquant/engine/tensor"
)

// FromONNX reads the main graph of a model. The graph shares the model's memory; the model must not
// be changed afterwards. External data must have been resolved.
//
// Nodes keep the file's order, Constant nodes included; a file whose nodes are out of order is sorted.
func FromONNX(m *onnx.Model) (*Graph, error) {
	if m.Graph == nil {
		return nil, fmt.Errorf("the model holds no graph: export it again")
	}
	g := New(m.Graph.Name, m.Opset(""))
	for _, o := range m.OpsetImport {
		d := onnx.Domain(o.Domain)
		g.Opset[d] = max(g.Opset[d], int(o.Version))
	}
	if g.Opset[""] == 0 {
		g.Opset[""] = 1 // files older than opset imports
	}
	g.metadata = m.MetadataProps
	g.source = &source{model: m, stray: map[string]bool{}}
	for _, step := range []func(*onnx.Graph) error{g.readInitializers, g.readInputs, g.readOutputsOfNodes, g.readNodes, g.readOutputs} {
		if err := step(m.Graph); err != nil {
			return nil, err
		}
	}
	g.readInfo(m.Graph)
	if g.inOrder() {
		return g, nil
	}
	if err := g.Sort(); err != nil {
		return nil, err
	}
	return g, nil
}

// readValue adds a value that the file defines as what; a second definition is an error.
func (g *Graph) readValue(name, what string) (*Value, error) {
	if name == "" {
		return nil, fmt.Errorf("%s has no name: the file is damaged", what)
	}
	if old := g.values[name]; old != nil {
		return nil, fmt.Errorf("the value %q is defined twice, as %s and as %s: the file is damaged", name, old.role(), what)
	}
	return g.newValue(name), nil
}

// role says what defines v.
func (v *Value) role() string {
	switch {
	case v.Producer != nil:
		return fmt.Sprintf("the output of node %q", v.Producer.Name)
	case v.Const != nil || v.Opaque():
		return "an initializer"
	}
	return "a graph input"
}

func (g *Graph) readInitializers(m *onnx.Graph) error {
	for _, t := range m.Initializer {
		v, err := g.readValue(t.Name, "an initializer")
		if err != nil {
			return err
		}
		v.source = &valueSource{init: t}
		v.DType = tensor.DType(t.DataType)
		if v.Shape, _, err = t.Shape(); err != nil {
			return err
		}
		if !onnx.Decodable(v.DType) {
			continue
		}
		if v.source.data, err = t.Decode(); err != nil {
			return err
		}
		v.Const = v.source.data
	}
	for _, s := range m.SparseInitializer {
		if s.Values == nil {
			return fmt.Errorf("a sparse initializer has no values: the file is damaged")
		}
		v, err := g.readValue(s.Values.Name, "a sparse initializer")
		if err != nil {
			return err
		}
		v.source = &valueSource{sparse: s}
		v.DType = tensor.DType(s.Values.DataType)
		if v.Shape, _, err = (&onnx.Tensor{Name: v.Name, Dims: s.Dims}).Shape(); err != nil {
			return err
		}
	}
	return nil
}

func (g *Graph) readInputs(m *onnx.Graph) error {
	seen := map[string]bool{}
	for _, in := range m.Input {
		if seen[in.Name] {
			return fmt.Errorf("the value %q is defined twice, as a graph input and as a graph input: the file is damaged", in.Name)
		}
		seen[in.Name] = true
		if v := g.values[in.Name]; v != nil {
			v.source.info = in // files before IR 4 list initializers as inputs
			continue
		}
		v, err := g.readValue(in.Name, "a graph input")
		if err != nil {
			return err
		}
		v.setInfo(in)
		g.Inputs = append(g.Inputs, v)
	}
	return nil
}

// readOutputsOfNodes makes the nodes with their names, attributes and outputs.
func (g *Graph) readOutputsOfNodes(m *onnx.Graph) error {
	for _, x := range m.Node {
		g.names.nodes[x.Name]++ // so that no made-up name takes one of the file's
	}
	taken := map[string]bool{"": true}
	g.Nodes = make([]*Node, len(m.Node))
	for i, x := range m.Node {
		n := &Node{Name: x.Name, Op: x.OpType, Domain: onnx.Domain(x.Domain)}
		if taken[x.Name] {
			n.Name = g.freshNode(cmp.Or(x.Name, autoName(x.OpType, x.Output)))
			g.names.nodes[n.Name]++
		}
		taken[n.Name] = true
		n.source = &nodeSource{message: x, name: n.Name}
		g.Nodes[i] = n
		if n.Op == "" {
			return fmt.Errorf("node %q has no operator: the file is damaged", n.Name)
		}
		for _, a := range x.Attribute {
			at, err := readAttr(a)
			if err != nil {
				return fmt.Errorf("node %q, %w", n.Name, err)
			}
			n.Attrs = append(n.Attrs, at)
		}
		n.source.attrs = append([]Attr(nil), n.Attrs...)
		for _, o := range x.Output {
			if o == "" {
				n.Outputs = append(n.Outputs, nil)
				continue
			}
			v, err := g.readValue(o, fmt.Sprintf("the output of node %q", n.Name))
			if err != nil {
				return err
			}
			v.Producer = n
			n.Outputs = append(n.Outputs, v)
		}
	}
	g.names.nodes = make(map[string]int, len(g.Nodes))
	for _, n := range g.Nodes {
		g.names.nodes[n.Name]++
	}
	return nil
}

// readNodes connects the nodes' inputs and the values that their subgraphs read.
func (g *Graph) readNodes(m *onnx.Graph) error {
	for i, x := range m.Node {
		n := g.Nodes[i]
		if len(x.Input) > 0 {
			n.Inputs = make([]*Value, len(x.Input))
		}
		for k, in := range x.Input {
			if in == "" {
				continue
			}
			v := g.values[in]
			if v == nil {
				return fmt.Errorf("node %q reads the value %q, which nothing produces: the file is damaged", n.Name, in)
			}
			n.Inputs[k] = v
			v.addUse(n, k)
		}
		if err := g.capture(n, x.Attribute); err != nil {
			return err
		}
	}
	return nil
}

// capture records what the subgraphs among n's attributes read from g.
func (g *Graph) capture(n *Node, attrs []*onnx.Attribute) error {
	f := freeNames(attrs)
	for _, name := range f.reads {
		v := g.values[name]
		if v == nil {
			return fmt.Errorf("node %q has a subgraph that reads the value %q, which nothing produces: the file is damaged", n.Name, name)
		}
		n.captures = append(n.captures, v)
		v.addUse(n, CaptureIndex)
	}
	maps.Copy(g.names.reserved, f.defined)
	return nil
}

func (g *Graph) readOutputs(m *onnx.Graph) error {
	for _, o := range m.Output {
		v := g.values[o.Name]
		if v == nil {
			return fmt.Errorf("the graph's output %q is produced by nothing: the file is damaged", o.Name)
		}
		if v.source == nil {
			v.setInfo(o)
		}
		g.Outputs = append(g.Outputs, v)
	}
	return nil
}

// readInfo takes types and shapes of inner values from value_info, which is a hint: what does not fit
// is only carried along.
func (g *Graph) readInfo(m *onnx.Graph) {
	for _, info := range m.ValueInfo {
		v := g.values[info.Name]
		switch {
		case v == nil:
			g.source.stray[info.Name] = true
		case v.source == nil:
			v.setInfo(info)
		}
	}
	for _, a := range m.QuantizationAnnotation {
		if g.values[a.TensorName] == nil {
			g.source.stray[a.TensorName] = true
		}
	}
}

// setInfo takes the element type and shape of a tensor from what the file says.
func (v *Value) setInfo(info *onnx.ValueInfo) {
	v.source = &valueSource{info: info}
	if info.Type == nil || info.Type.TensorType == nil {
		return
	}
	t := info.Type.TensorType
	v.DType = tensor.DType(t.ElemType)
	if t.Shape == nil {
		return
	}
	v.Shape = make([]int, len(t.Shape.Dim))
	for i, d := range t.Shape.Dim {
		v.Shape[i] = -1
		if d.HasDimValue() && d.DimValue >= 0 && d.DimValue < 1<<31 {
			v.Shape[i] = int(d.DimValue)
		}
	}
}
