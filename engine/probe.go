package engine

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/quant"
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

// probe looks at a few images between the statistics and the quantized model.
type probe struct {
	plan   *target.Plan // of the graph that can be computed
	layers *target.Probe
	bias   *tune.Bias // a set of parameters for each estimator
}

// probed is what one image shows.
type probed struct {
	costs   []energy // of the layers of the probe; nil but for the first images
	means   tune.Means
	outputs [][]float32 // of the float model, where candidates are compared; nil if they are large
}

// maxExchanged bounds the outputs of one image that workers tell each other, in elements: running the model again takes less than
// sending more.
const maxExchanged = 1 << 16

// energy is the signal of a layer's output and the noise that rounding its input adds, as sums of squares.
type energy struct{ signal, noise float64 }

// estimators returns those to choose among.
func (j *Job) estimators() []string {
	if j.options.Estimator == Auto {
		return candidates
	}
	return []string{j.options.Estimator}
}

// Probes returns the images to Probe once all shares of Observe have been merged, in this order: the first that were not skipped.
// Each of them is probed by one job, and what that finds is merged again.
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
	if err := j.look(i, samples[0]); err != nil {
		return &FileError{j.model.Name, err}
	}
	return nil
}

func (j *Job) look(i int, x *tensor.Tensor) error {
	p, err := j.startProbe()
	if err != nil {
		return err
	}
	first := j.Probes()
	try := slices.Contains(first[:min(triedFirst, len(first))], i)
	var found probed
	var failed error
	out, err := j.float.Run(j.feed(x), func(v *graph.Value, t *tensor.Tensor) {
		if try && failed == nil {
			failed = p.layers.See(v, t)
		}
		found.means = p.bias.See(found.means, v, t)
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return err
	}
	if try {
		for _, c := range p.layers.Take() {
			found.costs = append(found.costs, energy{c.Signal, c.Noise})
		}
	}
	if slices.Contains(j.judgedOn(), i) {
		found.outputs = small(j.floats(out))
	}
	j.probed[i] = found
	return nil
}

// small returns copies of the outputs of an image, nil if they are more than workers tell each other.
func small(out [][]float32) (copies [][]float32) {
	n := 0
	for _, x := range out {
		if n += len(x); n > maxExchanged {
			return nil
		}
		copies = append(copies, slices.Clone(x))
	}
	return copies
}

// startProbe prepares for the first image.
func (j *Job) startProbe() (*probe, error) {
	if j.probe != nil {
		return j.probe, nil
	}
	var float []string
	if len(j.kept) > 0 { // the part that can be computed may look as if it ended elsewhere
		for _, d := range j.plan.Nodes {
			if d.State == target.Float {
				float = append(float, d.Node.Name)
			}
		}
	}
	plan := target.Place(j.run, j.target, float...)
	var sets []map[*target.Group]quant.Params
	for _, e := range j.estimators() {
		acts, err := j.ranges(plan, e, nil)
		if err != nil {
			return nil, err
		}
		sets = append(sets, acts)
	}
	layers, err := plan.Probe(sets[0], j.shapes)
	if err != nil {
		return nil, err
	}
	j.probe = &probe{plan: plan, layers: layers, bias: tune.NewBias(plan, sets...)}
	return j.probe, nil
}

// fragile returns what is to stay float for the sake of layers that one scale for their input cannot serve, and why.
func (j *Job) fragile() (map[string]string, error) {
	p, err := j.startProbe()
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	sums := p.layers.Take() // nothing but which layers there are
	for _, i := range slices.Sorted(maps.Keys(j.probed)) {
		costs := j.probed[i].costs
		for k := range min(len(costs), len(sums)) {
			sums[k].Signal += costs[k].signal
			sums[k].Noise += costs[k].noise
		}
	}
	for _, c := range sums {
		if db := c.SQNR(); db < target.Fragile && !math.IsNaN(db) {
			for _, name := range p.plan.Keep(c.Node) {
				out[name] = fmt.Sprintf("one scale cannot serve the input of %q: rounding it alone would leave %.1f dB", c.Node.Name, db)
			}
		}
	}
	return out, nil
}

// means returns what the probed images show for correcting biases, in their order.
func (j *Job) means() (list []tune.Means) {
	for _, i := range slices.Sorted(maps.Keys(j.probed)) {
		list = append(list, j.probed[i].means)
	}
	return list
}

// appendProbed appends what probing found, in the order of the images.
func appendProbed(b []byte, found map[int]probed) []byte {
	b = binary.AppendUvarint(b, uint64(len(found)))
	for _, i := range slices.Sorted(maps.Keys(found)) {
		p := found[i]
		b = binary.AppendUvarint(b, uint64(i))
		b = binary.AppendUvarint(b, uint64(len(p.costs)))
		for _, c := range p.costs {
			b = appendFloats(b, c.signal, c.noise)
		}
		b = appendVectors(appendVectors(b, p.means), p.outputs)
	}
	return b
}

func appendVectors(b []byte, list [][]float32) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, v := range list {
		b = binary.AppendUvarint(b, uint64(len(v)))
		for _, x := range v {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
		}
	}
	return b
}

// vectors reads what appendVectors wrote.
func (d *stateReader) vectors() (list [][]float32) {
	for k := d.length(1); k > 0 && d.err == nil; k-- {
		var v []float32
		if n := d.length(4); n > 0 {
			v = make([]float32, n)
			for i := range v {
				v[i] = d.float32()
			}
		}
		list = append(list, v)
	}
	return list
}

// probed reads what appendProbed wrote.
func (d *stateReader) probed() map[int]probed {
	out := map[int]probed{}
	for n := d.length(3); n > 0 && d.err == nil; n-- {
		i := int(d.uvarint() & math.MaxInt32)
		var p probed
		for k := d.length(16); k > 0 && d.err == nil; k-- {
			p.costs = append(p.costs, energy{d.float64(), d.float64()})
		}
		p.means, p.outputs = d.vectors(), d.vectors()
		out[i] = p
	}
	return out
}
