package target

import (
	"math"
	"strings"

	"dropquant/engine/graph"
	"dropquant/engine/quant"
)

// Group is the pairs that share one scale and zero point.
type Group struct {
	Name   string         // its first value's
	Grid   quant.Grid     // the target's codes for activations
	Pairs  []*Pair        // in the order of the graph
	Values []*graph.Value // whose ranges together are the group's: the others only repeat their elements
	Min    float32        // no element is less, whatever the input: 0 after Relu; −Inf when nothing limits it
	Max    float32        // no element is more: 6 after ReLU6, 1 after Sigmoid; +Inf when nothing limits it
	Note   string         // why the pairs are one group, "" for a single pair
}

// Pair is QuantizeLinear and DequantizeLinear on one value.
type Pair struct {
	Value   *graph.Value
	Readers []graph.Use // the node inputs that read the DequantizeLinear
	Group   *Group
}

// Params returns the scale and zero point of the group for reals from lo to hi,
// which are first limited to Min and Max. The reals of the codes then stay within
// a Max that the graph clips at, to the last bit, since a runtime drops the Clip
// before a quantizer only when the codes cannot leave it.
func (g *Group) Params(lo, hi float32) quant.Params {
	p := g.Grid.Params(max(lo, g.Min), min(hi, g.Max))
	for c := range p.Scale {
		for _, top := p.Real(c); top > g.Max && g.Max > 0; _, top = p.Real(c) {
			p.Scale[c] = math.Nextafter32(p.Scale[c], 0)
		}
	}
	return p
}

// sets is a union-find over the values that share parameters.
type sets map[*graph.Value]*graph.Value

func (s sets) find(v *graph.Value) *graph.Value {
	for s[v] != nil && s[v] != v {
		v = s[v]
	}
	return v
}

func (s sets) join(a, b *graph.Value) {
	a, b = s.find(a), s.find(b)
	if a != b {
		s[b] = a
	}
}

// groups collects the pairs, which are in the graph's order, into groups in the order of their first pairs.
func (p *placer) groups() []*Group {
	var out []*Group
	byRoot := map[*graph.Value]*Group{}
	for _, pair := range p.pairs {
		root := p.shared.find(pair.Value)
		g := byRoot[root]
		if g == nil {
			g = &Group{Name: pair.Value.Name, Grid: p.t.Act, Min: inf, Max: -inf}
			byRoot[root] = g
			out = append(out, g)
		}
		pair.Group = g
		g.Pairs = append(g.Pairs, pair)
		if p.repeats(pair.Value) {
			continue
		}
		g.Values = append(g.Values, pair.Value)
		l := bounds(pair.Value)
		g.Min, g.Max = min(g.Min, l.lo), max(g.Max, l.hi)
	}
	for _, g := range out {
		g.Note = p.note(g)
	}
	return out
}

// sharing maps every value that carries codes to its group.
func (p *placer) sharing() map[*graph.Value]*Group {
	byRoot, out := map[*graph.Value]*Group{}, map[*graph.Value]*Group{}
	for _, pair := range p.pairs {
		byRoot[p.shared.find(pair.Value)] = pair.Group
		out[pair.Value] = pair.Group
	}
	for _, n := range p.g.Nodes {
		if p.carries[n] {
			for _, v := range n.Outputs {
				if g := byRoot[p.shared.find(v)]; v != nil && g != nil {
					out[v] = g
				}
			}
		}
	}
	return out
}

// repeats reports whether v holds only elements of other values of its group, so needs no observing.
func (p *placer) repeats(v *graph.Value) bool {
	n := v.Producer
	return n != nil && p.carries[n] && !p.own[n]
}

// note names the operators that tie the pairs of a group together.
func (p *placer) note(g *Group) string {
	var ops []string
	seen := map[string]bool{}
	root := p.shared.find(g.Pairs[0].Value)
	for _, n := range p.g.Nodes {
		if p.carries[n] && !p.own[n] && !seen[n.Op] && n.Out(0) != nil && p.shared.find(n.Out(0)) == root {
			seen[n.Op] = true
			ops = append(ops, n.Op)
		}
	}
	return strings.Join(ops, ", ")
}
