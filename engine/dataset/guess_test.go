package dataset

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// What the graphs of nine published models tell, in testdata/facts.json.
func TestGuessModels(t *testing.T) {
	data, err := os.ReadFile("testdata/facts.json")
	if err != nil {
		t.Fatal(err)
	}
	var models map[string]Facts
	if err := json.Unmarshal(data, &models); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"mobilenet_v2": "torchvision", "mobilenet_v2_bn": "torchvision", "resnet50_v15": "torchvision", "squeezenet1_1": "torchvision",
		"mobilenet_v1_075": "keras", "yolox_nano": "yolox", "nanodet_m_320": "nanodet", "cifar10_resnet20": "cifar", "cifar10_resnet20_bn": "cifar",
	}
	if len(models) != len(want) {
		t.Errorf("%d models", len(models))
	}
	for name, facts := range models {
		got, reason := Guess(facts)
		if got != want[name] {
			t.Errorf("%s: guessed %s (%s), want %s", name, got, reason, want[name])
		}
		facts.Names = nil // what is left when a tool has renamed everything
		if got, reason := Guess(facts); got != want[name] {
			t.Errorf("%s without names: guessed %s (%s), want %s", name, got, reason, want[name])
		}
	}
}

func TestGuess(t *testing.T) {
	nchw := []int{1, 3, 224, 224}
	square := func(n int) []int { return []int{1, 3, n, n} }
	for _, c := range []struct {
		facts        Facts
		want, reason string
	}{
		{Facts{Input: nchw}, "torchvision", "no sign"},
		{Facts{Input: []int{-1, 224, 224, 3}}, "keras", "channels come last"},
		{Facts{Input: nchw, Producer: "tf2onnx 1.16"}, "keras", "tf2onnx"},
		{Facts{Input: nchw, Same: 3}, "keras", "padded more at the end"},
		{Facts{Input: nchw, Same: 3, Producer: "pytorch 2.4"}, "torchvision", "PyTorch"},
		{Facts{Input: nchw, First: []string{"Sub"}}, "raw255", "normalizes"},
		{Facts{Input: nchw, First: []string{"Conv"}}, "torchvision", ""},
		{Facts{Input: []int{1, 1, 28, 28}}, "raw01", "one channel"},
		{Facts{Input: []int{1, 10}}, "custom", "four dimensions"},
		{Facts{Input: square(640), Outputs: [][]int{{1, 8400, 85}}}, "yolox", "80 classes"},
		{Facts{Input: square(640), Outputs: [][]int{{1, 84, 8400}}}, "ultralytics", "YOLOv8"},
		{Facts{Input: square(640), Outputs: [][]int{{1, 25200, 85}}}, "ultralytics", "YOLOv5"},
		{Facts{Input: square(416), Outputs: [][]int{{1, 3598, 112}}}, "nanodet", "NanoDet-Plus"},
		{Facts{Input: square(640), Metadata: map[string]string{"author": "Ultralytics"}}, "ultralytics", "metadata"},
		{Facts{Input: []int{-1, 3, -1, -1}, Outputs: [][]int{{-1, -1, 85}}}, "torchvision", ""},
	} {
		got, reason := Guess(c.facts)
		if got != c.want || !strings.Contains(reason, c.reason) || reason == "" {
			t.Errorf("%+v: %s (%s), want %s", c.facts, got, reason, c.want)
		}
	}
}
