package engine

import (
	"bytes"
	"strings"
	"testing"

	"dropquant/engine/onnx"
	"dropquant/engine/target"
)

// TestFormats writes every format for every target: the bytes do not depend on the workers, ONNX files say how they were
// made, and a cache for TensorRT needs TensorRT's grid.
func TestFormats(t *testing.T) {
	m := mustLoad(t, File{"tiny.onnx", fromText(t, tiny)})
	for _, tg := range target.Targets {
		var results []*Result
		for _, workers := range []int{1, 3} {
			r, err := Quantize(m, Options{Target: tg.Name}, arrays(6), workers, nil)
			if err != nil {
				t.Fatal(err)
			}
			results = append(results, r)
		}
		for _, f := range Formats {
			a, err := results[0].As(f)
			if f.Fits(tg.Name) != nil {
				want := "the format " + f.Name + " needs a model quantized for " + f.Targets[0] + ", and this one is for " + tg.Name
				if err == nil || err.Error() != want {
					t.Errorf("%s for %s: %v", f.Name, tg.Name, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s for %s: %v", f.Name, tg.Name, err)
				continue
			}
			b, err := results[1].As(f)
			if err != nil || len(a) != len(f.Suffixes) || len(b) != len(a) {
				t.Fatalf("%s for %s: %d and %d files, %v", f.Name, tg.Name, len(a), len(b), err)
			}
			for i := range a {
				if len(joined(a[i])) == 0 || !bytes.Equal(joined(a[i]), joined(b[i])) {
					t.Errorf("%s for %s: %s has %d and %d bytes, which should be the same", f.Name, tg.Name, f.Suffixes[i], len(joined(a[i])), len(joined(b[i])))
				}
			}
			if f.Suffixes[0] != ".onnx" {
				continue
			}
			model, err := onnx.Parse(joined(a[0]))
			if err != nil {
				t.Fatal(err)
			}
			made := ""
			for _, e := range model.MetadataProps {
				made += e.Key + "=" + e.Value + " "
			}
			cpu := map[bool]string{true: "dropquant.cpu=any ", false: ""}[tg.Pairs]
			if !strings.Contains(made, "dropquant.target="+tg.Name+" ") || !strings.Contains(made, cpu) || cpu == "" && strings.Contains(made, "dropquant.cpu") {
				t.Errorf("%s for %s says %s", f.Name, tg.Name, made)
			}
		}
		if !bytes.Equal(joined(results[0].Model), joined(results[1].Model)) {
			t.Errorf("%s: Model depends on the workers", tg.Name)
		}
	}
	if _, err := FindFormat("tflite"); err == nil || !strings.Contains(err.Error(), "use one of qdq, fakequantize") {
		t.Errorf("an unknown format: %v", err)
	}
	if _, err := Quantize(m, Options{CPU: "8086"}, arrays(1), 1, nil); err == nil || !strings.Contains(err.Error(), `no kind of CPU is called "8086": use any or vnni`) {
		t.Errorf("an unknown CPU: %v", err)
	}
}
