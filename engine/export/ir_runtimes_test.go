package export

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dropquant/engine/graph"
	"dropquant/engine/internal/testdata"
	"dropquant/engine/op"
	"dropquant/engine/target"
)

// forms is one graph for every rule of the IR writer and its variants: what comes between the opset and the outputs.
var forms = []string{
	"input x float32[1,3,8,8]\nconst w float32[4,3,3,3] = seq\nconst b float32[4] = {1 2 3 4}\nn: y = Conv(x, w, b) {pads=[1,0,1,0], strides=[2,1], dilations=[1,2]}",
	"input x float32[1,4,8,8]\nconst w float32[6,2,3,3] = seq\nn: y = Conv(x, w) {group=2, auto_pad=\"SAME_UPPER\", strides=[2,2]}",
	"input x float32[1,3,8]\nconst w float32[2,3,3] = seq\nn: y = Conv(x, w) {pads=[1,1]}",
	"input x float32[1,3,5,5]\nconst w float32[3,2,3,3] = seq\nconst b float32[2] = {1 2}\nn: y = ConvTranspose(x, w, b) {strides=[2,2], pads=[1,1,1,1], output_padding=[1,1]}",
	"input x float32[1,4,5,5]\nconst w float32[4,2,2,2] = seq\nn: y = ConvTranspose(x, w) {strides=[2,2], group=2}",
	"input x float32[2,5]\nconst w float32[3,5] = seq\nconst b float32[3] = {1 2 3}\nn: y = Gemm(x, w, b) {transB=1}",
	"input x float32[5,2]\nconst w float32[5,3] = seq\nn: y = Gemm(x, w) {transA=1}",
	"input x float32[2,4,5]\nconst w float32[5,3] = seq\nn: y = MatMul(x, w)",
	"input x float32[2,4,5]\ninput v float32[2,5,3]\nn: y = MatMul(x, v)",
	"input x float32[1,3,9,9]\nn: y = MaxPool(x) {kernel_shape=[3,3], strides=[2,2], ceil_mode=1}",
	"input x float32[1,3,9,9]\nn: y = MaxPool(x) {kernel_shape=[3,3], pads=[1,1,1,1], dilations=[2,2]}",
	"input x float32[1,3,9,9]\nn: y = AveragePool(x) {kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]}",
	"input x float32[1,3,9,9]\nn: y = AveragePool(x) {kernel_shape=[2,2], strides=[2,2], pads=[1,1,1,1], count_include_pad=1}",
	"input x float32[1,3,9,9]\nn: y = GlobalAveragePool(x)",
	"input x float32[1,3,9,9]\nn: y = GlobalMaxPool(x)",
	"input x float32[2,3,4]\nn: y = ReduceMean(x) {axes=[1,-1], keepdims=0}",
	"input x float32[2,3,4]\nn: y = ReduceMax(x) {axes=[-1]}",
	"input x float32[2,3,4]\nconst a int64[1] = {1}\nn: y = ReduceSum(x, a)",
	"input x float32[2,3,4]\nn: y = ReduceSum(x)",
	"input x float32[2,3,4]\nconst s int64[2] = {-1 6}\nn: y = Reshape(x, s)",
	"input x float32[2,3,4]\nn: y = Flatten(x) {axis=2}",
	"input x float32[2,1,4]\nconst a int64[1] = {1}\nn: y = Squeeze(x, a)",
	"input x float32[2,4]\nconst a int64[1] = {-1}\nn: y = Unsqueeze(x, a)",
	"input x float32[2,4]\nd: a = Identity(x)\nn: y = Abs(a)",
	"input x float32[2,4]\nd: a = Dropout(x)\nn: y = Abs(a)",
	"input x float32[2,3,4]\nn: y = Transpose(x)",
	"input x float32[2,3,4]\nn: y = Transpose(x) {perm=[1,0,2]}",
	"input x float32[2,3,4]\ninput v float32[2,5,4]\nn: y = Concat(x, v, x) {axis=-2}",
	"input x float32[2,6,4]\nconst b int64[2] = {1 3}\nconst e int64[2] = {9223372036854775807 -1}\nn: y = Slice(x, b, e)",
	"input x float32[2,6,4]\nconst b int64[1] = {5}\nconst e int64[1] = {0}\nconst a int64[1] = {-2}\nconst p int64[1] = {-2}\nn: y = Slice(x, b, e, a, p)",
	"input x float32[2,6,4]\nn: y, z = Split(x) {axis=-2}\noutput z",
	"input x float32[2,6,4]\nconst p int64[2] = {1 5}\nn: y, z = Split(x, p) {axis=1}\noutput z",
	"input x float32[1,2,4,4]\nconst p int64[8] = {0 0 1 2 0 0 0 1}\nn: y = Pad(x, p)",
	"input x float32[1,2,4,4]\nconst p int64[8] = {0 0 1 2 0 0 0 1}\nconst v float32[] = {-2}\nn: y = Pad(x, p, v)",
	"input x float32[1,2,4,4]\nconst p int64[8] = {0 0 1 2 0 0 0 1}\nn: y = Pad(x, p) {mode=\"reflect\"}",
	"input x float32[1,2,4,4]\nconst s float32[4] = {1 1 2 2}\nn: y = Resize(x, _, s) {mode=\"nearest\", coordinate_transformation_mode=\"asymmetric\", nearest_mode=\"floor\"}",
	"input x float32[1,2,4,4]\nconst s float32[4] = {1 1 1.6 2.4}\nn: y = Resize(x, _, s) {mode=\"linear\"}",
	"input x float32[1,2,4,4]\nconst z int64[4] = {1 2 7 3}\nn: y = Resize(x, _, _, z) {mode=\"linear\", coordinate_transformation_mode=\"pytorch_half_pixel\"}",
	"input x float32[1,2,4,4]\nconst z int64[4] = {1 2 8 8}\nn: y = Resize(x, _, _, z) {mode=\"cubic\", cubic_coeff_a=-0.5}",
	"input x float32[1,8,3,3]\nn: y = DepthToSpace(x) {blocksize=2}",
	"input x float32[1,8,3,3]\nn: y = DepthToSpace(x) {blocksize=2, mode=\"CRD\"}",
	"input x float32[1,2,4,4]\nn: y = SpaceToDepth(x) {blocksize=2}",
	"input x float32[2,5]\nconst a float32[] = {-0.5}\nconst b float32[] = {0.7}\nn: y = Clip(x, a, b)",
	"input x float32[2,5]\nconst b float32[] = {0.7}\nn: y = Clip(x, _, b)",
	"input x float32[2,5]\nn: y = LeakyRelu(x) {alpha=0.2}",
	"input x float32[1,3,4,4]\nconst s float32[3,1,1] = {0.1 0.2 0.3}\nn: y = PRelu(x, s)",
	"input x float32[2,5]\nn: y = HardSigmoid(x) {alpha=0.3}",
	"input x float32[2,5]\nn: y = Elu(x) {alpha=0.5}",
	"input x float32[2,5,3]\nn: y = Softmax(x) {axis=1}",
	"input x float32[2,5]\nconst s float32[5] = {1 2 3 4 5}\nn: y = Pow(s, x)",
	"input x float32[2,5]\ninput v float32[5]\nn: y = Max(x, v)",
	// Shapes that other nodes compute are constants here.
	"input x float32[2,3,4]\nshape: s = Shape(x)\nconst i int64[] = {0}\npick: d = Gather(s, i)\nconst z int64[1] = {0}\nwide: e = Unsqueeze(d, z)\nconst m int64[1] = {-1}\ncat: t = Concat(e, m) {axis=0}\nn: y = Reshape(x, t)",
}

// TestIRInOpenVINO has OpenVINO compute the IR of every form, and of a quantized net for each target, as it computes the ONNX file.
func TestIRInOpenVINO(t *testing.T) {
	python := testdata.Python(t, "have OpenVINO read what is written")
	var graphs []*graph.Graph
	texts := forms
	for _, name := range []string{"Relu", "Sigmoid", "Tanh", "Exp", "Abs", "Neg", "Floor", "Erf", "Softplus"} {
		texts = append(texts, "input x float32[2,5]\nn: y = "+name+"(x)")
	}
	for _, name := range []string{"Add", "Sub", "Mul", "Div", "Max", "Min"} {
		texts = append(texts, "input x float32[2,5]\nconst s float32[5] = {1 2 3 4 5}\nn: y = "+name+"(x, s)")
	}
	texts = append(texts, "input x float32[2,5]\ne: a = Abs(x)\nconst o float32[] = {1}\np: b = Add(a, o)\nn: c = Log(b)\nm: y = Sqrt(b)\noutput c")
	rules := map[string]bool{}
	for i, text := range texts {
		opset := 13
		if i == 0 {
			opset = 17
		}
		g, err := graph.Parse(fmt.Sprintf("graph \"form %d\" opset %d\n%s\noutput y\n", i, opset, text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if err := op.Infer(g, nil); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		for _, n := range g.Nodes {
			rules[n.Op] = true
		}
		graphs = append(graphs, g)
	}
	for name := range irRules {
		if !rules[name] && name != "HardSwish" && name != "Mish" { // of opset 14 and 18, and as plain as Relu
			t.Errorf("no form has the operator %s", name)
		}
	}
	for _, to := range target.Targets {
		graphs = append(graphs, quantized(t, to))
	}
	dir := t.TempDir()
	var jobs []map[string]string
	for i, g := range graphs {
		base := filepath.Join(dir, fmt.Sprint(i))
		m, err := g.ToONNX()
		if err != nil {
			t.Fatal(err)
		}
		text, weights, err := IR(g, nil)
		if err != nil {
			t.Fatalf("%s: %v", g, err)
		}
		for suffix, data := range map[string][]byte{".onnx": m.Marshal(), ".xml": text, ".bin": bytes.Join(weights, nil)} {
			if err := os.WriteFile(base+suffix, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		jobs = append(jobs, map[string]string{"onnx": base + ".onnx", "ir": base + ".xml"})
	}
	var answers []struct {
		Error string
		Off   float64
	}
	testdata.Ask(t, python, "ir.py", jobs, &answers)
	for i, a := range answers {
		name := strings.TrimSpace(graphs[i].String())
		if a.Error != "" {
			t.Errorf("%s\n%s", name, a.Error)
		} else if a.Off > 1e-6 {
			t.Errorf("%s\nis off by %g of the largest output", name, a.Off)
		}
	}
}
