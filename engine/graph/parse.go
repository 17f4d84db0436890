package graph

import (
	"encoding/base64"
	"strconv"
	"strings"

	"dropquant/engine/onnx"
	"dropquant/engine/tensor"
)

// fillLimit is the most elements that "zeros", "fill" and "seq" make: a line of text must not claim
// all memory.
const fillLimit = 1 << 22

// Parse reads the text form that Graph.Text describes. The order of nodes is kept, even when it is not
// topological. Errors begin with the line.
func Parse(text string) (g *Graph, err error) {
	p := &parser{lexer: newLexer(text)}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(syntaxError)
			if !ok {
				panic(r)
			}
			g, err = nil, e.error
		}
	}()
	p.header()
	for p.next.kind != endToken {
		p.statement()
	}
	p.connect()
	return p.g, nil
}

// parser reads statements, and connects nodes at the end, when all names are known.
type parser struct {
	*lexer
	g       *Graph
	calls   []call
	outputs []typed
}

// call is a node with the names that it reads.
type call struct {
	node   *Node
	inputs []token
	line   int
}

// typed is a name with what the text says of its type.
type typed struct {
	name  string
	dt    tensor.DType
	shape []int
	line  int
}

func (p *parser) header() {
	p.blank()
	p.keyword("graph")
	p.g = New(p.str(), 0)
	p.keyword("opset")
	p.g.Opset[""] = p.int()
	for p.accept(",") {
		domain := p.name()
		p.g.Opset[domain] = p.int()
	}
	p.endLine()
}

func (p *parser) statement() {
	t := p.next
	keyword := t.kind == wordToken
	switch {
	case keyword && t.text == "metadata":
		p.take()
		key := p.str()
		p.g.SetMetadata(key, p.str())
	case keyword && t.text == "input":
		p.take()
		in := p.typed()
		v := p.value(in.name, t.line)
		v.DType, v.Shape = in.dt, in.shape
		p.g.Inputs = append(p.g.Inputs, v)
	case keyword && t.text == "output":
		p.take()
		p.outputs = append(p.outputs, p.typed())
	case keyword && t.text == "const":
		p.take()
		p.constant()
	default:
		p.node()
	}
	p.endLine()
}

// value makes a value; its name must be new.
func (p *parser) value(name string, line int) *Value {
	if name == "" {
		p.fail(line, "a value has an empty name")
	}
	if old := p.g.values[name]; old != nil {
		p.fail(line, "the value %q is defined twice, first as %s", name, old.role())
	}
	return p.g.newValue(name)
}

// typed reads a name and the type that may follow.
func (p *parser) typed() typed {
	t := typed{line: p.next.line, name: p.name()}
	if p.next.kind == wordToken {
		t.dt, t.shape = p.typ()
	}
	return t
}

// typ reads an element type and the shape that may follow.
func (p *parser) typ() (tensor.DType, []int) {
	t := p.take()
	dt, ok := onnx.ParseTypeName(t.text)
	if number, found := strings.CutPrefix(t.text, "type"); !ok && found {
		n, err := strconv.ParseInt(number, 10, 32)
		dt, ok = tensor.DType(n), err == nil
	}
	if !ok {
		p.fail(t.line, "%v is not an element type", t)
	}
	if !p.accept("[") {
		return dt, nil
	}
	shape := []int{}
	for !p.accept("]") {
		if len(shape) > 0 {
			p.punct(",")
		}
		if p.accept("?") {
			shape = append(shape, -1)
		} else {
			shape = append(shape, p.dim())
		}
	}
	return dt, shape
}

func (p *parser) constant() {
	line := p.next.line
	v := p.value(p.name(), line)
	v.DType, v.Shape = p.typ()
	p.punct("=")
	switch t := p.next; {
	case t.kind == wordToken && t.text == "sparse":
		p.take()
		s := new(onnx.SparseTensor)
		p.message(s)
		if s.Values == nil {
			p.fail(line, "the sparse constant %q has no values", v.Name)
		}
		s.Values.SetName(v.Name)
		p.stated(v, &onnx.Tensor{Name: v.Name, Dims: s.Dims, DataType: s.Values.DataType}, line)
		v.source = &valueSource{sparse: s}
	case t.kind == wordToken && t.text == "opaque":
		p.take()
		m := new(onnx.Tensor)
		p.message(m)
		m.SetName(v.Name)
		p.stated(v, m, line)
		v.source = &valueSource{init: m}
	default:
		v.Const = p.data(v.DType, v.Shape)
	}
}

// stated takes v's type and shape from the message that holds its data.
func (p *parser) stated(v *Value, m *onnx.Tensor, line int) {
	shape, _, err := m.Shape()
	if err != nil {
		p.fail(line, "%v", err)
	}
	v.DType, v.Shape = tensor.DType(m.DataType), shape
}

// message reads a quoted base64 message.
func (p *parser) message(m onnx.Message) {
	t := p.next
	p.noHash()
	data, err := base64.StdEncoding.DecodeString(p.str())
	if err == nil {
		err = onnx.Unmarshal(data, m)
	}
	if err != nil {
		p.fail(t.line, "%v", err)
	}
}

// noHash refuses what String leaves out.
func (p *parser) noHash() {
	if t := p.next; t.kind == wordToken && t.text == "hash" {
		p.fail(t.line, "the data is only a hash here: print the graph with Text")
	}
}

// data reads the elements of a constant.
func (p *parser) data(dt tensor.DType, shape []int) *tensor.Tensor {
	line := p.next.line
	l, ok := literals[dt]
	if !ok {
		p.fail(line, "a constant cannot have the type %s", typeText(dt, shape))
	}
	p.noHash()
	var at func(i int) string
	limit := fillLimit
	switch t := p.take(); t.text {
	case "zeros":
	case "fill":
		x := p.element()
		at = func(int) string { return x }
	case "seq":
		start, step := 0.0, 1.0
		if p.next.kind == wordToken {
			start, step = p.float(), p.float()
		}
		at = func(i int) string { return strconv.FormatFloat(start+float64(float64(i)*step), 'f', -1, 64) }
	case "{":
		var list []string
		for !p.accept("}") {
			list = append(list, p.element())
			p.accept(",")
		}
		at = func(i int) string { return list[i] }
		limit = len(list)
	default:
		p.fail(t.line, "%v where a constant's data should be: { a list }, zeros, fill or seq", t)
	}
	n := p.size(shape, limit, line)
	if at == nil {
		return tensor.New(dt, shape...)
	}
	if limit != fillLimit && n != limit {
		p.fail(line, "%s has %d elements, not %d", typeText(dt, shape), n, limit)
	}
	t, err := l.parse(dt, shape, n, at)
	if err != nil {
		p.fail(line, "%v", err)
	}
	return t
}

// size returns the number of elements of a shape, which must be known and not above limit.
func (p *parser) size(shape []int, limit, line int) int {
	dims := make([]int64, len(shape))
	for i, d := range shape {
		dims[i] = int64(d)
	}
	_, n, err := (&onnx.Tensor{Dims: dims}).Shape()
	if err != nil || shape == nil {
		p.fail(line, "a constant needs a shape without unknown or huge dimensions")
	}
	if n > limit {
		p.fail(line, "the shape %s has %d elements, not %d", tensor.FormatShape(shape), n, limit)
	}
	return n
}

// element reads one element of a constant, a string with its quotes.
func (p *parser) element() string {
	t := p.take()
	if t.kind != wordToken && t.kind != stringToken {
		p.fail(t.line, "%v where an element should be", t)
	}
	return t.text
}

func (p *parser) node() {
	line := p.next.line
	n := &Node{}
	var first token
	if !p.isPunct("=") {
		first = p.reference()
	}
	if first.text != "" && p.accept(":") {
		if n.Name = p.unquote(first); n.Name == "" {
			p.fail(line, "a node has an empty name")
		}
		if p.g.names.nodes[n.Name] > 0 {
			p.fail(line, "two nodes are named %q", n.Name)
		}
		p.g.names.nodes[n.Name]++
		first = token{}
		if !p.isPunct("=") {
			first = p.reference()
		}
	}
	for first.text != "" {
		n.Outputs = append(n.Outputs, p.output(first, n))
		if first = (token{}); p.accept(",") {
			first = p.reference()
		}
	}
	p.punct("=")
	if n.Op = p.name(); p.accept(":") {
		n.Domain = onnx.Domain(n.Op)
		n.Op = p.name()
	}
	c := call{node: n, line: line}
	p.punct("(")
	for !p.accept(")") {
		if len(c.inputs) > 0 {
			p.punct(",")
		}
		c.inputs = append(c.inputs, p.reference())
	}
	if p.accept("{") {
		for len(n.Attrs) == 0 || p.accept(",") {
			name := p.name()
			p.punct("=")
			n.Attrs = append(n.Attrs, Attr{name, p.attr()})
		}
		p.punct("}")
	}
	p.g.Nodes = append(p.g.Nodes, n)
	p.calls = append(p.calls, c)
}

func (p *parser) output(t token, n *Node) *Value {
	if t.kind == wordToken && t.text == "_" {
		return nil
	}
	v := p.value(p.unquote(t), t.line)
	v.Producer = n
	return v
}

// connect gives names to nodes without one and finds the values that nodes and outputs name.
func (p *parser) connect() {
	for _, c := range p.calls {
		if n := c.node; n.Name == "" {
			n.Name = p.g.freshNode(autoName(n.Op, valueNames(n.Outputs)))
			p.g.names.nodes[n.Name]++
		}
	}
	for _, c := range p.calls {
		n := c.node
		for i, t := range c.inputs {
			var v *Value
			if t.kind != wordToken || t.text != "_" {
				if v = p.g.values[p.unquote(t)]; v == nil {
					p.fail(c.line, "node %q reads the value %q, which nothing produces", n.Name, p.unquote(t))
				}
			}
			n.Inputs = append(n.Inputs, v)
			v.addUse(n, i)
		}
		var opaque []*onnx.Attribute
		for _, a := range n.Attrs {
			if o, ok := a.Value.(Opaque); ok {
				opaque = append(opaque, o.message)
			}
		}
		if err := p.g.capture(n, opaque); err != nil {
			p.fail(c.line, "%v", err)
		}
	}
	for _, o := range p.outputs {
		v := p.g.values[o.name]
		if v == nil {
			p.fail(o.line, "the output %q is produced by nothing", o.name)
		}
		if o.dt != tensor.Unknown || o.shape != nil {
			v.DType, v.Shape = o.dt, o.shape
		}
		p.g.Outputs = append(p.g.Outputs, v)
	}
}
