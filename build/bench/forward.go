package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
)

// tolerance is how far the outputs of the two sides may be apart, relative to the largest magnitude.
const tolerance = 1e-3

// info is what the page knows of a model that it has loaded.
type info struct {
	Shape []int
	MACs  int64
}

// forward times the plain float pass of every model in turn with ONNX Runtime Web.
func (b *bench) forward(ctx context.Context) error {
	if err := installRuntime(); err != nil {
		return err
	}
	fmt.Printf("\nforward: one worker against ONNX Runtime Web on one thread, medians of %d pairs; a ratio below 1 is in favour of Dropquant\n", b.rounds)
	table := newTable("model\tDropquant ms\tORT Web ms\tratio (min..max)\tof the quickest\tDropquant GFLOPS\tORT Web GFLOPS\tdifference")
	defer table.Flush()
	for _, name := range b.models {
		m, err := b.load(ctx, name, true)
		if err != nil {
			return err
		}
		apart, err := eval[float64](b.page, "difference()")
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if !(apart <= tolerance) {
			return fmt.Errorf("%s: the outputs differ by %g of their largest magnitude", name, apart)
		}
		ours, theirs, err := pairs(b.page, b.rounds, `ask("dropquant", "run", %d)`, `ask("ort", "run", %d)`)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintf(table, "%s\t%.2f\t%.2f\t%s\t%.2f\t%.1f\t%.1f\t%.0e\n", name, median(ours), median(theirs), spread(ratios(ours, theirs)), slices.Min(ours)/slices.Min(theirs),
			gflops(m.MACs, median(ours)), gflops(m.MACs, median(theirs)), apart)
	}
	return nil
}

// observed is how many photos calibrate takes in turn: what they make of the layers decides what observing takes.
const observed = 8

// calibrate times a pass that observes in turn with a plain one.
func (b *bench) calibrate(ctx context.Context) error {
	list, err := b.photoList(observed)
	if err != nil {
		fmt.Printf("calibrating is skipped: set DROPQUANT_DATA to the folder of models and images (%v)\n", err)
		return nil
	}
	fmt.Printf("\ncalibrate: a pass with the statistics of every value that is to be quantized for OpenVINO, against a plain one, medians of %d pairs\n", b.rounds)
	table := newTable("model\tcalibrating ms\tplain ms\tratio (min..max)\tof the quickest")
	defer table.Flush()
	for _, name := range b.models {
		if _, err := b.load(ctx, name, false); err != nil {
			return err
		}
		if _, err := eval[any](b.page, fmt.Sprintf(`photos(%s, %q)`, list, presetOf(name))); err != nil {
			return err
		}
		if _, err := eval[any](b.page, `ask("dropquant", "prepare")`); err != nil {
			return err
		}
		observing, plain, err := pairs(b.page, b.rounds, `ask("dropquant", "observe", %d)`, `ask("dropquant", "run", %d)`)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintf(table, "%s\t%.2f\t%.2f\t%s\t%.2f\n", name, median(observing), median(plain), spread(ratios(observing, plain)), slices.Min(observing)/slices.Min(plain))
	}
	return nil
}

// decode times the photos of a job, decoded and made the input, in turn with the float model.
func (b *bench) decode(ctx context.Context) error {
	list, err := b.photoList(jobImages)
	if err != nil {
		fmt.Printf("decoding is skipped: set DROPQUANT_DATA to the folder of models and images (%v)\n", err)
		return nil
	}
	fmt.Printf("\ndecode: a photo decoded and made the input, against a float pass, one worker, medians of %d pairs\n", b.rounds)
	table := newTable("model\tdecoding ms\tpass ms\tratio (min..max)\tof the quickest")
	defer table.Flush()
	for _, name := range b.jobs {
		if _, err := b.load(ctx, name, false); err != nil {
			return err
		}
		if _, err := eval[any](b.page, fmt.Sprintf(`photos(%s, "torchvision")`, list)); err != nil {
			return err
		}
		decoding, plain, err := pairs(b.page, b.rounds, `ask("dropquant", "decode", %d)`, `ask("dropquant", "run", %d)`)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintf(table, "%s\t%.2f\t%.2f\t%s\t%.2f\n", name, median(decoding), median(plain), spread(ratios(decoding, plain)), slices.Min(decoding)/slices.Min(plain))
	}
	return nil
}

// photoList returns where n photos are below the folder of them, as the page takes it.
func (b *bench) photoList(n int) ([]byte, error) {
	photos, err := b.photosOf(n)
	if err != nil {
		return nil, err
	}
	for i, path := range photos {
		if photos[i], err = filepath.Rel(filepath.Join(b.data, "imagenet"), path); err != nil {
			return nil, err
		}
	}
	return json.Marshal(photos)
}

// load opens the page anew with a model, in ONNX Runtime Web too where both are wanted.
func (b *bench) load(ctx context.Context, name string, both bool) (m info, err error) {
	fmt.Fprintln(os.Stderr, "timing", name)
	if err := b.fresh(ctx); err != nil {
		return m, err
	}
	if m, err = eval[info](b.page, fmt.Sprintf("load(%q, %t)", name, both)); err != nil {
		return m, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

func newTable(head string) *tabwriter.Writer {
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, head)
	return t
}
