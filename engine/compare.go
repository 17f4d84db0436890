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

// maxLayered is the number of images on which every layer is compared, which takes twice as long as the outputs alone. The errors
// of layers, sums over many values of an image, settle before the outputs' agreement does. From those of 128 images they differ
// so, in dB, in the mean and at most over all layers:
//
//	              8 images      16            32
//	MobileNetV2   1.75, 9.82    0.25, 1.29    0.29, 0.54
//	SqueezeNet    0.71, 2.03    0.30, 1.08    0.19, 0.76
const maxLayered = 16

// layered returns the images on which every layer is compared: where other CPUs are tried, all of theirs, since both need what
// the float model gives.
func (j *Job) layered() []int {
	if len(j.predictions) > 0 {
		return j.spread(maxPredicted)
	}
	return j.spread(maxLayered)
}

// Compare runs the quantized model on image i, if it was not skipped, and records how far its outputs are from the float
// model's; on some of the images also those of every layer. Quantize comes first.
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
	if j.quantized.program == nil {
		if err := j.compile(j.quantized); err != nil {
			return &FileError{j.model.Name, err}
		}
	}
	compare := j.compareOutputs
	if slices.Contains(j.layered(), i) {
		compare = j.compareLayers
	}
	for k, x := range samples {
		if err := compare(i, k, x); err != nil {
			return &FileError{j.model.Name, err}
		}
	}
	j.outputs.drop(i)
	if slices.Contains(j.Diagnosed(), i) {
		if err := j.diagnose(i, samples[0]); err != nil {
			return &FileError{j.model.Name, err}
		}
	}
	r.compared = true
	j.records[i] = r
	return nil
}

// Rest gives up the programs: a job that has compared its images, or will not, can still report and export.
func (j *Job) Rest() {
	j.float, j.outputs = nil, floatOutputs{}
	if j.quantized != nil {
		j.quantized.program = nil
	}
	for _, p := range j.predictions {
		p.program = nil
	}
}

// compareOutputs runs the quantized model on sample k of image i, and the float one where its outputs were not kept.
func (j *Job) compareOutputs(i, k int, x *tensor.Tensor) error {
	refs := j.outputs.of(i, k)
	if refs == nil {
		out, err := j.float.Run(j.feed(x), nil)
		if err != nil {
			return err
		}
		refs = j.floats(out)
	}
	out, err := j.quantized.program.Run(j.feed(x), nil)
	if err != nil {
		return err
	}
	got := j.floats(out)
	for k, l := range j.layers {
		if l.output {
			j.tallies[k].Add(i, refs[0], got[0])
			refs, got = refs[1:], got[1:]
		}
	}
	return nil
}

// floats returns those outputs that are compared, in the order of the layers.
func (j *Job) floats(out map[string]*tensor.Tensor) (list [][]float32) {
	for _, l := range j.layers {
		if l.output {
			list = append(list, out[l.value].F32())
		}
	}
	return list
}

// maxKept bounds what a job keeps of the float model's outputs, in elements: those of thousands of images of a classifier,
// and of a few of a detector.
const maxKept = 2 << 20

// floatOutputs are what the float model gave while it was observed, as far as there is room: for comparing it need not run again.
type floatOutputs struct {
	kept  map[int][][][]float32 // by image, sample and output
	total int
}

// keep copies the outputs of the next sample of an image.
func (o *floatOutputs) keep(image int, out [][]float32) {
	n := 0
	for _, x := range out {
		n += len(x)
	}
	if o.total+n > maxKept {
		return
	}
	if o.kept == nil {
		o.kept = map[int][][][]float32{}
	}
	var copies [][]float32
	for _, x := range out {
		copies = append(copies, slices.Clone(x))
	}
	o.kept[image] = append(o.kept[image], copies)
	o.total += n
}

// of returns the outputs of sample k of an image, nil when they were not kept.
func (o *floatOutputs) of(image, k int) [][]float32 {
	if list := o.kept[image]; k < len(list) {
		return list[k]
	}
	return nil
}

// drop forgets an image.
func (o *floatOutputs) drop(image int) { delete(o.kept, image) }

// compareLayers runs both models in step, so that no more than one activation of each is needed at a time.
func (j *Job) compareLayers(i, _ int, x *tensor.Tensor) error {
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
	if err == nil && len(j.predictions) > 0 {
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
