package target

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"

	"dropquant/engine/quant"
)

// fits reports whether weights are rounded so that nothing overflows.
func (t *Target) fits() bool { return t.Pairs && t.AnyCPU }

// Fitted keeps the weights that were rounded so that nothing overflows, for several plans of copies of one graph: it takes as
// long as running the model many times. So workers share it out, too. The zero value is empty.
type Fitted struct{ known map[string][]fitted } // by the name of the weight

// fitted is what one weight became.
type fitted struct {
	asked   quant.Params
	readers string // and their states
	rounded Rounded
	own     bool // made here, and unknown to others
}

// once is p.fit, whose result depends on the weight, its parameters and which of its readers run in integers. A nil f
// keeps nothing.
func (f *Fitted) once(p *Plan, w *Weight, params quant.Params) Rounded {
	if f == nil {
		return p.fit(w, params)
	}
	readers := ""
	for _, n := range w.Nodes {
		readers += fmt.Sprintf("%q %v ", n.Name, p.Decision(n).State)
	}
	for _, k := range f.known[w.Value.Name] {
		if k.readers == readers && reflect.DeepEqual(k.asked, params) && slices.Equal(k.rounded.Codes.Shape, w.Value.Const.Shape) {
			return k.rounded
		}
	}
	r := p.fit(w, params)
	f.add(w.Value.Name, fitted{params, readers, r, true})
	return r
}

func (f *Fitted) add(name string, k fitted) {
	if f.known == nil {
		f.known = map[string][]fitted{}
	}
	f.known[name] = append(f.known[name], k)
}

// RoundShare rounds the weights that worker place of several takes, as Round does, and keeps them in the plan's Fitted: about as
// many elements each, whatever the order in which workers do it.
func (p *Plan) RoundShare(place, of int, acts map[*Group]quant.Params) {
	if !p.Target.fits() {
		return
	}
	size := func(w *Weight) int { return len(w.Value.Const.F32()) }
	list := slices.Clone(p.Weights)
	slices.SortStableFunc(list, func(a, b *Weight) int { return cmp.Compare(size(b), size(a)) })
	loads := make([]int, max(1, of))
	for _, w := range list { // the largest first, each to the one with the least
		least := slices.Index(loads, slices.Min(loads))
		loads[least] += size(w)
		if least == place {
			p.Round(w, acts)
		}
	}
}

// Exchanged says that all workers know what was rounded here.
func (f *Fitted) Exchanged() {
	for _, list := range f.known {
		for i := range list {
			list[i].own = false
		}
	}
}

// Merge takes over what another worker has rounded, but for what is known.
func (f *Fitted) Merge(other *Fitted) {
	for name, list := range other.known {
		for _, k := range list {
			if !slices.ContainsFunc(f.known[name], func(o fitted) bool { return o.readers == k.readers && reflect.DeepEqual(o.asked, k.asked) }) {
				f.add(name, k)
			}
		}
	}
}
