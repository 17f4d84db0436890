package graph

import (
	"bytes"
	"strings"
	"testing"

	"dropquant/engine/onnx"
	"dropquant/engine/tensor"
)

// TestParseErrors pins the messages, each with its line.
func TestParseErrors(t *testing.T) {
	const head = "graph \"g\" opset 13\n"
	for _, c := range []struct{ text, want string }{
		{"", `line 1: the end of the text where "graph" should be`},
		{"\n\ngraph g", `line 3: g where a quoted string should be`},
		{"graph \"g\" opset x", `line 1: x is not an integer`},
		{"graph \"g opset 1", `line 1: " is not a well-formed string`},
		{head + "input x float33", `line 2: float33 is not an element type`},
		{head + "input x float32[1,]", `line 2: ] is not an integer`},
		{head + "input x float32[-1]", `line 2: -1 is not a dimension`},
		{head + "input x\n# x again\ninput x", `line 4: the value "x" is defined twice, first as a graph input`},
		{head + "input \"\"", `line 2: a value has an empty name`},
		{head + "const w float32[2] = {1 2 3}", `line 2: float32[2] has 2 elements, not 3`},
		{head + "const w float32[3] = {1 2}", `line 2: the shape [3] has 3 elements, not 2`},
		{head + "const w uint8[1] = {256}", `line 2: 256 is not a uint8`},
		{head + "const w uint8[300] = seq", `line 2: 256 is not a uint8`},
		{head + "const w string[1] = {a}", `line 2: a is not a string`},
		{head + "const w float32[99999,99999] = zeros", `line 2: a constant needs a shape without unknown or huge dimensions`},
		{head + "const w float32[9999,9999] = zeros", `line 2: the shape [9999,9999] has 99980001 elements, not 4194304`},
		{head + "const w float32[?] = zeros", `line 2: a constant needs a shape without unknown or huge dimensions`},
		{head + "const w float32 = zeros", `line 2: a constant needs a shape without unknown or huge dimensions`},
		{head + "const w int4[2] = zeros", `line 2: a constant cannot have the type int4[2]`},
		{head + "const w float32[2] = ones", `line 2: ones where a constant's data should be: { a list }, zeros, fill or seq`},
		{head + "const w float32[2] = hash 0123", `line 2: the data is only a hash here: print the graph with Text`},
		{head + "const w int4[2] = opaque \"!\"", `line 2: illegal base64 data at input byte 0`},
		{head + "const w int4[2] = sparse \"\"", `line 2: the sparse constant "w" has no values`},
		{head + "y = Relu(x)", `line 2: node "Relu_y" reads the value "x", which nothing produces`},
		{head + "input x\ny = Relu(x)\ny = Relu(x)", `line 4: the value "y" is defined twice, first as the output of node ""`},
		{head + "input x\na: y = Relu(x)\na: z = Relu(x)", `line 4: two nodes are named "a"`},
		{head + "input x\ny = Relu(x", `line 3: the end of the text where "," should be`},
		{head + "input x\ny = Relu(x) {}", `line 3: } where a name should be`},
		{head + "input x\ny = Relu(x) {a=[1, 2.5]}", `line 3: a list has elements of several types; floats are written with a point`},
		{head + "input x\ny = Relu(x) {a=_}", `line 3: _ is not a number`},
		{head + "input x\ny = Relu(x)\noutput z", `line 4: the output "z" is produced by nothing`},
		{head + "input x y z", `line 2: y is not an element type`},
		{head + "input x float32 z", `line 2: z where the line should end`},
	} {
		g, err := Parse(c.text)
		if err == nil || g != nil {
			t.Errorf("%q was accepted", c.text)
			continue
		}
		if err.Error() != c.want {
			t.Errorf("%q\ngot  %s\nwant %s", c.text, err, c.want)
		}
	}
}

// TestParseForms reads what String does not write.
func TestParseForms(t *testing.T) {
	g, err := Parse(`
# a comment
graph "g" opset 13 # another
input x float32[
	1, 2]

const a float32[2,2] = seq 1 -0.5
const b int64[3] = seq
const c float16[2] = fill 0x3c00
const d float32[3] = { 1, 2
	3 }
z = Relu(y)
y = Relu(x)
output z
`)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"a": "float32[2,2] = {1 0.5 0 -0.5}", "b": "int64[3] = {0 1 2}", "c": "float16[2] = {0x3c00 0x3c00}", "d": "float32[3] = {1 2 3}",
	} {
		if got := (printer{}).constant(g.Value(name)); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if g.Check() == nil || g.Sort() != nil || g.Check() != nil {
		t.Error("the order of the text is kept until Sort")
	}
}

// TestStringIsShort: long data is a hash that tells data apart and that Parse refuses.
func TestStringIsShort(t *testing.T) {
	text := func(last float32) string {
		g := New("g", 13)
		data := make([]float32, elementLimit+1)
		data[elementLimit] = last
		v := g.AddConst("w", tensor.Of(data, len(data)))
		sub := &onnx.Graph{DocString: strings.Repeat("long ", byteLimit)}
		g.AddNode("If", "if", []*Value{v}, []Attr{{"then_branch", Opaque{&onnx.Attribute{G: sub}}}}, "y")
		return g.String()
	}
	one, two := text(1), text(2)
	if one == two || len(one) > 300 || strings.Count(one, "hash") != 2 {
		t.Errorf("%s\n%s", one, two)
	}
	if _, err := Parse(one); err == nil {
		t.Error("a hash was parsed")
	}
	if zero := text(0); !strings.Contains(zero, "float32[65] = fill 0\n") {
		t.Error(zero)
	}
}

func TestConstant(t *testing.T) {
	g, err := Parse(`graph "g" opset 13
const w float32[1] = {3}
a = Constant() {value=float32[1]{1}}
b = Constant() {value_ints=[1, 2]}
c = Constant() {value_float=0.5}
d = Relu(w)
e = other:Constant() {value_float=0.5}
`)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"w": "float32[1]{3}", "a": "float32[1]{1}", "b": "int64[2]{1 2}", "c": "float32[]{0.5}", "d": "", "e": ""} {
		got := ""
		if x := g.Value(name).Constant(); x != nil {
			got = printer{}.attr(x)
		}
		if got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// FuzzText: what parses prints to a text that parses to the same text, and a graph that passes Check
// goes through ONNX unchanged but for what ONNX cannot say.
func FuzzText(f *testing.F) {
	f.Add(sample)
	f.Add("graph \"g\" opset 13\ninput x\ny = Relu(x) {a=opaque \"CgE=\"}\nconst s int4[2] = opaque \"CAIQFkoBIQ==\"\noutput y\n")
	f.Fuzz(func(t *testing.T, text string) {
		g, err := Parse(text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "line ") {
				t.Fatal(err)
			}
			return
		}
		printed := g.Text()
		h, err := Parse(printed)
		if err != nil {
			t.Fatalf("%v in\n%s", err, printed)
		}
		if again := h.Text(); again != printed {
			t.Fatalf("printed\n%s\nthen\n%s", printed, again)
		}
		g.Clone()
		if g.Sort() != nil || g.Check() != nil {
			return
		}
		m, err := g.ToONNX()
		if err != nil {
			t.Fatal(err)
		}
		m.Marshal()
	})
}

// FuzzONNX: a model that reads as a graph and was in order writes back the same bytes.
func FuzzONNX(f *testing.F) {
	f.Add(old().Marshal())
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := onnx.Parse(data)
		if err != nil {
			return
		}
		g, err := FromONNX(m)
		if err != nil {
			return
		}
		if err := g.Check(); err != nil {
			t.Fatal(err)
		}
		out, err := g.ToONNX()
		if err != nil {
			t.Fatal(err)
		}
		if sameOrder(g, m) && !bytes.Equal(out.Marshal(), m.Marshal()) {
			t.Fatal("written differently")
		}
		if _, err := Parse(g.Text()); err != nil {
			t.Fatalf("%v in\n%s", err, g.Text())
		}
		g.RemoveDead()
		if err := g.Check(); err != nil {
			t.Fatal(err)
		}
	})
}

func sameOrder(g *Graph, m *onnx.Model) bool {
	for i, n := range g.Nodes {
		if n.source.message != m.Graph.Node[i] {
			return false
		}
	}
	return true
}
