//go:build js

package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"dropquant/engine/exec"
	"dropquant/engine/graph"
	"dropquant/engine/op"
)

// layer is all steps of the program that do the same on the same shape.
type layer struct {
	What  string  `json:"what"`
	Count int     `json:"count"`
	MACs  int64   `json:"macs"` // of all
	MS    float64 `json:"ms"`   // of all, each at its quickest
}

// profile is what layers gives.
type profile struct {
	Peak   float64  `json:"peak"` // GFLOPS
	Layers []*layer `json:"layers"`
}

// layers runs the model round by round with a clock at every step, each time after the loop that shows the machine's peak.
func (s *session) layers(rounds int) (any, error) {
	var (
		names  []string
		stamps []time.Time
	)
	o := s.options
	o.Progress = func(node string, done, _ int) {
		if done == 0 {
			names, stamps = names[:0], stamps[:0]
		}
		names, stamps = append(names, node), append(stamps, time.Now())
	}
	p, err := exec.Compile(s.profiled, s.shapes, o)
	if err != nil {
		return nil, err
	}
	run := func() error {
		_, err := p.Run(s.feeds(), nil)
		stamps = append(stamps, time.Now())
		return err
	}
	if err := run(); err != nil {
		return nil, err
	}
	least := make([]time.Duration, len(names))
	out := &profile{}
	for r := range rounds {
		out.Peak = max(out.Peak, peak())
		if err := run(); err != nil {
			return nil, err
		}
		for i := range names {
			if d := stamps[i+1].Sub(stamps[i]); r == 0 || d < least[i] {
				least[i] = d
			}
		}
	}
	for i, l := range s.group(names, out) {
		l.MS += millis(least[i])
	}
	return out, nil
}

// group sorts the steps into layers, in the order in which they are met, and returns that of each step.
func (s *session) group(names []string, out *profile) []*layer {
	step := map[string]bool{}
	for _, n := range names {
		step[n] = true
	}
	nodes := map[string]*graph.Node{}
	for _, n := range s.profiled.Nodes {
		nodes[n.Name] = n
	}
	at := make([]*layer, len(names))
	for i, name := range names {
		what, macs := describe(unit(nodes[name], step))
		k := slices.IndexFunc(out.Layers, func(l *layer) bool { return l.What == what })
		if k < 0 {
			k = len(out.Layers)
			out.Layers = append(out.Layers, &layer{What: what})
		}
		at[i] = out.Layers[k]
		at[i].Count++
		at[i].MACs += macs
	}
	return at
}

// unit returns the nodes that a step computes: its own, and before it those that have no step of their own.
func unit(n *graph.Node, step map[string]bool) []*graph.Node {
	var nodes []*graph.Node
	for _, v := range n.Inputs {
		if v != nil && v.Producer != nil && !step[v.Producer.Name] && !slices.Contains(nodes, v.Producer) {
			for _, m := range unit(v.Producer, step) {
				if !slices.Contains(nodes, m) {
					nodes = append(nodes, m)
				}
			}
		}
	}
	return append(nodes, n)
}

// weightsOf says which input of a convolution holds its weights.
var weightsOf = map[string]int{"Conv": 1, "IntConv": 2, "QLinearConv": 3}

// describe says what nodes do together, and how many multiply-accumulates it takes.
func describe(nodes []*graph.Node) (what string, macs int64) {
	var ops []string
	head := nodes[len(nodes)-1]
	for _, n := range nodes {
		ops = append(ops, n.Op)
		if m := op.MACs(n); m > 0 {
			head = n
			macs += m
		}
	}
	if k, ok := weightsOf[head.Op]; ok {
		x, w, y, stride := head.Inputs[0].Shape, head.Inputs[k].Shape, head.Outputs[0].Shape, 1
		if s := head.Ints("strides"); len(s) > 0 {
			stride = s[0]
		}
		return fmt.Sprintf("%s %dx%d s%d g%d %d>%d at %dx%d", strings.Join(ops, "+"), w[2], w[3], stride, head.Int("group", 1), x[1], y[1], y[2], y[3]), macs
	}
	return fmt.Sprintf("%s %v", strings.Join(ops, "+"), head.Outputs[0].Shape), macs
}
