package engine

import (
	"bytes"
	"testing"
)

// TestCompareManyImages: beyond maxLayered images only outputs are compared, and whether the float model's were kept or
// are computed again changes nothing, nor does the number of workers.
func TestCompareManyImages(t *testing.T) {
	const n = maxLayered + 9
	m := mustLoad(t, File{"tiny.onnx", fromText(t, tiny)})
	images := arrays(n)
	run := func(workers int, forget bool) (*Job, string) {
		r, err := Quantize(m, Options{}, images, workers, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, text := outcome(t, r)
		j, err := NewJob(m, Options{})
		if err != nil {
			t.Fatal(err)
		}
		each := func(step func(int, File) error) {
			for i := range n {
				f, err := images.Open(i)
				if err == nil {
					err = step(i, f)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		each(j.Observe)
		if len(j.outputs.kept) != n {
			t.Errorf("the outputs of %d images were kept, want %d", len(j.outputs.kept), n)
		}
		if forget {
			j.outputs = floatOutputs{}
		}
		for _, i := range j.Probes() {
			f, _ := images.Open(i)
			if err := j.Probe(i, f); err != nil {
				t.Fatal(err)
			}
		}
		tried, err := j.Tried(0, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range tried {
			f, _ := images.Open(i)
			if err := j.Collect(i, f); err != nil {
				t.Fatal(err)
			}
		}
		if err := j.Try(0, 1); err != nil {
			t.Fatal(err)
		}
		if err := j.Quantize(); err != nil {
			t.Fatal(err)
		}
		each(j.Compare)
		return j, text
	}
	j, text := run(1, false)
	for k, l := range j.layers {
		want := maxLayered
		if l.output {
			want = n
		}
		if got := j.tallies[k].Images(); got != want {
			t.Errorf("%s was compared on %d images, want %d", l.value, got, want)
		}
	}
	again, other := run(3, true)
	if !bytes.Equal(j.State(), again.State()) {
		t.Error("outputs that were kept and outputs that were computed again are compared differently")
	}
	if text != other {
		t.Error("3 workers give another report than 1")
	}
	if len(j.outputs.kept) != 0 {
		t.Errorf("%d outputs are kept to the end", len(j.outputs.kept))
	}
}

// TestKeepBounded: what is kept does not grow with the number of images.
func TestKeepBounded(t *testing.T) {
	var o floatOutputs
	big := make([]float32, maxKept/2)
	for i := range 4 {
		o.keep(i, [][]float32{big})
	}
	if len(o.kept) != 2 || o.of(1, 0) == nil || o.of(2, 0) != nil || o.of(1, 1) != nil {
		t.Errorf("%d of 4 large outputs were kept", len(o.kept))
	}
}
