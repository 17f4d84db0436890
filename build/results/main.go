// Command results makes the tables of the README: it quantizes every model beside the checkout for every target, has the
// real runtimes run the files on labelled images, and prints what was lost; with -predicted, what the simulator says of each file
// beside what its runtime does on the CPU that runs Python. Files of any tool can be given instead of Dropquant's own, each
// named MODEL.WHATEVER.onnx for a model of the list.
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
	boxes      bool   // a detector: it gives no list of scores
}

var models = []model{
	{"mobilenet_v2", "torchvision", "imagenet/calib", 128, false},
	{"mobilenet_v2_bn", "torchvision", "imagenet/calib", 128, false},
	{"mobilenet_v1_075", "keras", "imagenet/calib", 128, false},
	{"squeezenet1_1", "torchvision", "imagenet/calib", 128, false},
	{"resnet50_v15", "torchvision", "imagenet/calib", 128, false},
	{"cifar10_resnet20", "cifar", "cifar10/test200", 64, false},
	{"cifar10_resnet20_bn", "cifar", "cifar10/test200", 64, false},
	{"yolox_nano", "yolox", "coco/images/calib", 64, true},
	{"nanodet_m_320", "nanodet", "coco/images/calib", 64, true},
}

// runtimes say where a target's files are run. TensorRT's run in ONNX Runtime: its own needs a GPU.
var runtimes = map[string]string{"openvino": "openvino", "onnxruntime": "onnxruntime", "tensorrt": "onnxruntime"}

// job is what testdata/score.py reads, score what it prints.
type job struct {
	Model   string `json:"model"`
	Ref     string `json:"ref,omitempty"`
	Runtime string `json:"runtime"`
	Task    string `json:"task"`
	Data    string `json:"data"`
	Limit   int    `json:"limit,omitempty"`
	Exact   bool   `json:"exact,omitempty"` // sums as a GPU has them, whatever the CPU
}

type score struct {
	Score, Float, SQNR float64
	Bytes              int64
	Images             []string
	Labels, Answers    []int // beside Images
}

func main() {
	only := flag.String("model", "", "only this model")
	limit := flag.Int("limit", 0, "score on the first images only; 0 means all")
	keep := flag.String("o", "", "folder to keep the quantized files in")
	beside := flag.Bool("predicted", false, "what the simulator predicts beside what the runtimes give, of classifiers")
	flag.Parse()
	if err := run(*only, *limit, *keep, *beside, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "results:", err)
		os.Exit(1)
	}
}

// place is what all rows of a table share.
type place struct {
	python, data, keep string
	limit              int
}

func run(only string, limit int, keep string, beside bool, files []string) error {
	p := place{python: os.Getenv("DROPQUANT_PYTHON"), data: os.Getenv("DROPQUANT_DATA"), keep: keep, limit: limit}
	if p.python == "" {
		return errors.New("set DROPQUANT_PYTHON to a Python with .ci/requirements.txt")
	}
	if p.data == "" {
		p.data = filepath.Join("..", "shared", "data")
	}
	if keep == "" {
		dir, err := os.MkdirTemp("", "dropquant-results")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		p.keep = dir
	}
	if len(files) > 0 && !beside {
		return errors.New("files are compared with -predicted only")
	}
	for _, f := range files {
		if !slices.ContainsFunc(models, func(m model) bool { return m.name == modelOf(f) }) {
			return fmt.Errorf("%s is named for no model of the list", f)
		}
	}
	rows := p.lost
	if beside {
		cpu, err := cpuOf(p.python)
		if err != nil {
			return err
		}
		rows = func(m model) (string, error) { return p.predicted(m, cpu, files) }
		fmt.Print("| file | runtime | deployed | predicted | same answers |\n|---|---|--:|--:|--:|\n")
	} else {
		fmt.Print("| model | float |")
		for _, t := range target.Targets {
			fmt.Printf(" %s |", t.Title)
		}
		fmt.Print(" smaller |\n|---|--:|--:|--:|--:|--:|\n")
	}
	for _, m := range models {
		if only != "" && m.name != only {
			continue
		}
		text, err := rows(m)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		fmt.Print(text)
	}
	return nil
}

// lost quantizes and scores one model: a row of the table of what was lost.
func (p place) lost(m model) (string, error) {
	jobs, err := p.quantize(m, target.Targets)
	if err != nil {
		return "", err
	}
	for i := range jobs {
		jobs[i].Ref = p.float(m)
	}
	scores, err := p.inRuntimes(jobs)
	if err != nil {
		return "", err
	}
	line := fmt.Sprintf("| %s | %.1f |", m.name, scores[0].Float)
	for _, s := range scores {
		line += fmt.Sprintf(" %+.1f, %.1f dB |", s.Score-s.Float, s.SQNR)
	}
	whole, err := os.Stat(p.float(m))
	if err != nil {
		return "", err
	}
	return line + fmt.Sprintf(" %.1fx |\n", float64(whole.Size())/float64(scores[0].Bytes)), nil
}

// float is the path of the float model.
func (p place) float(m model) string { return filepath.Join(p.data, "models", m.name+".onnx") }

// quantize writes a file for each target, with default options, and returns what is to be done with it.
func (p place) quantize(m model, targets []*target.Target) ([]job, error) {
	bytes, err := os.ReadFile(p.float(m))
	if err != nil {
		return nil, err
	}
	loaded, err := engine.Load(engine.File{Name: m.name + ".onnx", Data: bytes}, nil)
	if err != nil {
		return nil, err
	}
	images, err := m.sample(p.data)
	if err != nil {
		return nil, err
	}
	var jobs []job
	for _, t := range targets {
		r, err := engine.Quantize(loaded, engine.Options{Target: t.Name}, images, runtime.NumCPU(), nil)
		if err != nil {
			return nil, err
		}
		file := filepath.Join(p.keep, m.name+"."+t.Name+".onnx")
		if err := os.WriteFile(file, slices.Concat(r.Model...), 0o644); err != nil {
			return nil, err
		}
		jobs = append(jobs, job{Model: file, Runtime: runtimes[t.Name], Task: m.task, Data: p.data, Limit: p.limit, Exact: !t.Pairs})
	}
	return jobs, nil
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

// inRuntimes has testdata/score.py run the files. env is added to its environment.
func (p place) inRuntimes(jobs []job, env ...string) (scores []score, err error) {
	text, err := json.Marshal(jobs)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(p.keep, "jobs.json")
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return nil, err
	}
	cmd := exec.Command(p.python, filepath.Join("engine", "testdata", "score.py"), path)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	return scores, json.Unmarshal(out, &scores)
}
