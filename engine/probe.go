package engine

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/target"
	"dropquant/engine/tensor"
)

// Probe wants a few images, since what it looks for shows on one already, and takes them from the head of the list, so
// that a page knows which to send before it knows which were skipped.
const (
	maxProbes = 3
	ProbeHead = 8
)

// probe is an image on which layers are tried in integers one by one.
type probe struct {
	index int
	x     *tensor.Tensor
}

// Probes returns the images that every job is to Probe before Quantize, once all shares have been merged: the first few
// of the first ProbeHead that were not skipped. All jobs probe the same ones, so that all decide the same.
func (j *Job) Probes() (images []int) {
	for _, i := range slices.Sorted(maps.Keys(j.records)) {
		if j.records[i].skipped == "" && i < ProbeHead && len(images) < maxProbes {
			images = append(images, i)
		}
	}
	return images
}

// Probe gives image i to Quantize, to try layers on. An image that cannot be read any more is left out.
func (j *Job) Probe(i int, f File) error {
	samples, err := j.samples(f)
	if err != nil {
		return nil
	}
	j.probes = append(j.probes, probe{i, samples[0]})
	return nil
}

// fragile finds the layers that one scale for their input cannot serve, with what is to stay float for their sake, and why.
func (j *Job) fragile() (map[string]string, error) {
	plan := target.Place(j.run, j.target)
	acts, err := j.ranges(plan, nil)
	if err != nil {
		return nil, err
	}
	p, err := plan.Probe(acts, j.shapes)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(j.probes, func(a, b probe) int { return a.index - b.index })
	var costs []target.Cost
	for _, image := range j.probes {
		var failed error
		_, err := j.float.Run(j.feed(image.x), func(v *graph.Value, t *tensor.Tensor) {
			if failed == nil {
				failed = p.See(v, t)
			}
		})
		if err == nil {
			err = failed
		}
		if err != nil {
			return nil, err
		}
		for k, c := range p.Take() {
			if k == len(costs) {
				costs = append(costs, target.Cost{Node: c.Node})
			}
			costs[k].Signal += c.Signal
			costs[k].Noise += c.Noise
		}
	}
	out := map[string]string{}
	for _, c := range costs {
		if db := c.SQNR(); db < target.Fragile && !math.IsNaN(db) {
			for _, name := range plan.Keep(c.Node) {
				out[name] = fmt.Sprintf("one scale cannot serve the input of %q: rounding it alone would leave %.1f dB", c.Node.Name, db)
			}
		}
	}
	return out, nil
}
