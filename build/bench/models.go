package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// known are the models: those of the data folder, and those that randmodel builds.
var known = []string{
	"cifar10_resnet20", "squeezenet1_1", "mobilenet_v1_075", "mobilenet_v2", "nanodet_m_320", "yolox_nano", "resnet18", "resnet50_v15", "yolox_s",
}

// built are the models with random weights.
var built = []string{"resnet18", "yolox_s"}

// presets say how a photo becomes the input of a model that is not one of torchvision's.
var presets = map[string]string{
	"cifar10_resnet20": "cifar", "mobilenet_v1_075": "keras", "nanodet_m_320": "nanodet", "yolox_nano": "yolox", "yolox_s": "yolox",
}

func presetOf(name string) string { return cmp.Or(presets[name], "torchvision") }

// file returns where a model is.
func (b *bench) file(name string) string {
	if slices.Contains(built, name) {
		return filepath.Join(b.dir, name+".onnx")
	}
	return filepath.Join(b.data, "models", name+".onnx")
}

// missing makes a model ready and returns "", or says why it cannot be had.
func (b *bench) missing(name string) string {
	if slices.Contains(built, name) {
		if text, err := goTool(b.root, nil, "run", "./engine/internal/randmodel/gen", name, b.file(name)); err != nil {
			return fmt.Sprintf("it could not be built: %v\n%s", err, text)
		}
		return ""
	}
	if _, err := os.Stat(b.file(name)); err != nil {
		return fmt.Sprintf("set DROPQUANT_DATA to the folder of models and images (%v)", err)
	}
	return ""
}
