package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"dropquant/engine"
	"dropquant/engine/dataset"
	"dropquant/engine/report"
)

// testFlags are the options of test and compare.
type testFlags struct {
	target, isa, preset, labels, ref string
	limit, workers                   int
	json, quiet                      bool
}

func (f *testFlags) define(fs *flag.FlagSet) {
	fs.StringVar(&f.target, "target", "", "whose arithmetic: "+strings.Join(backendNames(), ", ")+"; "+engine.Plain.Target+" is Q/DQ in float as ONNX defines it. When empty, that which the file was made for if it says so, else "+engine.Plain.Target)
	fs.StringVar(&f.isa, "isa", "", "kind of CPU, where results depend on it: vnni, or avx2, whose int8 products saturate; avx512 and amx give other integers in few files; vnni when empty")
	fs.StringVar(&f.preset, "preset", "", "how an image becomes the input: "+strings.Join(presetNames(), ", ")+", or the path of a JSON preset; guessed from the model when empty")
	fs.StringVar(&f.labels, "labels", "", "a CSV file with the name of an image and the index of its class in a row, as in \"cat.jpg,281\": gives top-1 and top-5")
	fs.StringVar(&f.ref, "ref", "", "the float model to measure agreement and signal to noise against")
	fs.IntVar(&f.limit, "limit", 0, "how many images to use at most, evenly spaced over the sorted list; 0: all")
	fs.IntVar(&f.workers, "workers", runtime.NumCPU(), "how many images to work on at once; the result does not depend on it")
	fs.BoolVar(&f.json, "json", false, "as JSON, with the keys top1, top5, agreement (percent) and sqnr (dB)")
	fs.BoolVar(&f.quiet, "quiet", false, "no progress")
}

func test(args []string, out, log io.Writer) error {
	return testCommand("test", "MODEL IMAGES…", "Scores MODEL, any ONNX file, float or quantized by any tool, in the arithmetic of a runtime, on IMAGES: files or folders.", 1, args, out, log)
}

func compare(args []string, out, log io.Writer) error {
	return testCommand("compare", "MODEL MODEL IMAGES…", "Scores two model files on the same IMAGES. Without -ref, the second is measured against the first.", 2, args, out, log)
}

// testCommand reads the command line of a command that takes some models and then images.
func testCommand(name, usage, title string, models int, args []string, out, log io.Writer) error {
	var f testFlags
	fs := newFlags(name, usage, title, log)
	f.define(fs)
	rest, err := parse(fs, args)
	if err != nil {
		return err
	}
	if len(rest) <= models {
		fs.Usage()
		return usageError{fmt.Errorf("name %d of models, and a folder of images", models)}
	}
	if f.target != "" {
		if _, err := engine.FindBackend(f.target, f.isa); err != nil {
			return usageError{err}
		}
	}
	if f.limit < 0 {
		return usageError{errors.New("-limit is a number of images, or 0 for all")}
	}
	return f.run(rest[:models], rest[models:], out, log)
}

// run scores the models of some paths on the images of others.
func (f *testFlags) run(models, paths []string, out, log io.Writer) error {
	o := engine.TestOptions{}
	for _, path := range models {
		m, err := loadAny(path)
		if err != nil {
			return err
		}
		backend, err := f.backend(m)
		if err != nil {
			return usageError{err}
		}
		o.Contenders = append(o.Contenders, engine.Contender{Model: m, Backend: backend})
	}
	first := o.Contenders[0].Model
	if f.ref != "" {
		m, err := loadModel(f.ref)
		if err != nil {
			return err
		}
		o.Ref, first = m, m
	}
	var err error
	if o.Preset, err = choosePreset(first, f.preset, log); err != nil {
		return err
	}
	files, ignored, err := findImages(paths)
	if err != nil {
		return err
	}
	if f.labels != "" {
		if o.Labels, err = readLabels(f.labels, files, log); err != nil {
			return err
		}
	}
	if f.limit == 0 {
		f.limit = len(files)
	}
	chosen := engine.Sample(len(files), f.limit)
	logImages(log, len(chosen), len(files), ignored)
	line := &progressLine{w: log, quiet: f.quiet, start: time.Now()}
	scores, err := engine.RunTest(o, openImages(files, chosen), f.workers, line.show)
	line.end()
	if err != nil {
		return err
	}
	for _, s := range scores[0].Skipped {
		fmt.Fprintf(log, "skipped %s: %s\n", s.Name, s.Why)
	}
	if !f.json {
		return report.WriteScores(out, scores)
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	if len(scores) == 1 {
		return e.Encode(scores[0])
	}
	return e.Encode(map[string][]report.Score{"models": scores})
}

// backend returns the arithmetic for a model.
func (f *testFlags) backend(m *engine.Model) (engine.Backend, error) {
	name := f.target
	if name == "" {
		if name = m.Target(); !slices.Contains(backendNames(), name) {
			name = engine.Plain.Target
		}
	}
	return engine.FindBackend(name, f.isa)
}

// readLabels reads a table of labels, and says which of its rows name no image.
func readLabels(path string, files []string, log io.Writer) (*dataset.Labels, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	l, err := dataset.ParseLabels(path, data)
	if err != nil {
		return nil, err
	}
	const shown = 3
	lost := l.Strangers(files)
	for _, s := range lost[:min(shown, len(lost))] {
		fmt.Fprintln(log, s)
	}
	if len(lost) > shown {
		fmt.Fprintf(log, "… and %d more rows\n", len(lost)-shown)
	}
	return l, nil
}

// backendNames lists the targets that can be simulated.
func backendNames() (names []string) {
	for _, b := range engine.Backends {
		if len(names) == 0 || names[len(names)-1] != b.Target {
			names = append(names, b.Target)
		}
	}
	return names
}
