// Command results makes the table of the README: it quantizes every model beside the checkout for every target, has the
// real runtimes run the files on labelled images, and prints what was lost.
//
// It needs the models and images (DROPQUANT_DATA, or shared/data beside the checkout) and a Python with
// .ci/requirements.txt (DROPQUANT_PYTHON), and takes about a quarter of an hour on two cores.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"

	"dropquant/engine"
	"dropquant/engine/target"
)

// model is a row of the table.
type model struct {
	name, task string
	images     string // folder to calibrate on
	count      int    // of images
}

var models = []model{
	{"mobilenet_v2", "torchvision", "imagenet/calib", 128},
	{"mobilenet_v2_bn", "torchvision", "imagenet/calib", 128},
	{"mobilenet_v1_075", "keras", "imagenet/calib", 128},
	{"squeezenet1_1", "torchvision", "imagenet/calib", 128},
	{"resnet50_v15", "torchvision", "imagenet/calib", 128},
	{"cifar10_resnet20", "cifar", "cifar10/test200", 64},
	{"cifar10_resnet20_bn", "cifar", "cifar10/test200", 64},
	{"yolox_nano", "yolox", "coco/images/calib", 64},
	{"nanodet_m_320", "nanodet", "coco/images/calib", 64},
}

// runtimes say where a target's files are run. TensorRT's run in ONNX Runtime: its own needs a GPU.
var runtimes = map[string]string{"openvino": "openvino", "onnxruntime": "onnxruntime", "tensorrt": "onnxruntime"}

// job is what testdata/score.py reads, score what it prints.
type job struct {
	Model   string `json:"model"`
	Ref     string `json:"ref"`
	Runtime string `json:"runtime"`
	Task    string `json:"task"`
	Data    string `json:"data"`
	Limit   int    `json:"limit,omitempty"`
	Exact   bool   `json:"exact,omitempty"` // sums as a GPU has them, whatever the CPU
}

type score struct {
	Score, Float, Agreement, SQNR float64
	Bytes                         int64
}

func main() {
	only := flag.String("model", "", "only this model")
	limit := flag.Int("limit", 0, "score on the first images only; 0 means all")
	keep := flag.String("o", "", "folder to keep the quantized files in")
	flag.Parse()
	if err := run(*only, *limit, *keep); err != nil {
		fmt.Fprintln(os.Stderr, "results:", err)
		os.Exit(1)
	}
}

func run(only string, limit int, keep string) error {
	python := os.Getenv("DROPQUANT_PYTHON")
	if python == "" {
		return errors.New("set DROPQUANT_PYTHON to a Python with .ci/requirements.txt")
	}
	data := os.Getenv("DROPQUANT_DATA")
	if data == "" {
		data = filepath.Join("..", "shared", "data")
	}
	if keep == "" {
		dir, err := os.MkdirTemp("", "dropquant-results")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		keep = dir
	}
	fmt.Print("| model | float |")
	for _, t := range target.Targets {
		fmt.Printf(" %s |", t.Title)
	}
	fmt.Print(" smaller |\n|---|--:|--:|--:|--:|--:|\n")
	for _, m := range models {
		if only != "" && m.name != only {
			continue
		}
		line, err := m.row(python, data, keep, limit)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		fmt.Println(line)
	}
	return nil
}

// row quantizes and scores one model.
func (m model) row(python, data, keep string, limit int) (string, error) {
	path := filepath.Join(data, "models", m.name+".onnx")
	bytes, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	loaded, err := engine.Load(engine.File{Name: m.name + ".onnx", Data: bytes}, nil)
	if err != nil {
		return "", err
	}
	images, err := m.sample(data)
	if err != nil {
		return "", err
	}
	var jobs []job
	for _, t := range target.Targets {
		r, err := engine.Quantize(loaded, engine.Options{Target: t.Name}, images, runtime.NumCPU(), nil)
		if err != nil {
			return "", err
		}
		file := filepath.Join(keep, m.name+"."+t.Name+".onnx")
		if err := os.WriteFile(file, slices.Concat(r.Model...), 0o644); err != nil {
			return "", err
		}
		jobs = append(jobs, job{Model: file, Ref: path, Runtime: runtimes[t.Name], Task: m.task, Data: data, Limit: limit, Exact: !t.Pairs})
	}
	scores, err := referee(python, keep, jobs)
	if err != nil {
		return "", err
	}
	line := fmt.Sprintf("| %s | %.1f |", m.name, scores[0].Float)
	for _, s := range scores {
		line += fmt.Sprintf(" %+.1f, %.1f dB |", s.Score-s.Float, s.SQNR)
	}
	return line + fmt.Sprintf(" %.1fx |", float64(len(bytes))/float64(scores[0].Bytes)), nil
}

// sample returns the first images of the model's folder.
func (m model) sample(data string) (engine.Images, error) {
	dir := filepath.Join(data, filepath.FromSlash(m.images))
	entries, err := os.ReadDir(dir)
	return engine.Images{Len: min(m.count, len(entries)), Open: func(i int) (engine.File, error) {
		content, err := os.ReadFile(filepath.Join(dir, entries[i].Name()))
		return engine.File{Name: entries[i].Name(), Data: content}, err
	}}, err
}

// referee has testdata/score.py run the files.
func referee(python, dir string, jobs []job) (scores []score, err error) {
	text, err := json.Marshal(jobs)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "jobs.json")
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return nil, err
	}
	cmd := exec.Command(python, filepath.Join("engine", "testdata", "score.py"), path)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	return scores, json.Unmarshal(out, &scores)
}
