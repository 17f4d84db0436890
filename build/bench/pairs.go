package main

import (
	"fmt"
	"math"
	"slices"
)

// A sample is the mean of enough passes to take sampleTime, in milliseconds. What else the machine does comes and goes in longer spells, so
// that it meets both sides of a short pair or neither, and the median of many leaves out those that it met halfway. Before the first one,
// each side runs for warmTime, in which the browser compiles what is hot once more.
const (
	sampleTime = 20
	warmTime   = 1500
)

// pairs times two calls of the page in turn, every other pair in reverse. Each is an expression in which %d stands for how often to run, and
// gives the milliseconds of one pass.
func pairs(p *page, rounds int, a, b string) (first, second []float64, err error) {
	times := 1
	for _, call := range []string{a, b} {
		took, err := warm(p, call)
		if err != nil {
			return nil, nil, err
		}
		times = max(times, int(math.Ceil(sampleTime/took)))
	}
	both, err := eval[[2][]float64](p, fmt.Sprintf("pairs(%d, () => %s, () => %s)", rounds, fmt.Sprintf(a, times), fmt.Sprintf(b, times)))
	return both[0], both[1], err
}

// warm runs a call until it has had warmTime, three times at least, and returns what a pass took in the end.
func warm(p *page, call string) (took float64, err error) {
	for spent, n := 0.0, 0; spent < warmTime || n < 3; n++ {
		if took, err = eval[float64](p, fmt.Sprintf(call, 1)); err != nil {
			return 0, err
		}
		spent += took
	}
	return took, nil
}

// spread prints the median of pairwise ratios and their extremes.
func spread(r []float64) string {
	return fmt.Sprintf("%.2f (%.2f..%.2f)", median(r), slices.Min(r), slices.Max(r))
}
