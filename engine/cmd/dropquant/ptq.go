package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"dropquant/engine"
	"dropquant/engine/calib"
	"dropquant/engine/dataset"
	"dropquant/engine/report"
	"dropquant/engine/target"
)

// ptqFlags are the options of ptq.
type ptqFlags struct {
	target, cpu, format, preset, estimator, output, report string
	images, workers                                        int
	quiet, exact                                           bool
}

func (f *ptqFlags) define(fs *flag.FlagSet) {
	fs.StringVar(&f.target, "target", engine.DefaultTarget, "the runtime the file is for: "+strings.Join(targetNames(), ", "))
	fs.StringVar(&f.cpu, "cpu", engine.AnyCPU, "the CPUs the file is for: any, or vnni for x86 with VNNI and what is not x86 (some of the weights are then stored more finely)")
	fs.StringVar(&f.preset, "preset", "", "how an image becomes the input: "+strings.Join(presetNames(), ", ")+", or the path of a JSON preset; guessed from the model when empty")
	fs.StringVar(&f.estimator, "estimator", "", "how a range is found: "+strings.Join(methodNames(), ", ")+"; "+calib.Default+" when empty")
	fs.StringVar(&f.format, "format", engine.QDQ, "the form of the quantized model:\n"+formatList())
	fs.StringVar(&f.output, "o", "", "where to write the quantized model, a second file beside it; MODEL.TARGET.int8.onnx when empty")
	fs.StringVar(&f.report, "report", "", "where to write the report: a .json, .csv or .md file")
	fs.IntVar(&f.images, "images", engine.DefaultImages, "how many images to use at most, evenly spaced over the sorted list")
	fs.IntVar(&f.workers, "workers", runtime.NumCPU(), "how many images to work on at once; the result does not depend on it")
	fs.BoolVar(&f.exact, "exact", false, "run the model without Winograd's transforms, which are faster and round a little more")
	fs.BoolVar(&f.quiet, "quiet", false, "no progress")
}

func ptq(args []string, out, log io.Writer) error {
	var f ptqFlags
	fs := newFlags("ptq", "MODEL IMAGES…", "Quantizes MODEL, calibrated on IMAGES: files or folders of JPEG, PNG, WebP, BMP, GIF or .npy.", log)
	f.define(fs)
	rest, err := parse(fs, args)
	if err != nil {
		return err
	}
	if len(rest) < 2 {
		fs.Usage()
		return usageError{errors.New("name a model and a folder of images")}
	}
	if err := oneOf("target", f.target, targetNames()); err != nil {
		return err
	}
	format, err := engine.FindFormat(f.format)
	if err == nil {
		err = format.Fits(f.target)
	}
	if err != nil {
		return usageError{err}
	}
	if err := oneOf("cpu", f.cpu, engine.CPUs); err != nil {
		return err
	}
	if f.estimator != "" {
		if err := oneOf("estimator", f.estimator, methodNames()); err != nil {
			return err
		}
	}
	if f.report != "" {
		if err := oneOf("report", filepath.Ext(f.report), []string{".json", ".csv", ".md"}); err != nil {
			return err
		}
	}
	return f.quantize(rest[0], rest[1:], format, out, log)
}

func (f *ptqFlags) quantize(path string, paths []string, format engine.Format, out, log io.Writer) error {
	m, err := loadModel(path)
	if err != nil {
		return err
	}
	preset, err := choosePreset(m, f.preset, log)
	if err != nil {
		return err
	}
	files, ignored, err := findImages(paths)
	if err != nil {
		return err
	}
	chosen := engine.Sample(len(files), f.images)
	logImages(log, len(chosen), len(files), ignored)

	line := &progressLine{w: log, quiet: f.quiet, start: time.Now()}
	result, err := engine.Quantize(m, engine.Options{Target: f.target, CPU: f.cpu, Preset: preset, Estimator: f.estimator, Exact: f.exact},
		openImages(files, chosen), f.workers, line.show)
	line.end()
	if err != nil {
		return err
	}
	parts, err := result.As(format)
	if err != nil {
		return err
	}
	names := outputs(path, f.target, f.output, format)
	for i, name := range names {
		if err := writePieces(name, parts[i]); err != nil {
			return err
		}
	}
	if f.report != "" {
		if err := writeReport(f.report, result.Report); err != nil {
			return err
		}
	}
	if err := result.Report.Text(out); err != nil {
		return err
	}
	fmt.Fprintf(out, "wrote %s\n", strings.Join(names, " and "))
	return nil
}

// outputs returns the paths of the files of a format: the first is the one that was asked for, the others lie beside it.
func outputs(model, target, asked string, f engine.Format) []string {
	if asked == "" {
		asked = strings.TrimSuffix(model, filepath.Ext(model)) + "." + target + ".int8" + f.Suffixes[0]
	}
	names := []string{asked}
	for _, suffix := range f.Suffixes[1:] {
		names = append(names, strings.TrimSuffix(asked, filepath.Ext(asked))+suffix)
	}
	return names
}

// formatList describes the formats, a line each.
func formatList() string {
	var b strings.Builder
	for _, f := range engine.Formats {
		fmt.Fprintf(&b, "%-12s %s: %s\n", f.Name, f.Title, f.Doc)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// choosePreset returns the preset of a name or of a JSON file; without either, the guess, which it prints.
func choosePreset(m *engine.Model, name string, log io.Writer) (dataset.Preset, error) {
	if strings.HasSuffix(name, ".json") {
		data, err := os.ReadFile(name)
		if err != nil {
			return dataset.Preset{}, err
		}
		p, err := dataset.ParsePreset(data)
		if err != nil {
			return p, &engine.FileError{File: name, Err: err}
		}
		return p, nil
	}
	if name == "" {
		guess, reason := m.Guess()
		fmt.Fprintf(log, "preset %s: %s\n", guess.Name, reason)
		return guess, nil
	}
	p, ok := dataset.FindPreset(name)
	if !ok {
		return p, oneOf("preset", name, presetNames())
	}
	return p, nil
}

// writePieces writes a file made of pieces, under another name until it is whole.
func writePieces(path string, pieces [][]byte) (err error) {
	tmp := path + ".part"
	w, err := os.Create(tmp)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(tmp)
		}
	}()
	for _, p := range pieces {
		if _, err := w.Write(p); err != nil {
			w.Close()
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

func writeReport(path string, r *report.Report) error {
	w, err := os.Create(path)
	if err != nil {
		return err
	}
	write := map[string]func(io.Writer) error{".json": r.JSON, ".csv": r.CSV, ".md": r.Markdown}[filepath.Ext(path)]
	if err := write(w); err != nil {
		w.Close()
		return err
	}
	return w.Close()
}

func targetNames() (names []string) {
	for _, t := range target.Targets {
		names = append(names, t.Name)
	}
	return names
}

func presetNames() (names []string) {
	for _, p := range dataset.Presets {
		names = append(names, p.Name)
	}
	return names
}

func methodNames() (names []string) {
	names = append(names, engine.Auto)
	for _, m := range calib.Methods {
		names = append(names, m.Name)
	}
	return names
}
