// Command bench times Dropquant in headless Chromium and natively, in eight parts:
//
//	forward    the float model on one worker, in turn with ONNX Runtime Web on one thread
//	calibrate  the same with the statistics of a calibration, in turn with the plain one
//	integers   the quantized model in the arithmetic of each runtime and kind of processor, in turn with the float model
//	layers     the layers of a model one by one, against the peak of the inner loop of the matrix product
//	cores      the float model on two workers at once, in turn with one: what the cores give, without a page or files
//	decode     the photos of a job decoded and made the input, against the float model on them
//	native     the float model outside of the browser, in turn with gonum's matrix product and with ONNX Runtime on one thread
//	job        a whole job through the page: files dropped to file ready
//
// It is a module of its own; from the repository's root:
//
//	go run -C build/bench . [options]
//
// It needs Chromium, and npm for ONNX Runtime Web, which is kept in the user's cache folder. DROPQUANT_CHROMIUM names the
// browser if it is not on the path, DROPQUANT_DATA the folder of models and images, DROPQUANT_PYTHON a Python with ONNX
// Runtime for the native part, DROPQUANT_NNCF one with NNCF, which the job part then times on the same images. Other programs on the machine change the times; the ratios, taken pair by pair, much
// less.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
)

// bench is one run of the command.
type bench struct {
	root   string // the repository
	dir    string // for what this run makes
	data   string // models and images
	models []string
	jobs   []string // models of the last part
	rounds int
	times  int  // that a job is done
	int8   bool // layers are those of the quantized models
	site   *site
	page   *page // of the workers, once it is open
}

// part is one kind of measurement.
type part struct {
	name string
	run  func(b *bench, ctx context.Context) error
}

// parts are run in this order.
var parts = []part{
	{"forward", (*bench).forward},
	{"calibrate", (*bench).calibrate},
	{"integers", (*bench).integers},
	{"layers", (*bench).layers},
	{"cores", (*bench).cores},
	{"decode", (*bench).decode},
	{"native", (*bench).native},
	{"job", (*bench).job},
}

func main() {
	models := flag.String("models", "", "`names` of models, separated by commas (default all: "+strings.Join(known, ", ")+")")
	rounds := flag.Int("rounds", 25, "how many pairs are timed")
	times := flag.Int("times", 1, "how often each job is done")
	chosen := flag.String("part", "", "`names` of parts, separated by commas: forward, calibrate, integers, layers, cores, decode, native, job (default all)")
	int8 := flag.Bool("int8", false, "time the layers of the quantized models instead of those of the float ones")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "Usage: go run -C build/bench . [options]\n\nTimes Dropquant in headless Chromium, beside ONNX Runtime Web.\n\nOptions:\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() > 0 || *rounds < 1 || *times < 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, split(*models), split(*chosen), *rounds, *times, *int8); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

func run(ctx context.Context, models, chosen []string, rounds, times int, int8 bool) error {
	for _, name := range chosen {
		if !slices.ContainsFunc(parts, func(p part) bool { return p.name == name }) {
			return fmt.Errorf("no part is called %q", name)
		}
	}
	b, err := newBench(models, rounds)
	if err != nil {
		return err
	}
	defer b.close()
	b.times, b.int8 = times, int8
	for _, p := range parts {
		if len(chosen) > 0 && !slices.Contains(chosen, p.name) {
			continue
		}
		if err := p.run(b, ctx); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}
