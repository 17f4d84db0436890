package engine

import (
	"fmt"

	"dropquant/engine/calib"
	"dropquant/engine/exec"
	"dropquant/engine/graph"
	"dropquant/engine/observe"
	"dropquant/engine/quant"
	"dropquant/engine/report"
	"dropquant/engine/target"
)

// Version is what exported files and reports say made them.
const Version = "0.1.0"

// quantized is what Quantize makes.
type quantized struct {
	graph    *graph.Graph      // the file
	program  *exec.Program     // runs it, as far as it can be computed
	stands   map[string]string // watched value → the float value in whose place it stands
	params   map[string]quant.Params
	ranges   map[string][2]float32
	clipped  map[string]float64 // share of the values outside of the codes' reals
	warnings []report.Diagnostic
}

// Quantize chooses the ranges and places the pairs. All shares must have been merged: it fails when no image could be used.
func (j *Job) Quantize() error {
	if j.used() == 0 {
		return j.noImages()
	}
	q, err := j.quantize()
	if err != nil {
		return &FileError{j.model.Name, err}
	}
	j.quantized, j.stats = q, nil
	return nil
}

func (j *Job) quantize() (*quantized, error) {
	g := j.graph.Clone()
	plan := target.Place(g, j.target, j.kept...)
	stats := j.statsByName()
	q := &quantized{graph: g, stands: map[string]string{}, params: map[string]quant.Params{}, ranges: map[string][2]float32{}, clipped: map[string]float64{}}
	acts := map[*target.Group]quant.Params{}
	for _, group := range plan.Groups() {
		lo, hi, err := j.groupRange(group, stats)
		if calib.Warning(err) {
			q.warnings = append(q.warnings, report.Diagnostic{ID: report.BadRange, Node: group.Name, Text: err.Error()})
		} else if err != nil {
			return nil, fmt.Errorf("value %q: %w", group.Name, err)
		}
		acts[group] = group.Params(lo, hi)
		for _, p := range group.Pairs {
			q.params[p.Value.Name], q.ranges[p.Value.Name] = acts[group], [2]float32{lo, hi}
			if s := stats[p.Value.Name]; s != nil {
				q.clipped[p.Value.Name] = s.Histogram().Outside(acts[group].Real(0))
			}
		}
	}
	if err := target.Insert(g, plan, acts, nil); err != nil {
		return nil, err
	}
	j.sign(g)
	return q, j.compile(q)
}

// groupRange estimates the range of values that share their parameters, from all of them together.
func (j *Job) groupRange(group *target.Group, stats map[string]*observe.Stat) (lo, hi float32, err error) {
	all := &observe.Stat{}
	for _, v := range group.Values {
		if s := stats[v.Name]; s != nil {
			all.Merge(s)
		}
	}
	return calib.Range(j.options.Estimator, all, group.Grid, j.options.estimation())
}

// compile prepares the quantized graph for comparing.
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
		q.stands[v.Name] = l.value
		watch[v] = true
	}
	q.program, err = exec.Compile(g, j.shapes, exec.Options{Watch: watch})
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
func (j *Job) sign(g *graph.Graph) {
	for _, kv := range [][2]string{
		{"dropquant.version", Version},
		{"dropquant.target", j.target.Name},
		{"dropquant.estimator", j.options.Estimator},
		{"dropquant.preset", j.options.Preset.Name},
		{"dropquant.images", fmt.Sprint(j.used())},
		{"dropquant.source.sha256", j.model.Hash},
	} {
		g.SetMetadata(kv[0], kv[1])
	}
}

// Export returns the quantized model's file, in pieces that share memory with the source.
func (j *Job) Export() ([][]byte, error) {
	m, err := j.quantized.graph.ToONNX()
	if err != nil {
		return nil, &FileError{j.model.Name, err}
	}
	return m.Segments(), nil
}
