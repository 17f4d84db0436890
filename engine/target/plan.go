package target

import (
	"fmt"
	"strings"

	"dropquant/engine/graph"
	"dropquant/engine/quant"
)

// Plan is where the pairs of a target go in one graph.
type Plan struct {
	Target  *Target
	Nodes   []Decision // beside the nodes of the graph
	Pairs   []*Pair    // in the graph's order
	Weights []*Weight  // in the graph's order
	Fitted  *Fitted    // shared with plans of copies of the graph, or nil

	graph  *graph.Graph
	groups []*Group
	shared map[*graph.Value]*Group // of every value that a pair stands on, or that moves what a pair gave
}

// Decision is what becomes of one node.
type Decision struct {
	Node   *graph.Node
	State  State
	Into   *graph.Node // the unit that a Fused node belongs to
	Weight *Weight     // of Int8 and Stored nodes that have one
	Bias   Bias
	Why    string // of Float and Stored: the reason; else the source of the row
}

// State is how a node runs.
type State uint8

const (
	Float  State = iota // as before
	Stored              // float, from weights stored in integers
	Int8                // in integers
	Fused               // in the kernel of an Int8 node
	Moves               // codes pass through it unchanged
	Paired              // QuantizeLinear or DequantizeLinear
	Coded               // an operator on codes in the file itself, as QLinearConv: it runs as it is written
)

var states = [...]string{Float: "float", Stored: "stored", Int8: "int8", Fused: "fused", Moves: "moves", Paired: "pair", Coded: "coded"}

// String returns "float", "stored", "int8", "fused", "moves", "pair" or "coded".
func (s State) String() string { return states[s] }

// Weight is one constant to be stored in integers. Nodes that read the same constant along the same axis share it.
type Weight struct {
	Value *graph.Value // float32
	Grid  quant.Grid
	Axis  int           // of the output channels; −1 when one scale serves all
	Nodes []*graph.Node // that read it as their second input
}

// Graph returns the graph that was planned.
func (p *Plan) Graph() *graph.Graph { return p.graph }

// Groups returns the groups of pairs in the graph's order.
func (p *Plan) Groups() []*Group { return p.groups }

// GroupOf returns the group whose codes v carries, whether it has a pair itself or moves what a pair gave; nil when it
// carries none.
func (p *Plan) GroupOf(v *graph.Value) *Group { return p.shared[v] }

// Values returns the values whose ranges are needed, in the graph's order.
func (p *Plan) Values() []*graph.Value {
	var out []*graph.Value
	for _, pair := range p.Pairs {
		for _, v := range pair.Group.Values {
			if v == pair.Value {
				out = append(out, v)
			}
		}
	}
	return out
}

// Decision returns what becomes of n.
func (p *Plan) Decision(n *graph.Node) Decision {
	for _, d := range p.Nodes {
		if d.Node == n {
			return d
		}
	}
	return Decision{Node: n}
}

// plan writes down what the placer decided.
func (p *placer) plan() *Plan {
	out := &Plan{Target: p.t, graph: p.g, Pairs: p.pairs, groups: p.groups()}
	out.shared = p.sharing()
	for _, n := range p.g.Nodes {
		d := Decision{Node: n, Why: p.why[n]}
		switch r := p.rows[n]; {
		case r == nil:
		case p.into[n] != nil:
			d.State, d.Into, d.Why = Fused, p.into[n], r.Source
		case r.Role == Follower:
			d.Why = "nothing in integers feeds it alone"
		case r.Role == Carrier && (p.carries[n] || p.below[n]):
			d.State, d.Why = Moves, r.Source
		case r.Role == Carrier:
			d.Why = "not all around it are in integers"
		case r.Role == WeightsOnly:
			d.State, d.Weight = Stored, out.weight(n, r)
			if d.Why == "" {
				d.Why = r.Source
			}
		default:
			d.State, d.Bias, d.Why = Int8, r.Bias, r.Source
			if r.Role == Weighted {
				d.Weight = out.weight(n, r)
			}
		}
		out.Nodes = append(out.Nodes, d)
	}
	return out
}

// weight returns the Weight of n's second input, made on first sight.
func (p *Plan) weight(n *graph.Node, r *Row) *Weight {
	axis := r.Axis(n)
	if p.Target.PerTensor {
		axis = -1
	}
	for _, w := range p.Weights {
		if w.Value == n.Inputs[1] && w.Axis == axis {
			w.Nodes = append(w.Nodes, n)
			return w
		}
	}
	w := &Weight{Value: n.Inputs[1], Grid: p.Target.Weight, Axis: axis, Nodes: []*graph.Node{n}}
	p.Weights = append(p.Weights, w)
	return w
}

// String prints the plan: the groups with their pairs, then every node with what becomes of it.
func (p *Plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "target %s: %d pairs in %d groups, %d weights\n", p.Target.Name, len(p.Pairs), len(p.groups), len(p.Weights))
	for i, g := range p.groups {
		fmt.Fprintf(&b, "\ngroup %d %v", i, g.Grid)
		if l := (limits{g.Min, g.Max}).String(); l != "" {
			fmt.Fprintf(&b, " %s", l)
		}
		if g.Note != "" {
			fmt.Fprintf(&b, " tied by %s", g.Note)
		}
		b.WriteByte('\n')
		for _, pair := range g.Pairs {
			fmt.Fprintf(&b, "\t%s →", pair.Value.Name)
			for _, u := range pair.Readers {
				fmt.Fprintf(&b, " %s:%d", u.Node.Name, u.Index)
			}
			b.WriteByte('\n')
		}
	}
	b.WriteByte('\n')
	for _, d := range p.Nodes {
		fmt.Fprintf(&b, "%s %s %v", d.Node.Name, d.Node.Op, d.State)
		switch {
		case d.Into != nil:
			fmt.Fprintf(&b, " into %s", d.Into.Name)
		case d.Weight != nil && d.Weight.Axis >= 0:
			fmt.Fprintf(&b, ", weights %s along %d", d.Weight.Value.Name, d.Weight.Axis)
		case d.Weight != nil:
			fmt.Fprintf(&b, ", weights %s", d.Weight.Value.Name)
		}
		if d.State == Float || d.State == Stored {
			fmt.Fprintf(&b, ": %s", d.Why)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
