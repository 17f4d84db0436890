package target

import "dropquant/engine/graph"

// joined looks at what a carrier would put into one group with its output: within which limits the group's quantizer
// must clamp, in the place of the Relu and Clip fused before it, and whether some of the values leaves them. Then the zero
// point or the scale of all together would not clamp, and the carrier, a Concat, requantizes instead.
func (p *placer) joined(n *graph.Node) (allowed limits, leaves bool) {
	all := limits{inf, -inf}
	allowed = unlimited
	for _, i := range p.rows[n].inputs(n) {
		allowed = allowed.within(p.clampOf(n.Inputs[i]))
		all = all.union(bounds(n.Inputs[i]))
	}
	return allowed, all.lo < allowed.lo || all.hi > allowed.hi
}

// clampOf returns the limits that the quantizer of v, or of what v is moved from, must clamp to.
func (p *placer) clampOf(v *graph.Value) limits {
	l, ok := p.clamp[v]
	if ok {
		return l
	}
	l = unlimited
	switch n := v.Producer; {
	case n == nil:
	case p.into[n] != nil:
		l = bounds(v)
	case p.rows[n] != nil && p.rows[n].Role == Carrier:
		if allowed, leaves := p.joined(n); !leaves {
			l = allowed
		}
	}
	p.clamp[v] = l
	return l
}
