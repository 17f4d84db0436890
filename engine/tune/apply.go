package tune

import (
	"math"

	"dropquant/engine/graph"
	"dropquant/engine/quant"
	"dropquant/engine/target"
	"dropquant/engine/tensor"
)

// Apply corrects the biases of those layers of a plan that run in integers. The plan's graph must not have been edited
// yet; it may be a copy of the one that was observed, with the same names. It returns how many layers it corrected.
func (b *Bias) Apply(p *target.Plan) int {
	layers := map[string]*layer{}
	for _, l := range b.layers {
		layers[l.node.Name] = l
	}
	n := 0
	for _, d := range p.Nodes {
		l := layers[d.Node.Name]
		if l == nil || l.mean == nil || d.State != target.Int8 || d.Weight == nil {
			continue
		}
		if shift := l.shift(d.Node, d.Weight); shift != nil {
			correct(p.Graph(), d.Node, shift)
			n++
		}
	}
	return n
}

// shift returns what is to be added to the bias of n, or nil when shapes do not fit or a number is not finite.
func (l *layer) shift(n *graph.Node, weight *target.Weight) []float32 {
	w := weight.Value.Const
	rounded := tensor.New(tensor.Float32, w.Shape...)
	quant.FakeQuantize(rounded.F32(), w.F32(), w.Shape, weight.Params())
	v, ok := layout(n, w)
	if !ok || v.groups*v.in != len(l.mean) || v.out%v.groups != 0 {
		return nil
	}
	shift := make([]float32, v.out)
	for o := range v.out {
		sum := 0.0
		first := o / (v.out / v.groups) * v.in
		for c := range v.in {
			sum += v.taps(w.F32(), o, c)*l.mean[first+c] - v.taps(rounded.F32(), o, c)*l.rough[first+c]
		}
		sum /= float64(l.images)
		if math.IsNaN(sum) || math.IsInf(sum, 0) {
			return nil
		}
		shift[o] = float32(sum)
	}
	return shift
}

// filters says where the weights of an output and an input channel lie.
type filters struct {
	out, in, groups int // in is per group
	size            int // of a filter, in taps
	stepOut, stepIn int
}

func layout(n *graph.Node, w *tensor.Tensor) (filters, bool) {
	s := w.Shape
	switch {
	case n.Op == "Conv" && len(s) >= 3:
		taps := tensor.Size(s[2:])
		return filters{out: s[0], in: s[1], groups: max(1, n.Int("group", 1)), size: taps, stepOut: s[1] * taps, stepIn: taps}, true
	case n.Op == "Gemm" && len(s) == 2 && n.Int("transB", 0) != 0:
		return filters{out: s[0], in: s[1], groups: 1, size: 1, stepOut: s[1], stepIn: 1}, true
	case n.Op == "Gemm" && len(s) == 2:
		return filters{out: s[1], in: s[0], groups: 1, size: 1, stepOut: 1, stepIn: s[1]}, true
	}
	return filters{}, false
}

// taps returns the sum of the taps of one filter.
func (f filters) taps(w []float32, o, c int) (sum float64) {
	at := o*f.stepOut + c*f.stepIn
	for _, v := range w[at : at+f.size] {
		sum += float64(v)
	}
	return sum
}

// correct adds shift to the bias of n, which gets one when it has none.
func correct(g *graph.Graph, n *graph.Node, shift []float32) {
	name := n.Name + "_bias"
	if old := n.Input(2); old != nil {
		b := old.Const.F32()
		if len(b) != len(shift) {
			return
		}
		name = old.Name + "_corrected"
		for i := range shift {
			shift[i] += b[i]
		}
	}
	g.SetInput(n, 2, g.AddConst(name, tensor.Of(shift, len(shift))))
}
