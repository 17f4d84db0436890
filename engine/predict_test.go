package engine

import (
	"math"
	"testing"

	"dropquant/engine/report"
)

// TestPredictions: what a report says of each kind of CPU is what testing the exported file there gives, on the images that it was
// found on. A file for any CPU is the same on all.
func TestPredictions(t *testing.T) {
	m := mustLoad(t, sampleModel(t, "cifar10_resnet20.onnx"))
	images := photos(t, 6) // fewer than maxPredicted: all are used
	for _, cpu := range CPUs {
		var first []report.Score
		for _, workers := range []int{1, 3} {
			r, err := Quantize(m, Options{Target: "onnxruntime", CPU: cpu, Exact: true}, images, workers, nil)
			if err != nil {
				t.Fatal(err)
			}
			got := r.Report.Predictions
			if workers == 1 {
				first = got
				compareWithTest(t, cpu, m, joined(r.Model), images, got)
				continue
			}
			for k := range got {
				if got[k].SQNR != first[k].SQNR || got[k].Agreement != first[k].Agreement || got[k].Images != first[k].Images {
					t.Errorf("%s: %+v with %d workers, %+v with 1", cpu, got[k], workers, first[k])
				}
			}
		}
		if exact, paired := first[0], first[1]; (exact.SQNR == paired.SQNR) != (cpu == AnyCPU) || cpu == VNNI && paired.SQNR > exact.SQNR {
			t.Errorf("%s: %v dB with VNNI, %v without", cpu, exact.SQNR, paired.SQNR)
		}
	}
}

// compareWithTest scores the file in each arithmetic.
func compareWithTest(t *testing.T, cpu string, float *Model, file []byte, images Images, predicted []report.Score) {
	t.Helper()
	int8, err := LoadAny(File{"int8.onnx", file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	backends := backendsOf("onnxruntime")
	if len(backends) != 2 || len(predicted) != 2 {
		t.Fatalf("backends %v, predicted %+v", backends, predicted)
	}
	for k, b := range backends {
		scores, err := RunTest(TestOptions{Contenders: []Contender{{int8, b}}, Ref: float}, images, 2, nil)
		if err != nil {
			t.Fatal(err)
		}
		want, got := scores[0], predicted[k]
		if got.ISA != b.ISA || got.Images != want.Images || got.Agreement != want.Agreement || math.Abs(got.SQNR-want.SQNR) > 1e-6 {
			t.Errorf("%s on %v: predicted %+v, tested %+v", cpu, b, got, want)
		}
	}
}

// TestSaturatedLayers: a layer all of whose pairs overflow is counted and named, and only for files that ask for VNNI.
func TestSaturatedLayers(t *testing.T) {
	text := `graph "loud" opset 13
input x float32[1,4,8,8]
const w float32[2,4,1,1] = {1 1 1 1 0.01 -1 0.01 0.01}
const v float32[1,2,1,1] = {1 -1}
square: q = Mul(x, x)
conv: c = Conv(q, w)
relu: r = Relu(c)
conv2: y = Conv(r, v)
output y
`
	m := mustLoad(t, File{"loud.onnx", fromText(t, text)})
	images := Images{Len: 6, Open: func(i int) (File, error) {
		values := make([]float32, 4*8*8)
		for k := range values {
			values[k] = 3 + float32((k*7+i)%5)/10
		}
		return npy("x.npy", values, 1, 4, 8, 8), nil
	}}
	for _, cpu := range CPUs {
		r, err := Quantize(m, Options{Target: "onnxruntime", CPU: cpu}, images, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range r.Report.Layers {
			if l.Detail == nil || l.Name != "conv" {
				continue
			}
			switch s := l.Detail.Saturated; {
			case cpu == AnyCPU && s != nil:
				t.Errorf("a file for any CPU saturates: %+v", s)
			case cpu == VNNI && (s == nil || s.Channels != 1 || s.Hits != 64):
				t.Errorf("%+v of one channel of 64 values", s)
			}
		}
	}
}
