package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// sample has every kind of row, and every float that JSON cannot hold.
func sample() *Report {
	inf, nan := math.Inf(1), math.NaN()
	return &Report{
		Model: "my_model|v2.onnx", Hash: "00ff", Version: "0.1.0", Target: "openvino", Preset: "imagenet", Estimator: "entropy",
		Options: map[string]string{"percentile": "99.9", "averaging": "0.01"},
		Images:  20, Skipped: []Skipped{{"b*ad.png", "not a picture:\n<truncated>"}},
		SizeBefore: 14_000_000, SizeAfter: 3_600_000, MACs: 300_000_000, Int8MACs: 299_000_000, Agree: 17, SQNR: 9.5,
		NotInt8: []NotInt8{{"softmax", "Softmax", "no-kernel", "not an operator that this runtime runs in integers", 0}},
		Predictions: []Score{
			{Model: "my_model|v2.onnx", Target: "openvino", ISA: "vnni", Images: 20, Top1: nan, Top5: nan, Agreement: 85, SQNR: 9.5},
			{Model: "my_model|v2.onnx", Target: "openvino", ISA: "avx2", Images: 10, Top1: nan, Top5: nan, Agreement: nan, SQNR: inf},
		},
		Layers: []Layer{
			{Name: "conv1", Op: "Conv", Value: "conv1_out", DType: "uint8", Scale: 0.1, Lo: 0, Hi: 25.5, Clipped: 0.001, SQNR: 30.5, Method: "entropy",
				Detail: &Detail{Own: 18.5, Total: 12.25, Rounding: 33, Weights: 0.75, Cosine: 0.97, MaxError: 1.5, RMS: 2, Clip: 0.625, Lost: 0.125, Used: 1, Inputs: []string{"x"}, PerChannel: true}},
			{Name: "quoted \"name\", with a comma", Op: "Add", Value: "add_out", DType: "int8", Scale: 0.033, Zero: -3, Lo: -1.25, Hi: 4, SQNR: inf, Detail: &Detail{Own: inf, Total: nan, Rounding: inf, Weights: nan}},
			{Name: "softmax", Op: "Softmax", DType: "float32", SQNR: nan, Float: "not an operator that this runtime runs in integers"},
			{Name: "fc", Op: "Gemm", Value: "logits", DType: "uint8", Scale: 1, Lo: float32(math.Inf(-1)), Hi: float32(nan), Clipped: nan, SQNR: 12},
			{Name: "flatten", Op: "Flatten", DType: "float32", SQNR: math.Inf(-1)},
		},
		Warnings: []Diagnostic{{BadRange, "fc", "some values observed were NaN or infinite, and were left out"}},
		Phases:   []Phase{{"calibrate", 1.25}},
	}
}

func TestGolden(t *testing.T) {
	for _, c := range []struct {
		file  string
		write func(*Report, io.Writer) error
	}{
		{"report.json", (*Report).JSON},
		{"report.csv", (*Report).CSV},
		{"report.md", (*Report).Markdown},
		{"report.txt", (*Report).Text},
	} {
		r := sample()
		r.Explain()
		r.Judge()
		var got bytes.Buffer
		if err := c.write(r, &got); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", c.file)
		if *update {
			if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s differs, run with -update and compare:\n%s", c.file, got.Bytes())
		}
	}
}

func TestJSONThereAndBack(t *testing.T) {
	for _, r := range []*Report{sample(), {}, {SQNR: math.Inf(-1)}} {
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var back Report
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(back)
		if err != nil || !bytes.Equal(b, again) {
			t.Errorf("%v\n%s\n%s", err, b, again)
		}
		for i, l := range r.Layers {
			if got := back.Layers[i]; !same(l.SQNR, got.SQNR) || !same(float64(l.Hi), float64(got.Hi)) || (l.Detail == nil) != (got.Detail == nil) || l.Detail != nil && !same(l.Detail.Total, got.Detail.Total) || l.Scale != got.Scale || l.Name != got.Name {
				t.Errorf("%+v became %+v", l, got)
			}
		}
	}
	var r Report
	for _, bad := range []string{`{"sqnr":"many"}`, `{"layers":[{"lo":[]}]}`} {
		if json.Unmarshal([]byte(bad), &r) == nil {
			t.Errorf("%s is read", bad)
		}
	}
}

func same(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }

func TestJudge(t *testing.T) {
	layers := func(db ...float64) (out []Layer) {
		for _, x := range db {
			out = append(out, Layer{Name: "n" + string(rune('0'+len(out))), SQNR: x})
		}
		return out
	}
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		name string
		r    Report
		want []string
	}{
		{"good", Report{Images: 100, Agree: 97, SQNR: 25, Layers: layers(40, 31, 35, 25)}, nil},
		{"not compared", Report{Images: 100, Agree: 100, SQNR: nan, Layers: layers(nan, nan)}, nil},
		{"no error", Report{Images: 100, Agree: 100, SQNR: inf, Layers: layers(inf, 30, inf)}, nil},
		{"few", Report{Images: 15, Agree: 15, SQNR: 25}, []string{FewImages}},
		{"none", Report{SQNR: nan}, []string{FewImages}},
		{"disagree", Report{Images: 100, Agree: 94, SQNR: 25}, []string{Disagree}},
		{"noisy", Report{Images: 100, Agree: 100, SQNR: 9.9}, []string{NoisyOutput}},
		{"skipped", Report{Images: 16, Agree: 16, SQNR: 20, Skipped: []Skipped{{"a", "b"}}}, []string{SkippedSome}},
		{"one layer", Report{Images: 16, Agree: 16, SQNR: 20, Layers: layers(40, 35, 20, 22)}, []string{NoisyLayer}},
	} {
		c.r.Judge()
		var got []string
		for _, d := range c.r.Warnings {
			got = append(got, d.ID)
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	r := Report{Images: 16, Agree: 16, SQNR: 20, Layers: layers(40, 35, 20, 22)}
	r.Judge()
	if got, want := r.Notes()[0], `"n2": loses 15.0 dB on its own, the most of all layers`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestSmaller(t *testing.T) {
	if r := sample(); math.Abs(r.Smaller()-3.888) > 0.001 || (&Report{}).Smaller() != 0 {
		t.Error(r.Smaller())
	}
}
