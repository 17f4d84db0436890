package target

import (
	"dropquant/engine/graph"
	"dropquant/engine/tensor"
)

// Filters says where the weights of each output and input channel lie: those of one filter and one input channel are
// Taps elements in a row.
type Filters struct {
	Out, In, Groups, Taps int // In is per group
	stepGroup             int // from a group to the next
	stepOut, stepIn       int
}

// FiltersOf returns the layout of the weights w of a Conv, ConvTranspose, Gemm or MatMul, and false where the shapes do
// not fit the operator.
func FiltersOf(n *graph.Node, w *tensor.Tensor) (Filters, bool) {
	s, groups := w.Shape, max(1, n.Int("group", 1))
	switch {
	case n.Op == "Conv" && len(s) >= 3 && s[0]%groups == 0:
		taps := tensor.Size(s[2:])
		return Filters{Out: s[0], In: s[1], Groups: groups, Taps: taps, stepGroup: s[0] / groups * s[1] * taps, stepOut: s[1] * taps, stepIn: taps}, true
	case n.Op == "ConvTranspose" && len(s) >= 3 && s[0]%groups == 0:
		taps := tensor.Size(s[2:])
		return Filters{Out: s[1] * groups, In: s[0] / groups, Groups: groups, Taps: taps, stepGroup: s[0] / groups * s[1] * taps, stepOut: taps, stepIn: s[1] * taps}, true
	case n.Op == "Gemm" && len(s) == 2 && n.Int("transB", 0) != 0:
		return Filters{Out: s[0], In: s[1], Groups: 1, Taps: 1, stepOut: s[1], stepIn: 1}, true
	case (n.Op == "Gemm" || n.Op == "MatMul") && len(s) == 2:
		return Filters{Out: s[1], In: s[0], Groups: 1, Taps: 1, stepOut: 1, stepIn: s[1]}, true
	}
	return Filters{}, false
}

// At returns the place of the first tap of filter o and input channel c of its group.
func (f Filters) At(o, c int) int {
	per := f.Out / f.Groups
	return o/per*f.stepGroup + o%per*f.stepOut + c*f.stepIn
}

// places returns where the weights of the first filter lie, tap by tap with the input channels within: the order in which
// kernels multiply. Those of filter o lie At(o, 0) further on.
func (f Filters) places() []int {
	out := make([]int, 0, f.In*f.Taps)
	for t := range f.Taps {
		for c := range f.In {
			out = append(out, f.At(0, c)+t)
		}
	}
	return out
}

// Depthwise reports whether every output channel reads an input channel of its own.
func (f Filters) Depthwise() bool { return f.In == 1 && f.Out == f.Groups && f.Groups > 1 }
