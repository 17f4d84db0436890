package export

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"

	"dropquant/engine/graph"
	"dropquant/engine/onnx"
	"dropquant/engine/op"
	"dropquant/engine/tensor"
)

// IR returns g as OpenVINO's intermediate representation, version 11: the XML file and the pieces of the binary one. Pairs
// become FakeQuantize, weights stay int8 behind a Convert and a Multiply, the form in which OpenVINO compresses them itself: it
// computes the same bits as from the ONNX file. shapes gives the inputs their shapes, which the files then have. An operator that the writer does not know is an error that names the node.
//
// Source: OpenVINO's documentation, "Intermediate Representation and Operation Sets"; checked by loading into OpenVINO 2026.4.1.
func IR(g *graph.Graph, shapes map[string][]int) (text []byte, weights [][]byte, err error) {
	all, err := pairs(g)
	if err != nil {
		return nil, nil, err
	}
	r, err := op.Resolve(g, shapes)
	if err != nil {
		return nil, nil, err
	}
	w := &irWriter{types: r.Types, known: r.Known, pairs: map[*graph.Node]pair{}, at: map[*graph.Value]port{}, names: map[string]bool{}}
	for _, p := range all {
		w.pairs[p.dq] = p
	}
	for _, v := range g.Inputs {
		t := w.types[v]
		w.at[v] = w.layer("Parameter", "opset1", v.Name, attrs{{"shape", list(t.Shape)}, {"element_type", elements[t.DType].data}}, nil, irOutput{v.Name, t})[0]
	}
	for i, n := range g.Nodes {
		if err := w.node(n, r.Calls[i].Known); err != nil {
			return nil, nil, fmt.Errorf("node %q (%s): %w", n.Name, n.Op, err)
		}
	}
	for _, v := range g.Outputs {
		from, err := w.value(v)
		if err != nil {
			return nil, nil, err
		}
		w.layer("Result", "opset1", v.Name+"/sink_port_0", nil, []port{from})
	}
	return w.finish(g.Name), w.weights, nil
}

// irWriter collects the layers and edges.
type irWriter struct {
	types map[*graph.Value]op.Type
	known map[*graph.Value]*tensor.Tensor
	pairs map[*graph.Node]pair // by DequantizeLinear
	at    map[*graph.Value]port

	names         map[string]bool // of layers
	count         int             // of layers
	layers, edges strings.Builder
	weights       [][]byte
	size          int
}

// port is an output of a layer.
type port struct {
	layer, index int
	t            op.Type
}

// irOutput is what a layer gives: the name of the tensor, "" for none, and its type.
type irOutput struct {
	name string
	t    op.Type
}

// attrs are the attributes of a layer.
type attrs [][2]string

// elements are the element types as attributes and as ports spell them.
var elements = map[tensor.DType]struct{ data, port string }{
	tensor.Float32: {"f32", "FP32"}, tensor.Float64: {"f64", "FP64"}, tensor.Float16: {"f16", "FP16"}, tensor.Bool: {"boolean", "BOOL"},
	tensor.Int8: {"i8", "I8"}, tensor.Uint8: {"u8", "U8"}, tensor.Int16: {"i16", "I16"}, tensor.Uint16: {"u16", "U16"},
	tensor.Int32: {"i32", "I32"}, tensor.Int64: {"i64", "I64"},
}

// layer adds a layer that reads in, and returns its outputs.
func (w *irWriter) layer(kind, version, name string, a attrs, in []port, outs ...irOutput) []port {
	unique := name
	for k := 1; w.names[unique]; k++ {
		unique = fmt.Sprintf("%s_%d", name, k)
	}
	w.names[unique] = true
	id := w.count
	w.count++
	fmt.Fprintf(&w.layers, "\t\t<layer id=\"%d\" name=\"%s\" type=\"%s\" version=\"%s\">\n", id, escaped(unique), kind, version)
	if len(a) > 0 {
		w.layers.WriteString("\t\t\t<data")
		for _, kv := range a {
			fmt.Fprintf(&w.layers, " %s=\"%s\"", kv[0], escaped(kv[1]))
		}
		w.layers.WriteString(" />\n")
	}
	if len(in) > 0 {
		w.layers.WriteString("\t\t\t<input>\n")
		for i, p := range in {
			w.port(i, irOutput{"", p.t})
			fmt.Fprintf(&w.edges, "\t\t<edge from-layer=\"%d\" from-port=\"%d\" to-layer=\"%d\" to-port=\"%d\" />\n", p.layer, p.index, id, i)
		}
		w.layers.WriteString("\t\t\t</input>\n")
	}
	var out []port
	if len(outs) > 0 {
		w.layers.WriteString("\t\t\t<output>\n")
		for i, o := range outs {
			w.port(len(in)+i, o)
			out = append(out, port{id, len(in) + i, o.t})
		}
		w.layers.WriteString("\t\t\t</output>\n")
	}
	w.layers.WriteString("\t\t</layer>\n")
	return out
}

func (w *irWriter) port(id int, o irOutput) {
	fmt.Fprintf(&w.layers, "\t\t\t\t<port id=\"%d\" precision=\"%s\"", id, elements[o.t.DType].port)
	if o.name != "" {
		fmt.Fprintf(&w.layers, " names=\"%s\"", escaped(strings.ReplaceAll(o.name, ",", `\,`)))
	}
	if len(o.t.Shape) == 0 {
		w.layers.WriteString(" />\n")
		return
	}
	w.layers.WriteString(">\n")
	for _, d := range o.t.Shape {
		fmt.Fprintf(&w.layers, "\t\t\t\t\t<dim>%d</dim>\n", d)
	}
	w.layers.WriteString("\t\t\t\t</port>\n")
}

// constant adds a constant under another shape of as many elements.
func (w *irWriter) constant(name string, t *tensor.Tensor, shape []int) port {
	const align = 64
	if pad := -w.size & (align - 1); pad > 0 {
		w.weights, w.size = append(w.weights, make([]byte, pad)), w.size+pad
	}
	raw := onnx.FromTensor("", t).RawData
	typ := op.Type{DType: t.DType, Shape: shape}
	p := w.layer("Const", "opset1", name, attrs{{"element_type", elements[t.DType].data}, {"shape", list(shape)},
		{"offset", strconv.Itoa(w.size)}, {"size", strconv.Itoa(len(raw))}}, nil, irOutput{"", typ})
	w.weights, w.size = append(w.weights, raw), w.size+len(raw)
	return p[0]
}

// ints adds a constant list of numbers, as axes and shapes are.
func (w *irWriter) ints(name string, list ...int) port {
	out := make([]int64, len(list))
	for i, v := range list {
		out[i] = int64(v)
	}
	return w.constant(name, tensor.Of(out, len(out)), []int{len(out)})
}

// scalar adds a constant number.
func (w *irWriter) scalar(name string, v int) port {
	return w.constant(name, tensor.Scalar(int64(v)), []int{})
}

// finish returns the XML file.
func (w *irWriter) finish(name string) []byte {
	if name == "" {
		name = "model"
	}
	return []byte("<?xml version=\"1.0\"?>\n<net name=\"" + escaped(name) + "\" version=\"11\">\n\t<layers>\n" + w.layers.String() +
		"\t</layers>\n\t<edges>\n" + w.edges.String() + "\t</edges>\n</net>\n")
}

func escaped(s string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		panic("bug: " + err.Error())
	}
	return b.String()
}

// list writes numbers with commas between.
func list(v []int) string {
	words := make([]string, len(v))
	for i, x := range v {
		words[i] = strconv.Itoa(x)
	}
	return strings.Join(words, ",")
}
