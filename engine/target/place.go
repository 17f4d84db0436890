package target

import (
	"slices"

	"dropquant/engine/graph"
)

// placer is the state of Place. Maps are only looked up in, never ranged over.
type placer struct {
	g *graph.Graph
	t *Target

	rows    map[*graph.Node]*Row
	why     map[*graph.Node]string       // why a node stays float, or is more than its row says
	tail    map[*graph.Node]*graph.Value // unit → the value that leaves it
	into    map[*graph.Node]*graph.Node  // follower → the unit it is fused into
	unit    map[*graph.Value]*graph.Node // the inverse of tail
	behind  map[*graph.Node]bool         // nodes behind the last weighted operators
	carries map[*graph.Node]bool         // carriers that move codes
	below   map[*graph.Node]bool         // carriers that the runtime moves the pair behind them over
	clamp   map[*graph.Value]limits      // clampOf, once computed
	own     map[*graph.Node]bool         // carriers whose output has parameters of its own
	want    map[graph.Use]bool           // node inputs that read a DequantizeLinear
	shared  sets
	pairs   []*Pair
}

// Place decides where the pairs of a target go. The nodes named in float stay
// float. The graph must be sorted and its types inferred; it is not changed.
//
// The steps, each reading only rows:
//
//  1. each node gets the first row whose needs hold, or a reason to stay float;
//  2. heads stay float (see heads);
//  3. followers are fused into the units that feed them;
//  4. units whose output cannot be what the target asks for store only their weights in integers;
//  5. computing units take part where integers reach them, since a pair that only rounds gains nothing;
//  6. every input of a unit wants a pair; a carrier all of whose readers want one hands the wish up to
//     its inputs, so that one pair at the source serves all;
//  7. where the runtime takes a negative product into the pair behind it wrongly, one goes in front of the product;
//  8. where the target asks for complete units, outputs get pairs too, for all readers;
//  9. values that carriers tie together form groups.
func Place(g *graph.Graph, t *Target, float ...string) *Plan {
	p := &placer{g: g, t: t,
		rows: map[*graph.Node]*Row{}, why: map[*graph.Node]string{}, tail: map[*graph.Node]*graph.Value{},
		into: map[*graph.Node]*graph.Node{}, unit: map[*graph.Value]*graph.Node{}, behind: map[*graph.Node]bool{},
		carries: map[*graph.Node]bool{}, below: map[*graph.Node]bool{}, own: map[*graph.Node]bool{}, clamp: map[*graph.Value]limits{},
		want: map[graph.Use]bool{}, shared: sets{},
	}
	p.choose(float)
	p.keepHeads()
	p.fuse()
	p.complete()
	p.reach()
	p.demand()
	p.pull()
	p.whole()
	if wrong := p.upright(); len(wrong) > 0 {
		return Place(g, t, append(slices.Clone(float), wrong...)...)
	}
	if t.Complete {
		p.push()
	}
	p.collect()
	return p.plan()
}

// choose is step 1.
func (p *placer) choose(float []string) {
	for _, n := range p.g.Nodes {
		if slices.Contains(float, n.Name) {
			p.why[n] = "excluded"
			continue
		}
		if r, why := p.t.find(n, placing); r != nil {
			p.rows[n] = r
		} else {
			p.why[n] = why
		}
	}
}

// drop makes n stay float.
func (p *placer) drop(n *graph.Node, why string) {
	delete(p.rows, n)
	p.why[n] = why
}

// isUnit reports whether n runs in integers by itself.
func (p *placer) isUnit(n *graph.Node) bool {
	r := p.rows[n]
	return r != nil && (r.Role == Weighted || r.Role == Compute)
}

// fixed reports whether v must stay as it is for a reader that cannot be moved: the caller of the graph, or a subgraph.
func fixed(g *graph.Graph, v *graph.Value) bool {
	return g.IsOutput(v) || slices.ContainsFunc(v.Uses, func(u graph.Use) bool { return u.Index == graph.CaptureIndex })
}

// fuse is step 3.
func (p *placer) fuse() {
	for _, n := range p.g.Nodes {
		if !p.isUnit(n) {
			continue
		}
		v := n.Out(0)
		for {
			chain, out := follow(p.g, p.rows, v)
			if out == nil {
				break
			}
			for _, f := range chain {
				p.into[f] = n
			}
			v = out
		}
		p.tail[n], p.unit[v] = v, n
	}
}

// follow returns the followers that alone read v, and the one value that leaves them: one node, or
// two of which the second reads v and the first (x·σ(x)).
func follow(g *graph.Graph, rows map[*graph.Node]*Row, v *graph.Value) ([]*graph.Node, *graph.Value) {
	var readers []*graph.Node
	for _, u := range v.Uses {
		if r := rows[u.Node]; r == nil || r.Role != Follower {
			return nil, nil
		}
		if !slices.Contains(readers, u.Node) {
			readers = append(readers, u.Node)
		}
	}
	if fixed(g, v) || len(readers) == 0 || len(readers) > 2 {
		return nil, nil
	}
	if len(readers) == 1 {
		return readers, readers[0].Out(0)
	}
	for i, f := range readers {
		last, y := readers[1-i], f.Out(0)
		if len(y.Uses) == 1 && y.Uses[0].Node == last && !fixed(g, y) {
			return []*graph.Node{f, last}, last.Out(0)
		}
	}
	return nil, nil
}

// complete is step 4: a unit whose output the caller reads has no quantized output. It still stores
// its weights in integers.
func (p *placer) complete() {
	for _, n := range p.g.Nodes {
		if !p.t.Complete || !p.isUnit(n) || p.rows[n].Optional || !p.reachesOut(p.tail[n]) {
			continue
		}
		p.unfuse(n)
		if r := p.rows[n]; r.Role == Weighted {
			weightsOnly := *r
			weightsOnly.Role, weightsOnly.Bias = WeightsOnly, FloatBias
			p.rows[n] = &weightsOnly
			p.why[n] = "its float output leaves the graph, and this runtime computes in integers only towards a quantized output"
		} else {
			p.drop(n, "its float output leaves the graph")
		}
	}
}

// unfuse takes the followers of n back out.
func (p *placer) unfuse(n *graph.Node) {
	delete(p.unit, p.tail[n])
	delete(p.tail, n)
	for _, f := range p.g.Nodes {
		if p.into[f] == n {
			delete(p.into, f)
		}
	}
}

// reachesOut reports whether v leaves the graph with no other operators on the way than those that move elements.
func (p *placer) reachesOut(v *graph.Value) bool {
	for {
		if fixed(p.g, v) {
			return true
		}
		if len(v.Uses) != 1 || !movers[v.Uses[0].Node.Op] || !p.behind[v.Uses[0].Node] {
			return false
		}
		n := v.Uses[0].Node
		if n.Op == "AveragePool" || n.Op == "GlobalAveragePool" || len(n.Outputs) != 1 {
			return false
		}
		v = n.Outputs[0]
	}
}

// reach is step 5.
func (p *placer) reach() {
	codes := map[*graph.Value]bool{} // values that come out of a unit, or out of what moves such values
	for _, n := range p.g.Nodes {
		r := p.rows[n]
		if r == nil || r.Role == Follower || r.Role == WeightsOnly {
			continue
		}
		fed := slices.ContainsFunc(n.Inputs, func(v *graph.Value) bool { return v != nil && codes[v] })
		switch {
		case r.Role == Carrier && fed:
			for _, v := range n.Outputs {
				if v != nil {
					codes[v] = true
				}
			}
		case r.Role == Compute && !fed:
			p.unfuse(n)
			p.drop(n, "no operand comes from an operator in integers")
		case r.Role != Carrier:
			codes[p.tail[n]] = true
		}
	}
}

// demand starts step 6.
func (p *placer) demand() {
	for _, n := range p.g.Nodes {
		if p.isUnit(n) {
			for _, i := range p.rows[n].inputs(n) {
				p.want[graph.Use{Node: n, Index: i}] = true
			}
		}
	}
}

// pull is step 6.
func (p *placer) pull() {
	for i := len(p.g.Nodes) - 1; i >= 0; i-- {
		n := p.g.Nodes[i]
		if r := p.rows[n]; r == nil || r.Role != Carrier || !p.allWanted(n) {
			continue
		}
		if p.rows[n].Below {
			p.below[n] = true
			continue
		}
		p.carry(n)
		if p.t.Complete {
			continue
		}
		for _, v := range n.Outputs {
			for _, u := range uses(v) {
				delete(p.want, u) // the pair above serves it
			}
		}
	}
}

// allWanted reports whether every reader of the elements of every output of n wants codes, and there is one. Of an eager
// carrier one reader is enough.
func (p *placer) allWanted(n *graph.Node) bool {
	some, all := false, true
	for _, v := range n.Outputs {
		if v == nil {
			continue
		}
		all = all && !fixed(p.g, v)
		for _, u := range v.Uses {
			if u.Node.Op == "Shape" { // it reads no element
				continue
			}
			some = some || p.want[u]
			all = all && p.want[u]
		}
	}
	return some && (all || p.rows[n].Eager)
}

// carry makes a carrier move codes: its inputs want them and share parameters with its outputs, if they may.
func (p *placer) carry(n *graph.Node) {
	p.carries[n] = true
	_, clamps := p.joined(n)
	p.own[n] = p.t.Complete && clamps
	for _, i := range p.rows[n].inputs(n) {
		p.want[graph.Use{Node: n, Index: i}] = true
		if p.own[n] {
			continue
		}
		for _, v := range n.Outputs {
			if v != nil {
				p.shared.join(n.Inputs[i], v)
			}
		}
	}
}

// whole makes a pair serve every reader of its value where a row asks for it.
func (p *placer) whole() {
	for _, n := range p.g.Nodes {
		if r := p.rows[n]; p.isUnit(n) && r.Whole != nil && r.Whole(n) && p.want[graph.Use{Node: n}] {
			p.wantAll(n.Inputs[0])
		}
	}
}

// push is step 8: the outputs of units, and of the carriers that move them, become codes for all readers.
func (p *placer) push() {
	for _, n := range p.g.Nodes {
		r := p.rows[n]
		switch {
		case r == nil:
		case p.isUnit(n):
			p.wantAll(p.tail[n])
		case r.Role == Carrier && (p.carries[n] || p.canCarry(n)):
			p.carry(n)
			for _, v := range n.Outputs {
				p.wantAll(v)
			}
		}
	}
}

// canCarry reports whether all that n moves are codes already, and may be codes behind it.
func (p *placer) canCarry(n *graph.Node) bool {
	for _, v := range n.Outputs {
		if v == nil || fixed(p.g, v) {
			return false
		}
	}
	for _, i := range p.rows[n].inputs(n) {
		if !p.want[graph.Use{Node: n, Index: i}] {
			return false
		}
	}
	return true
}

func (p *placer) wantAll(v *graph.Value) {
	if v == nil || fixed(p.g, v) {
		return
	}
	for _, u := range v.Uses {
		p.want[u] = true
	}
}

// collect makes the pairs in the graph's order: inputs first, then node by node.
func (p *placer) collect() {
	at := map[*graph.Node]int{}
	for i, n := range p.g.Nodes {
		at[n] = i
	}
	add := func(v *graph.Value) {
		var readers []graph.Use
		for _, u := range uses(v) {
			if p.want[u] {
				readers = append(readers, u)
			}
		}
		if len(readers) > 0 {
			p.pairs = append(p.pairs, &Pair{Value: v, Readers: order(readers, at)})
		}
	}
	for _, v := range p.g.Inputs {
		add(v)
	}
	for _, n := range p.g.Nodes {
		for _, v := range n.Outputs {
			add(v)
		}
	}
}

// order sorts uses by the places of their nodes in the graph.
func order(us []graph.Use, at map[*graph.Node]int) []graph.Use {
	slices.SortFunc(us, func(a, b graph.Use) int {
		if at[a.Node] != at[b.Node] {
			return at[a.Node] - at[b.Node]
		}
		return a.Index - b.Index
	})
	return us
}

func uses(v *graph.Value) []graph.Use {
	if v == nil {
		return nil
	}
	return v.Uses
}
