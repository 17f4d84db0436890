package target

import (
	"fmt"
	"math"

	"dropquant/engine/graph"
	"dropquant/engine/tensor"
)

var ruleSignedConcat = &Rule{"signed-concat", "signed codes that go through a Concat",
	"use uint8 activations: OpenVINO 2026.4.1 aligns the ranges of signed ones in reals as if they were codes, rounds them to whole numbers and clips them to 127",
	"seen: OpenVINO 2026.4.1; LPT network_helper.cpp calculateLevels"}

// align finds the signed codes that the runtime fails to put on one scale for a Concat.
//
// The scales of all pairs that meet in a Concat, through whatever moves codes, are aligned where a convolution that wants one
// scale reads them. For signed codes OpenVINO
// counts how many levels of the common range each pair keeps with the ends of the range still in reals: with two or
// fewer whole numbers between them it gives the pairs up, and all that reads them is float; with more it goes on,
// with values rounded to whole numbers. An end halfway between two counts as the upper one: from −0.5 to 1.49 there are two.
//
// Source: two pairs, a Concat and a Conv, with int8 and uint8 codes, equal and different scales, zero points 0, 10 and −128, with and
// without a pair behind the Concat: int8 has 9 to 15 dB wherever a dense Conv follows, uint8 more than 40; NNCF's NanoDet.
func (r *reader) align() {
	if !r.Target.AlignsReals {
		return
	}
	joins, dense := map[*graph.Value]bool{}, map[*graph.Value]bool{}
	r.aligned = map[*graph.Value]bool{}
	for _, n := range r.graph.Nodes {
		row := r.rows[n]
		if row == nil || row.Role != Carrier || n.Outputs[0] == nil {
			continue
		}
		for _, i := range row.inputs(n) {
			for _, v := range n.Outputs {
				if v != nil {
					r.tied.join(n.Inputs[i], v)
				}
			}
		}
	}
	for _, n := range r.graph.Nodes {
		switch row := r.rows[n]; {
		case row == nil:
		case row.Role == Carrier && n.Op == "Concat" && n.Outputs[0] != nil:
			joins[r.tied.find(n.Outputs[0])] = true
		case row.Role == Weighted && isDense(n):
			dense[r.tied.find(n.Inputs[0])] = true
		}
	}
	for _, n := range r.graph.Nodes {
		p := r.pairs[n]
		if !isDQ(n) || p.rule != nil || p.params.DType != tensor.Int8 || !p.params.PerTensor() || constantBehind(n.Outputs[0]) != nil {
			continue
		}
		root := r.tied.find(n.Outputs[0])
		r.aligned[root] = joins[root] && dense[root]
		lo, hi := p.params.Real(0)
		if levels := math.Floor(float64(hi)+0.5) - math.Floor(float64(lo)+0.5) + 1; r.aligned[root] && levels <= 2 && r.coarse[root] == "" {
			r.coarse[root] = fmt.Sprintf("signed codes meet in a Concat, and those of %q, from %.3g to %.3g, hold %g whole numbers", n.Name, lo, hi, levels)
		}
	}
}

// Misaligned lists the DequantizeLinear in front of a Concat, or of one behind it, whose signed codes the runtime makes whole numbers of
// reals: see align. It is empty for a runtime that has no such defect.
func (r *Reading) Misaligned() []*graph.Node {
	var out []*graph.Node
	found := map[*graph.Node]bool{}
	add := func(n *graph.Node) {
		if n != nil && !found[n] {
			found[n] = true
			out = append(out, n)
		}
	}
	for _, n := range r.graph.Nodes {
		if through, before := r.signedConcat(n); through != nil && !before {
			add(r.Fate(n).Unit.Inputs[0].DQ)
		} else if through != nil {
			for _, v := range through.Inputs {
				r.sources(v, add)
			}
		}
	}
	return out
}

// sources calls add for the DequantizeLinear whose codes are moved to v.
func (r *Reading) sources(v *graph.Value, add func(*graph.Node)) {
	switch n := v.Producer; {
	case n == nil:
	case isDQ(n):
		add(n)
	case r.Fate(n).State == Moves:
		for _, in := range n.Inputs {
			if in != nil && in.Const == nil {
				r.sources(in, add)
			}
		}
	}
}

// signedConcat returns the Concat through which signed codes come to a convolution, and whether they come directly and not through one more
// pair; nil when none do.
func (r *Reading) signedConcat(n *graph.Node) (through *graph.Node, directly bool) {
	f := r.Fate(n)
	if !r.Target.AlignsReals || f.State != Int8 || !isDense(n) {
		return nil, false
	}
	c := f.Unit.Inputs[0]
	if through = concatOf(c); through != nil {
		return through, true
	}
	if c.Q != nil {
		through = concatOf(r.codes[c.Q.Inputs[0]])
	}
	return through, false
}

// concatOf returns the Concat that has moved signed codes, or nil.
func concatOf(c *Codes) *graph.Node {
	if c == nil || c.Params.DType != tensor.Int8 {
		return nil
	}
	for _, n := range c.Moved {
		if n.Op == "Concat" {
			return n
		}
	}
	return nil
}

// isDense reports whether n is a convolution that wants one scale for its input in this runtime: not one in groups.
func isDense(n *graph.Node) bool {
	return n.Op == "Conv" && n.Int("group", 1) == 1 || n.Op == "ConvTranspose"
}
