package engine

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"dropquant/engine/internal/testdata"
	"dropquant/engine/report"
)

// TestSaturation quantizes MobileNetV2 for CPUs with VNNI and for any: the second file costs little, and gives the same
// on this CPU as in exact integers; the first breaks where there is no VNNI.
func TestSaturation(t *testing.T) {
	python := testdata.Python(t, "run the files in ONNX Runtime and OpenVINO")
	dir := t.TempDir()
	data, err := os.ReadFile(testdata.Path(t, "models/mobilenet_v2.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	m := mustLoad(t, File{"mobilenet_v2.onnx", data})
	files := folder(t, "imagenet/calib")
	var exported []map[string]any
	for _, cpu := range CPUs {
		r, err := Quantize(m, Options{Target: "onnxruntime", CPU: cpu}, files[:24].images(), 2, nil)
		if err != nil {
			t.Fatal(err)
		}
		warned := slices.ContainsFunc(r.Report.Warnings, func(d report.Diagnostic) bool { return d.ID == report.Saturates })
		if r.Report.CPU != cpu || warned != (cpu == VNNI) {
			t.Errorf("%s: the report says %q, and warns: %v", cpu, r.Report.CPU, warned)
		}
		out := filepath.Join(dir, cpu+".onnx")
		if err := os.WriteFile(out, joined(r.Model), 0o600); err != nil {
			t.Fatal(err)
		}
		exported = append(exported, map[string]any{"path": out, "runtimes": []string{"onnxruntime", "openvino"}})
	}
	job := map[string]any{"float": testdata.Path(t, "models/mobilenet_v2.onnx"), "inputs": inputs(t, m, files[40:48], dir), "files": exported}
	var got []measured
	testdata.Ask(t, python, "runtimes.py", job, &got)
	for i, name := range []string{"any in onnxruntime", "any in openvino", "vnni in onnxruntime", "vnni in openvino"} {
		t.Logf("%-20s %.2f dB here, %.2f dB in exact integers, the same: %v", name, got[i].SQNR, got[i].Exact, got[i].Same)
	}
	any, anyOV, vnni, vnniOV := got[0], got[1], got[2], got[3]
	if !any.Same {
		t.Error("the file for any CPU gives something else here than in exact integers")
	}
	if any.Exact < vnni.Exact-1 {
		t.Errorf("rounding for any CPU costs %.2f dB", vnni.Exact-any.Exact)
	}
	if anyOV.SQNR < any.Exact-3 { // other activations are rounded there: up to 2 dB either way
		t.Errorf("OpenVINO gives %.2f dB, ONNX Runtime %.2f", anyOV.SQNR, any.Exact)
	}
	if testdata.Exact(t, python) {
		t.Log("this CPU adds exactly: that the other file breaks without cannot be shown")
		return
	}
	if vnni.SQNR > vnni.Exact-4 || vnniOV.SQNR > anyOV.SQNR-4 {
		t.Errorf("the file for VNNI should lose much here: %.2f dB and %.2f in OpenVINO, %.2f exact", vnni.SQNR, vnniOV.SQNR, vnni.Exact)
	}
}
