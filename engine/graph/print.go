package graph

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"

	"dropquant/engine/onnx"
	"dropquant/engine/tensor"
)

// The text form, one statement a line:
//
//	graph "name" opset 13, com.microsoft 1
//	metadata "key" "value"
//	input x float32[1,3,?,224]
//	const w float32[2,2] = {1 2 3 4}
//	const b float32[64] = fill 0.5
//	conv1: y = Conv(x, w, _) {strides=[2, 2], auto_pad="VALID"}
//	z = com.microsoft:QuickGelu(y) {alpha=1.0}
//	output z float32[1,2]
//
// A dimension "?" is unknown, a type without brackets has an unknown rank, "_" is omitted. A node without
// a name is called by its operator and first output, as "Conv_y". Names that are not plain words are
// quoted. Constants are a list, "zeros", "fill x" or "seq start step"; float16 and bfloat16 are
// hexadecimal bits. What the engine does not read is base64 of its message.
//
// The text holds the graph and not the rest of the file it came from: documentation, functions and
// training are left out.

// elementLimit and byteLimit are the most elements of a constant, and bytes of an opaque message, that
// String prints.
const (
	elementLimit = 64
	byteLimit    = 256
)

// String returns the text form with long constants as a hash, which Parse refuses.
func (g *Graph) String() string { return printer{short: true}.graph(g) }

// Text returns the text form with all data; Parse reads it back.
func (g *Graph) Text() string { return printer{}.graph(g) }

type printer struct{ short bool }

func (p printer) graph(g *Graph) string {
	var b strings.Builder
	fmt.Fprintf(&b, "graph %q opset %d", g.Name, g.Opset[""])
	for _, d := range slices.Sorted(maps.Keys(g.Opset)) {
		if d != "" {
			fmt.Fprintf(&b, ", %s %d", word(d), g.Opset[d])
		}
	}
	b.WriteByte('\n')
	for _, e := range g.metadata {
		fmt.Fprintf(&b, "metadata %q %q\n", e.Key, e.Value)
	}
	for _, v := range g.Inputs {
		fmt.Fprintf(&b, "input %s%s\n", word(v.Name), typeSuffix(v))
	}
	for _, v := range g.consts() {
		fmt.Fprintf(&b, "const %s %s\n", word(v.Name), p.constant(v))
	}
	for _, n := range g.Nodes {
		b.WriteString(p.node(n))
		b.WriteByte('\n')
	}
	for _, v := range g.Outputs {
		fmt.Fprintf(&b, "output %s%s\n", word(v.Name), typeSuffix(v))
	}
	return b.String()
}

// consts lists the constants in order of creation.
func (g *Graph) consts() []*Value {
	return slices.DeleteFunc(g.inCreation(), func(v *Value) bool { return v.Const == nil && !v.Opaque() })
}

// inCreation lists all values in order of creation.
func (g *Graph) inCreation() []*Value {
	return slices.SortedFunc(maps.Values(g.values), func(a, b *Value) int { return cmp.Compare(a.order, b.order) })
}

// String returns the node's line of the text form.
func (n *Node) String() string { return printer{short: true}.node(n) }

func (p printer) node(n *Node) string {
	var b strings.Builder
	if n.Name != autoName(n.Op, valueNames(n.Outputs)) {
		b.WriteString(word(n.Name) + ": ")
	}
	if len(n.Outputs) > 0 {
		b.WriteString(words(n.Outputs) + " ")
	}
	b.WriteString("= ")
	if n.Domain != "" {
		b.WriteString(word(n.Domain) + ":")
	}
	b.WriteString(word(n.Op) + "(" + words(n.Inputs) + ")")
	for i, a := range n.Attrs {
		open := ", "
		if i == 0 {
			open = " {"
		}
		b.WriteString(open + word(a.Name) + "=" + p.attr(a.Value))
	}
	if len(n.Attrs) > 0 {
		b.WriteByte('}')
	}
	return b.String()
}

// keywords begin a statement, so that a name like them is quoted.
var keywords = []string{"graph", "metadata", "input", "const", "output", "_"}

// word quotes s unless it lexes as one word.
func word(s string) string {
	if s == "" || slices.Contains(keywords, s) {
		return strconv.Quote(s)
	}
	for i := range len(s) {
		if !wordByte(s[i]) {
			return strconv.Quote(s)
		}
	}
	return s
}

func words(values []*Value) string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = "_"
		if v != nil {
			list[i] = word(v.Name)
		}
	}
	return strings.Join(list, ", ")
}

// typeSuffix is a value's type behind a space, or nothing when it is unknown.
func typeSuffix(v *Value) string {
	if v.DType == tensor.Unknown && v.Shape == nil {
		return ""
	}
	return " " + typeText(v.DType, v.Shape)
}

func typeText(dt tensor.DType, shape []int) string {
	name := onnx.TypeName(dt)
	if _, ok := onnx.ParseTypeName(name); !ok {
		name = fmt.Sprintf("type%d", int32(dt))
	}
	if shape == nil {
		return name
	}
	return name + tensor.FormatShape(shape)
}

func (p printer) constant(v *Value) string {
	if v.Const != nil {
		return typeText(v.Const.DType, v.Const.Shape) + " = " + p.data(v.Const)
	}
	if v.source.sparse != nil {
		return typeText(v.DType, v.Shape) + " = sparse " + p.message(v.source.sparse)
	}
	return typeText(v.DType, v.Shape) + " = opaque " + p.message(v.source.init)
}

func (p printer) message(m onnx.Message) string {
	data := onnx.Marshal(m)
	if p.short && len(data) > byteLimit {
		return hash(data)
	}
	return strconv.Quote(base64.StdEncoding.EncodeToString(data))
}

func hash(parts ...[]byte) string {
	h := fnv.New64a()
	for _, b := range parts {
		h.Write(b)
	}
	return fmt.Sprintf("hash %016x", h.Sum64())
}

// data prints the elements of t.
func (p printer) data(t *tensor.Tensor) string {
	n := t.Len()
	element := literals[t.DType].format(t)
	if n > elementLimit {
		if s := element(0); uniform(n, element, s) {
			return "fill " + s
		}
		if p.short {
			m := onnx.FromTensor("", t)
			return hash(append([][]byte{m.RawData}, m.StringData...)...)
		}
	}
	var b strings.Builder
	b.WriteByte('{')
	for i := range n {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(element(i))
	}
	b.WriteByte('}')
	return b.String()
}

func uniform(n int, element func(int) string, first string) bool {
	for i := 1; i < n; i++ {
		if element(i) != first {
			return false
		}
	}
	return true
}

func (p printer) attr(value any) string {
	switch v := value.(type) {
	case int64:
		return strconv.FormatInt(v, 10)
	case float32:
		return floatAttr(v)
	case string:
		return strconv.Quote(v)
	case []int64:
		return list("ints", v, func(x int64) string { return strconv.FormatInt(x, 10) })
	case []float32:
		return list("floats", v, floatAttr)
	case []string:
		return list("strings", v, strconv.Quote)
	case *tensor.Tensor:
		return typeText(v.DType, v.Shape) + p.tensorAttr(v)
	case Opaque:
		return "opaque " + p.message(v.message)
	}
	panic(fmt.Sprintf("bug: an attribute holds a %T", value))
}

func (p printer) tensorAttr(t *tensor.Tensor) string {
	s := p.data(t)
	if s[0] == '{' {
		return s
	}
	return " " + s
}

// list names its type only when no element does.
func list[T any](name string, v []T, format func(T) string) string {
	if len(v) == 0 {
		return name + "[]"
	}
	texts := make([]string, len(v))
	for i, x := range v {
		texts[i] = format(x)
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// floatAttr marks a float attribute as one: the point is what tells it from an integer.
func floatAttr(f float32) string {
	s := formatFloat32(f)
	if !strings.ContainsAny(s, ".eNI") {
		s += ".0"
	}
	return s
}
