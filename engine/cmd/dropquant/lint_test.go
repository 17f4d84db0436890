package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dropquant/engine/target"
)

// TestLint reads a quantized file for the runtime it was made for and for one that refuses it, and files that are none.
func TestLint(t *testing.T) {
	dir := t.TempDir()
	model, photos := filepath.Join(samples, "cifar10_resnet20.onnx"), filepath.Join(samples, "photos")
	int8, broken := filepath.Join(dir, "int8.onnx"), filepath.Join(dir, "broken.onnx")
	if _, _, err := dropquant(t, "ptq", model, photos, "-o", int8, "-images", "4", "-quiet", "-target", "openvino"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(broken, []byte("not a model"), 0o600); err != nil {
		t.Fatal(err)
	}
	const clean, matters, unreadable = 0, 1, 2
	for _, c := range []struct {
		name string
		args []string
		code int
		says string // in the output or the error
	}{
		{"its own runtime", []string{int8}, clean, "100.0 % of"},
		{"refused", []string{int8, "-target", "tensorrt"}, matters, "tensorrt refuses this file"},
		{"a float model", []string{model}, matters, "0.0 % of the multiply-accumulates run in int8"},
		{"a float model, for once", []string{model, "-share", "0"}, clean, "0 of 20 layers"},
		{"the rules", []string{"-rules"}, clean, "relu-zero-point"},
		{"a broken file", []string{broken}, unreadable, "broken.onnx"},
		{"no file", []string{filepath.Join(dir, "none.onnx")}, unreadable, "none.onnx"},
		{"no model", nil, unreadable, "name one model"},
		{"no such target", []string{int8, "-target", "abacus"}, unreadable, "abacus is not one of"},
	} {
		out, log, err := dropquant(t, append([]string{"lint"}, c.args...)...)
		code := clean
		if errors.As(err, &usageError{}) {
			code = unreadable
		} else if err != nil {
			code = matters
			out += err.Error()
		}
		if err != nil {
			out += err.Error()
		}
		if code != c.code || !strings.Contains(out, c.says) {
			t.Errorf("%s: code %d, want %d and %q:\n%s%s", c.name, code, c.code, c.says, out, log)
		}
	}
	out, _, err := dropquant(t, "lint", int8, "-json")
	if err != nil {
		t.Fatal(err)
	}
	var r struct {
		MACs     int64 `json:"macs"`
		Int8MACs int64 `json:"int8_macs"`
		Findings []target.Finding
		Nodes    []target.NodeLine
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if r.MACs == 0 || r.Int8MACs != r.MACs || len(r.Nodes) == 0 {
		t.Errorf("%d of %d multiply-accumulates, %d nodes", r.Int8MACs, r.MACs, len(r.Nodes))
	}
}
