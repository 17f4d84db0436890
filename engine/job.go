package engine

import (
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	"dropquant/engine/calib"
	"dropquant/engine/dataset"
	"dropquant/engine/eval"
	"dropquant/engine/exec"
	"dropquant/engine/graph"
	"dropquant/engine/observe"
	"dropquant/engine/target"
	"dropquant/engine/tensor"
)

// Job is one worker's part of quantizing a model: it observes its share of the images, learns what the
// other shares gave, quantizes, and compares its share of the images. It is used from one goroutine.
type Job struct {
	model   *Model
	options Options
	key     string // of its states
	target  *target.Target

	graph  *graph.Graph // folded, in float
	run    *graph.Graph // what of it can be computed
	kept   []string     // nodes that cannot be computed, or lie behind one: they stay as they are
	shapes map[string][]int
	input  dataset.Input
	images bool // pictures fill the input; else only arrays
	plan   *target.Plan
	float  *exec.Program
	layers []layer // what is compared

	stats   []*observe.Stat // beside plan.Values(); nil after Quantize
	records map[int]record  // by image
	tallies []*eval.Tally   // beside layers

	layer       func(name string)
	probe       *probe                    // after the first Probe, until Quantize
	probed      map[int]probed            // by image
	trials      []trial                   // of Try
	tries       map[int]map[int]eval.Sums // by image and recipe
	found       map[string]found
	fitted      target.Fitted
	built       built // after Try, until Quantize
	outputs     floatOutputs
	unsupported []error
	quantized   *quantized // after Quantize
	file        [][]byte   // after Export
	diagnosis   diagnosis
	predictions []*prediction
	marks       map[int][]mark // by image: beside predictions
}

// maxMemory bounds what the float and the quantized program may each take, in bytes: a browser's tab has 4 GB.
const maxMemory = 1792 << 20

// layer is a value whose error is reported.
type layer struct {
	value  string
	node   string // that computes it, or the node into whose kernel that one is fused
	op     string
	output bool // of the model, or of what can be computed of it
}

// record is what a job knows of one image.
type record struct {
	name     string
	skipped  string // why it could not be used, or ""
	compared bool
}

// NewJob prepares a model for options. It fails when the model holds operators that cannot be computed or the
// options do not fit it.
func NewJob(m *Model, o Options) (*Job, error) {
	j, err := newJob(m, o)
	if err != nil {
		return nil, &FileError{m.Name, err}
	}
	return j, nil
}

func newJob(m *Model, o Options) (*Job, error) {
	if err := refuseQuantized(m.graph); err != nil {
		return nil, err
	}
	o, err := o.complete(m)
	if err != nil {
		return nil, err
	}
	j := &Job{model: m, options: o, key: newKey(m, o), records: map[int]record{}, probed: map[int]probed{}, tries: map[int]map[int]eval.Sums{}, found: map[string]found{}, diagnosis: newDiagnosis(), marks: map[int][]mark{}}
	t, err := findTarget(o.Target)
	if err != nil {
		return nil, err
	}
	j.target = forCPU(t, o.CPU)
	in, err := m.image(o.Preset)
	j.input, j.images = in, err == nil
	p, err := m.prepare(o.Preset)
	if err != nil {
		return nil, err
	}
	if p.blocked() {
		return nil, errors.Join(p.unsupported...)
	}
	j.graph, j.run, j.kept, j.shapes, j.unsupported = p.graph, p.run, p.kept, p.shapes, p.unsupported
	j.plan = target.Place(j.graph, j.target, j.kept...)
	j.layers = layersOf(j.plan, p.run)
	watch := map[*graph.Value]bool{}
	for _, l := range j.layers {
		watch[p.run.Value(l.value)] = true
	}
	for _, n := range p.run.Nodes {
		if isWeighted(n) { // Probe looks at what it reads
			watch[n.Inputs[0]] = true
		}
	}
	if j.float, err = exec.Compile(p.run, p.shapes, exec.Options{Watch: watch, MaxMemory: maxMemory, Exact: o.Exact, Progress: j.enter}); err != nil {
		return nil, err
	}
	for range j.plan.Values() {
		j.stats = append(j.stats, calib.NewStat(o.Estimator))
	}
	for range j.layers {
		j.tallies = append(j.tallies, &eval.Tally{})
	}
	return j, nil
}

// layersOf returns what of a plan is compared: every value with a pair of its own, and what leaves the graph.
func layersOf(plan *target.Plan, run *graph.Graph) []layer {
	var out []layer
	add := func(v *graph.Value, output bool) {
		if k := slices.IndexFunc(out, func(l layer) bool { return l.value == v.Name }); k >= 0 {
			out[k].output = out[k].output || output
			return
		}
		l := layer{value: v.Name, output: output}
		if n := v.Producer; n != nil {
			if into := plan.Decision(n).Into; into != nil {
				n = into
			}
			l.node, l.op = n.Name, n.Op
		}
		out = append(out, l)
	}
	for _, v := range plan.Values() {
		add(v, false)
	}
	for _, v := range run.Outputs {
		if v.DType != tensor.Float32 { // indices and classes have no noise
			continue
		}
		add(plan.Graph().Value(v.Name), true)
	}
	return out
}

// OnLayer has f called with the name of each node before it is computed.
func (j *Job) OnLayer(f func(name string)) { j.layer = f }

func (j *Job) enter(node string, _, _ int) {
	if j.layer != nil {
		j.layer(node)
	}
}

// Observe decodes image i, runs the float model on it and adds what flows to the statistics. An image that
// cannot be used is recorded as skipped; the error is for what no image could cure.
func (j *Job) Observe(i int, f File) error {
	samples, err := j.samples(f)
	if err != nil {
		j.Skip(i, f.Name, err)
		return nil
	}
	stats := j.statsByName()
	seed := crc32.ChecksumIEEE(f.Data) // of the file, so that neither its name nor those beside it make a difference
	for _, x := range samples {
		seed++
		out, err := j.float.Run(j.feed(x), func(v *graph.Value, t *tensor.Tensor) {
			if s := stats[v.Name]; s != nil {
				s.Observe(i, seed, t.F32())
			}
		})
		if err != nil {
			return &FileError{j.model.Name, err}
		}
		j.outputs.keep(i, j.floats(out))
	}
	j.records[i] = record{name: f.Name}
	return nil
}

// statsByName returns the statistic of each observed value.
func (j *Job) statsByName() map[string]*observe.Stat {
	stats := map[string]*observe.Stat{}
	for k, v := range j.plan.Values() {
		stats[v.Name] = j.stats[k]
	}
	return stats
}

// Skip records that image i cannot be used.
func (j *Job) Skip(i int, name string, why error) {
	j.records[i] = record{name: name, skipped: why.Error()}
}

// samples decodes a file into what fills the input.
func (j *Job) samples(f File) ([]*tensor.Tensor, error) {
	if !j.images {
		return dataset.Arrays(f.Name, f.Data, j.shapes[j.model.input.Name])
	}
	return dataset.Samples(f.Name, f.Data, j.options.Preset, j.input)
}

func (j *Job) feed(x *tensor.Tensor) map[string]*tensor.Tensor {
	return map[string]*tensor.Tensor{j.model.input.Name: x}
}

// used counts the images that were not skipped.
func (j *Job) used() (n int) {
	for _, r := range j.records {
		if r.skipped == "" {
			n++
		}
	}
	return n
}

// noImages says that nothing was left to calibrate on, and why the first image was not.
func (j *Job) noImages() error {
	first := -1
	for i := range j.records {
		if first < 0 || i < first {
			first = i
		}
	}
	if first < 0 {
		return errors.New("there are no images: add some that the model was made for; about 100 are enough")
	}
	return fmt.Errorf("none of the %d images could be used; the first: %s", len(j.records), j.records[first].skipped)
}
