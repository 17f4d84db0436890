package engine

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/kernel"
	"dropquant/engine/target"
	"dropquant/engine/tensor"
	"dropquant/engine/tune"
)

// Probe takes its images from the head of the list, so that a page knows which to send before it knows which were
// skipped. Layers are tried in integers on the first few of them, which show at once what one scale cannot serve; means
// are taken over all.
const (
	ProbeHead  = 20
	maxProbes  = 16
	triedFirst = 3
)

// probe is what a job learns from a few images between the statistics and the quantized model.
type probe struct {
	plan   *target.Plan // of the graph that can be computed
	layers *target.Probe
	costs  []target.Cost
	bias   *tune.Bias
	inputs []*tensor.Tensor // of the first images
}

// Probes returns the images that every job is to Probe before Quantize, in this order, once all shares have been merged:
// the first that were not skipped. All jobs probe the same ones, so that all decide the same.
func (j *Job) Probes() (images []int) {
	for _, i := range slices.Sorted(maps.Keys(j.records)) {
		if j.records[i].skipped == "" && i < ProbeHead && len(images) < maxProbes {
			images = append(images, i)
		}
	}
	return images
}

// Probe runs the float model on image i and looks at what rounding its values one by one would do. An image that cannot
// be read any more is left out.
func (j *Job) Probe(i int, f File) error {
	samples, err := j.samples(f)
	if err != nil {
		return nil
	}
	if err := j.look(samples[0]); err != nil {
		return &FileError{j.model.Name, err}
	}
	return nil
}

func (j *Job) look(x *tensor.Tensor) error {
	if j.probe == nil {
		if err := j.startProbe(); err != nil {
			return err
		}
	}
	p := j.probe
	try := len(p.inputs) < triedFirst
	if try {
		p.inputs = append(p.inputs, x)
	}
	var failed error
	_, err := j.float.Run(j.feed(x), func(v *graph.Value, t *tensor.Tensor) {
		if try && failed == nil {
			failed = p.layers.See(v, t)
		}
		p.bias.See(v, t)
	})
	if err == nil {
		err = failed
	}
	if err != nil || !try {
		return err
	}
	for k, c := range p.layers.Take() {
		if k == len(p.costs) {
			p.costs = append(p.costs, target.Cost{Node: c.Node})
		}
		p.costs[k].Signal += c.Signal
		p.costs[k].Noise += c.Noise
	}
	return nil
}

func (j *Job) startProbe() error {
	plan := target.Place(j.run, j.target)
	acts, err := j.ranges(plan, nil)
	if err != nil {
		return err
	}
	layers, err := plan.Probe(acts, j.shapes)
	if err != nil {
		return err
	}
	j.probe = &probe{plan: plan, layers: layers, bias: tune.NewBias(plan, acts)}
	return nil
}

// fragile returns what is to stay float for the sake of layers that one scale for their input cannot serve, and why.
func (p *probe) fragile() map[string]string {
	out := map[string]string{}
	for _, c := range p.costs {
		if db := c.SQNR(); db < target.Fragile && !math.IsNaN(db) {
			for _, name := range p.plan.Keep(c.Node) {
				out[name] = fmt.Sprintf("one scale cannot serve the input of %q: rounding it alone would leave %.1f dB", c.Node.Name, db)
			}
		}
	}
	return out
}

// quantize places the pairs, with all that probing has taught.
func (j *Job) quantize() (*quantized, error) {
	if j.probe == nil {
		return j.build(nil, nil)
	}
	fragile := j.probe.fragile()
	plain, err := j.build(fragile, nil)
	if err != nil {
		return nil, err
	}
	corrected, err := j.build(fragile, j.probe.bias)
	if err != nil || corrected.corrected == 0 {
		return plain, err
	}
	before, err := j.tryOut(plain)
	if err != nil {
		return nil, err
	}
	after, err := j.tryOut(corrected)
	if err != nil || after <= before {
		return plain, err
	}
	return corrected, nil
}

// tryOut returns the SQNR in dB of a candidate's outputs on the first images.
func (j *Job) tryOut(q *quantized) (float64, error) {
	signal, noise := 0.0, 0.0
	for _, x := range j.probe.inputs {
		want, err := j.float.Run(j.feed(x), nil)
		if err != nil {
			return 0, err
		}
		got, err := q.program.Run(j.feed(x), nil)
		if err != nil {
			return 0, err
		}
		for _, l := range j.layers {
			if l.output {
				s, n := kernel.Noise(want[l.value].F32(), got[l.value].F32())
				signal, noise = signal+s, noise+n
			}
		}
	}
	return 10 * math.Log10(signal/noise), nil
}
