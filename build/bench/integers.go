package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// An arithmetic is a runtime on a kind of processor, as engine/intsim names them.
type arithmetic struct{ target, isa string }

var arithmetics = []arithmetic{{"onnxruntime", "vnni"}, {"onnxruntime", "avx2"}, {"openvino", "vnni"}, {"openvino", "avx2"}, {"tensorrt", ""}}

// String returns how it is called behind a model's name.
func (a arithmetic) String() string {
	if a.target == "" {
		return ""
	}
	return " as on " + a.target + " " + a.isa
}

// calibrating is how few images the quantized models have seen: it does not change how fast they run.
const calibrating = "4"

// integers times the integer passes of every model in turn with the float one.
func (b *bench) integers(ctx context.Context) error {
	if !b.photos() {
		return nil
	}
	fmt.Printf("\nintegers: a pass in the integers of a runtime, against one in float, one worker, medians of %d pairs; a ratio above 1 says how many times as fast the integers are\n", b.rounds)
	table := newTable("model\tarithmetic\tfloat ms\tintegers ms\tratio (min..max)\tof the quickest")
	defer table.Flush()
	for _, name := range b.models {
		for _, a := range arithmetics {
			if _, err := b.load(ctx, name, false); err != nil {
				return err
			}
			if err := b.quantized(name, a); err != nil {
				return err
			}
			float, integers, err := pairs(b.page, b.rounds, `ask("dropquant", "run", %d)`, `ask("dropquant", "integers", %d)`)
			if err != nil {
				return fmt.Errorf("%s%s: %w", name, a, err)
			}
			fmt.Fprintf(table, "%s\t%s %s\t%.2f\t%.2f\t%s\t%.2f\n", name, a.target, a.isa, median(float), median(integers), spread(ratios(float, integers)), slices.Min(float)/slices.Min(integers))
		}
	}
	return nil
}

// photos reports whether the images are there that calibrate, and says so when they are not.
func (b *bench) photos() bool {
	_, err := os.Stat(b.calibration())
	if err != nil {
		fmt.Printf("the integers are skipped: set DROPQUANT_DATA to the folder of models and images (%v)\n", err)
	}
	return err == nil
}

func (b *bench) calibration() string { return filepath.Join(b.data, "imagenet", "calib") }

// quantized quantizes a model for a target, once, and has the worker that loaded it read the result.
func (b *bench) quantized(name string, a arithmetic) error {
	file := filepath.Join(b.dir, name+"."+a.target)
	if _, err := os.Stat(file); err != nil {
		text, err := goTool(b.root, nil, "run", "./engine/cmd/dropquant", "ptq", b.file(name), b.calibration(), "-images", calibrating, "-target", a.target, "-quiet", "-o", file)
		if err != nil {
			return fmt.Errorf("%s is not quantized: %w\n%s", name, err, text)
		}
	}
	if _, err := eval[any](b.page, fmt.Sprintf("quantized(%q, %q, %q)", name, a.target, a.isa)); err != nil {
		return fmt.Errorf("%s%s: %w", name, a, err)
	}
	return nil
}
