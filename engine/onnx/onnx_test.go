package onnx

import (
	"bytes"
	"testing"
	"time"

	"dropquant/engine/internal/testdata"
	"dropquant/engine/tensor"
)

// TestRoundTrip reads every model that there is and expects the same bytes back.
func TestRoundTrip(t *testing.T) {
	count := 0
	testdata.Models(t, func(name string, data []byte) {
		count++
		m, err := Parse(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		if !bytes.Equal(m.Marshal(), data) {
			t.Errorf("%s: Marshal differs from the file", name)
		}
		if !bytes.Equal(bytes.Join(m.Segments(), nil), data) {
			t.Errorf("%s: Segments differ from the file", name)
		}
		eachTensor(m, func(x *Tensor) {
			if Decodable(tensor.DType(x.DataType)) {
				if _, err := x.Decode(); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	})
	if count < 1000 {
		t.Errorf("only %d models", count)
	}
}

// TestParseIsFast reads 100 MB: nothing but names and lengths is looked at.
func TestParseIsFast(t *testing.T) {
	data := testdata.Read(t, "models/resnet50_v15.onnx")
	best := time.Hour
	for range 5 {
		start := time.Now()
		if _, err := Parse(data); err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(start))
	}
	if best > 20*time.Millisecond {
		t.Errorf("parsing %d MB took %v", len(data)>>20, best)
	}
	t.Logf("%d MB in %v", len(data)>>20, best)
}
