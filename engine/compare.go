package engine

import (
	"iter"
	"math"
	"slices"

	"dropquant/engine/eval"
	"dropquant/engine/graph"
	"dropquant/engine/kernel"
	"dropquant/engine/tensor"
)

// Compare runs the float and the quantized model on image i, if it was not skipped, and records how far they differ.
// Quantize comes first.
func (j *Job) Compare(i int, f File) error {
	r, known := j.records[i]
	if !known || r.skipped != "" {
		return nil
	}
	samples, err := j.samples(f)
	if err != nil { // the file has changed since it was observed
		j.Skip(i, f.Name, err)
		return nil
	}
	for _, x := range samples {
		if err := j.compare(i, x); err != nil {
			return &FileError{j.model.Name, err}
		}
	}
	if slices.Contains(j.Diagnosed(), i) {
		if err := j.diagnose(i, samples[0]); err != nil {
			return &FileError{j.model.Name, err}
		}
	}
	r.compared = true
	j.records[i] = r
	return nil
}

// compare runs both models in step, so that no more than one activation of each is needed at a time.
func (j *Job) compare(i int, x *tensor.Tensor) error {
	var failed error
	next, stop := iter.Pull2(flow(j.quantized.program, j.feed(x), &failed))
	defer stop()
	early := map[string]*tensor.Tensor{} // quantized values that come before their turn
	out, err := j.float.Run(j.feed(x), func(v *graph.Value, ref *tensor.Tensor) {
		k := slices.IndexFunc(j.layers, func(l layer) bool { return l.value == v.Name })
		if k < 0 || !j.quantized.watched[v.Name] {
			return
		}
		got := early[v.Name]
		for got == nil {
			q, t, ok := next()
			if !ok {
				return
			}
			if name := j.quantized.stands[q.Name]; name == v.Name {
				got = t
			} else {
				early[name] = tensor.Of(slices.Clone(t.F32()), t.Shape...)
			}
		}
		if j.layers[k].output {
			j.tallies[k].Add(i, ref.F32(), got.F32())
		} else {
			j.tallies[k].AddSums(i, false, difference(ref.F32(), got.F32()))
		}
	})
	if err == nil {
		err = failed
	}
	if err == nil && slices.Contains(j.spread(maxPredicted), i) {
		err = j.predict(i, x, out)
	}
	return err
}

// flow yields the watched values of a run, each valid until the next is asked for.
func flow(p program, in map[string]*tensor.Tensor, failed *error) iter.Seq2[*graph.Value, *tensor.Tensor] {
	return func(yield func(*graph.Value, *tensor.Tensor) bool) {
		on := true
		_, *failed = p.Run(in, func(v *graph.Value, t *tensor.Tensor) {
			on = on && yield(v, t)
		})
	}
}

// difference sums up how far got is from ref. Layers are large and looked at on every image, so the kernel does it; only
// where it meets a value that is not finite are all values looked at one by one.
func difference(ref, got []float32) eval.Sums {
	signal, noise := kernel.Noise(ref, got)
	if sum := signal + noise; math.IsNaN(sum) || math.IsInf(sum, 0) {
		return eval.Compare(ref, got)
	}
	return eval.Sums{Signal: signal, Noise: noise, Count: int64(len(ref))}
}
