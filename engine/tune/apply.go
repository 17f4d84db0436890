package tune

import (
	"math"

	"dropquant/engine/graph"
	"dropquant/engine/quant"
	"dropquant/engine/target"
	"dropquant/engine/tensor"
)

// Apply corrects the biases of those layers of a plan that run in integers, with the parameters of its groups, by what the
// images showed under one of the sets of parameters. Images come in the same order everywhere: sums of floats depend on it.
// The plan's graph must not have been edited yet; it may be a copy of the one that was observed, with the same names. It
// returns how many layers it corrected.
func (b *Bias) Apply(p *target.Plan, acts map[*target.Group]quant.Params, images []Means, set int) int {
	n := 0
	for _, d := range p.Nodes {
		at, ok := b.reads[d.Node.Name]
		if !ok || d.State != target.Int8 || d.Weight == nil {
			continue
		}
		mean, rough, seen := b.inputs[at].sums(images, at, set)
		if seen == 0 {
			continue
		}
		if shift := shiftOf(d.Node, d.Weight.Value.Const, p.Round(d.Weight, acts), mean, rough, seen); shift != nil {
			correct(p.Graph(), d.Node, shift)
			n++
		}
	}
	return n
}

// shiftOf returns what is to be added to the bias of n, whose weights w are rounded to r, or nil when shapes do not fit or
// a number is not finite. mean and rough are sums over images of the means of each input channel.
func shiftOf(n *graph.Node, w *tensor.Tensor, r target.Rounded, mean, rough []float64, images int) []float32 {
	f, ok := target.FiltersOf(n, w)
	if !ok || f.Groups*f.In != len(mean) || f.Out%f.Groups != 0 {
		return nil
	}
	exact, rounded := w.F32(), r.Params.Reals(r.Codes).F32()
	shift := make([]float32, f.Out)
	for o := range f.Out {
		sum := 0.0
		first := o / (f.Out / f.Groups) * f.In
		mean, rough := mean[first:first+f.In], rough[first:first+f.In]
		for c, m := range mean {
			at := f.At(o, c)
			sum += taps(exact[at:at+f.Taps])*m - taps(rounded[at:at+f.Taps])*rough[c]
		}
		sum /= float64(images)
		if math.IsNaN(sum) || math.IsInf(sum, 0) {
			return nil
		}
		shift[o] = float32(sum)
	}
	return shift
}

// taps returns the sum of the taps of one filter and input channel.
func taps(w []float32) (sum float64) {
	for _, v := range w {
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
