package browsertest

import (
	"bytes"
	"testing"
)

// checkModel looks at a downloaded file as bytes: it is an ONNX model with Q/DQ pairs, and much smaller than its source. What it
// computes is judged where the real runtimes are.
func checkModel(t *testing.T, model []byte, before int) {
	t.Helper()
	if len(model) < before/5 || len(model) > before/2 {
		t.Errorf("the file has %d bytes, its source %d: a quarter was expected", len(model), before)
	}
	if len(model) == 0 || model[0] != 0x08 { // field 1 of ModelProto, ir_version
		t.Errorf("the file does not begin like an ONNX model")
	}
	for _, name := range []string{"QuantizeLinear", "DequantizeLinear"} {
		if !bytes.Contains(model, []byte(name)) {
			t.Errorf("the file has no %s", name)
		}
	}
}
