package target

import (
	"math"
	"slices"
	"strings"
	"testing"

	"dropquant/engine/graph"
	"dropquant/engine/op"
	"dropquant/engine/quant"
	"dropquant/engine/tensor"
)

// plain gives every group a plain range within what limits it.
func plain(p *Plan) map[*Group]quant.Params {
	acts := map[*Group]quant.Params{}
	for _, g := range p.Groups() {
		acts[g] = g.Params(-2.5, 3.5)
	}
	return acts
}

func insert(t *testing.T, text string, target *Target) (*graph.Graph, *Plan) {
	t.Helper()
	g := parse(t, text)
	p := Place(g, target)
	if err := Insert(g, p, plain(p), nil); err != nil {
		t.Fatalf("%s: %v", target.Name, err)
	}
	return g, p
}

// TestInsert checks on every case and target what each runtime demands of any file.
func TestInsert(t *testing.T) {
	for name, text := range placeCases(t) {
		before, _, _ := strings.Cut(text, "--- ")
		for _, target := range Targets {
			t.Run(name+"/"+target.Name, func(t *testing.T) {
				g, p := insert(t, before, target)
				if err := op.Infer(g, nil); err != nil && !strings.Contains(before, "# not computable") {
					t.Fatal(err)
				}
				pairs := 0
				for _, n := range g.Nodes {
					switch n.Op {
					case "QuantizeLinear":
						pairs++
						checkQuantize(t, g, n, target)
					case "DequantizeLinear":
						checkDequantize(t, g, n, target)
					}
				}
				if pairs != len(p.Pairs) {
					t.Errorf("%d QuantizeLinear for %d pairs", pairs, len(p.Pairs))
				}
				if target.Complete {
					checkComplete(t, g, p)
				}
				for _, w := range p.Weights {
					if w.Value.Const != nil && len(w.Value.Uses) == 0 && g.Value(w.Value.Name) != nil {
						t.Errorf("the float weights %q stay in the file", w.Value.Name)
					}
				}
			})
		}
	}
}

func checkQuantize(t *testing.T, g *graph.Graph, n *graph.Node, target *Target) {
	t.Helper()
	q := n.Out(0)
	if len(q.Uses) != 1 || q.Uses[0].Node.Op != "DequantizeLinear" || g.IsOutput(q) {
		t.Errorf("%s does not feed exactly one DequantizeLinear", n.Name)
	}
	if zero := n.Input(2); zero == nil || zero.DType != target.Act.DType {
		t.Errorf("%s has no zero point of %v", n.Name, target.Act.DType)
	}
	if n.Input(0).Const != nil {
		t.Errorf("%s quantizes a constant", n.Name)
	}
}

func checkDequantize(t *testing.T, g *graph.Graph, n *graph.Node, target *Target) {
	t.Helper()
	scale, zero := n.Input(1), n.Input(2)
	if zero == nil || !slices.Equal(scale.Shape, zero.Shape) || zero.DType != n.Input(0).DType {
		t.Errorf("%s has no zero point of its scale's shape and its input's type", n.Name)
		return
	}
	if g.IsOutput(n.Out(0)) {
		t.Errorf("%s is an output of the graph", n.Name)
	}
	if target.Act.Symmetric || n.Input(0).Const != nil {
		if !zeroOnly(zero.Const) {
			t.Errorf("%s has a zero point that is not 0", n.Name)
		}
	}
	if len(scale.Shape) == 1 && n.Int("axis", 1) >= len(n.Input(0).Shape) {
		t.Errorf("%s has the axis %d", n.Name, n.Int("axis", 1))
	}
}

func zeroOnly(z *tensor.Tensor) bool {
	switch z.DType {
	case tensor.Int8:
		return !slices.ContainsFunc(tensor.Data[int8](z), func(x int8) bool { return x != 0 })
	case tensor.Int32:
		return !slices.ContainsFunc(tensor.Data[int32](z), func(x int32) bool { return x != 0 })
	case tensor.Uint8:
		return !slices.ContainsFunc(tensor.Data[uint8](z), func(x uint8) bool { return x != 0 })
	}
	return false
}

// checkComplete verifies units: every activation and weight dequantized, the output read by one QuantizeLinear alone.
func checkComplete(t *testing.T, g *graph.Graph, p *Plan) {
	t.Helper()
	fused := map[*graph.Node]*graph.Value{}
	for _, d := range p.Nodes {
		if d.State == Int8 {
			fused[d.Node] = d.Node.Out(0)
		}
		if d.State == Fused {
			fused[d.Into] = d.Node.Out(0)
		}
	}
	for _, d := range p.Nodes {
		if d.State != Int8 && d.State != Moves {
			continue
		}
		for _, v := range d.Node.Inputs {
			if v != nil && v.DType == tensor.Float32 && v.Const == nil && v.Producer.Op != "DequantizeLinear" {
				t.Errorf("%s reads %s in float", d.Node.Name, v.Name)
			}
		}
		for _, v := range d.Node.Outputs {
			if d.State == Int8 {
				v = fused[d.Node]
			}
			alone := len(v.Uses) == 1 && v.Uses[0].Node.Op == "QuantizeLinear" && !g.IsOutput(v)
			floatOut := (d.Node.Op == "Gemm" || d.Node.Op == "MatMul") && g.IsOutput(v)
			if !alone && !floatOut {
				t.Errorf("%s has the output %s, which not one QuantizeLinear alone reads", d.Node.Name, v.Name)
			}
		}
	}
}

func TestSharedWeightsStayShared(t *testing.T) {
	text := placeCases(t)["shared_weights"]
	before, _, _ := strings.Cut(text, "--- ")
	for _, target := range Targets {
		g, p := insert(t, before, target)
		fc1, fc2, conv1, conv2, sum := node(g, "fc1"), node(g, "fc2"), node(g, "conv1"), node(g, "conv2"), node(g, "sum")
		if fc1.Inputs[1] != fc2.Inputs[1] || conv1.Inputs[1] != conv2.Inputs[1] {
			t.Errorf("%s: the same codes are stored twice", target.Name)
		}
		if node(g, "fc3").Inputs[1] == fc1.Inputs[1] {
			t.Errorf("%s: scales along another axis are shared", target.Name)
		}
		if sum.Inputs[0].Name != "k" {
			t.Errorf("%s: the float reader lost its weights", target.Name)
		}
		if len(p.Weights) != 3 {
			t.Errorf("%s: %d weights", target.Name, len(p.Weights))
		}
	}
}

func node(g *graph.Graph, name string) *graph.Node {
	for _, n := range g.Nodes {
		if n.Name == name {
			return n
		}
	}
	return nil
}

const biased = `graph "a bias far above its weights, and an all-zero channel" opset 13
input x float32[1,1,2,2]
const w float32[3,1,1,1] = {1e-12 0.5 0}
const b float32[3] = {1000 0.25 -3}
const k float32[1,3,1,1] = {1 1 1}
conv: c = Conv(x, w, b)
relu: r = Relu(c)
gap: a = GlobalAveragePool(r)
last: y = Conv(a, k)

output y
`

func TestInt32Bias(t *testing.T) {
	g := parse(t, biased)
	p := Place(g, ONNXRuntime)
	acts := plain(p)
	if err := Insert(g, p, acts, nil); err != nil {
		t.Fatal(err)
	}
	conv := node(g, "conv")
	dq := conv.Inputs[2].Producer
	if dq == nil || dq.Input(0).DType != tensor.Int32 {
		t.Fatal("the bias is not int32")
	}
	x, w := node(g, "x_QuantizeLinear").Input(1).Const.F32()[0], conv.Inputs[1].Producer.Input(1).Const.F32()
	for c, want := range []float32{1000, 0.25, -3} {
		scale, code := dq.Input(1).Const.F32()[c], tensor.Data[int32](dq.Input(0).Const)[c]
		if scale != float32(x*w[c]) {
			t.Errorf("channel %d: bias scale %g, not %g·%g", c, scale, x, w[c])
		}
		if got := float64(scale) * float64(code); math.Abs(got-float64(want)) > 1e-3*math.Abs(float64(want)) {
			t.Errorf("channel %d: bias %g, want %g", c, got, want)
		}
	}

	// Codes that were chosen elsewhere keep their scale; the bias that does not fit stays float.
	g = parse(t, biased)
	p = Place(g, ONNXRuntime)
	weight := p.Weights[0]
	own := weight.Params()
	given := map[*Weight]Rounded{weight: {own, own.Tensor(weight.Value.Const)}}
	if err := Insert(g, p, plain(p), given); err != nil {
		t.Fatal(err)
	}
	if v := node(g, "conv").Inputs[2]; v.Const == nil || v.DType != tensor.Float32 {
		t.Errorf("the bias became %v", v.DType)
	}
}

func TestInsertNeedsRanges(t *testing.T) {
	g := parse(t, biased)
	p := Place(g, OpenVINO)
	err := Insert(g, p, nil, nil)
	if err == nil || err.Error() != `value "x" has no range: observe it before inserting` {
		t.Errorf("got %v", err)
	}
}

// TestClipStaysRedundant: a runtime drops a Clip only when no code lies beyond it, to the last bit.
func TestClipStaysRedundant(t *testing.T) {
	for _, top := range []float32{6, 1, 0.1, 3.3, 1e-6, 255.001} {
		g := &Group{Grid: quant.U8, Min: 0, Max: top}
		p := g.Params(-1, 2*top)
		if _, hi := p.Real(0); hi > top || hi < top*0.999999 || p.Zero[0] != 0 {
			t.Errorf("top %g: the highest code is %.9g, zero %d", top, hi, p.Zero[0])
		}
	}
}

// TestSigned: with signed activations OpenVINO's Concat must not be run in integers.
func TestSigned(t *testing.T) {
	before, _, _ := strings.Cut(placeCases(t)["concat"], "--- ")
	g := parse(t, before)
	signed := *OpenVINO
	signed.Act = quant.S8
	if d := Place(g, &signed).Decision(node(g, "cat")); d.State != Float || d.Why != "wrong in this runtime on signed codes" {
		t.Errorf("the Concat is %v: %s", d.State, d.Why)
	}
}

func TestExclude(t *testing.T) {
	before, _, _ := strings.Cut(placeCases(t)["chain"], "--- ")
	for _, target := range Targets {
		g := parse(t, before)
		p := Place(g, target, "conv2")
		if d := p.Decision(node(g, "conv2")); d.State != Float || d.Why != "excluded" {
			t.Errorf("%s: conv2 is %v: %s", target.Name, d.State, d.Why)
		}
		if d := p.Decision(node(g, "clip")); d.State != Float {
			t.Errorf("%s: clip is %v", target.Name, d.State)
		}
	}
}

// TestFewerBits: codes that the type has and the grid has not are kept out by a Clip.
func TestFewerBits(t *testing.T) {
	before, _, _ := strings.Cut(placeCases(t)["chain"], "--- ")
	g := parse(t, before)
	four := *OpenVINO
	four.Act.Bits, four.Weight.Bits, four.PerTensor = 4, 4, true
	p := Place(g, &four)
	if err := Insert(g, p, plain(p), nil); err != nil {
		t.Fatal(err)
	}
	clip := node(g, "x_QuantizeLinear").Inputs[0].Producer
	if clip == nil || clip.Op != "Clip" || clip.Input(0).Name != "x" {
		t.Error("no Clip before the QuantizeLinear of 4 bits")
	}
	for _, q := range tensor.Data[int8](node(g, "conv1").Inputs[1].Producer.Input(0).Const) {
		if q < -7 || q > 7 {
			t.Errorf("a weight has the code %d", q)
		}
	}
}

// TestSixteenBits raises the opset to the one that has such codes.
func TestSixteenBits(t *testing.T) {
	before, _, _ := strings.Cut(placeCases(t)["residual"], "--- ")
	g := parse(t, before)
	wide := *OpenVINO
	wide.Act = quant.U16
	p := Place(g, &wide)
	if err := Insert(g, p, plain(p), nil); err != nil {
		t.Fatal(err)
	}
	if g.Opset[""] != 21 {
		t.Errorf("opset %d", g.Opset[""])
	}
}
