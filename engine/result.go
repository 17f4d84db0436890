package engine

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"dropquant/engine/eval"
	"dropquant/engine/graph"
	"dropquant/engine/kernel"
	"dropquant/engine/op"
	"dropquant/engine/report"
	"dropquant/engine/target"
	"dropquant/engine/tensor"
)

// Report sums up the job, as far as it went after Quantize. For what comparing finds, all shares must have been merged after Compare.
func (j *Job) Report() *report.Report {
	r := &report.Report{
		Model: j.model.Name, Hash: j.model.Hash(), Version: Version,
		Target: j.target.Name, CPU: j.cpu(), Preset: j.options.Preset.Name, Estimator: j.quantized.recipe.estimator,
		SizeBefore: j.model.Size, Corrected: j.quantized.corrected, Warnings: slices.Clone(j.quantized.warnings),
	}
	if j.options.Percentile != 0 {
		r.Options = map[string]string{"percentile": fmt.Sprint(j.options.Percentile)}
	}
	if j.options.Exact {
		if r.Options == nil {
			r.Options = map[string]string{}
		}
		r.Options["exact"] = "true"
	}
	if pieces, err := j.Export(); err == nil {
		for _, p := range pieces {
			r.SizeAfter += int64(len(p))
		}
	}
	for _, err := range j.unsupported {
		r.Warnings = append(r.Warnings, report.Diagnostic{ID: report.Unsupported, Text: err.Error()})
	}
	if j.model.widened {
		r.Warnings = append(r.Warnings, report.Diagnostic{ID: report.Widened, Text: WidenedNote})
	}
	r.Warnings = append(r.Warnings, badWeights(j.graph)...)
	if n := j.quantized.saturating; n > 0 {
		r.Warnings = append(r.Warnings, report.Diagnostic{ID: report.Saturates, Text: fmt.Sprintf(
			"on x86 CPUs without VNNI (most from before 2019) products can overflow in %d layers, and results be wrong: quantize for any CPU unless the file runs on newer ones only", n)})
	}
	sums := j.sum(r)
	j.countMACs(r)
	j.addLayers(r, sums)
	r.Predictions = j.predicted(r)
	for _, n := range target.Lint(j.quantized.graph, j.target).Nodes {
		if n.ID != "" {
			r.NotInt8 = append(r.NotInt8, report.NotInt8{Name: n.Name, Op: n.Op, Rule: n.ID, Why: n.Why, MACs: n.MACs})
		}
	}
	r.Explain()
	r.Judge()
	return r
}

// sum adds up the comparisons and returns the error of each layer.
func (j *Job) sum(r *report.Report) []eval.Sums {
	for _, i := range slices.Sorted(maps.Keys(j.records)) {
		if record := j.records[i]; record.skipped != "" {
			r.Skipped = append(r.Skipped, report.Skipped{Name: record.name, Why: record.skipped})
		} else {
			r.Images++
		}
	}
	sums := make([]eval.Sums, len(j.layers))
	var outputs eval.Sums
	r.Agree = report.NoAgreement
	for k, l := range j.layers {
		sums[k] = j.tallies[k].Sums()
		if !l.output {
			continue
		}
		outputs = outputs.Add(sums[k])
		if n := j.tallies[k].Images(); n > 0 && j.classifies() {
			r.Images = n // a file may hold several samples
			r.Agree = r.Images - len(j.tallies[k].Disagreements())
		}
	}
	r.SQNR = sqnr(outputs)
	return sums
}

// sqnr returns decibels as a report has them: +Inf without any error, NaN when nothing was compared.
func sqnr(s eval.Sums) float64 {
	switch {
	case s.Count == 0:
		return math.NaN()
	case s.Noise == 0:
		return math.Inf(1)
	}
	return s.SQNR()
}

// classifies reports whether the model gives one list of scores, whose largest is an answer.
func (j *Job) classifies() bool {
	if len(j.graph.Outputs) != 1 || len(j.kept) > 0 {
		return false
	}
	wide := 0
	for _, d := range j.graph.Outputs[0].Shape {
		if d > 1 {
			wide++
		}
	}
	return wide == 1
}

// countMACs finds how much of the arithmetic runs in integers.
func (j *Job) countMACs(r *report.Report) {
	for _, d := range j.quantized.plan.Nodes {
		if slices.Contains(j.kept, d.Node.Name) {
			continue
		}
		macs := op.MACs(d.Node)
		r.MACs += macs
		if d.State == target.Int8 {
			r.Int8MACs += macs
		}
	}
}

// addLayers lists what was compared, and the weighted nodes that stay float, in the order of the graph.
func (j *Job) addLayers(r *report.Report, sums []eval.Sums) {
	details := j.details()
	at := map[string][]int{} // node → layers
	for k, l := range j.layers {
		at[l.node] = append(at[l.node], k)
	}
	add := func(k int, why string) {
		l := j.layers[k]
		row := report.Layer{Name: l.node, Op: l.op, Value: l.value, DType: "float32", SQNR: sqnr(sums[k]), Float: why}
		if row.Name == "" {
			row.Name, row.Op = l.value, "Input"
		}
		if p, ok := j.quantized.params[l.value]; ok {
			row.DType, row.Scale, row.Zero, row.Method = p.DType.String(), p.Scale[0], p.Zero[0], j.quantized.recipe.estimator
			row.Lo, row.Hi = j.quantized.ranges[l.value][0], j.quantized.ranges[l.value][1]
			row.Clipped = j.quantized.clipped[l.value]
		}
		if details != nil {
			row.Detail = details[k]
		}
		r.Layers = append(r.Layers, row)
	}
	for _, k := range at[""] {
		add(k, "")
	}
	for i, n := range j.graph.Nodes {
		d := j.quantized.plan.Nodes[i]
		why := ""
		if d.State == target.Float || d.State == target.Stored {
			why = d.Why
		}
		if fragile := j.quantized.recipe.fragile[n.Name]; fragile != "" {
			why = fragile
		}
		for _, k := range at[n.Name] {
			add(k, why)
		}
		if len(at[n.Name]) == 0 && why != "" && isWeighted(n) {
			r.Layers = append(r.Layers, report.Layer{Name: n.Name, Op: n.Op, DType: "float32", SQNR: math.NaN(), Float: why})
		}
	}
}

// saturating counts the layers of a quantized graph whose products can overflow int16.
func saturating(p *target.Plan) (n int) {
	for _, d := range p.Nodes {
		if d.State != target.Int8 || d.Weight == nil {
			continue
		}
		if dq := d.Node.Inputs[1].Producer; dq != nil && dq.Inputs[0].Const != nil && len(target.Saturating(d.Node, dq.Inputs[0].Const)) > 0 {
			n++
		}
	}
	return n
}

// badWeights warns of constants with elements that no arithmetic can use.
func badWeights(g *graph.Graph) (out []report.Diagnostic) {
	seen := map[*graph.Value]bool{}
	for _, n := range g.Nodes {
		for _, v := range n.Inputs {
			if v == nil || v.Const == nil || v.Const.DType != tensor.Float32 || seen[v] {
				continue
			}
			seen[v] = true
			if _, _, bad := kernel.MinMax(v.Const.F32()); bad > 0 && isWeighted(n) {
				out = append(out, report.Diagnostic{ID: report.BadWeight, Node: n.Name, Text: fmt.Sprintf("its constant %q holds %d elements that are NaN or infinite: train or export the model again", v.Name, bad)})
			}
		}
	}
	return out
}

// isWeighted reports whether n multiplies by weights, so that its staying float is worth a line.
func isWeighted(n *graph.Node) bool {
	return n.Domain == "" && slices.Contains([]string{"Conv", "ConvTranspose", "Gemm", "MatMul"}, n.Op)
}
