package engine

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"dropquant/engine/calib"
	"dropquant/engine/graph"
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
	judged     = 6 // images on which candidates are compared
)

// candidates are the estimators that Auto tries. Each of them is the best on some network.
var candidates = []string{calib.Default, "mean-minmax", "entropy"}

// probe is what a job learns from a few images between the statistics and the quantized model.
type probe struct {
	plan   *target.Plan // of the graph that can be computed
	layers *target.Probe
	costs  []target.Cost
	biases map[string]*tune.Bias       // by estimator
	inputs []*tensor.Tensor            // of the first images
	wanted []map[string]*tensor.Tensor // what the float model gives for them
}

// estimators returns those to choose among.
func (j *Job) estimators() []string {
	if j.options.Estimator == Auto {
		return candidates
	}
	return []string{j.options.Estimator}
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
	var failed error
	out, err := j.float.Run(j.feed(x), func(v *graph.Value, t *tensor.Tensor) {
		if try && failed == nil {
			failed = p.layers.See(v, t)
		}
		for _, e := range j.estimators() {
			p.biases[e].See(v, t)
		}
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return err
	}
	if len(p.inputs) < judged {
		p.inputs = append(p.inputs, x)
		wanted := map[string]*tensor.Tensor{}
		for name, t := range out {
			if t.DType == tensor.Float32 {
				wanted[name] = tensor.Of(slices.Clone(t.F32()), t.Shape...)
			}
		}
		p.wanted = append(p.wanted, wanted)
	}
	if !try {
		return nil
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
	var float []string
	if len(j.kept) > 0 { // the part that can be computed may look as if it ended elsewhere
		for _, d := range j.plan.Nodes {
			if d.State == target.Float {
				float = append(float, d.Node.Name)
			}
		}
	}
	plan := target.Place(j.run, j.target, float...)
	p := &probe{plan: plan, biases: map[string]*tune.Bias{}}
	for i, e := range j.estimators() {
		acts, err := j.ranges(plan, e, nil)
		if err != nil {
			return err
		}
		p.biases[e] = tune.NewBias(plan, acts)
		if i > 0 {
			continue
		}
		if p.layers, err = plan.Probe(acts, j.shapes); err != nil {
			return err
		}
	}
	j.probe = p
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

// quantize places the pairs, with all that probing has taught: it tries the estimators, each with corrected biases, and
// keeps the one whose outputs are the closest, without the correction where that is closer still.
func (j *Job) quantize() (*quantized, error) {
	if j.probe == nil {
		return j.build(recipe{estimator: j.estimators()[0]})
	}
	fragile := j.probe.fragile()
	var best *quantized
	try := func(r recipe) error {
		q, err := j.build(r)
		if err != nil {
			return err
		}
		better, err := j.judge(q, best)
		if better {
			best = q
		}
		return err
	}
	for _, e := range j.estimators() {
		if err := try(recipe{e, fragile, j.probe.biases[e]}); err != nil {
			return nil, err
		}
	}
	err := try(recipe{best.recipe.estimator, fragile, nil})
	return best, err
}

// judge compares a candidate's outputs on the first images with the float model's and reports whether they are closer than
// those of best, the first time nil. It gives up where the noise is more than best's on all images: it can only grow.
func (j *Job) judge(q, best *quantized) (better bool, err error) {
	for i, x := range j.probe.inputs {
		if best != nil && best.sums.Bad == 0 && q.sums.Noise > best.sums.Noise { // of the same signal
			return false, nil
		}
		got, err := q.program.Run(j.feed(x), nil)
		if err != nil {
			return false, err
		}
		for _, l := range j.layers {
			if l.output {
				q.sums = q.sums.Add(difference(j.probe.wanted[i][l.value].F32(), got[l.value].F32()))
			}
		}
	}
	return best == nil || q.sums.SQNR() > best.sums.SQNR(), nil
}
