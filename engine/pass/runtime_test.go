package pass

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dropquant/engine/graph"
	"dropquant/engine/internal/testdata"
	"dropquant/engine/onnx"
	"dropquant/engine/tensor"
)

// unrunnable are the cases that ONNX Runtime cannot run as they were: their passes are held by the text alone.
var unrunnable = map[string]string{
	"identity_all": "a Dropout in training draws random numbers",
	"scale_kept":   "a division by zero",
	"halves_all":   "inputs of one type before, of another behind",
	"halves_kept":  "an operator that nobody has",
}

// TestRuntime has ONNX Runtime compute every case, and the models below opset 13, before and after.
func TestRuntime(t *testing.T) {
	python := testdata.Python(t, "have ONNX Runtime compute what passes change")
	dir := t.TempDir()
	written := 0
	add := func(name string, before *graph.Graph, pass Pass) {
		for _, v := range before.Outputs { // a file must say their types; the cases leave them out
			if v.DType == tensor.Unknown {
				v.DType = tensor.Float32
			}
			if v.Producer.Op == "TopK" && v.Producer.Outputs[1] == v {
				v.DType = tensor.Int64
			}
		}
		after := before.Clone()
		if err := pass(after); err != nil {
			return // a case of an error
		}
		write(t, before, filepath.Join(dir, name+".before.onnx"))
		write(t, after, filepath.Join(dir, name+".after.onnx"))
		written++
	}
	for name, c := range cases(t) {
		if unrunnable[name] == "" {
			add(name, parse(t, c.before), passes[strings.Split(name, "_")[0]])
		}
	}
	for _, name := range []string{"yolox_nano", "nanodet_m_320", "cifar10_resnet20_bn", "mobilenet_v2_bn"} {
		m, err := onnx.Parse(testdata.Read(t, "models/"+name+".onnx"))
		if err != nil {
			t.Fatal(err)
		}
		g, err := graph.FromONNX(m)
		if err != nil {
			t.Fatal(err)
		}
		add(name, g, Concat(Float, RaiseOpset(13)))
		add(name+"_21", g, Concat(Float, RaiseOpset(21)))
	}
	cmd := exec.Command(python, "testdata/runtime.py", dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var results map[string]any
	if err := json.Unmarshal(out, &results); err != nil {
		t.Fatal(err)
	}
	if len(results) != written {
		t.Errorf("%d results for %d cases", len(results), written)
	}
	for name, r := range results {
		if worst, ok := r.(float64); !ok || worst > 1e-4 {
			t.Errorf("%s: %v", name, r)
		}
	}
}

func write(t *testing.T, g *graph.Graph, path string) {
	t.Helper()
	m, err := g.ToONNX()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, m.Marshal(), 0o600); err != nil {
		t.Fatal(err)
	}
}
