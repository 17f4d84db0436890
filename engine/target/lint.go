package target

import (
	"fmt"

	"dropquant/engine/graph"
	"dropquant/engine/op"
	"dropquant/engine/pass"
	"dropquant/engine/tensor"
)

// Report is what the linter found in a file for one target. Its field names in JSON are stable.
type Report struct {
	Target     string     `json:"target"`
	MACs       int64      `json:"macs"`      // multiply-accumulates for one sample; open sides of the input count as openSide
	Int8MACs   int64      `json:"int8_macs"` // those of them that run in integers
	Layers     int        `json:"layers"`    // nodes that multiply matrices
	Int8Layers int        `json:"int8_layers"`
	Pairs      int        `json:"pairs"` // QuantizeLinear and DequantizeLinear
	Findings   []Finding  `json:"findings"`
	Nodes      []NodeLine `json:"nodes"` // all but the pairs, in the order they run
}

// Finding is one thing in a file that someone who deploys it should know.
type Finding struct {
	ID     string `json:"id"` // of the Rule
	Effect Effect `json:"effect"`
	Node   string `json:"node"`
	Op     string `json:"op"`
	Text   string `json:"text"` // what is the case, a sentence about the node without its period
	Fix    string `json:"fix"`  // what to do, without its period
}

// NodeLine is how one node runs.
type NodeLine struct {
	Name   string `json:"name"`
	Op     string `json:"op"`
	State  string `json:"state"`
	Kernel string `json:"kernel,omitempty"` // of an int8 node
	Into   string `json:"into,omitempty"`   // of a fused node: the node that has absorbed it
	MACs   int64  `json:"macs,omitempty"`
	ID     string `json:"id,omitempty"`  // of the rule that keeps it out of the integers
	Why    string `json:"why,omitempty"` // the same as a sentence
}

// Count returns how many findings have the effect.
func (r *Report) Count(e Effect) int {
	n := 0
	for _, f := range r.Findings {
		if f.Effect == e {
			n++
		}
	}
	return n
}

// Share returns the share of multiply-accumulates in integers, 0…1; 1 for a file without any.
func (r *Report) Share() float64 {
	if r.MACs == 0 {
		return 1
	}
	return float64(r.Int8MACs) / float64(r.MACs)
}

// Lint reads a graph as it was loaded, and reports what the runtime of t will make of it and what is wrong with it. The
// graph is not changed: constants are folded and identities removed in a copy, as every runtime does first.
func Lint(g *graph.Graph, t *Target) *Report {
	l := &linter{report: &Report{Target: t.Name, Findings: []Finding{}, Nodes: []NodeLine{}}}
	c := g.Clone()
	if err := c.Sort(); err != nil {
		l.find(ruleGraph, Refused, nil, "%v", err)
		return l.report
	}
	if err := pass.Concat(pass.FoldConstants, pass.RemoveIdentity)(c); err != nil {
		l.find(ruleGraph, Note, nil, "%v", err)
	}
	l.infer(c)
	l.reading = Read(c, t)
	for i := range l.reading.Nodes {
		l.node(&l.reading.Nodes[i])
	}
	for _, check := range fileChecks {
		check(l)
	}
	return l.report
}

// linter is the state of Lint.
type linter struct {
	report  *Report
	reading *Reading
}

func (l *linter) find(r *Rule, e Effect, n *graph.Node, format string, a ...any) {
	f := Finding{ID: r.ID, Effect: e, Text: fmt.Sprintf(format, a...), Fix: r.Fix}
	if n != nil {
		f.Node, f.Op = n.Name, n.Op
	}
	l.report.Findings = append(l.report.Findings, f)
}

// openSide stands for sides of the input that the file leaves open; the batch is 1.
const openSide = 224

// infer finds the types of what can be inferred. What the engine cannot compute, and all that depends on it, keeps the
// types that the file declares.
func (l *linter) infer(g *graph.Graph) {
	shapes := map[string][]int{}
	for _, v := range g.Inputs {
		s := append([]int(nil), v.Shape...)
		for i, d := range s {
			switch {
			case d >= 0:
			case i == 0 || len(s) < 4:
				s[i] = 1
			default:
				s[i] = openSide
			}
		}
		shapes[v.Name] = s
	}
	part := g.Clone()
	for {
		r, err := op.Resolve(part, shapes)
		if err == nil {
			for v, t := range r.Types {
				if w := g.Value(v.Name); w != nil && w.Producer != nil {
					w.DType, w.Shape = t.DType, t.Shape
				}
			}
			break
		}
		bad, ok := blamed(part, err)
		if !ok {
			l.find(ruleGraph, Note, nil, "shapes are not known: %v", err)
			break
		}
		cutBehind(part, bad)
	}
	for _, n := range g.Nodes {
		if isDQ(n) && n.Outputs[0].DType == tensor.Unknown {
			n.Outputs[0].DType = tensor.Float32
		}
	}
}

// node writes down how a node runs, and finds what its rule says where the file meant it to run in integers.
func (l *linter) node(f *Fate) {
	n := f.Node
	if isPair(n) {
		l.report.Pairs++
		return
	}
	line := NodeLine{Name: n.Name, Op: n.Op, State: f.State.String(), MACs: op.MACs(n)}
	if f.Unit != nil {
		line.Kernel = f.Unit.Kernel
	}
	if f.Into != nil {
		line.Into = f.Into.Name
	}
	if f.Rule != nil {
		line.ID, line.Why = f.Rule.ID, f.Why
	}
	if isWeighted(n) || line.MACs > 0 {
		l.report.Layers++
		l.report.MACs += line.MACs
		if f.State == Int8 || f.State == Coded {
			l.report.Int8Layers++
			l.report.Int8MACs += line.MACs
		}
	}
	l.report.Nodes = append(l.report.Nodes, line)
	if f.Rule != nil && (f.Effect != StaysFloat || l.meant(f)) {
		l.find(f.Rule, f.Effect, n, "%s", f.Why)
	}
}

// meant reports whether the file was made for a float node to run in integers: a layer with codes on either side, or
// another node that has a row and reads only codes.
func (l *linter) meant(f *Fate) bool {
	n := f.Node
	if f.Rule == ruleAlone || f.Rule == ruleOperator && !isWeighted(n) {
		return false
	}
	codes, reals := 0, 0
	for _, v := range n.Inputs {
		switch {
		case v == nil:
		case l.reading.codes[v] != nil:
			codes++
		case isActivation(v):
			reals++
		}
	}
	return codes > 0 && (isWeighted(n) || reals == 0)
}
