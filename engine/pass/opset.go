package pass

import (
	"fmt"
	"slices"

	"dropquant/engine/graph"
)

// MinOpset is the oldest opset that RaiseOpset starts from: before it, Add and its like broadcast by
// attributes.
const MinOpset = 7

// step is one change of an operator's form between two opsets. Changes that only allow more (types,
// negative axes, new attributes with the old meaning as default) need no step.
type step struct {
	to      int // the opset that changed it
	op      string
	rewrite func(*graph.Graph, *graph.Node) error
}

// steps lists what changed in ai.onnx from opset 8 to 21, in order.
//
// Source: onnx docs/Changelog.md; onnx/version_converter/adapters has most of them.
var steps = []step{
	{9, "BatchNormalization", dropSpatial},
	{9, "Upsample", attrsToInputs(floatsInput("scales"))},
	{10, "Slice", sliceInputs},
	{10, "TopK", attrsToInputs(intInput("k"))},
	{10, "Upsample", upsampleToResize},
	{11, "Clip", clipInputs},
	{11, "Pad", padInputs},
	{11, "Resize", resizeInputs},
	{11, "Scatter", scatterElements},
	{12, "Dropout", dropoutInputs},
	{13, "Hardmax", lastAxis},
	{13, "LogSoftmax", lastAxis},
	{13, "ReduceSum", attrsToInputs(intsInput("axes"))},
	{13, "Resize", refuseTFHalfPixel},
	{13, "Softmax", lastAxis},
	{13, "Split", attrsToInputs(intsInput("split"))},
	{13, "Squeeze", attrsToInputs(intsInput("axes"))},
	{13, "Unsqueeze", attrsToInputs(intsInput("axes"))},
	{18, "ReduceL1", attrsToInputs(intsInput("axes"))},
	{18, "ReduceL2", attrsToInputs(intsInput("axes"))},
	{18, "ReduceLogSum", attrsToInputs(intsInput("axes"))},
	{18, "ReduceLogSumExp", attrsToInputs(intsInput("axes"))},
	{18, "ReduceMax", attrsToInputs(intsInput("axes"))},
	{18, "ReduceMean", attrsToInputs(intsInput("axes"))},
	{18, "ReduceMin", attrsToInputs(intsInput("axes"))},
	{18, "ReduceProd", attrsToInputs(intsInput("axes"))},
	{18, "ReduceSumSquare", attrsToInputs(intsInput("axes"))},
	{18, "Split", countOutputs},
	{20, "GridSample", renameModes},
}

// RaiseOpset raises ai.onnx to the given opset, at most 21, and rewrites what changed on the way.
// A graph that is there already is left alone.
//
// Needs:  opset 7 or later; below 13 no operator with a subgraph, whose nodes would have to be rewritten too.
// Source: see steps.
func RaiseOpset(to int) Pass {
	return func(g *graph.Graph) error {
		from := g.Opset[""]
		if from >= to {
			return nil
		}
		if from < MinOpset {
			return fmt.Errorf("the model uses opset %d: export it with opset %d or later", from, MinOpset)
		}
		for _, n := range g.Nodes {
			if named(n, "If", "Loop", "Scan", "SequenceMap") {
				return fmt.Errorf("node %q (%s) holds a subgraph of opset %d, which cannot be raised to %d: export the model with opset %d or later", n.Name, n.Op, from, to, to)
			}
		}
		for _, s := range steps {
			if s.to <= from || s.to > to {
				continue
			}
			for _, n := range slices.Clone(g.Nodes) {
				if !named(n, s.op) {
					continue
				}
				if err := s.rewrite(g, n); err != nil {
					return fmt.Errorf("node %q (%s): %w", n.Name, n.Op, err)
				}
			}
		}
		g.SetOpset("", to)
		return g.Sort()
	}
}

// removeAttr takes an attribute off a node.
func removeAttr(n *graph.Node, name string) {
	n.Attrs = slices.DeleteFunc(slices.Clone(n.Attrs), func(a graph.Attr) bool { return a.Name == name })
}
