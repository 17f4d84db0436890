package calib

import (
	"slices"

	"dropquant/engine/observe"
	"dropquant/engine/quant"
)

// Candidate is a range and the method that found it.
type Candidate struct {
	Method string
	Lo, Hi float32
}

// candidates are the methods whose ranges differ enough to be worth comparing
// by what they do to the output.
var candidates = []string{Default, "entropy", "mean-minmax", "minmax"}

// Candidates returns the ranges worth trying for a value, the default method's
// first, each with another scale or zero point. The error is as in Range; with
// a warning there is at least one candidate.
func Candidates(s *observe.Stat, g quant.Grid, o Options) ([]Candidate, error) {
	var (
		out  []Candidate
		used []quant.Params
		warn error
	)
	for _, m := range candidates {
		lo, hi, err := Range(m, s, g, o)
		if err != nil && !Warning(err) {
			return nil, err
		}
		warn = err
		p := g.Params(lo, hi)
		if slices.ContainsFunc(used, func(q quant.Params) bool { return q.Scale[0] == p.Scale[0] && q.Zero[0] == p.Zero[0] }) {
			continue
		}
		out, used = append(out, Candidate{m, lo, hi}), append(used, p)
	}
	return out, warn
}
