package export

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"dropquant/engine/graph"
	"dropquant/engine/op"
	"dropquant/engine/quant"
	"dropquant/engine/target"
	"dropquant/engine/tensor"
)

// net has what the formats differ in: weights per channel and groups, a bias, a pooling that moves codes, a concatenation.
const net = `graph "net" opset 13
input x float32[1,4,8,8]
const w float32[4,4,3,3] = seq
const b float32[4] = {0.5 -1 0.25 2}
const d float32[4,1,3,3] = seq
const f float32[3,256] = seq
conv: c = Conv(x, w, b) {pads=[1,1,1,1]}
relu: r = Relu(c)
depthwise: e = Conv(r, d) {group=4, pads=[1,1,1,1]}
clip_max: s = Clip(e)
pool: p = MaxPool(s) {kernel_shape=[2,2], strides=[2,2]}
up: u = MaxPool(r) {kernel_shape=[2,2], strides=[2,2]}
cat: k = Concat(p, u, p, u) {axis=1}
flat: t = Flatten(k)
fc: y = Gemm(t, f) {transB=1}
output y
`

// quantized returns net with the pairs of a target, whose groups have ranges of their own.
func quantized(t testing.TB, to *target.Target) *graph.Graph {
	t.Helper()
	g, err := graph.Parse(net)
	if err != nil {
		t.Fatal(err)
	}
	if err := op.Infer(g, nil); err != nil {
		t.Fatal(err)
	}
	p := target.Place(g, to)
	acts := map[*target.Group]quant.Params{}
	for i, group := range p.Groups() {
		acts[group] = group.Params(-1-float32(i), 2+float32(i))
	}
	if err := target.Insert(g, p, acts, nil); err != nil {
		t.Fatal(err)
	}
	return g
}

// TestEncodings compares the file with the scales and zero points of the graph.
func TestEncodings(t *testing.T) {
	for _, to := range target.Targets {
		g := quantized(t, to)
		before := g.String()
		text, err := Encodings(g)
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Acts   map[string][]encoding `json:"activation_encodings"`
			Params map[string][]encoding `json:"param_encodings"`
		}
		if err := json.Unmarshal(text, &file); err != nil {
			t.Fatal(err)
		}
		if g.String() != before {
			t.Fatal("the graph was changed")
		}
		acts := 0
		for _, n := range g.Nodes {
			if n.Op != "QuantizeLinear" {
				continue
			}
			acts++
			e := file.Acts[n.Inputs[0].Name]
			scale := n.Inputs[1].Const.F32()[0]
			if len(e) != 1 || float32(e[0].Scale) != scale || e[0].Bits != 8 {
				t.Fatalf("%s: %s has %+v, and the scale %g", to.Name, n.Inputs[0].Name, e, scale)
			}
			// Code 0 of the encoding is the lowest of the type, and the real 0 is a code.
			zero := map[tensor.DType]func() int32{
				tensor.Uint8: func() int32 { return -int32(tensor.Data[uint8](n.Inputs[2].Const)[0]) },
				tensor.Int8:  func() int32 { return -128 - int32(tensor.Data[int8](n.Inputs[2].Const)[0]) },
			}[n.Inputs[2].DType]()
			if e[0].Offset != zero || math.Abs(e[0].Max-e[0].Min-255*float64(scale)) > 1e-9 || e[0].Min != float64(scale)*float64(zero) {
				t.Errorf("%s: %s has %+v, and the offset %d", to.Name, n.Inputs[0].Name, e[0], zero)
			}
		}
		if acts == 0 || len(file.Acts) != acts {
			t.Errorf("%s: %d activations of %d", to.Name, len(file.Acts), acts)
		}
		for name, channels := range map[string]int{"w": 4, "d": 4, "f": 3} {
			if e := file.Params[name]; len(e) != channels || e[0].Symmetric != "True" {
				t.Errorf("%s: %s has %d entries", to.Name, name, len(e))
			}
		}
		if _, ok := file.Params["b"]; ok {
			t.Errorf("%s: the bias is among the parameters", to.Name)
		}
	}
}

// TestTensorRTCache compares every line with the graph, and wants the outputs of what moves codes too.
func TestTensorRTCache(t *testing.T) {
	g := quantized(t, target.TensorRT)
	text, err := TensorRTCache(g)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if lines[0] != "TRT-8601-EntropyCalibration2" {
		t.Errorf("the first line is %q", lines[0])
	}
	got := map[string]string{}
	for _, l := range lines[1:] {
		name, hex, _ := strings.Cut(l, ": ")
		got[name] = hex
	}
	want := map[string]string{}
	for _, n := range g.Nodes {
		if n.Op == "QuantizeLinear" {
			want[n.Inputs[0].Name] = fmt.Sprintf("%08x", math.Float32bits(n.Inputs[1].Const.F32()[0]))
		}
	}
	for name, hex := range want {
		if got[name] != hex {
			t.Errorf("%s: %s, want %s", name, got[name], hex)
		}
	}
	for name := range got {
		if strings.HasSuffix(name, "_dequantized") {
			t.Errorf("the float model has no tensor %s", name)
		}
	}
	_, err = TensorRTCache(quantized(t, target.OpenVINO))
	if err == nil || !strings.Contains(err.Error(), "quantize for the target tensorrt") {
		t.Errorf("asymmetric ranges: %v", err)
	}
}

// TestFakeQuantize: no Q/DQ is left, levels and limits are those of the grids, and weights lie on them.
func TestFakeQuantize(t *testing.T) {
	g := quantized(t, target.ONNXRuntime)
	out, err := FakeQuantize(g)
	if err != nil {
		t.Fatal(err)
	}
	levels := map[int]int{}
	for _, n := range out.Nodes {
		if strings.HasSuffix(n.Op, "QuantizeLinear") || strings.HasSuffix(n.Op, "DequantizeLinear") {
			t.Errorf("%s is left", n.Name)
		}
		if n.Op != "FakeQuantize" {
			continue
		}
		levels[n.Int("levels", 0)]++
		lo, hi := n.Inputs[1].Const, n.Inputs[2].Const
		for i := range lo.F32() {
			if !(lo.F32()[i] <= 0 && hi.F32()[i] > 0) {
				t.Errorf("%s: limits %g and %g", n.Name, lo.F32()[i], hi.F32()[i])
			}
		}
		if w := n.Inputs[0].Const; w != nil && (!slices.Equal(lo.Shape[1:], slices.Repeat([]int{1}, w.Rank()-1)) || lo.Shape[0] != w.Shape[0]) {
			t.Errorf("%s: limits of shape %v for weights of %v", n.Name, lo.Shape, w.Shape)
		}
	}
	if levels[255] != 3 || levels[256] == 0 || len(levels) != 2 {
		t.Errorf("levels: %v", levels)
	}
	if out.Opset[Domain] != 1 {
		t.Errorf("opset %v", out.Opset)
	}
}

// ir is what a reader sees of the XML.
type ir struct {
	Layers []struct {
		ID   int    `xml:"id,attr"`
		Name string `xml:"name,attr"`
		Type string `xml:"type,attr"`
		Data struct {
			Offset, Size int
			Shape        string `xml:"shape,attr"`
			Element      string `xml:"element_type,attr"`
			RawOffset    string `xml:"offset,attr"`
			RawSize      string `xml:"size,attr"`
		} `xml:"data"`
		In  []irPort `xml:"input>port"`
		Out []irPort `xml:"output>port"`
	} `xml:"layers>layer"`
	Edges []struct {
		From     int `xml:"from-layer,attr"`
		FromPort int `xml:"from-port,attr"`
		To       int `xml:"to-layer,attr"`
		ToPort   int `xml:"to-port,attr"`
	} `xml:"edges>edge"`
}

type irPort struct {
	ID        int    `xml:"id,attr"`
	Precision string `xml:"precision,attr"`
	Names     string `xml:"names,attr"`
	Dims      []int  `xml:"dim"`
}

// TestIR reads the files back: unique names, edges between ports of one type, constants inside of the second file, int8 weights
// in it. That OpenVINO loads them is tested where the real runtimes are.
func TestIR(t *testing.T) {
	for _, to := range target.Targets {
		text, weights, err := IR(quantized(t, to), nil)
		if err != nil {
			t.Fatal(err)
		}
		again, _, _ := IR(quantized(t, to), nil)
		if !bytes.Equal(text, again) {
			t.Errorf("%s: two runs differ", to.Name)
		}
		size := 0
		for _, p := range weights {
			size += len(p)
		}
		var file ir
		if err := xml.Unmarshal(text, &file); err != nil {
			t.Fatal(err)
		}
		names, kinds, inputs := map[string]bool{}, map[string]int{}, 0
		ports := map[[2]int]irPort{}
		for _, l := range file.Layers {
			if names[l.Name] {
				t.Errorf("%s: two layers %s", to.Name, l.Name)
			}
			names[l.Name] = true
			kinds[l.Type]++
			inputs += len(l.In)
			for _, p := range slices.Concat(l.In, l.Out) {
				ports[[2]int{l.ID, p.ID}] = p
			}
			if l.Type != "Const" {
				continue
			}
			var offset, n int
			if _, err := fmt.Sscan(l.Data.RawOffset, &offset); err != nil {
				t.Fatal(err)
			}
			if _, err := fmt.Sscan(l.Data.RawSize, &n); err != nil {
				t.Fatal(err)
			}
			bytesOf := map[string]int{"i8": 1, "f32": 4, "i64": 8}[l.Data.Element]
			if offset%64 != 0 || offset+n > size || n != bytesOf*tensor.Size(l.Out[0].Dims) {
				t.Errorf("%s: %s lies at %d with %d bytes of %d, as %s[%s]", to.Name, l.Name, offset, n, size, l.Data.Element, l.Data.Shape)
			}
			if l.Data.Element == "i8" {
				kinds["codes"]++
			}
		}
		if len(file.Edges) != inputs {
			t.Errorf("%s: %d edges for %d inputs", to.Name, len(file.Edges), inputs)
		}
		for _, e := range file.Edges {
			a, b := ports[[2]int{e.From, e.FromPort}], ports[[2]int{e.To, e.ToPort}]
			if a.Precision != b.Precision || !slices.Equal(a.Dims, b.Dims) {
				t.Errorf("%s: edge %+v joins %+v and %+v", to.Name, e, a, b)
			}
		}
		if kinds["codes"] != 3 || kinds["Result"] != 1 || kinds["Parameter"] != 1 || kinds["GroupConvolution"] != 1 || kinds["FakeQuantize"] == 0 {
			t.Errorf("%s: layers %v", to.Name, kinds)
		}
	}
}

// TestRefusals: what cannot be said is a sentence that names the node.
func TestRefusals(t *testing.T) {
	const pair = "input x float32[1,4]\nconst s float32[] = {0.1}\nconst z uint8[] = {3}\n"
	for _, c := range []struct{ name, text, want string }{
		{"codes read by an operator", pair + "q: a = QuantizeLinear(x, s, z)\nt: b = Transpose(a)\nd: y = DequantizeLinear(b, s, z)\noutput y",
			`node "q" (QuantizeLinear): an operator on codes reads it, which these formats cannot say`},
		{"other parameters", pair + "const v uint8[] = {4}\nq: a = QuantizeLinear(x, s, z)\nd: y = DequantizeLinear(a, s, v)\noutput y",
			`node "d" (DequantizeLinear): its scale or zero point differs from that of "q"`},
		{"computed scale", pair + "e: r = Exp(s)\nq: a = QuantizeLinear(x, r, z)\nd: y = DequantizeLinear(a, r, z)\noutput y",
			`node "q" (QuantizeLinear): its scale is not a float32 constant`},
		{"scale 0", "input x float32[1,4]\nconst s float32[] = {0}\nconst z uint8[] = {3}\nq: a = QuantizeLinear(x, s, z)\nd: y = DequantizeLinear(a, s, z)\noutput y",
			`node "q" (QuantizeLinear): scale 0 is not a positive number`},
		{"codes from outside", "input x uint8[1,4]\nconst s float32[] = {0.1}\nconst z uint8[] = {3}\nd: y = DequantizeLinear(x, s, z)\noutput y",
			`node "d" (DequantizeLinear): it reads neither constant codes nor a QuantizeLinear`},
	} {
		g, err := graph.Parse("graph \"bad\" opset 13\n" + c.text + "\n")
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if err := op.Infer(g, nil); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		for name, write := range map[string]func() error{
			"encodings":    func() error { _, err := Encodings(g); return err },
			"cache":        func() error { _, err := TensorRTCache(g); return err },
			"fakequantize": func() error { _, err := FakeQuantize(g); return err },
			"ir":           func() error { _, _, err := IR(g, nil); return err },
		} {
			if err := write(); err == nil || err.Error() != c.want {
				t.Errorf("%s as %s: %v", c.name, name, err)
			}
		}
	}
	g, err := graph.Parse("graph \"odd\" opset 13\ninput x float32[2,3]\nodd: y = ArgMax(x)\noutput y\n")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := IR(g, nil); err == nil || !strings.HasPrefix(err.Error(), `node "odd"`) {
		t.Errorf("an operator without a rule: %v", err)
	}
}
