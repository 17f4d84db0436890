package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"dropquant/engine"
	"dropquant/engine/dataset"
	"dropquant/engine/target"
)

// cpu is a kind of CPU, and oneDNN's name of it, above which OpenVINO is kept: AMX gives other integers in some files.
type cpu struct{ isa, oneDNN string }

// cpuOf asks the CPU that python runs on how it adds products of int8. An emulator or a wrapper that hides instructions is believed.
func cpuOf(python string) (cpu, error) {
	cmd := exec.Command(python, filepath.Join("engine", "internal", "testdata", "exact.py"))
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return cpu{}, err
	}
	var exact bool
	if err := json.Unmarshal(text, &exact); err != nil {
		return cpu{}, err
	}
	if exact {
		return cpu{"vnni", "AVX512_CORE_VNNI"}, nil
	}
	return cpu{"avx2", "AVX2"}, nil
}

// predicted returns a row for each file of a model and runtime: top-1 in both, and how many images have the same first answer.
func (p place) predicted(m model, c cpu, files []string) (rows string, err error) {
	if m.boxes {
		return "", nil
	}
	jobs, err := p.candidates(m, files)
	if len(jobs) == 0 || err != nil {
		return "", err
	}
	scores, err := p.inRuntimes(jobs, "ONEDNN_MAX_CPU_ISA="+c.oneDNN)
	if err != nil {
		return "", err
	}
	first, err := m.simulate(jobs, c.isa, scores[0].Images)
	if err != nil {
		return "", err
	}
	for i, s := range scores {
		rows += fmt.Sprintf("| %s | %s | %.1f | %.1f | %.1f |\n", strings.TrimSuffix(filepath.Base(jobs[i].Model), ".onnx"), jobs[i].Runtime,
			s.Score, same(first[i], s.Labels), same(first[i], s.Answers))
	}
	return rows, nil
}

// modelOf returns the model that a file is named for.
func modelOf(file string) string {
	name, _, _ := strings.Cut(filepath.Base(file), ".")
	return name
}

// candidates are the files to run: those of the command line that are named for the model, in both runtimes, or without any its own for each.
func (p place) candidates(m model, files []string) (jobs []job, err error) {
	if len(files) == 0 {
		cpus := slices.DeleteFunc(slices.Clone(target.Targets), func(t *target.Target) bool { return runtimes[t.Name] != t.Name })
		return p.quantize(m, cpus)
	}
	for _, f := range files {
		if modelOf(f) != m.name {
			continue
		}
		for _, r := range []string{"openvino", "onnxruntime"} {
			jobs = append(jobs, job{Model: f, Runtime: r, Task: m.task, Data: p.data, Limit: p.limit})
		}
	}
	return jobs, nil
}

// simulate returns the first answers to the images of each file in the arithmetic of its runtime.
func (m model) simulate(jobs []job, isa string, images []string) (first [][]int, err error) {
	var o engine.TestOptions
	o.Preset, _ = dataset.FindPreset(m.task)
	loaded := map[string]*engine.Model{}
	for _, j := range jobs {
		if loaded[j.Model] == nil {
			data, err := os.ReadFile(j.Model)
			if err != nil {
				return nil, err
			}
			if loaded[j.Model], err = engine.LoadAny(engine.File{Name: filepath.Base(j.Model), Data: data}, nil); err != nil {
				return nil, err
			}
		}
		o.Contenders = append(o.Contenders, engine.Contender{Model: loaded[j.Model], Backend: engine.Backend{Target: j.Runtime, ISA: isa}})
	}
	scores, err := engine.RunTest(o, engine.Images{Len: len(images), Open: func(i int) (engine.File, error) {
		data, err := os.ReadFile(images[i])
		return engine.File{Name: filepath.Base(images[i]), Data: data}, err
	}}, runtime.NumCPU(), nil)
	for i, s := range scores {
		if len(s.First) != len(images) {
			return nil, fmt.Errorf("%s gives %d answers to %d images", jobs[i].Model, len(s.First), len(images))
		}
		first = append(first, s.First)
	}
	return first, err
}

// same returns the percentage of equal numbers.
func same(a, b []int) float64 {
	n := 0
	for i := range b {
		if a[i] == b[i] {
			n++
		}
	}
	return 100 * float64(n) / float64(len(b))
}
