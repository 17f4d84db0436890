package browsertest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestDeployed has the page quantize MobileNetV2 on a hundred images for each runtime that can be run here, and the
// runtime classify five hundred others with the file that was downloaded: at most two points of top-1 may be lost.
func TestDeployed(t *testing.T) {
	python := os.Getenv("DROPQUANT_PYTHON")
	if python == "" {
		t.Skip("set DROPQUANT_PYTHON to a Python with .ci/requirements.txt to score the downloaded files")
	}
	model := data(t, mobilenet)
	folder := filepath.Join(t.TempDir(), "photos")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	images, err := filepath.Glob(filepath.Join(data(t, "imagenet/calib"), "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range images[:100] {
		content, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, filepath.Base(path)), content, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	type job struct {
		Model   string `json:"model"`
		Ref     string `json:"ref"`
		Runtime string `json:"runtime"`
		Task    string `json:"task"`
		Data    string `json:"data"`
	}
	var jobs []job
	b := open(t, "http", 1280, 800)
	b.drop(model, folder)
	b.wait(`document.querySelector("#view-stats table")`, 30*time.Second)
	for _, runtime := range []string{"openvino", "onnxruntime"} {
		b.click(fmt.Sprintf("input[name=target][value=%s]", runtime))
		b.click("#run")
		file := filepath.Join(folder, "..", runtime+".onnx")
		if err := os.WriteFile(file, b.finish(300*time.Second), 0o644); err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, job{file, model, runtime, "torchvision", data(t, ".")})
	}
	text, err := json.Marshal(jobs)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "..", "jobs.json")
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, filepath.Join("..", "..", "engine", "testdata", "score.py"), path)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var scores []struct{ Score, Float, Agreement, SQNR float64 }
	if err := json.Unmarshal(out, &scores); err != nil {
		t.Fatal(err)
	}
	for i, s := range scores {
		t.Logf("%s: top-1 %.1f %%, float %.1f %%, agreement %.1f %%, %.2f dB", jobs[i].Runtime, s.Score, s.Float, s.Agreement, s.SQNR)
		if s.Float-s.Score > 2 || s.SQNR < 14 {
			t.Errorf("%s: top-1 fell from %.1f to %.1f %%, %.2f dB", jobs[i].Runtime, s.Float, s.Score, s.SQNR)
		}
	}
}
