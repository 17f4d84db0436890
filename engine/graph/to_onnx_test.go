package graph

import (
	"bytes"
	"strings"
	"testing"

	"dropquant/engine/onnx"
	"dropquant/engine/tensor"
)

// old is an IR 3 model with everything that must survive an edit: initializers among the inputs, doc
// strings, metadata, a function, value infos of living, dead and unknown values, annotations.
func old() *onnx.Model {
	typ := func(dt tensor.DType, dims ...int64) *onnx.Type {
		s := &onnx.TensorShape{}
		for _, d := range dims {
			s.Dim = append(s.Dim, &onnx.TensorShapeDimension{DimValue: d})
		}
		return &onnx.Type{TensorType: &onnx.TypeTensor{ElemType: int32(dt), Shape: s}}
	}
	x := &onnx.ValueInfo{Name: "x", Type: typ(1, 1, 2), DocString: "the image"}
	x.Type.TensorType.Shape.Dim[0] = &onnx.TensorShapeDimension{DimParam: "N"}
	m := &onnx.Model{
		IrVersion: 3, ProducerName: "someone", DocString: "kept",
		OpsetImport:   []*onnx.OperatorSetId{{Version: 8}, {Domain: "f", Version: 1}},
		MetadataProps: []*onnx.StringStringEntry{{Key: "k", Value: "v"}},
		Functions:     []*onnx.Function{{Name: "Fn", Domain: "f"}},
		Graph: &onnx.Graph{
			Name:  "g",
			Input: []*onnx.ValueInfo{{Name: "w", Type: typ(1, 2)}, x, {Name: "gone", Type: typ(1, 2)}},
			Initializer: []*onnx.Tensor{
				{Name: "w", DataType: 1, Dims: []int64{2}, FloatData: []float32{1, 2}, DocString: "typed"},
				{Name: "four", DataType: 22, Dims: []int64{2}, RawData: []byte{0x21}},
				{Name: "gone", DataType: 1, Dims: []int64{2}, FloatData: []float32{3, 4}},
			},
			SparseInitializer: []*onnx.SparseTensor{{Values: &onnx.Tensor{Name: "s", DataType: 1, Dims: []int64{0}}, Dims: []int64{5}}},
			Node: []*onnx.Node{
				{OpType: "Mul", Input: []string{"x", "w"}, Output: []string{"a"}, DocString: "kept too"},
				{OpType: "Clip", Name: "clip", Input: []string{"a", ""}, Output: []string{"b", ""}, DocString: "mine",
					Attribute: []*onnx.Attribute{{Name: "min", F: 1, DocString: "low"}, {Name: "max", F: 2, Type: onnx.AttributeTypeFloat}}},
				{OpType: "Fn", Domain: "f", Input: []string{"b", "four", "s"}, Output: []string{"y"}},
				{OpType: "Neg", Input: []string{"gone"}, Output: []string{"dead"}},
			},
			Output:                 []*onnx.ValueInfo{{Name: "y", Type: typ(1, 2)}},
			ValueInfo:              []*onnx.ValueInfo{{Name: "a", Type: typ(1, 1, 2)}, {Name: "dead", Type: typ(1)}, {Name: "never"}},
			QuantizationAnnotation: []*onnx.TensorAnnotation{{TensorName: "a"}, {TensorName: "dead"}},
		},
	}
	again, err := onnx.Parse(m.Marshal())
	if err != nil {
		panic(err)
	}
	return again
}

func read(t *testing.T, m *onnx.Model) *Graph {
	t.Helper()
	g, err := FromONNX(m)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func write(t *testing.T, g *Graph) *onnx.Model {
	t.Helper()
	m, err := g.ToONNX()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestUntouched(t *testing.T) {
	m := old()
	if out := write(t, read(t, m)); !bytes.Equal(out.Marshal(), m.Marshal()) {
		t.Errorf("%+v", out.Graph)
	}
}

// TestRemoveDeadOnFile: what is removed disappears from every list, and nothing else does.
func TestRemoveDeadOnFile(t *testing.T) {
	m := old()
	g := read(t, m)
	g.RemoveDead()
	want := *m
	wg := *m.Graph
	want.Graph = &wg
	wg.Node = wg.Node[:3]
	wg.Initializer = wg.Initializer[:2]
	wg.Input = wg.Input[:2]
	wg.ValueInfo = []*onnx.ValueInfo{wg.ValueInfo[0], wg.ValueInfo[2]}
	wg.QuantizationAnnotation = wg.QuantizationAnnotation[:1]
	if got := write(t, g); !bytes.Equal(got.Marshal(), want.Marshal()) {
		t.Errorf("got %+v", got.Graph)
	}
}

// TestEdits writes each edit and checks what became of the message, and that the message read and its
// clone stay as they were.
func TestEdits(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(g *Graph)
		want func(m *onnx.Model) bool
	}{
		{"an attribute", func(g *Graph) { g.SetAttr(g.Nodes[1], "max", float32(6)) }, func(m *onnx.Model) bool {
			n := m.Graph.Node[1]
			return n.DocString == "mine" && n.Name == "clip" && n.Attribute[0].DocString == "low" && n.Attribute[1].F == 6 && len(n.Input) == 1
		}},
		{"an attribute set to what it was", func(g *Graph) { g.SetAttr(g.Nodes[1], "max", float32(2)) }, func(m *onnx.Model) bool {
			return len(m.Graph.Node[1].Input) == 2
		}},
		{"an input", func(g *Graph) { g.SetInput(g.Nodes[0], 1, g.AddConst("w", tensor.Of([]int8{1, 2, 3}, 3))) }, func(m *onnx.Model) bool {
			n, w := m.Graph.Node[0], m.Graph.Initializer[3]
			return n.DocString == "kept too" && n.Name == "" && n.Input[1] == "w_1" && w.Name == "w_1" && string(w.RawData) == "\x01\x02\x03" &&
				w.DataType == 3 && m.IrVersion == 4 && len(m.Graph.Input) == 3
		}},
		{"a constant replaced", func(g *Graph) { g.Value("w").Const = tensor.Of([]uint8{1, 2, 3}, 3, 1) }, func(m *onnx.Model) bool {
			in := m.Graph.Input[0].Type.TensorType
			return m.Graph.Initializer[0].DataType == 2 && in.ElemType == 2 && len(in.Shape.Dim) == 2 && m.IrVersion == 3
		}},
		{"the opset", func(g *Graph) { g.SetOpset("ai.onnx", 13); g.SetOpset("f", 1); g.SetOpset("a.new", 2) }, func(m *onnx.Model) bool {
			return m.IrVersion == 7 && m.Opset("") == 13 && m.Opset("f") == 1 && m.Opset("a.new") == 2 && len(m.OpsetImport) == 3
		}},
		{"an opset that is lower", func(g *Graph) { g.SetOpset("", 3) }, func(m *onnx.Model) bool { return m.IrVersion == 3 && m.Opset("") == 8 }},
		{"metadata", func(g *Graph) { g.SetMetadata("k", "new"); g.SetMetadata("by", "") }, func(m *onnx.Model) bool {
			return len(m.MetadataProps) == 2 && m.MetadataProps[0].Value == "new" && m.MetadataProps[1].HasValue()
		}},
		{"inferred shapes and types", func(g *Graph) { g.Value("x").Shape = []int{1, 2}; g.Value("b").DType = tensor.Float32 }, func(m *onnx.Model) bool {
			return m.Graph.Input[1].Type.TensorType.Shape.Dim[0].DimParam == "N" && len(m.Graph.ValueInfo) == 3
		}},
		{"the type of an output", func(g *Graph) { g.Value("y").DType = tensor.Uint8 }, func(m *onnx.Model) bool {
			return m.Graph.Output[0].Type.TensorType.ElemType == 2
		}},
		{"a node between", func(g *Graph) {
			n := g.AddNode("Relu", "relu", []*Value{g.Value("a")}, []Attr{{"k", []int64{1}}}, "a_relu")
			g.ReplaceUses(g.Value("a"), n.Out(0), func(u Use) bool { return u.Node == n })
			if err := g.Sort(); err != nil {
				t.Error(err)
			}
		}, func(m *onnx.Model) bool {
			n := m.Graph.Node
			return n[2].OpType == "Relu" && n[3].Input[0] == "a_relu" && n[2].Attribute[0].Type == onnx.AttributeTypeInts && len(n) == 5
		}},
		{"an output of another node", func(g *Graph) {
			y := g.Value("y")
			g.SetOutput(g.Nodes[2], 0, g.newValue("y_raw"))
			n := g.AddNode("Relu", "relu", []*Value{g.Value("y_raw")}, nil, "tmp")
			g.SetOutput(n, 0, y)
		}, func(m *onnx.Model) bool {
			return m.Graph.Node[2].Output[0] == "y_raw" && m.Graph.Node[4].Output[0] == "y" && m.Graph.Output[0].Type != nil
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := old()
			before := m.Marshal()
			g := read(t, m)
			clone := g.Clone()
			c.edit(g)
			if err := g.Check(); err != nil {
				t.Fatal(err)
			}
			out := write(t, g)
			again, err := onnx.Parse(out.Marshal())
			if err != nil {
				t.Fatal(err)
			}
			if !c.want(again) {
				t.Errorf("%+v", again.Graph)
			}
			if out := write(t, read(t, again)); !bytes.Equal(out.Marshal(), again.Marshal()) {
				t.Error("what was written does not come back the same")
			}
			if !bytes.Equal(m.Marshal(), before) {
				t.Error("the edit changed the model that was read")
			}
			if !bytes.Equal(write(t, clone).Marshal(), before) {
				t.Error("the edit changed the clone")
			}
		})
	}
}

// TestAttributesBothWays writes attributes of every kind and reads them back.
func TestAttributesBothWays(t *testing.T) {
	for _, a := range []Attr{
		{"a", int64(0)}, {"a", float32(0)}, {"a", ""}, {"a", []int64{}}, {"a", []float32{}}, {"a", []string{}},
		{"a", []int64{1, -1}}, {"a", []float32{1.5}}, {"a", []string{"x", ""}}, {"a", tensor.Of([]int8{1}, 1)},
		{"a", Opaque{&onnx.Attribute{Name: "a", Type: onnx.AttributeTypeGraph, G: &onnx.Graph{Name: "sub"}}}},
		{"a", Opaque{&onnx.Attribute{Name: "a", T: &onnx.Tensor{DataType: 22, Dims: []int64{2}, RawData: []byte{1}}}}},
	} {
		m := writeAttr(a)
		again := new(onnx.Attribute)
		if err := onnx.Unmarshal(onnx.Marshal(m), again); err != nil {
			t.Fatal(err)
		}
		b, err := readAttr(again)
		if err != nil {
			t.Fatal(err)
		}
		p := printer{}
		if p.attr(a.Value) != p.attr(b.Value) {
			t.Errorf("%s came back as %s", p.attr(a.Value), p.attr(b.Value))
		}
	}
	for _, c := range []struct {
		a    *onnx.Attribute
		want string
	}{
		{&onnx.Attribute{G: &onnx.Graph{}}, "graph"}, {&onnx.Attribute{RefAttrName: "r"}, "reference"}, {&onnx.Attribute{}, "unknown"},
		{&onnx.Attribute{SparseTensor: &onnx.SparseTensor{}}, "sparse_tensor"}, {&onnx.Attribute{Type: 99}, "unknown"},
	} {
		at, err := readAttr(c.a)
		if o, ok := at.Value.(Opaque); err != nil || !ok || o.Kind() != c.want {
			t.Errorf("%+v is %v, want %s", c.a, at.Value, c.want)
		}
	}
}

// TestFromText writes a graph that no file stands behind.
func TestFromText(t *testing.T) {
	g, err := Parse("graph \"g\" opset 13, my.domain 2\ninput x float32[?,3]\nconst w float32[3] = seq\ny = my.domain:Scale(x, w)\noutput y float32[1,3]\n")
	if err != nil {
		t.Fatal(err)
	}
	m := write(t, g)
	if m.IrVersion != 7 || m.ProducerName != "dropquant" || m.Graph.Input[0].Type.TensorType.Shape.Dim[0].HasDimValue() {
		t.Errorf("%+v", m)
	}
	if h := read(t, m); h.String() != g.String() {
		t.Errorf("came back as\n%s", h)
	}
}

// TestCheckFinds breaks a graph in every way that an edit could.
func TestCheckFinds(t *testing.T) {
	for _, c := range []struct {
		want string
		edit func(g *Graph)
	}{
		{`the value "z" was renamed behind the graph's back`, func(g *Graph) { g.Value("a").Name = "z" }},
		{`node "n2" reads "a", which node "n1" has yet to produce`, func(g *Graph) { g.Nodes[0], g.Nodes[1] = g.Nodes[1], g.Nodes[0] }},
		{`two nodes are named "n1"`, func(g *Graph) { g.Nodes[1].Name = "n1" }},
		{`node "n1" with the operator "" lacks a name or an operator`, func(g *Graph) { g.Nodes[0].Op = "" }},
		{`the value "x" lists 1 uses but is read 2 times`, func(g *Graph) { g.Value("x").Uses = g.Value("x").Uses[:1] }},
		{`the value "x" lists a use by node "n2", input 0, which does not read it`, func(g *Graph) { g.Value("x").addUse(g.Nodes[1], 0) }},
		{`node "n2" reads "a", which nothing produces`, func(g *Graph) { g.Nodes[0].Outputs[0] = nil; g.Value("a").Producer = nil }},
		{`the value "a" has the producer "n1", which does not produce it`, func(g *Graph) { g.SetInput(g.Nodes[1], 0, nil); g.Nodes[0].Outputs[0] = nil }},
		{`node "n1" produces "a", which says otherwise`, func(g *Graph) { g.Value("a").Producer = g.Nodes[1] }},
		{`node "n1" produces the constant "a"`, func(g *Graph) { g.Value("a").Const = g.Value("w").Const }},
		{`the graph input "x" is also a constant`, func(g *Graph) { g.Value("x").Const = g.Value("w").Const }},
		{`the value "x" is a graph input twice`, func(g *Graph) { g.Inputs = append(g.Inputs, g.Inputs[0]) }},
		{`the value "a" is produced twice, the second time by node "n2"`, func(g *Graph) { g.Nodes[1].Outputs[0] = g.Value("a") }},
		{`the graph's output is "b", which is not a value of the graph`, func(g *Graph) {
			g.forget(g.Value("b"))
			g.Nodes = g.Nodes[:1]
			g.Value("a").Uses = nil
			g.Value("w").Uses = nil
		}},
	} {
		g, err := Parse("graph \"g\" opset 13\ninput x\nconst w float32[1] = zeros\nn1: a = Add(x, x)\nn2: b = Mul(a, w)\noutput b\n")
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Check(); err != nil {
			t.Fatal(err)
		}
		c.edit(g)
		if err := g.Check(); err == nil || err.Error() != c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
}

func TestFreshName(t *testing.T) {
	g, err := Parse("graph \"g\" opset 13\ninput x\nx_1: y = Relu(x)\noutput y\n")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for range 3 {
		v := g.AddConst("x", tensor.Scalar(float32(1)))
		got = append(got, v.Name)
	}
	got = append(got, g.FreshName("free"), g.FreshName("free"))
	if s := strings.Join(got, " "); s != "x_2 x_3 x_4 free free" {
		t.Error(s)
	}
}
