package graph

import (
	"strings"
	"testing"

	"dropquant/engine/internal/testdata"
	"dropquant/engine/onnx"
)

const sample = `graph "net" opset 13, com.microsoft 1
metadata "made by" "hand"
input x float32[1,3,?,8]
input "odd name:0" float32
const w float32[2,2] = {1 -2.5 NaN +Inf}
const i int64[3] = {-1 0 9223372036854775807}
const u uint8[2] = {0 255}
const h float16[2] = {0x3c00 0xbc00}
const yes bool[2] = {true false}
const s string[2] = {"a b" "\xff"}
const none float32[0] = {}
const scalar float32[] = {7}
const big float32[4,25] = fill 0.5
conv1: y = Conv(x, w, _) {strides=[2, 2], auto_pad="VALID", alpha=1.0, e=1e-05}
_, "_" = com.microsoft:Two(y, "odd name:0") {value=float32[2]{1 2}, none=ints[], f=[1.0, 2.5], t=["a", "b"]}
= Sink("_", y, y)
end: = Sink(y)
output "_" float32[1,?]
output y
`

func TestTextFixpoint(t *testing.T) {
	g, err := Parse(sample)
	if err != nil {
		t.Fatal(err)
	}
	if got := g.Text(); got != sample {
		t.Errorf("printed:\n%s", got)
	}
}

// TestModelsAsText prints every model, reads the text and prints it again.
func TestModelsAsText(t *testing.T) {
	testdata.Models(t, func(name string, data []byte) {
		if len(data) > 1<<20 {
			return
		}
		m, err := onnx.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		g, err := FromONNX(m)
		if err != nil {
			t.Fatal(err)
		}
		text := g.Text()
		h, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		if h.Text() != text {
			t.Errorf("%s: the text changed: %s", name, firstDifference(text, h.Text()))
		}
		if err := h.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	})
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return "\n" + x[i] + "\n" + y[i]
		}
	}
	return "length"
}
