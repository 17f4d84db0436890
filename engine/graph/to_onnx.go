package graph

import (
	"maps"
	"slices"

	"dropquant/engine/onnx"
	"dropquant/engine/tensor"
)

// ToONNX returns the graph as a model. What was read from a file and not changed since is the file's
// own message; the rest is written anew. Shapes that were only inferred are not written.
func (g *Graph) ToONNX() (*onnx.Model, error) {
	if err := g.Check(); err != nil {
		return nil, err
	}
	m, mg := &onnx.Model{ProducerName: "dropquant"}, &onnx.Graph{}
	if g.source != nil {
		*m, *mg = *g.source.model, *g.source.model.Graph
	}
	m.Graph = mg
	if mg.Name != g.Name || g.source == nil {
		mg.SetName(g.Name)
	}
	m.MetadataProps = g.metadata
	mg.Node = make([]*onnx.Node, len(g.Nodes))
	for i, n := range g.Nodes {
		mg.Node[i] = n.toONNX()
	}
	added := g.writeInitializers(mg)
	mg.Input = g.writeInputs(mg.Input)
	mg.Output = g.writeOutputs(mg.Output)
	mg.ValueInfo = g.writeInfo(mg.ValueInfo)
	mg.QuantizationAnnotation = slices.DeleteFunc(slices.Clone(mg.QuantizationAnnotation),
		func(a *onnx.TensorAnnotation) bool { return !g.known(a.TensorName) })
	g.writeOpset(m, added)
	return m, nil
}

// known reports whether a message about a value of this name still has its subject, or never had one.
func (g *Graph) known(name string) bool { return g.values[name] != nil || g.source.stray[name] }

// toONNX returns the message of n: the file's when nothing changed.
func (n *Node) toONNX() *onnx.Node {
	m := &onnx.Node{Name: n.Name, OpType: n.Op, Domain: n.Domain}
	var read []Attr
	if n.source != nil {
		if n.unchanged() {
			return n.source.message
		}
		*m = *n.source.message
		read = n.source.attrs
		if n.Name != n.source.name {
			m.SetName(n.Name)
		}
		if n.Op != m.OpType {
			m.SetOpType(n.Op)
		}
		if n.Domain != onnx.Domain(m.Domain) {
			m.SetDomain(n.Domain)
		}
	}
	m.Input = valueNames(n.Inputs)
	for len(m.Input) > 0 && m.Input[len(m.Input)-1] == "" {
		m.Input = m.Input[:len(m.Input)-1]
	}
	m.Output = valueNames(n.Outputs)
	m.Attribute = make([]*onnx.Attribute, len(n.Attrs))
	for i, a := range n.Attrs {
		if k := slices.IndexFunc(read, func(r Attr) bool { return sameAttr(r, a) }); k >= 0 {
			m.Attribute[i] = n.source.message.Attribute[k]
		} else {
			m.Attribute[i] = writeAttr(a)
		}
	}
	return m
}

// unchanged reports whether n is still what the file said.
func (n *Node) unchanged() bool {
	m := n.source.message
	return n.Name == n.source.name && n.Op == m.OpType && n.Domain == onnx.Domain(m.Domain) &&
		slices.EqualFunc(n.Inputs, m.Input, bears) && slices.EqualFunc(n.Outputs, m.Output, bears) &&
		slices.EqualFunc(n.Attrs, n.source.attrs, sameAttr)
}

// bears reports whether v, nil for an omitted one, has this name.
func bears(v *Value, name string) bool {
	if v == nil {
		return name == ""
	}
	return v.Name == name
}

func valueNames(values []*Value) []string {
	list := make([]string, len(values))
	for i, v := range values {
		if v != nil {
			list[i] = v.Name
		}
	}
	return list
}

// writeInitializers writes the constants in order of creation, which is the file's for those that it
// had, and reports whether there are new names among them.
func (g *Graph) writeInitializers(m *onnx.Graph) (added bool) {
	m.Initializer, m.SparseInitializer = nil, nil
	for _, v := range g.consts() {
		s := v.source
		switch {
		case v.Opaque() && s.sparse != nil:
			m.SparseInitializer = append(m.SparseInitializer, s.sparse)
		case v.Opaque() || s != nil && s.init != nil && s.data == v.Const:
			m.Initializer = append(m.Initializer, s.init)
		default:
			added = added || s == nil || s.init == nil
			m.Initializer = append(m.Initializer, onnx.FromTensor(v.Name, v.Const))
		}
	}
	return added
}

// writeInputs keeps the file's order, in which initializers may be listed too. Inputs that were
// added follow.
func (g *Graph) writeInputs(file []*onnx.ValueInfo) []*onnx.ValueInfo {
	rest := map[*Value]bool{}
	for _, v := range g.Inputs {
		rest[v] = true
	}
	var list []*onnx.ValueInfo
	for _, info := range file {
		v := g.values[info.Name]
		if v == nil || !rest[v] && v.Const == nil && !v.Opaque() {
			continue
		}
		delete(rest, v)
		list = append(list, v.describe(info))
	}
	for _, v := range g.Inputs {
		if rest[v] {
			list = append(list, v.describe(nil))
		}
	}
	return list
}

func (g *Graph) writeOutputs(file []*onnx.ValueInfo) []*onnx.ValueInfo {
	byName := map[string]*onnx.ValueInfo{}
	for _, info := range file {
		byName[info.Name] = info
	}
	var list []*onnx.ValueInfo
	for i, v := range g.Outputs {
		info := byName[v.Name]
		if i < len(file) && file[i].Name == v.Name {
			info = file[i]
		}
		list = append(list, v.describe(info))
	}
	return list
}

// writeInfo drops what the file said of values that are gone.
func (g *Graph) writeInfo(file []*onnx.ValueInfo) []*onnx.ValueInfo {
	var list []*onnx.ValueInfo
	for _, info := range file {
		if v := g.values[info.Name]; v != nil {
			list = append(list, v.describe(info))
		} else if g.known(info.Name) {
			list = append(list, info)
		}
	}
	return list
}

// describe returns info, brought up to date where v's element type became another one or v's constant
// was replaced, or a new message when info is nil.
func (v *Value) describe(info *onnx.ValueInfo) *onnx.ValueInfo {
	dt, shape := v.DType, v.Shape
	replaced := v.Const != nil && (v.source == nil || v.source.data != v.Const)
	if replaced {
		dt, shape = v.Const.DType, v.Const.Shape
	}
	if info == nil {
		t := &onnx.TypeTensor{ElemType: int32(dt), Shape: writeShape(shape)}
		return &onnx.ValueInfo{Name: v.Name, Type: &onnx.Type{TensorType: t}}
	}
	if info.Type == nil || info.Type.TensorType == nil || dt == tensor.Unknown {
		return info
	}
	if int32(dt) == info.Type.TensorType.ElemType && !replaced {
		return info
	}
	i, ty, te := *info, *info.Type, *info.Type.TensorType
	te.SetElemType(int32(dt))
	if replaced {
		te.Shape = writeShape(shape)
	}
	ty.TensorType = &te
	i.Type = &ty
	return &i
}

// writeShape returns nil for an unknown rank.
func writeShape(shape []int) *onnx.TensorShape {
	if shape == nil {
		return nil
	}
	s := &onnx.TensorShape{}
	for _, n := range shape {
		d := &onnx.TensorShapeDimension{}
		if n >= 0 {
			d.SetDimValue(int64(n))
		}
		s.Dim = append(s.Dim, d)
	}
	return s
}

// writeOpset writes the imports that changed and raises ir_version to what they need. Initializers
// that are not graph inputs, as added ones are, need IR 4.
func (g *Graph) writeOpset(m *onnx.Model, added bool) {
	ir := int64(0)
	left := maps.Clone(g.Opset)
	if g.source == nil {
		m.OpsetImport = nil
	} else if m.Opset("") == 0 && g.Opset[""] == 1 {
		delete(left, "") // implied by a file that imports nothing
	}
	imports := slices.Clone(m.OpsetImport)
	for i, o := range imports {
		d := onnx.Domain(o.Domain)
		want, ok := g.Opset[d]
		delete(left, d)
		if ok && m.Opset(d) != want {
			c := *o
			c.SetVersion(int64(want))
			imports[i] = &c
			if d == "" {
				ir = int64(onnx.MinIR(want))
			}
		}
	}
	for _, d := range slices.Sorted(maps.Keys(left)) {
		o := &onnx.OperatorSetId{}
		o.SetDomain(d)
		o.SetVersion(int64(left[d]))
		imports = append(imports, o)
		if d == "" {
			ir = int64(onnx.MinIR(left[d]))
		}
	}
	if added {
		ir = max(ir, 4)
	}
	m.OpsetImport = imports
	if m.IrVersion < ir {
		m.SetIrVersion(ir)
	}
}
