package engine

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"dropquant/engine/calib"
	"dropquant/engine/graph"
	"dropquant/engine/intsim"
	"dropquant/engine/observe"
	"dropquant/engine/quant"
	"dropquant/engine/report"
	"dropquant/engine/target"
)

// Version is what exported files and reports say made them.
const Version = "0.1.0"

// quantized is what Quantize makes.
type quantized struct {
	graph    *graph.Graph // the file
	plan     *target.Plan // of graph
	recipe   recipe
	program  program           // runs it, as far as it can be computed, in the arithmetic of the target; nil before the first image
	stands   map[string]string // watched value → the float value in whose place it stands
	watched  map[string]bool   // float values that have such a stand-in
	params   map[string]quant.Params
	ranges   map[string][2]float32 // estimated for all that share them
	observed map[string][2]float32 // the smallest and largest value seen
	clipped  map[string]float64    // share of the values outside of the codes' reals
	warnings []report.Diagnostic

	corrected  int // layers whose bias was corrected
	saturating int // layers whose products can overflow int16 on some CPU that the target runs on
}

// Quantize chooses the ranges and places the pairs. All shares must have been merged, after Observe and after Try: it fails when no
// image could be used. Then the model can be exported, before or after it is compared.
func (j *Job) Quantize() error {
	if j.used() == 0 {
		return j.noImages()
	}
	q, err := j.best()
	if err != nil {
		return &FileError{j.model.Name, err}
	}
	if j.target.Pairs {
		q.saturating = saturating(q.plan)
	}
	j.quantized, j.stats, j.probe, j.probed, j.tries, j.found, j.fitted, j.built = q, nil, nil, nil, nil, nil, target.Fitted{}, built{}
	j.startPredictions()
	return nil
}

// Quantized reports whether Quantize was done.
func (j *Job) Quantized() bool { return j.quantized != nil }

// build makes one candidate.
func (j *Job) build(r recipe) (*quantized, error) {
	q, err := j.place(r)
	if errors.Is(err, errUnobserved) { // a pair moved to where nobody looked: do without
		r.fragile = nil
		return j.place(r)
	}
	return q, err
}

// errUnobserved: a plan needs the range of a value that was not observed.
var errUnobserved = errors.New("the value was not observed")

// place puts the pairs into a copy of the graph.
func (j *Job) place(r recipe) (*quantized, error) {
	q := &quantized{graph: j.graph.Clone(), recipe: r,
		stands: map[string]string{}, watched: map[string]bool{}, params: map[string]quant.Params{}, ranges: map[string][2]float32{}, observed: map[string][2]float32{}, clipped: map[string]float64{}}
	float := append(slices.Sorted(maps.Keys(r.fragile)), j.kept...)
	q.plan = target.Place(q.graph, j.target, float...)
	q.plan.Fitted = &j.fitted
	acts, err := j.ranges(q.plan, r.estimator, q)
	if err != nil {
		return nil, err
	}
	if r.corrected {
		q.corrected = j.probe.bias.Apply(q.plan, acts, j.means(), slices.Index(j.estimators(), r.estimator))
	}
	return q, target.Insert(q.graph, q.plan, acts, nil)
}

// ranges finds the parameters of every group of a plan, and tells q, which may be nil, what it found.
func (j *Job) ranges(plan *target.Plan, estimator string, q *quantized) (map[*target.Group]quant.Params, error) {
	stats := j.statsByName()
	acts := map[*target.Group]quant.Params{}
	for _, group := range plan.Groups() {
		lo, hi, err := j.groupRange(group, estimator, stats)
		if err != nil && !calib.Warning(err) {
			return nil, fmt.Errorf("value %q: %w", group.Name, err)
		}
		acts[group] = group.Params(lo, hi)
		if q == nil {
			continue
		}
		if err != nil {
			q.warnings = append(q.warnings, report.Diagnostic{ID: report.BadRange, Node: group.Name, Text: err.Error()})
		}
		for _, p := range group.Pairs {
			q.params[p.Value.Name], q.ranges[p.Value.Name] = acts[group], [2]float32{lo, hi}
			if s := stats[p.Value.Name]; s != nil {
				q.clipped[p.Value.Name] = outside(s, acts[group])
				if lo, hi, ok := s.Range(); ok {
					q.observed[p.Value.Name] = [2]float32{lo, hi}
				}
			}
		}
	}
	return acts, nil
}

// outside returns the share of the values that are farther from all codes than rounding explains.
func outside(s *observe.Stat, p quant.Params) float64 {
	lo, hi := p.Real(0)
	return s.Histogram().Outside(lo-p.Scale[0]/2, hi+p.Scale[0]/2)
}

// found is an estimate that was made.
type found struct {
	lo, hi float32
	err    error
}

// groupRange estimates the range of values that share their parameters, from all of them together.
func (j *Job) groupRange(group *target.Group, estimator string, stats map[string]*observe.Stat) (lo, hi float32, err error) {
	var names []string
	for _, v := range group.Values {
		more := j.sources(v, stats)
		if len(more) == 0 {
			return 0, 0, errUnobserved
		}
		names = append(names, more...)
	}
	key := fmt.Sprintf("%s %q", estimator, names) // candidates differ in few of their groups
	f, known := j.found[key]
	if !known {
		all := &observe.Stat{}
		for _, name := range names {
			all.Merge(stats[name])
		}
		f.lo, f.hi, f.err = calib.Range(estimator, all, group.Grid, j.options.estimation())
		j.found[key] = f
	}
	return f.lo, f.hi, f.err
}

// sources returns the observed values that tell the range of v: itself, or when leaving layers in float has moved a pair to
// where nothing was observed, the values whose elements reach it.
func (j *Job) sources(v *graph.Value, stats map[string]*observe.Stat) (names []string) {
	if stats[v.Name] != nil {
		return []string{v.Name}
	}
	if group := j.plan.GroupOf(j.graph.Value(v.Name)); group != nil {
		for _, w := range group.Values {
			names = append(names, w.Name)
		}
	}
	return names
}

// compile makes q run in the arithmetic of its target, with what stands in the place of the layers in view.
func (j *Job) compile(q *quantized) error {
	g, err := cut(q.graph, j.kept)
	if err != nil {
		return err
	}
	watch := map[*graph.Value]bool{}
	for _, l := range j.layers {
		v := g.Value(l.value)
		if v == nil {
			continue
		}
		v = dequantized(v)
		q.stands[v.Name], q.watched[l.value] = l.value, true
		watch[v] = true
	}
	p, err := backendsOf(j.target.Name)[0].compile(g, j.shapes, intsim.Options{Watch: watch, MaxMemory: maxMemory, Exact: j.options.Exact, Progress: j.enter})
	if err == nil {
		q.program = j.named(p, g)
	}
	return err
}

// dequantized returns what stands in the place of v: the output of its pair, or v when it has none.
func dequantized(v *graph.Value) *graph.Value {
	for _, u := range v.Uses {
		if u.Node.Op != "QuantizeLinear" || u.Index != 0 {
			continue
		}
		for _, w := range u.Node.Out(0).Uses {
			if w.Node.Op == "DequantizeLinear" {
				return w.Node.Out(0)
			}
		}
	}
	return v
}

// sign writes into the file how it was made. Nothing that differs from run to run is among it.
func (j *Job) sign(q *quantized) {
	for _, kv := range [][2]string{
		{"dropquant.version", Version},
		{"dropquant.target", j.target.Name},
		{"dropquant.estimator", q.recipe.estimator},
		{"dropquant.preset", j.options.Preset.Name},
		{"dropquant.cpu", j.cpu()},
		{"dropquant.images", fmt.Sprint(j.used())},
		{"dropquant.bias_corrected", fmt.Sprint(q.corrected)},
		{"dropquant.source.sha256", j.model.Hash()},
	} {
		if kv[1] != "" {
			q.graph.SetMetadata(kv[0], kv[1])
		}
	}
}

// cpu returns the kind of CPU that the file is for, "" where it makes no difference.
func (j *Job) cpu() string {
	if !j.target.Pairs {
		return ""
	}
	return j.options.CPU
}

// Export returns the quantized model's file, in pieces that share memory with the source.
func (j *Job) Export() ([][]byte, error) {
	if j.file == nil {
		files, err := j.ExportAs(Formats[0])
		if err != nil {
			return nil, err
		}
		j.file = files[0]
	}
	return j.file, nil
}
