package op_test

import (
	"strings"
	"testing"

	"dropquant/engine/graph"
	"dropquant/engine/internal/testdata"
	"dropquant/engine/onnx"
	"dropquant/engine/op"
	"dropquant/engine/tensor"
)

func parse(t *testing.T, opset, text string) *graph.Graph {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	g, err := graph.Parse("graph \"test\" opset " + opset + "\n" + strings.Join(lines, "\n") + "\n")
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestInfer gives graphs and the type of their output y, or the error.
func TestInfer(t *testing.T) {
	for _, c := range []struct{ name, opset, text, want string }{
		{"conv", "13", `
			input x float32[1,3,32,32]
			const w float32[8,3,3,3] = zeros
			y = Conv(x, w) {strides=[2,2], pads=[1,1,1,1]}
			output y`, "float32[1,8,16,16]"},
		{"same upper", "13", `
			input x float32[1,3,33,32]
			const w float32[8,3,3,3] = zeros
			y = Conv(x, w) {strides=[2,2], auto_pad="SAME_UPPER"}
			output y`, "float32[1,8,17,16]"},
		{"a symbolic batch through a chain of shapes", "13", `
			input x float32[?,3,4,5]
			const zero int64[] = {0}
			const axes int64[1] = {0}
			const rest int64[1] = {-1}
			s = Shape(x)
			n = Gather(s, zero)
			u = Unsqueeze(n, axes)
			t = Concat(u, rest) {axis=0}
			y = Reshape(x, t)
			output y`, "float32[7,60]"},
		{"scales through casts", "13", `
			input x float32[1,3,4,5]
			const two float32[4] = {1 1 2 2.5}
			s = Cast(two) {to=1}
			y = Resize(x, _, s) {mode="linear"}
			output y`, "float32[1,3,8,12]"},
		{"squeeze reads its axes from an attribute", "11", `
			input x float32[1,3,1,5]
			y = Squeeze(x) {axes=[0,2]}
			output y`, "float32[3,5]"},
		{"softmax of old keeps the shape", "7", `
			input x float32[2,3,4]
			y = Softmax(x)
			output y`, "float32[2,3,4]"},
		{"a last window that begins in the padding is dropped", "13", `
			input x float32[1,1,4,4]
			y = MaxPool(x) {kernel_shape=[1,1], strides=[2,2], ceil_mode=1, pads=[0,0,1,1]}
			output y`, "float32[1,1,3,3]"},
		{"unknown operator", "13", `
			input x float32[2]
			y = NonZero(x)
			output y`, `node "NonZero_y": operator NonZero at opset 13 is not one that Dropquant can compute: export the model without it, or cut it off before that node`},
		{"unknown domain", "13, other 1", `
			input x float32[2]
			y = other:Thing(x)
			output y`, `node "Thing_y": operator Thing of the domain "other" is not one that Dropquant can compute: export the model with standard ONNX operators`},
		{"a shape from data", "13", `
			input x float32[2]
			input s int64[1]
			y = Reshape(x, s)
			output y`, `node "Reshape_y" (Reshape): input 1 ("s") decides a shape but is computed from the data: simplify the model so that it is constant`},
		{"kernel larger than the input", "13", `
			input x float32[1,3,4,4]
			const w float32[8,3,7,7] = zeros
			y = Conv(x, w)
			output y`, `node "Conv_y" (Conv): the kernel [7 7] is larger than the padded input [4 4]`},
		{"negative strides", "13", `
			input x float32[1,3,4,4]
			y = MaxPool(x) {kernel_shape=[2,2], strides=[-1,1]}
			output y`, `node "MaxPool_y" (MaxPool): the kernel [2 2], strides [-1 1] and dilations [1 1] must be positive`},
		{"axis out of range", "13", `
			input x float32[1,3]
			y = Softmax(x) {axis=2}
			output y`, `node "Softmax_y" (Softmax): axis 2 of a tensor of rank 2`},
		{"a huge shape", "13", `
			input x float32[1]
			const s int64[3] = {1000000 1000000 1000000}
			y = Expand(x, s)
			output y`, `node "Expand_y" (Expand): a tensor of shape [1000000 1000000 1000000] is larger than Dropquant handles`},
		{"an attribute beyond all bounds", "13", `
			input x float32[1,1,4,4]
			y = MaxPool(x) {kernel_shape=[2,2], pads=[9223372036854775807,0,0,0]}
			output y`, `node "MaxPool_y" (MaxPool): attribute pads holds 9223372036854775807`},
		{"types that differ", "13", `
			input x float32[2]
			input z float64[2]
			y = Add(x, z)
			output y`, `node "Add_y" (Add): input 1 is float64 where float32 is needed`},
		{"half precision", "13", `
			input x float16[2]
			y = Relu(x)
			output y`, `node "Relu_y" (Relu): input 0 is float16, which Dropquant does not compute with here`},
		{"training", "14", `
			input x float32[1,2,3]
			const s float32[2] = zeros
			y = BatchNormalization(x, s, s, s, s) {training_mode=1}
			output y`, `node "BatchNormalization_y" (BatchNormalization): it is in training mode: export the model for inference`},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := parse(t, c.opset, c.text)
			err := op.Infer(g, map[string][]int{"x": concrete(g.Inputs[0].Shape)})
			got := ""
			if err != nil {
				got = err.Error()
			} else {
				y := g.Value("y")
				got = y.DType.String() + tensor.FormatShape(y.Shape)
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func concrete(shape []int) []int {
	out := append([]int{}, shape...)
	for i, d := range out {
		if d < 0 {
			out[i] = 7
		}
	}
	return out
}

func TestUnsupportedNamesAll(t *testing.T) {
	g := parse(t, "13", `
		input x float32[2]
		a = NonZero(x)
		b = Relu(x)
		c = LSTM(x)
		output a
		output c`)
	err := op.Unsupported(g)
	if err == nil || strings.Count(err.Error(), "\n") != 1 || !strings.Contains(err.Error(), "NonZero") || !strings.Contains(err.Error(), "LSTM") {
		t.Errorf("%v", err)
	}
}

// TestMACs wants the published counts.
func TestMACs(t *testing.T) {
	for _, c := range []struct {
		model string
		shape []int
		want  int64
	}{
		{"mobilenet_v2", []int{1, 3, 224, 224}, 300774272},  // 0.30 G in torchvision's table
		{"resnet50_v15", []int{1, 3, 224, 224}, 4089184256}, // 4.09 G
	} {
		m, err := onnx.Parse(testdata.Read(t, "models/"+c.model+".onnx"))
		if err != nil {
			t.Fatal(err)
		}
		g, err := graph.FromONNX(m)
		if err != nil {
			t.Fatal(err)
		}
		if err := op.Infer(g, map[string][]int{g.Inputs[0].Name: c.shape}); err != nil {
			t.Fatal(err)
		}
		got := int64(0)
		for _, n := range g.Nodes {
			got += op.MACs(n)
		}
		if got != c.want {
			t.Errorf("%s: %d", c.model, got)
		}
	}
}

// TestTable checks what the table promises about itself.
func TestTable(t *testing.T) {
	seen := map[[2]any]bool{}
	for _, r := range op.Table {
		key := [2]any{r.Domain + ":" + r.Name, r.Since}
		if seen[key] {
			t.Errorf("%s of opset %d is there twice", r.Name, r.Since)
		}
		seen[key] = true
		if r.Min > r.Max || r.Rule == nil || r.Since < 1 {
			t.Errorf("%s of opset %d: %d to %d inputs", r.Name, r.Since, r.Min, r.Max)
		}
		if got := op.Lookup(r.Domain, r.Name, r.Since); got == nil || got.Since != r.Since {
			t.Errorf("%s of opset %d is not found", r.Name, r.Since)
		}
	}
}
