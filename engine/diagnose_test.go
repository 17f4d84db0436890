package engine

import (
	"math"
	"slices"
	"strings"
	"testing"

	"dropquant/engine/report"
)

// uneven has a convolution one of whose channels is far wider than the others, before a depthwise one; and behind it a
// value that is never negative.
const uneven = `graph "uneven" opset 13
input x float32[1,3,8,8]
const w float32[4,3,3,3] = seq
const k float32[4,1,1,1] = {0.001 0.001 1 0.001}
const d float32[4,1,3,3] = seq
const p float32[4,4,1,1] = {0.5 -1 0.25 0 1 1 -1 0 0 0 0 0 2 -2 0.125 1}
scaled: v = Mul(w, k)
conv1: c = Conv(x, v) {pads=[1,1,1,1]}
conv2: e = Conv(c, d) {group=4}
relu: r = Relu(e)
conv3: y = Conv(r, p)
output y
`

// TestDiagnosis: what is known of a model must be found.
func TestDiagnosis(t *testing.T) {
	m := mustLoad(t, File{"uneven.onnx", fromText(t, uneven)})
	r, err := Quantize(m, Options{Target: "tensorrt"}, noise(9), 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	layers := map[string]report.Layer{}
	for _, l := range r.Report.Layers {
		layers[l.Value] = l
	}
	first, second := layers["c"].Detail, layers["r"].Detail
	if first == nil || second == nil {
		t.Fatalf("%+v", r.Report.Layers)
	}
	// Before the first layer there is nothing but the input's own rounding, which is part of what the layer reads.
	if first.Own != first.Total || first.Own > layers["c"].SQNR+3 || first.Own < layers["c"].SQNR-3 {
		t.Errorf("the first layer has %v dB alone and %v in the model, %v on all images", first.Own, first.Total, layers["c"].SQNR)
	}
	if second.Total > second.Own || second.Own > 60 {
		t.Errorf("the second layer has %v dB alone and %v in the model", second.Own, second.Total)
	}
	if c := first.Channels; c.Count != 4 || c.Widest != 2 || c.Times() < 100 || !first.Depthwise {
		t.Errorf("channels %+v", first)
	}
	if second.Channels.Count != 4 || !second.Unsigned || second.Used > 0.6 || second.Used < 0.4 {
		t.Errorf("%+v", second)
	}
	if !slices.Equal(first.Inputs, []string{"x"}) || !slices.Equal(second.Inputs, []string{"c"}) || !slices.Equal(layers["y"].Detail.Inputs, []string{"r"}) {
		t.Errorf("inputs %q, %q, %q", first.Inputs, second.Inputs, layers["y"].Detail.Inputs)
	}
	if !causes(layers["c"], "depthwise-channel", "channel 2 ") {
		t.Errorf("causes %+v", layers["c"].Causes)
	}
}

func causes(l report.Layer, id, phrase string) bool {
	return slices.ContainsFunc(l.Causes, func(c report.Cause) bool { return c.ID == id && strings.Contains(c.Text, phrase) })
}

// TestDetailsOfWeights: coarse weights make most of the error of their layer, and are found out; weights that the codes
// hold exactly make none.
func TestDetailsOfWeights(t *testing.T) {
	model := func(w string) string {
		return `graph "g" opset 13
input x float32[1,3,8,8]
const w float32[2,3,1,1] = {` + w + `}
conv: c = Conv(x, w)
relu: y = Relu(c)
conv2: z = Conv(y, v)
const v float32[1,2,1,1] = {1 1}
output z
`
	}
	share := func(w string) float64 {
		r, err := Quantize(mustLoad(t, File{"g.onnx", fromText(t, model(w))}), Options{Target: "openvino", CPU: VNNI}, noise(6), 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range r.Report.Layers {
			if l.Name == "conv" {
				return l.Detail.Weights
			}
		}
		return math.NaN()
	}
	if s := share("127 64 32 127 1 2"); s > 0.01 {
		t.Errorf("weights that are codes make %.2f of the error", s)
	}
	if s := share("127 0.49 0.48 127 1.5 -0.5"); !(s > 0.1) {
		t.Errorf("weights between codes make %.2f of the error", s)
	}
}

// TestDiagnosedImages: evenly spaced over those that can be used, whoever asks.
func TestDiagnosedImages(t *testing.T) {
	j := &Job{records: map[int]record{}}
	for i := range 12 {
		j.records[i] = record{}
	}
	j.records[3] = record{skipped: "broken"}
	if got := j.Diagnosed(); !slices.Equal(got, []int{0, 4, 8}) {
		t.Errorf("%v", got)
	}
}
