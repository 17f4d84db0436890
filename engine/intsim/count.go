package intsim

import (
	"dropquant/engine/graph"
	"dropquant/engine/quant"
	"dropquant/engine/tensor"
)

// Count is what happened in the integers of one layer, over all runs of a program.
type Count struct {
	Node string // of the graph

	// Saturated pairs of products by output channel, where the backend adds in pairs: each makes the sum wrong. Nil elsewhere.
	Saturated []int64

	// AtEnds are the codes of the result, by channel, that lie at an end of their range: what was clipped, and the few values that
	// belong there. The end that stands for the real 0, where a Relu clips, does not count. Nil when the result is float.
	AtEnds []int64
	Codes  int64 // of one channel

	params quant.Params
}

// Counts returns what was counted by all runs so far, by layer in the order of the graph. It is nil without Options.Count. The slices are valid until
// the next Run.
func (p *Program) Counts() []Count {
	var out []Count
	for i, c := range p.counts {
		c.Saturated = p.exec.Saturated(p.layers[i].kernel)
		out = append(out, *c)
	}
	return out
}

// count prepares the counts of every layer and watches the codes that leave them.
func (p *Program) count(l *Lowered, watch map[*graph.Value]bool) {
	p.layers, p.ends = l.layers, map[*graph.Value][]*Count{}
	for _, layer := range l.layers {
		c := &Count{Node: layer.name}
		p.counts = append(p.counts, c)
		if layer.out == nil {
			continue
		}
		v := layer.out.value
		c.params = layer.out.params
		watch[v] = true
		p.ends[v] = append(p.ends[v], c)
	}
}

// codes counts the ends among the codes of a result [batch, channels, …].
func (c *Count) codes(t *tensor.Tensor) {
	if t.DType != tensor.Uint8 && t.DType != tensor.Int8 || len(t.Shape) < 2 || t.Len() == 0 {
		return
	}
	channels := t.Shape[1]
	if c.AtEnds == nil {
		c.AtEnds = make([]int64, channels)
	}
	end := [256]bool{}
	for _, q := range []int32{c.params.QMin, c.params.QMax} {
		end[uint8(q)] = q != c.params.Zero[0]
	}
	inner := t.Len() / (t.Shape[0] * channels)
	for k, b := range tensor.Bytes(t) {
		if end[b] {
			c.AtEnds[k/inner%channels]++
		}
	}
	c.Codes += int64(t.Shape[0] * inner)
}
