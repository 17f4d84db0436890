package engine

import (
	"math"
	"strings"
	"testing"

	"dropquant/engine/dataset"
	"dropquant/engine/graph"
	"dropquant/engine/tensor"
)

// TestTraceJob traces a number of a job's quantized model, and of the file that it gives: the same, and what the float program gives
// in the last column.
func TestTraceJob(t *testing.T) {
	m := mustLoad(t, sampleModel(t, "cifar10_resnet20.onnx"))
	j, err := NewJob(m, Options{Target: "onnxruntime", CPU: VNNI, Exact: true})
	if err != nil {
		t.Fatal(err)
	}
	images := photos(t, 4)
	for i := range images.Len {
		f, _ := images.Open(i)
		if err := j.Observe(i, f); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Quantize(); err != nil {
		t.Fatal(err)
	}
	pieces, err := j.Export()
	if err != nil {
		t.Fatal(err)
	}
	file, err := LoadAny(File{"int8.onnx", joined(pieces)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	image, _ := images.Open(2)
	traced, convs := 0, 0
	for _, n := range j.run.Nodes {
		if n.Op != "Conv" {
			continue
		}
		if convs++; convs%5 != 1 { // a few will do
			continue
		}
		e := Element{Layer: n.Name, Channel: 1, Y: 2, X: 0}
		a, err := j.Trace(image, e)
		if err != nil {
			t.Fatal(err)
		}
		b, err := TraceModel(file, m, Backends, j.options.Preset, image, e)
		if err != nil {
			t.Fatal(err)
		}
		if last := a.Columns[len(a.Columns)-1]; last.Backend != "float" || last.Integer || last.Result != element(t, j, image, a.Value, e) {
			t.Errorf("%s: the float column %+v", n.Name, last)
		}
		for _, c := range a.Columns {
			for _, d := range b.Columns {
				if c.Backend == d.Backend && (c.Result != d.Result || len(c.Terms) != len(d.Terms)) {
					t.Errorf("%s in %s: the job gives %v and the file %v", n.Name, c.Backend, c.Result, d.Result)
				}
			}
		}
		if a.Columns[0].Differs != "" || a.Columns[0].Code == nil || a.Columns[len(a.Columns)-1].Differs == "" {
			t.Errorf("%s: %+v", n.Name, a.Columns)
		}
		if ids := strings.Join(a.Steps(), " "); !strings.HasPrefix(ids, "products ") || !strings.HasSuffix(ids, "code result") {
			t.Errorf("steps %s", ids)
		}
		traced++
	}
	if traced < 4 {
		t.Errorf("only %d layers", traced)
	}
}

// element returns one element of a value of the float model.
func element(t *testing.T, j *Job, image File, value string, e Element) float32 {
	t.Helper()
	samples, err := j.samples(image)
	if err != nil {
		t.Fatal(err)
	}
	got := float32(math.NaN())
	if _, err := j.float.Run(j.feed(samples[0]), func(v *graph.Value, x *tensor.Tensor) {
		if v.Name == value {
			got = x.F32()[(e.Channel*x.Shape[2]+e.Y)*x.Shape[3]+e.X]
		}
	}); err != nil {
		t.Fatal(err)
	}
	return got
}

// TestTracesThatCannotBe holds what a user is told.
func TestTracesThatCannotBe(t *testing.T) {
	_, file := quantizedTiny(t, "onnxruntime")
	image, _ := arrays(1).Open(0)
	for _, c := range []struct {
		image File
		e     Element
		want  string
	}{
		{image, Element{Layer: "conv9"}, `"tiny.int8.onnx": no layer is called "conv9"`},
		{image, Element{Layer: "conv1", Channel: 4}, `"tiny.int8.onnx": "r": channel 4 is not one of 4`},
		{image, Element{Layer: "pool"}, `"tiny.int8.onnx": `},
		{File{"a.jpg", []byte("text")}, Element{Layer: "conv1"}, `"a.jpg"`},
	} {
		_, err := TraceModel(file, nil, Backends, dataset.Presets[0], c.image, c.e)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %s", c.e, err, c.want)
		}
	}
	if _, err := TraceModel(file, nil, nil, dataset.Presets[0], image, Element{Layer: "conv1"}); err == nil {
		t.Error("nothing is traced in no arithmetic")
	}
}

// TestTraceWorst has the worst element found, and compares it with the largest difference of what both columns give anywhere.
func TestTraceWorst(t *testing.T) {
	float, int8 := quantizedTiny(t, "openvino")
	image, _ := noise(3).Open(2)
	worst, err := TraceModel(int8, float, Backends, dataset.Presets[0], image, Element{Layer: "conv1", Channel: -1})
	if err != nil {
		t.Fatal(err)
	}
	off := func(tr *Trace) float64 { // plain Q/DQ and the float model are the last two
		n := len(tr.Columns)
		return math.Abs(float64(tr.Columns[n-2].Result) - float64(tr.Columns[n-1].Result))
	}
	if e := worst.Element; e.Channel < 0 || off(worst) == 0 {
		t.Fatalf("the worst element is %+v, off by %v", e, off(worst))
	}
	for c := range 4 {
		for y := range 8 {
			for x := range 8 {
				other, err := TraceModel(int8, float, []Backend{Plain}, dataset.Presets[0], image, Element{"conv1", c, y, x})
				if err != nil {
					t.Fatal(err)
				}
				if off(other) > off(worst)+1e-6 {
					t.Fatalf("channel %d, row %d, column %d is off by %v, the worst is said to be %+v with %v", c, y, x, off(other), worst.Element, off(worst))
				}
			}
		}
	}
	if _, err := TraceModel(int8, nil, Backends, dataset.Presets[0], image, Element{Layer: "conv1", Channel: -1}); err == nil || !strings.Contains(err.Error(), "float model") {
		t.Errorf("the worst element without a float model: %v", err)
	}
	if _, err := TraceModel(int8, float, Backends, dataset.Presets[0], image, Element{Layer: "conv1", Channel: 99}); err == nil || !strings.Contains(err.Error(), "99") {
		t.Errorf("a channel that is not there: %v", err)
	}
}
