package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// samples is the folder with the model and photographs that ship with the page.
var samples = filepath.Join("..", "..", "..", "build", "samples")

// dropquant runs one command line and returns what it printed.
func dropquant(t *testing.T, args ...string) (out, log string, err error) {
	t.Helper()
	var o, l bytes.Buffer
	err = run(args, &o, &l)
	return o.String(), l.String(), err
}

// TestTest quantizes a model and scores the file from the command line, alone and beside the float model.
func TestTest(t *testing.T) {
	dir := t.TempDir()
	model, photos := filepath.Join(samples, "cifar10_resnet20.onnx"), filepath.Join(samples, "photos")
	int8 := filepath.Join(dir, "int8.onnx")
	if _, _, err := dropquant(t, "ptq", model, photos, "-o", int8, "-images", "8", "-quiet"); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(photos)
	if err != nil {
		t.Fatal(err)
	}
	table := "file,label\n"
	for _, f := range files {
		table += f.Name() + ",3\n"
	}
	table += "gone.jpg,3\n"
	labels := filepath.Join(dir, "labels.csv")
	if err := os.WriteFile(labels, []byte(table), 0o600); err != nil {
		t.Fatal(err)
	}
	out, log, err := dropquant(t, "test", int8, photos, "-target", "qdq", "-labels", labels, "-ref", model, "-limit", "6", "-json", "-quiet")
	if err != nil {
		t.Fatal(err)
	}
	var score map[string]any
	if err := json.Unmarshal([]byte(out), &score); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"top1", "top5", "agreement", "sqnr"} {
		if _, ok := score[key].(float64); !ok {
			t.Errorf("%s is %v", key, score[key])
		}
	}
	if score["images"] != 6. || score["sqnr"].(float64) < 15 {
		t.Errorf("%v", score)
	}
	if !strings.Contains(log, `no image is called "gone.jpg"`) {
		t.Errorf("%s", log)
	}
	image := filepath.Join(photos, files[0].Name())
	out, _, err = dropquant(t, "trace", int8, image, "-layer", "/conv1/Conv", "-ref", model)
	if err != nil || !strings.Contains(out, "QLinearConv") || !strings.Contains(out, "float") {
		t.Errorf("%s%v", out, err)
	}
	if out, _, err = dropquant(t, "trace", int8, image, "-layer", "/conv1/Conv", "-target", "qdq", "-json"); err != nil || !json.Valid([]byte(out)) {
		t.Errorf("%s%v", out, err)
	}
	out, _, err = dropquant(t, "compare", model, int8, photos, "-target", "qdq", "-limit", "4", "-quiet")
	if err != nil || strings.Count(out, "\n") != 3 || !strings.Contains(out, "agreement") || strings.Contains(out, "top-1") {
		t.Errorf("%s%v", out, err)
	}
}

// TestCommandLinesThatAreWrong: mistakes of the user are told from failures.
func TestCommandLinesThatAreWrong(t *testing.T) {
	model := filepath.Join(samples, "cifar10_resnet20.onnx")
	for _, c := range []struct {
		args  []string
		usage bool
		want  string
	}{
		{nil, true, "name a command"},
		{[]string{"bake"}, true, `there is no command "bake"`},
		{[]string{"test", model}, true, "name 1 of models"},
		{[]string{"compare", model, model}, true, "name 2 of models"},
		{[]string{"test", model, samples, "-target", "cuda"}, true, `no arithmetic is called "cuda"`},
		{[]string{"test", model, samples, "-limit", "-3"}, true, "-limit is a number of images"},
		{[]string{"test", model, samples, "-preset", "square"}, true, "-preset square is not one of"},
		{[]string{"ptq", model, samples, "-cpu", "8086"}, true, "-cpu 8086 is not one of"},
		{[]string{"ptq", model, samples, "-format", "tflite"}, true, `no format is called "tflite"`},
		{[]string{"ptq", model, samples, "-format", "trt-cache"}, true, "needs a model quantized for tensorrt"},
		{[]string{"trace", model}, true, "name a model, an image and a -layer"},
		{[]string{"trace", model, "a.jpg", "-layer", "x", "-target", "cuda"}, true, "-target cuda is not one of"},
		{[]string{"test", "absent.onnx", samples}, false, "absent.onnx"},
		{[]string{"test", model, samples, "-labels", "absent.csv"}, false, "absent.csv"},
		{[]string{"test", model, filepath.Join(samples, "photos"), "-ref", "main.go"}, false, `"main.go": not an ONNX model`},
		{[]string{"test", model, filepath.Join(samples, "photos"), "-labels", "main.go"}, false, `"main.go", line 1: `},
	} {
		_, _, err := dropquant(t, c.args...)
		if err == nil || !strings.Contains(err.Error(), c.want) || errors.As(err, &usageError{}) != c.usage {
			t.Errorf("%q: %v", c.args, err)
		}
	}
}
