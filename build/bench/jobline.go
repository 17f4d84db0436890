package main

import (
	"fmt"
	"strings"
)

// phases are what the page says while it works, in order: each lasts until the next one. The click comes before the first, the file
// is there at "Done", and what comes after goes on behind it.
var phases = []string{"click", "Calibrating", "Looking at layers", "Quantizing", "Writing", "Done", "Compared", "Predicted"}

// done is the moment at which the file can be downloaded.
const done = 5

// A timeline is how long a job took, in seconds.
type timeline struct {
	starts float64   // the page
	ready  float64   // drop to ready
	lasts  []float64 // beside phases but the last
	memory float64   // of the largest worker, bytes
}

// toFile is the time from the drop to the file, without that in which nobody clicked.
func (t *timeline) toFile() float64 {
	sum := t.ready
	for _, s := range t.lasts[:done] {
		sum += s
	}
	return sum
}

// newTimeline makes it out of the moments of a page, in milliseconds.
func newTimeline(began, ready float64, marks []mark, memory float64) (*timeline, error) {
	at := make([]float64, 0, len(phases))
	for _, m := range marks {
		if len(at) < len(phases) && strings.HasPrefix(m.Says, phases[len(at)]) {
			at = append(at, m.At)
		}
	}
	if len(at) < len(phases) {
		return nil, fmt.Errorf("the page did not say %q; it said %v", phases[len(at)], marks)
	}
	t := &timeline{starts: marks[0].At / 1e3, ready: (ready - began) / 1e3, memory: memory}
	for i, from := range at[:len(at)-1] {
		t.lasts = append(t.lasts, (at[i+1]-from)/1e3)
	}
	return t, nil
}

// String is the line of the table.
func (t *timeline) String() string {
	return fmt.Sprintf("%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.0f", t.starts, t.ready, t.lasts[0]+t.lasts[1], t.lasts[2], t.lasts[3], t.lasts[4],
		t.toFile(), t.lasts[5], t.lasts[6], t.memory/(1<<20))
}

// each returns one number of every timeline.
func each(list []*timeline, number func(*timeline) float64) (out []float64) {
	for _, t := range list {
		out = append(out, number(t))
	}
	return out
}

// middle returns the medians of what timelines hold.
func middle(list []*timeline) *timeline {
	t := &timeline{
		starts: median(each(list, func(t *timeline) float64 { return t.starts })),
		ready:  median(each(list, func(t *timeline) float64 { return t.ready })),
		memory: median(each(list, func(t *timeline) float64 { return t.memory })),
	}
	for i := range list[0].lasts {
		t.lasts = append(t.lasts, median(each(list, func(t *timeline) float64 { return t.lasts[i] })))
	}
	return t
}
