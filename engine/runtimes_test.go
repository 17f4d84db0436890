package engine

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dropquant/engine/graph"
	"dropquant/engine/internal/testdata"
	"dropquant/engine/onnx"
	"dropquant/engine/target"
	"dropquant/engine/tensor"
)

// realModels are the models beside the checkout with what their exports must reach. Floors lie a few dB under what was
// measured: they catch what is broken, and leave the figures to the table of the README.
var realModels = []struct {
	name    string
	images  string  // folder
	sqnr    float64 // dB, at least, in every runtime that runs a file of its target
	convs   int     // layers in integers, at least
	smaller float64 // times; the detectors are small files of many nodes, and their heads stay float
}{
	{"mobilenet_v2", "imagenet/calib", 12, 50, 3},
	{"mobilenet_v2_bn", "imagenet/calib", 12, 50, 3},
	{"mobilenet_v1_075", "imagenet/calib", 12, 26, 3},
	{"squeezenet1_1", "imagenet/calib", 22, 24, 3},
	{"cifar10_resnet20", "cifar10/test200", 20, 18, 3},
	{"cifar10_resnet20_bn", "cifar10/test200", 20, 18, 3},
	{"yolox_nano", "coco/images/calib", 4, 95, 2.5},
	{"nanodet_m_320", "coco/images/calib", 12, 50, 2.5},
	{"resnet50_v15", "imagenet/calib", 18, 52, 3},
}

// runtimesOf says which runtimes run a target's files. TensorRT needs a GPU: its files run in ONNX Runtime, in float
// arithmetic between the same rounded values.
var runtimesOf = map[string][]string{
	"openvino": {"openvino", "onnxruntime"}, "tensorrt": {"onnxruntime"}, "onnxruntime": {"onnxruntime"},
}

// measured is an entry of what testdata/runtimes.py prints.
type measured struct {
	Path, Runtime, Checker string
	Int8                   int
	Agreement, SQNR, Exact float64
	Like                   float64 // dB
	Finite, Same           bool
}

// TestRuntimes quantizes every real model for every target, and has the real runtimes load, check and run the files.
func TestRuntimes(t *testing.T) {
	python := testdata.Python(t, "run the files in ONNX Runtime and OpenVINO")
	for _, c := range realModels {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := testdata.Path(t, "models/"+c.name+".onnx")
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			m := mustLoad(t, File{c.name + ".onnx", data})
			files := folder(t, c.images)
			job := map[string]any{"float": path, "inputs": inputs(t, m, files[40:48], dir)}
			var exported []map[string]any
			for _, tg := range target.Targets {
				out := filepath.Join(dir, tg.Name+".onnx")
				r, err := Quantize(m, Options{Target: tg.Name}, files[:24].images(), 2, nil)
				if err != nil {
					t.Fatal(err)
				}
				file := joined(r.Model)
				if err := os.WriteFile(out, file, 0o600); err != nil {
					t.Fatal(err)
				}
				checkPairs(t, tg, file)
				if ratio := float64(len(data)) / float64(len(file)); ratio < c.smaller {
					t.Errorf("%s: the file is only %.2f times smaller", tg.Name, ratio)
				}
				exported = append(exported, map[string]any{"path": out, "runtimes": runtimesOf[tg.Name]})
				for _, path := range otherForms(t, r, tg, dir) {
					exported = append(exported, map[string]any{"path": path, "runtimes": []string{tg.Name}, "like": out})
				}
			}
			job["files"] = exported
			own := map[string]measured{} // the Q/DQ files, in the runtime they are for
			var results []measured
			testdata.Ask(t, python, "runtimes.py", job, &results)
			for _, r := range results {
				name := filepath.Base(r.Path)
				t.Logf("%-16s in %-12s %3d layers in int8, agreement %5.1f %%, %.2f dB", name, r.Runtime, r.Int8, r.Agreement, r.SQNR)
				if r.Checker != "" {
					t.Errorf("%s: onnx.checker: %s", name, r.Checker)
				}
				if !r.Finite || r.SQNR < c.sqnr {
					t.Errorf("%s in %s: %.2f dB, want at least %v", name, r.Runtime, r.SQNR, c.sqnr)
				}
				if r.Runtime == "onnxruntime" && name != "tensorrt.onnx" && !r.Same {
					t.Errorf("%s: with exact integers ONNX Runtime gives other outputs, of %.2f dB", name, r.Exact)
				}
				if name == r.Runtime+".onnx" {
					own[r.Runtime] = r
				} else if f, target := form(name); f != "" && target == r.Runtime {
					checkForm(t, f, r, own[target])
				}
				if name == r.Runtime+".onnx" && r.Int8 < c.convs {
					t.Errorf("%s: %d layers run in int8, want at least %d", name, r.Int8, c.convs)
				}
			}
		})
	}
}

// forms are the formats besides Q/DQ that the runtime of a target loads.
var forms = map[string][]string{"openvino": {"fakequantize", "ir"}, "onnxruntime": {"qoperator"}}

// otherForms writes them as TARGET.FORMAT.*, and returns the paths to load.
func otherForms(t *testing.T, r *Result, tg *target.Target, dir string) (out []string) {
	t.Helper()
	for _, name := range forms[tg.Name] {
		f, err := FindFormat(name)
		if err != nil {
			t.Fatal(err)
		}
		files, err := r.As(f)
		if err != nil {
			t.Fatal(err)
		}
		for i, pieces := range files {
			path := filepath.Join(dir, tg.Name+"."+name+f.Suffixes[i])
			if err := os.WriteFile(path, joined(pieces), 0o600); err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				out = append(out, path)
			}
		}
	}
	return out
}

// form takes the name of such a file apart; the format is "" for a Q/DQ file.
func form(file string) (format, target string) {
	parts := strings.Split(file, ".")
	if len(parts) != 3 {
		return "", ""
	}
	return parts[1], parts[0]
}

// checkForm compares what a runtime makes of a format with what it makes of the Q/DQ file.
func checkForm(t *testing.T, format string, got, qdq measured) {
	t.Helper()
	if got.Int8 != qdq.Int8 {
		t.Errorf("as %s %d layers run in int8, and %d of the Q/DQ file", format, got.Int8, qdq.Int8)
	}
	switch {
	case format != "fakequantize" && got.Like < 100:
		t.Errorf("as %s the outputs have %.1f dB against those of the Q/DQ file, which they should equal", format, got.Like)
	// OpenVINO computes scales of FakeQuantize from their limits: their last bits differ, and what lies at a tie.
	case format == "fakequantize" && math.Abs(got.SQNR-qdq.SQNR) > 1:
		t.Errorf("as %s it has %.1f dB, and the Q/DQ file %.1f", format, got.SQNR, qdq.SQNR)
	}
}

// checkPairs checks what a target's file must hold: parameters of one shape, and for TensorRT symmetric int8 only and no
// pair on an output.
func checkPairs(t *testing.T, tg *target.Target, file []byte) {
	t.Helper()
	m, err := onnx.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	g, err := graph.FromONNX(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range g.Nodes {
		if n.Op != "QuantizeLinear" && n.Op != "DequantizeLinear" {
			continue
		}
		scale, zero := n.Input(1), n.Input(2)
		if zero == nil || zero.Const == nil || !slices.Equal(zero.Const.Shape, scale.Const.Shape) {
			t.Errorf("%s: node %q has no zero point of its scale's shape", tg.Name, n.Name)
			continue
		}
		if g.IsOutput(n.Out(0)) {
			t.Errorf("%s: node %q is on an output", tg.Name, n.Name)
		}
		if n.Op == "QuantizeLinear" && len(scale.Const.Shape) != 0 {
			t.Errorf("%s: node %q quantizes an activation along %v", tg.Name, n.Name, scale.Const.Shape)
		}
		if n.Op == "QuantizeLinear" && len(n.Out(0).Uses) != 1 {
			t.Errorf("%s: node %q feeds %d nodes", tg.Name, n.Name, len(n.Out(0).Uses))
		}
		if tg.Name != "tensorrt" {
			continue
		}
		if zero.Const.DType != tensor.Int8 || slices.ContainsFunc(tensor.Data[int8](zero.Const), func(z int8) bool { return z != 0 }) {
			t.Errorf("tensorrt: node %q is not symmetric int8", n.Name)
		}
	}
}

// paths is a list of files.
type paths []string

// folder lists a folder of the data beside the checkout.
func folder(t *testing.T, name string) (out paths) {
	t.Helper()
	dir := testdata.Path(t, name)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		out = append(out, filepath.Join(dir, e.Name()))
	}
	return out
}

func (p paths) images() Images {
	return Images{Len: len(p), Open: func(i int) (File, error) {
		data, err := os.ReadFile(p[i])
		return File{filepath.Base(p[i]), data}, err
	}}
}

// inputs writes what a model reads of some images as .npy files and returns their paths.
func inputs(t *testing.T, m *Model, files paths, dir string) (out []string) {
	t.Helper()
	j, err := NewJob(m, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range files {
		f, err := files.images().Open(i)
		if err != nil {
			t.Fatal(err)
		}
		samples, err := j.samples(f)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, fmt.Sprintf("%d.npy", i))
		if err := os.WriteFile(path, npy("", samples[0].F32(), samples[0].Shape...).Data, 0o600); err != nil {
			t.Fatal(err)
		}
		out = append(out, path)
	}
	return out
}
