package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// sample is a model with images that comes with the page.
type sample struct {
	ID     string   `json:"id"`
	Title  string   `json:"title"`
	Note   string   `json:"note"`
	Model  string   `json:"model"`
	Files  []string `json:"files"`
	Size   int64    `json:"size"`
	site   bool     // in dist/
	single bool     // in dropquant.html, which has to stay small
}

var samples = []sample{
	{ID: "mobilenet", Title: "MobileNetV2 and 32 photographs", Note: "ImageNet, 53 layers", Model: "mobilenet_v2.onnx", site: true},
	{ID: "squeezenet", Title: "SqueezeNet 1.1 and 32 photographs", Note: "ImageNet, 26 layers", Model: "squeezenet1_1.onnx", single: true},
	{ID: "cifar", Title: "ResNet-20 and 32 photographs", Note: "CIFAR-10, 20 layers, done at once", Model: "cifar10_resnet20.onnx", site: true, single: true},
}

// credits is the list of the photographs' authors.
const credits = "ATTRIBUTION.csv"

// readSamples adds the samples and their files to the parts. Each photograph has to have a row in the list of authors.
func readSamples(root string, p *parts) error {
	dir := filepath.Join(root, "build", "samples")
	list, err := os.ReadFile(filepath.Join(dir, "photos", credits))
	if err != nil {
		return err
	}
	p.shipped = append(p.shipped, file{credits, list})
	paths, err := filepath.Glob(filepath.Join(dir, "photos", "*.jpg"))
	if err != nil {
		return err
	}
	var photos []string
	size := int64(0)
	for _, path := range paths {
		name := filepath.Base(path)
		if !strings.Contains(string(list), "\n"+name+",") {
			return fmt.Errorf("%s has no row in %s: its licence asks for one", name, credits)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		photos = append(photos, "photos/"+name)
		size += int64(len(data))
		p.shipped = append(p.shipped, file{"photos/" + name, data})
	}
	for _, s := range samples {
		data, err := os.ReadFile(filepath.Join(dir, s.Model))
		if err != nil {
			return err
		}
		s.Files, s.Size = photos, size+int64(len(data))
		p.samples = append(p.samples, s)
		p.shipped = append(p.shipped, file{s.Model, data})
	}
	return nil
}

// needs says that the given samples use a file.
func needs(list []sample, name string) bool {
	if name == credits {
		return true
	}
	for _, s := range list {
		if s.Model == name {
			return true
		}
		for _, f := range s.Files {
			if f == name {
				return true
			}
		}
	}
	return false
}
