package engine

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"strings"
	"testing"

	"dropquant/engine/calib"
	"dropquant/engine/dataset"
	"dropquant/engine/graph"
	"dropquant/engine/onnx"
	"dropquant/engine/report"
	"dropquant/engine/target"
	"dropquant/engine/tensor"
)

// outcome is a result as bytes that can be compared.
func outcome(t testing.TB, r *Result) (hash [32]byte, text string) {
	t.Helper()
	var b bytes.Buffer
	if err := r.Report.JSON(&b); err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(joined(r.Model)), b.String()
}

// TestWorkersDoNotMatter quantizes a real model with different numbers of workers: every byte must be the same.
func TestWorkersDoNotMatter(t *testing.T) {
	m := mustLoad(t, sampleModel(t, "cifar10_resnet20.onnx"))
	for _, tg := range target.Targets {
		first, text := [32]byte{}, ""
		for _, workers := range []int{1, 2, 5} {
			r, err := Quantize(m, Options{Target: tg.Name}, photos(t, 9), workers, nil)
			if err != nil {
				t.Fatal(err)
			}
			hash, json := outcome(t, r)
			if workers == 1 {
				first, text = hash, json
			} else if hash != first || json != text {
				t.Errorf("%s: %d workers give another result than 1", tg.Name, workers)
			}
		}
	}
}

// TestEveryTarget quantizes for each target, and checks what the file must hold.
func TestEveryTarget(t *testing.T) {
	m := mustLoad(t, File{"tiny.onnx", fromText(t, tiny)})
	for _, tg := range target.Targets {
		r, err := Quantize(m, Options{Target: tg.Name}, arrays(20), 2, nil)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := onnx.Parse(joined(r.Model))
		if err != nil {
			t.Fatal(err)
		}
		g, err := graph.FromONNX(parsed)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Check(); err != nil {
			t.Error(err)
		}
		if hash, _ := g.Metadata("dropquant.source.sha256"); hash != m.Hash() {
			t.Errorf("%s: the file names %q as its source", tg.Name, hash)
		}
		int8Weights := 0
		for _, n := range g.Nodes {
			if n.Op == "DequantizeLinear" && n.Inputs[0].Const != nil && len(n.Inputs[0].Shape) > 1 {
				int8Weights++
			}
			if g.IsOutput(n.Out(0)) && n.Op == "DequantizeLinear" {
				t.Errorf("%s: a pair on the output", tg.Name)
			}
		}
		if int8Weights != 3 {
			t.Errorf("%s: %d weights in integers, want 3", tg.Name, int8Weights)
		}
		if r.Report.Images != 20 || r.Report.SQNR < 25 || r.Report.Int8MACs != r.Report.MACs || len(r.Report.Layers) < 3 {
			t.Errorf("%s: %+v", tg.Name, r.Report)
		}
	}
}

// TestProgress counts the calls of each phase.
func TestProgress(t *testing.T) {
	m := mustLoad(t, File{"tiny.onnx", fromText(t, tiny)})
	var calls []string
	_, err := Quantize(m, Options{}, arrays(2), 1, func(phase string, done, total int) {
		calls = append(calls, phase+strings.Repeat("+", done)+strings.Repeat("-", total-done))
	})
	if got, want := strings.Join(calls, " "), "calibrate+- calibrate++ compare+- compare++"; err != nil || got != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
}

// TestSkippedImages mixes good and bad images: the bad ones are listed, and the result is that of the good ones alone.
func TestSkippedImages(t *testing.T) {
	m := mustLoad(t, sampleModel(t, "cifar10_resnet20.onnx"))
	good := photos(t, 4)
	mixed := Images{Len: 6, Open: func(i int) (File, error) {
		switch i {
		case 1:
			return File{"broken.jpg", []byte("\xff\xd8\xff\xe0 and nothing else")}, nil
		case 4:
			return File{"notes.jpg", []byte("text")}, nil
		}
		return good.Open([]int{0, 0, 1, 2, 2, 3}[i])
	}}
	want, err := Quantize(m, Options{}, good, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Quantize(m, Options{}, mixed, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(joined(got.Model), joined(want.Model)) {
		t.Error("the skipped images changed the model")
	}
	if len(got.Report.Skipped) != 2 || got.Report.Skipped[0].Name != "broken.jpg" || got.Report.Skipped[1].Name != "notes.jpg" || got.Report.Images != 4 {
		t.Errorf("%d images, skipped %+v", got.Report.Images, got.Report.Skipped)
	}
	if !has(got.Report, report.SkippedSome) {
		t.Errorf("warnings %v", got.Report.Warnings)
	}
}

func has(r *report.Report, id string) bool {
	for _, d := range r.Warnings {
		if d.ID == id {
			return true
		}
	}
	return false
}

// TestAuto tries several estimators: the one that is kept must be one of them, and not be farther from the float model than the
// default one.
func TestAuto(t *testing.T) {
	m := mustLoad(t, sampleModel(t, "cifar10_resnet20.onnx"))
	auto, err := Quantize(m, Options{Estimator: Auto}, photos(t, 6), 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := Quantize(m, Options{}, photos(t, 6), 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(candidates, auto.Report.Estimator) || plain.Report.Estimator != calib.Default {
		t.Errorf("estimators %q and %q", auto.Report.Estimator, plain.Report.Estimator)
	}
	if auto.Report.SQNR < plain.Report.SQNR-0.01 { // the images compared are those that were judged
		t.Errorf("%.2f dB, the default one gives %.2f", auto.Report.SQNR, plain.Report.SQNR)
	}
}

// TestConstantBranch quantizes layers that read what constants alone give, too large to be stored in the file.
func TestConstantBranch(t *testing.T) {
	text := strings.Replace(tiny, "relu2: e = Relu(a)", `grow: z = Expand(b4, big)
conv3: u = Conv(z, w2)
mean: v = GlobalAveragePool(u)
sum: s = Add(a, v)
relu2: e = Relu(s)`, 1)
	text = strings.Replace(text, "const f float32", "const b4 float32[1,4,1,1] = {0.1 0.7 -0.4 2}\nconst big int64[4] = {1 4 150 150}\nconst f float32", 1)
	m := mustLoad(t, File{"branch.onnx", fromText(t, text)})
	for _, tg := range target.Targets {
		r, err := Quantize(m, Options{Target: tg.Name}, arrays(4), 2, nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Report.Int8MACs == 0 || r.Report.SQNR < 25 {
			t.Errorf("%s: %d multiply-accumulates in integers, %.1f dB", tg.Name, r.Report.Int8MACs, r.Report.SQNR)
		}
	}
}

// TestHalves quantizes a model whose weights and activations are float16: read as float32.
func TestHalves(t *testing.T) {
	text := strings.NewReplacer("x float32", "x float16", "const w float32[4,3,3,3] = seq", "const w float16[4,3,3,3] = fill 0x3000", "y float32", "y float16",
		"b float32[4] = {0.1 -0.2 0.3 0}", "b float16[4] = {0x2e66 0xb266 0x34cd 0}",
		"w2 float32[4,4,1,1] = {0.5 -1 0.25 0 1 1 -1 0 0 0 0 0 2 -2 0.125 1}", "w2 float16[4,4,1,1] = {0x3800 0xbc00 0x3400 0 0x3c00 0x3c00 0xbc00 0 0 0 0 0 0x4000 0xc000 0x3000 0x3c00}").Replace(tiny)
	m := mustLoad(t, File{"halves.onnx", fromText(t, text)})
	if in := m.Info("", dataset.Preset{}); !in.Widened || in.Input.Type != "float32" {
		t.Errorf("%+v", in)
	}
	r, err := Quantize(m, Options{}, arrays(4), 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Report.Int8MACs != r.Report.MACs || r.Report.SQNR < 25 {
		t.Errorf("%+v", r.Report)
	}
	if !slices.ContainsFunc(r.Report.Warnings, func(d report.Diagnostic) bool { return d.ID == report.Widened }) {
		t.Errorf("nothing says that the file has other types: %v", r.Report.Warnings)
	}
	quantized, err := LoadAny(File{"halves.int8.onnx", joined(r.Model)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if v := quantized.graph.Outputs[0]; v.DType != tensor.Float32 || quantized.widened {
		t.Errorf("the output is %v", v.DType)
	}
}
