package target

import (
	"dropquant/engine/graph"
	"dropquant/engine/quant"
)

// Reading is what the runtime of a target makes of a graph that holds pairs: what Place plans, seen from the
// other end, and for any file. It is what the linter reports and what the integer simulator runs.
//
// How to lower a graph by it, in the order of its nodes:
//
//	Int8    run Unit.Kernel on Unit.Inputs; what leaves it is Unit.Out, in codes when Unit.Codes is set
//	Fused   nothing: the unit Into has applied it, in the order of its Unit.Fused
//	Moves   run the operator on the codes of its inputs, those of Codes: its outputs carry the same
//	Paired  nothing when Into is set; else it runs by itself, between reals and codes
//	Coded   nothing: it works on codes as it is written
//	Stored  compute in float with the constant that its DequantizeLinear gives
//	Float   compute in float
type Reading struct {
	Target *Target
	Nodes  []Fate // beside the nodes of the graph

	graph *graph.Graph
	at    map[*graph.Node]int
	codes map[*graph.Value]*Codes
}

// Fate is how the runtime runs one node.
type Fate struct {
	Node   *graph.Node
	State  State
	Unit   *Unit          // of an Int8 node
	Into   *graph.Node    // of Fused and Paired: the Int8 node whose kernel has absorbed it; nil for a Paired node that runs by itself
	Rule   *Rule          // what keeps the node out of the integers, or what is wrong with it there; nil when nothing is
	Why    string         // the same about this node, a sentence without its period
	Effect Effect         // of the rule
	Made   []*graph.Value // of a layer in float: constants that the runtime quantizes nevertheless, as those of Unit.Made
}

// Unit is an operator that runs in integers, with all that its kernel absorbs.
type Unit struct {
	Node   *graph.Node
	Kernel string         // the operator that ONNX Runtime puts in its place, as "QLinearConv"; the operator's own name elsewhere
	Inputs []*Codes       // beside Node.Inputs: the codes each is read as; nil where it is read as it is, or absent
	Fused  []*graph.Node  // applied on the way out, in this order
	Out    *graph.Value   // what leaves the last of them
	Codes  *Codes         // of Out; nil when it is float
	Bias   Bias           // how the bias is added
	Made   []*graph.Value // constants that the runtime itself quantizes: float weights to int8 per tensor, a float bias to int32
}

// Codes says as which integers a float value exists.
type Codes struct {
	Params  quant.Params
	Q       *graph.Node   // QuantizeLinear that makes them; nil behind constants and operators that give integers
	DQ      *graph.Node   // DequantizeLinear whose reals the reader is written to read; nil where the runtime has moved Q up to the value
	Moved   []*graph.Node // carriers between the pair and the value
	Shifted bool          // the runtime adds 128 to signed codes and zero point
}

// Constant returns the integers of constant codes, or nil.
func (c *Codes) Constant() *graph.Value {
	if c == nil || c.DQ == nil || c.DQ.Inputs[0] == nil || c.DQ.Inputs[0].Const == nil {
		return nil
	}
	return c.DQ.Inputs[0]
}

// Graph returns the graph that was read.
func (r *Reading) Graph() *graph.Graph { return r.graph }

// Fate returns what becomes of n, which must be a node of the graph.
func (r *Reading) Fate(n *graph.Node) *Fate { return &r.Nodes[r.at[n]] }

// Codes returns as which integers the float value v exists in the runtime, or nil.
func (r *Reading) Codes(v *graph.Value) *Codes { return r.codes[v] }

// Read works out what the runtime of t does with g, which must be in order and have its types inferred as far as
// they can be. The graph is not changed. It reads the rows that Place reads, and never fails: what it does not
// understand stays float, with the rule that says so.
func Read(g *graph.Graph, t *Target) *Reading {
	r := &reader{Reading: &Reading{Target: t, graph: g, at: map[*graph.Node]int{}, codes: map[*graph.Value]*Codes{}},
		pairs: map[*graph.Node]*pair{}, rows: map[*graph.Node]*Row{}, tied: sets{}, coarse: map[*graph.Value]string{}}
	for i, n := range g.Nodes {
		r.at[n] = i
		r.Nodes = append(r.Nodes, Fate{Node: n})
		if isPair(n) {
			r.pairs[n] = parsePair(n)
		}
	}
	for _, n := range g.Nodes {
		r.choose(n)
	}
	r.align()
	for _, n := range g.Nodes {
		r.read(n)
	}
	r.absorb()
	return r.Reading
}

// reader is the state of Read.
type reader struct {
	*Reading
	pairs map[*graph.Node]*pair
	rows  map[*graph.Node]*Row

	tied    sets                    // values between which carriers move codes
	aligned map[*graph.Value]bool   // roots of tied whose signed codes the runtime puts on one scale
	coarse  map[*graph.Value]string // of the roots of tied: why a defect keeps their codes from being used
}
