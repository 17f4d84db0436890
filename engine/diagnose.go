package engine

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"

	"dropquant/engine/eval"
	"dropquant/engine/exec"
	"dropquant/engine/graph"
	"dropquant/engine/intsim"
	"dropquant/engine/kernel"
	"dropquant/engine/quant"
	"dropquant/engine/tensor"
)

// maxDiagnosed is the number of images on which each layer is looked at closely: what a layer does wrong it does wrong on
// every image.
const maxDiagnosed = 3

// diagnosis looks for where the error of the quantized model comes from. On a few images it runs, beside the two models
// that are compared, each layer of the quantized one alone on the float model's activations.
type diagnosis struct {
	own     *forced
	program program                   // runs own, in the first arithmetic of the target
	other   program                   // the same on CPUs without VNNI, where that can differ; or nil
	acts    program                   // own with its weights in float
	float   map[string]*tensor.Tensor // what the float model gives
	spare   []float32
	found   map[int][]detail
}

func newDiagnosis() diagnosis {
	return diagnosis{float: map[string]*tensor.Tensor{}, found: map[int][]detail{}}
}

// rest gives up all but what was found: the programs and activations take more memory than all else, for a few images of many.
func (d *diagnosis) rest() { *d = diagnosis{float: map[string]*tensor.Tensor{}, found: d.found} }

// detail is what one image shows of one layer.
type detail struct {
	own   eval.Sums // the layer alone, fed with the float model's activations
	total eval.Sums // in the whole quantized model
	fixed float64   // noise of the layer alone but for what a bias can take back
	acts  float64   // the same with its weights in float
	round rounding
	wrong saturation // of the layer alone
	low   []float32  // the smallest and largest value of each channel in the float model
	high  []float32
}

// rounding is what the pair on a value does to the float model's elements.
type rounding struct {
	Clip, Round   float64 // Σ (x − x̂)² of the elements beyond the codes, and of the others
	Lost, NonZero int64   // elements that are not 0 and become 0, of those that are not
}

// Diagnosed returns the images that Compare looks at closely: a few of those that were not skipped, evenly spaced.
func (j *Job) Diagnosed() []int { return j.spread(maxDiagnosed) }

// spread returns up to limit of the images that were not skipped, evenly spaced.
func (j *Job) spread(limit int) (images []int) {
	var used []int
	for _, i := range slices.Sorted(maps.Keys(j.records)) {
		if j.records[i].skipped == "" {
			used = append(used, i)
		}
	}
	for _, k := range Sample(len(used), limit) {
		images = append(images, used[k])
	}
	return images
}

// startDiagnosis prepares the programs.
func (j *Job) startDiagnosis() error {
	g, err := cut(j.quantized.graph, j.kept)
	if err != nil {
		return err
	}
	names := make([]string, len(j.layers))
	for k, l := range j.layers {
		names[k] = l.value
	}
	d := &j.diagnosis
	d.own = force(g, names)
	backends := backendsOf(j.target.Name)
	if d.program, err = backends[0].compile(d.own.graph, j.shapes, intsim.Options{MaxMemory: maxMemory, Exact: j.options.Exact}); err != nil {
		return err
	}
	if len(backends) > 1 && j.differs() {
		if d.other, err = backends[1].compile(d.own.graph, j.shapes, intsim.Options{MaxMemory: maxMemory, Exact: j.options.Exact}); err != nil {
			return err
		}
	}
	acts := d.own.graph.Clone()
	floatWeights(acts, j.quantized.plan, j.graph)
	d.acts, err = compile(acts, j.shapes, exec.Options{MaxMemory: maxMemory, Exact: j.options.Exact})
	return err
}

// diagnose looks closely at image i.
func (j *Job) diagnose(i int, x *tensor.Tensor) error {
	d := &j.diagnosis
	defer d.rest()
	if err := j.startDiagnosis(); err != nil {
		return err
	}
	float := d.float
	if _, err := j.float.Run(j.feed(x), func(v *graph.Value, t *tensor.Tensor) {
		if t.DType != tensor.Float32 {
			return
		}
		if float[v.Name] == nil {
			float[v.Name] = tensor.New(tensor.Float32, t.Shape...)
		}
		float[v.Name].CopyFrom(t)
	}); err != nil {
		return err
	}
	details := make([]detail, len(j.layers))
	for k, l := range j.layers {
		t := float[l.value]
		if t == nil { // nothing that comes from the input
			continue
		}
		details[k].low, details[k].high = channels(t)
		if p, ok := j.quantized.params[l.value]; ok {
			details[k].round = roundingOf(t.F32(), d.room(t), p)
		}
	}
	in := j.feed(x)
	for name, value := range d.own.inputs {
		in[name] = float[value]
	}
	alone := func(p program, see func(d *detail, want, got *tensor.Tensor)) (map[string]*tensor.Tensor, error) {
		out, err := p.Run(in, nil)
		if err != nil {
			return nil, err
		}
		for k, l := range j.layers {
			if got, want := out[d.own.gives[l.value]], float[l.value]; got != nil && want != nil {
				see(&details[k], want, got)
			}
		}
		return out, nil
	}
	exact, err := alone(d.program, func(d *detail, want, got *tensor.Tensor) {
		d.own = difference(want.F32(), got.F32())
		d.fixed = d.own.Noise - shifts(want, got)
	})
	if err != nil {
		return err
	}
	if d.other != nil {
		other, err := d.other.Run(in, nil)
		if err != nil {
			return err
		}
		for k, l := range j.layers {
			if name := d.own.gives[l.value]; exact[name] != nil {
				details[k].wrong = saturated(exact[name], other[name])
			}
		}
	}
	if _, err := alone(d.acts, func(d *detail, want, got *tensor.Tensor) {
		d.acts = difference(want.F32(), got.F32()).Noise - shifts(want, got)
	}); err != nil {
		return err
	}
	at := map[string]int{}
	for k, l := range j.layers {
		at[l.value] = k
	}
	if _, err := j.quantized.program.Run(j.feed(x), func(v *graph.Value, t *tensor.Tensor) {
		if name, ok := j.quantized.stands[v.Name]; ok && float[name] != nil {
			details[at[name]].total = comparison(float[name].F32(), t.F32(), d.room(t))
		}
	}); err != nil {
		return err
	}
	d.found[i] = details
	return nil
}

// room returns as many spare elements as t has.
func (d *diagnosis) room(t *tensor.Tensor) []float32 {
	d.spare = slices.Grow(d.spare[:0], t.Len())[:t.Len()]
	return d.spare
}

// shifts returns the part of Σ (want − got)² that a bias could take back: of the mean of each channel, [1, C, …]. Biases
// have been corrected for rounded weights, and would be wrong for others. Channels of few elements have none.
func shifts(want, got *tensor.Tensor) (noise float64) {
	const enough = 16
	if len(want.Shape) < 3 || want.Shape[0] != 1 || tensor.Size(want.Shape[2:]) < enough {
		return 0
	}
	a, b := make([]float32, want.Shape[1]), make([]float32, want.Shape[1])
	kernel.GlobalAveragePool(a, want.F32())
	kernel.GlobalAveragePool(b, got.F32())
	for c := range a {
		if e := float64(a[c]) - float64(b[c]); !math.IsNaN(e) && !math.IsInf(e, 0) {
			noise += e * e
		}
	}
	return noise * float64(tensor.Size(want.Shape[2:]))
}

// comparison is eval.Compare by the kernel's sums; spare is as long as the values.
func comparison(want, got, spare []float32) eval.Sums {
	s := difference(want, got)
	if s.Bad > 0 {
		return s
	}
	s.Output = difference(got, want).Signal
	s.Dot = (s.Signal + s.Output - s.Noise) / 2
	kernel.Sub(spare, want, got)
	lo, hi, _ := kernel.MinMax(spare)
	s.MaxAbs = max(0, float64(hi), -float64(lo))
	return s
}

// channels returns the smallest and largest finite value of each channel of t, [1, C, …]; nil when it has none.
func channels(t *tensor.Tensor) (low, high []float32) {
	if len(t.Shape) < 2 || t.Shape[0] != 1 || t.Len() == 0 {
		return nil, nil
	}
	n := t.Shape[1]
	inner := t.Len() / n
	for c := range n {
		lo, hi, _ := kernel.MinMax(t.F32()[c*inner : (c+1)*inner])
		low, high = append(low, lo), append(high, hi)
	}
	return low, high
}

// roundingOf splits the error of rounding x, into rounded, into that of elements beyond the codes and that of the others.
func roundingOf(x, rounded []float32, p quant.Params) (r rounding) {
	kernel.FakeQuantize(rounded, x, p.Scale[0], p.Zero[0], p.QMin, p.QMax)
	lo, hi := p.Real(0)
	lo, hi = lo-p.Scale[0]/2, hi+p.Scale[0]/2
	if least, most, _ := kernel.MinMax(x); least < lo || most > hi {
		for i, v := range x {
			if v >= lo && v <= hi {
				continue
			}
			if e := float64(v) - float64(rounded[i]); !math.IsNaN(e) && !math.IsInf(e, 0) {
				r.Clip += e * e
			}
		}
	}
	for i, v := range rounded {
		if x[i] != 0 {
			r.NonZero++
			if v == 0 {
				r.Lost++
			}
		}
	}
	r.Round = max(0, difference(x, rounded).Noise-r.Clip)
	return r
}

// appendBinary appends what was found, in the order of the images.
func (d *diagnosis) appendBinary(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(d.found)))
	for _, i := range slices.Sorted(maps.Keys(d.found)) {
		b = binary.AppendUvarint(b, uint64(i))
		for _, l := range d.found[i] {
			for _, s := range []eval.Sums{l.own, l.total} {
				b = appendFloats(b, s.Signal, s.Noise, s.Output, s.Dot, s.MaxAbs)
				b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(s.Count)), uint64(s.Bad))
			}
			b = appendFloats(b, l.fixed, l.acts, l.round.Clip, l.round.Round)
			b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(l.round.Lost)), uint64(l.round.NonZero))
			b = binary.AppendUvarint(b, uint64(len(l.wrong.channels)))
			for _, hit := range l.wrong.channels {
				b = append(b, flag(hit))
			}
			b = binary.AppendUvarint(b, uint64(l.wrong.hits))
			b = binary.AppendUvarint(b, uint64(len(l.low)))
			for c := range l.low {
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(l.low[c]))
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(l.high[c]))
			}
		}
	}
	return b
}

func appendFloats(b []byte, list ...float64) []byte {
	for _, x := range list {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
	}
	return b
}

// details reads what appendBinary wrote, for a number of layers.
func (d *stateReader) details(layers int) map[int][]detail {
	out := map[int][]detail{}
	for n := d.length(1); n > 0 && d.err == nil; n-- {
		i := int(d.uvarint() & math.MaxInt32)
		list := make([]detail, layers)
		for k := range list {
			l := &list[k]
			for _, s := range []*eval.Sums{&l.own, &l.total} {
				for _, f := range []*float64{&s.Signal, &s.Noise, &s.Output, &s.Dot, &s.MaxAbs} {
					*f = d.float64()
				}
				s.Count, s.Bad = int64(d.uvarint()), int64(d.uvarint())
			}
			l.fixed, l.acts = d.float64(), d.float64()
			l.round = rounding{Clip: d.float64(), Round: d.float64(), Lost: int64(d.uvarint()), NonZero: int64(d.uvarint())}
			for c := d.length(1); c > 0 && d.err == nil; c-- {
				l.wrong.channels = append(l.wrong.channels, d.byte() == 1)
			}
			l.wrong.hits = int64(d.uvarint())
			for c := d.length(8); c > 0 && d.err == nil; c-- {
				l.low, l.high = append(l.low, d.float32()), append(l.high, d.float32())
			}
		}
		out[i] = list
	}
	return out
}

func (d *stateReader) float64() float64 {
	if b := d.take(8); b != nil {
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return 0
}

func (d *stateReader) float32() float32 {
	if b := d.take(4); b != nil {
		return math.Float32frombits(binary.LittleEndian.Uint32(b))
	}
	return 0
}
