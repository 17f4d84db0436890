package engine

import (
	"slices"

	"dropquant/engine/calib"
	"dropquant/engine/eval"
	"dropquant/engine/exec"
	"dropquant/engine/target"
	"dropquant/engine/tensor"
)

// candidates are the estimators that Auto tries. Each of them is the best on some network.
var candidates = []string{calib.Default, "mean-minmax", "entropy"}

// judged is the number of images on which candidates are compared.
const judged = 6

// recipe is one way to quantize the model.
type recipe struct {
	estimator string
	fragile   map[string]string // nodes that stay float though the target runs them in integers, and why
	corrected bool              // biases, for what rounding shifts
}

// recipes lists what is tried: each estimator with corrected biases, then each without. All jobs list the same once what
// probing found is merged.
func (j *Job) recipes() (list []recipe, err error) {
	if len(j.probed) == 0 {
		return []recipe{{estimator: j.estimators()[0]}}, nil
	}
	fragile, err := j.fragile()
	if err != nil {
		return nil, err
	}
	for _, corrected := range []bool{true, false} {
		for _, e := range j.estimators() {
			list = append(list, recipe{e, fragile, corrected})
		}
	}
	return list, nil
}

// trial is a sample on which candidates are run.
type trial struct {
	image  int
	input  *tensor.Tensor
	wanted [][]float32 // what the float model gives for it
}

// judgedOn returns the images on which candidates are compared, once all shares of Observe have been merged.
func (j *Job) judgedOn() []int {
	images := j.Probes()
	return images[:min(judged, len(images))]
}

// duty is what one of several workers tries: building a candidate takes as long as running it on a few images, so each of them is
// for one worker as far as there are enough, and what is left of the workers shares its images.
type duty struct{ lane, lanes, place, of int }

// dutyOf returns that of worker place among of.
func dutyOf(place, of, candidates int) duty {
	lanes := max(1, min(of, candidates))
	lane := place % lanes
	return duty{lane: lane, lanes: lanes, place: place / lanes, of: (of - lane + lanes - 1) / lanes}
}

// tries reports whether candidate k is the worker's.
func (d duty) tries(k int) bool { return k%d.lanes == d.lane }

// Tried returns the images that worker place of several has to Collect, once what probing found has been merged.
func (j *Job) Tried(place, of int) (images []int, err error) {
	list, err := j.recipes()
	if err != nil {
		return nil, &FileError{j.model.Name, err}
	}
	d := dutyOf(place, of, len(list))
	for k, i := range j.judgedOn() {
		if k%d.of == d.place {
			images = append(images, i)
		}
	}
	return images, nil
}

// Collect keeps image i for Try. One that cannot be read any more is left out.
func (j *Job) Collect(i int, f File) error {
	samples, err := j.samples(f)
	if err != nil {
		return nil
	}
	wanted := j.outputs.of(i, 0)
	if wanted == nil {
		wanted = j.probed[i].outputs
	}
	if wanted == nil {
		out, err := j.float.Run(j.feed(samples[0]), nil)
		if err != nil {
			return &FileError{j.model.Name, err}
		}
		for _, x := range j.floats(out) {
			wanted = append(wanted, slices.Clone(x))
		}
	}
	j.trials = append(j.trials, trial{i, samples[0], wanted})
	return nil
}

// RoundShare rounds the share of worker place among several of the weights, once what was observed has been merged: the first
// candidate needs all of them, and most others too. What is rounded is part of the state.
func (j *Job) RoundShare(place, of int) error {
	if j.used() == 0 { // Quantize will say so
		return nil
	}
	plan := target.Place(j.graph.Clone(), j.target, j.kept...)
	plan.Fitted = &j.fitted
	acts, err := j.ranges(plan, j.estimators()[0], nil)
	if err != nil {
		return &FileError{j.model.Name, err}
	}
	plan.RoundShare(place, of, acts)
	return nil
}

// built is the candidate that did best on the images that one job tried.
type built struct {
	recipe int // place in the list
	db     float64
	*quantized
}

// Try runs the candidates of worker place of several on the images that were collected, and drops these. What it finds is merged
// before Quantize.
func (j *Job) Try(place, of int) error {
	trials := j.trials
	j.trials = nil
	j.fitted.Exchanged() // since probing
	if len(trials) == 0 {
		return nil
	}
	list, err := j.recipes()
	d := dutyOf(place, of, len(list))
	for k, r := range list {
		if err == nil && d.tries(k) {
			err = j.try(k, r, trials)
		}
	}
	if err != nil {
		return &FileError{j.model.Name, err}
	}
	return nil
}

// try builds one candidate and compares its outputs with the float model's. It runs in plain Q/DQ, which is sooner compiled than
// the target's arithmetic, and is given up before the next one is built, unless it is the best so far.
func (j *Job) try(k int, r recipe, trials []trial) error {
	q, err := j.build(r)
	if err != nil {
		return err
	}
	g, err := cut(q.graph, j.kept)
	if err != nil {
		return err
	}
	p, err := compile(g, j.shapes, exec.Options{MaxMemory: maxMemory, Exact: j.options.Exact, Progress: j.enter})
	if err != nil {
		return err
	}
	p = j.named(p, g)
	var all eval.Sums
	for _, t := range trials {
		out, err := p.Run(j.feed(t.input), nil)
		if err != nil {
			return err
		}
		var sums eval.Sums
		for k, got := range j.floats(out) {
			sums = sums.Add(difference(t.wanted[k], got))
		}
		if j.tries[t.image] == nil {
			j.tries[t.image] = map[int]eval.Sums{}
		}
		j.tries[t.image][k] = sums
		all = all.Add(sums)
	}
	if db := all.SQNR(); j.built.quantized == nil || db > j.built.db {
		j.built = built{k, db, q}
	}
	return nil
}

// best builds the candidate whose outputs were the closest, the first of equals.
func (j *Job) best() (*quantized, error) {
	list, err := j.recipes()
	if err != nil {
		return nil, err
	}
	at, most := 0, 0.0
	for k := range list {
		var sums eval.Sums
		for _, i := range j.judgedOn() {
			if len(j.tries[i]) == len(list) { // every worker could read it
				sums = sums.Add(j.tries[i][k])
			}
		}
		if db := sums.SQNR(); k == 0 || db > most {
			at, most = k, db
		}
	}
	if j.built.quantized != nil && j.built.recipe == at { // it is here from Try
		return j.built.quantized, nil
	}
	return j.build(list[at])
}
