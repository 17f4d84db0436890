package engine

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"dropquant/engine/eval"
	"dropquant/engine/graph"
	"dropquant/engine/report"
	"dropquant/engine/tensor"
)

// details sums up what the images that were looked at closely show of each layer; nil when there were none.
func (j *Job) details() []*report.Detail {
	if len(j.diagnosis.found) == 0 {
		return nil
	}
	sums := make([]detail, len(j.layers))
	for _, i := range slices.Sorted(maps.Keys(j.diagnosis.found)) {
		for k, d := range j.diagnosis.found[i] {
			sums[k].add(d)
		}
	}
	out := make([]*report.Detail, len(j.layers))
	for k, l := range j.layers {
		out[k] = sums[k].report()
		out[k].Saturated = sums[k].wrong.report(len(j.diagnosis.found))
		j.describe(out[k], l, &sums[k])
	}
	return out
}

// add adds what another image shows.
func (d *detail) add(e detail) {
	d.own, d.total = d.own.Add(e.own), d.total.Add(e.total)
	d.fixed, d.acts = d.fixed+e.fixed, d.acts+e.acts
	d.round.Clip += e.round.Clip
	d.round.Round += e.round.Round
	d.round.Lost += e.round.Lost
	d.round.NonZero += e.round.NonZero
	if e.wrong.hits > 0 {
		d.wrong.add(e.wrong)
	}
	if d.low == nil {
		d.low, d.high = slices.Clone(e.low), slices.Clone(e.high)
		return
	}
	for c := range min(len(d.low), len(e.low)) {
		d.low[c], d.high[c] = min(d.low[c], e.low[c]), max(d.high[c], e.high[c])
	}
}

// report returns what the sums alone tell.
func (d *detail) report() *report.Detail {
	noise := d.round.Clip + d.round.Round
	r := &report.Detail{
		Own: sqnr(d.own), Total: sqnr(d.total), Weights: math.NaN(), Cosine: d.total.Cosine(), MaxError: d.total.MaxAbs,
		Rounding: sqnr(eval.Sums{Signal: d.total.Signal, Noise: noise, Count: d.total.Count}), Channels: spread(d.low, d.high),
	}
	if n := d.total.Count; n > 0 {
		r.RMS = math.Sqrt(d.total.Signal / float64(n))
	}
	if noise > 0 {
		r.Clip = d.round.Clip / noise
	}
	if d.round.NonZero > 0 {
		r.Lost = float64(d.round.Lost) / float64(d.round.NonZero)
	}
	return r
}

// spread compares the magnitudes of channels.
func spread(low, high []float32) report.Spread {
	sizes := make([]float64, 0, len(low))
	s := report.Spread{Count: len(low)}
	for c := range low {
		size := max(math.Abs(float64(low[c])), math.Abs(float64(high[c])))
		if math.IsInf(size, 0) { // no element is finite
			size = 0
		}
		if size > s.Max {
			s.Max, s.Widest = size, c
		}
		sizes = append(sizes, size)
	}
	if len(sizes) > 0 {
		slices.Sort(sizes)
		s.Median = sizes[len(sizes)/2]
	}
	return s
}

// describe adds what the model and the plan tell of a layer.
func (j *Job) describe(r *report.Detail, l layer, d *detail) {
	v := j.run.Value(l.value)
	var weighted []*graph.Node
	r.Inputs, weighted = j.inside(v)
	for _, u := range v.Uses {
		r.Depthwise = r.Depthwise || isDepthwise(u.Node)
	}
	if r.Channels.Count > 0 {
		r.Unsigned = slices.Min(d.low) >= 0
	}
	if p, ok := j.quantized.params[l.value]; ok {
		lo, hi := p.Real(0)
		seen := j.quantized.observed[l.value]
		r.Used = min(1, max(0, float64(min(seen[1], hi)-max(seen[0], lo))/float64(hi-lo)))
		r.Tied, r.TiedTimes = j.tied(l)
	}
	if d.fixed > 0 && len(weighted) > 0 {
		r.Weights = max(0, 1-d.acts/d.fixed)
	}
	if len(weighted) != 1 { // which of several is to blame is not known
		return
	}
	for _, w := range j.quantized.plan.Weights {
		if slices.ContainsFunc(w.Nodes, func(n *graph.Node) bool { return n.Name == weighted[0].Name }) {
			r.WeightChannels, r.PerChannel = weightSpread(w.Value.Const, w.Axis), w.Axis >= 0
		}
	}
}

// tied returns the value of the widest range among those that share the scale of l, and how many times wider it is.
func (j *Job) tied(l layer) (name string, times float64) {
	g := j.plan.GroupOf(j.graph.Value(l.value))
	if g == nil {
		return "", 0
	}
	width := func(name string) float64 {
		r := j.quantized.observed[name]
		return float64(r[1]) - float64(r[0])
	}
	own := width(l.value)
	for _, v := range g.Values {
		if w := width(v.Name); v.Name != l.value && own > 0 && w/own > times {
			name, times = v.Name, w/own
		}
	}
	return name, times
}

// inside returns the values of the layers that v is computed from, in the order of the graph, and the nodes with weights on
// the way.
func (j *Job) inside(v *graph.Value) (inputs []string, weighted []*graph.Node) {
	at := map[string]int{}
	for k, l := range j.layers {
		at[l.value] = k
	}
	seen := map[*graph.Value]bool{nil: true}
	var look func(n *graph.Node)
	look = func(n *graph.Node) {
		if n == nil {
			return
		}
		if isWeighted(n) {
			weighted = append(weighted, n)
		}
		for _, in := range n.Inputs {
			if seen[in] {
				continue
			}
			seen[in] = true
			if _, is := at[in.Name]; is {
				inputs = append(inputs, in.Name)
			} else {
				look(in.Producer)
			}
		}
	}
	look(v.Producer)
	slices.SortFunc(inputs, func(a, b string) int { return cmp.Compare(at[a], at[b]) })
	return inputs, weighted
}

// isDepthwise reports whether n is a convolution of one input channel for each group.
func isDepthwise(n *graph.Node) bool {
	return n.Op == "Conv" && n.Int("group", 1) > 1 && len(n.Inputs) > 1 && len(n.Inputs[1].Shape) > 1 && n.Inputs[1].Shape[1] == 1
}

// weightSpread compares the magnitudes of the channels of a weight along axis, its first when one scale serves all.
func weightSpread(w *tensor.Tensor, axis int) report.Spread {
	axis = max(axis, 0)
	if len(w.Shape) <= axis {
		return report.Spread{}
	}
	n, inner := w.Shape[axis], tensor.Size(w.Shape[axis+1:])
	high := make([]float32, n)
	for i, x := range w.F32() {
		c := i / inner % n
		high[c] = max(high[c], float32(math.Abs(float64(x))))
	}
	return spread(high, high)
}
