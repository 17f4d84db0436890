package pass

import (
	"fmt"
	"slices"

	"dropquant/engine/graph"
)

// lastAxis keeps what Softmax, LogSoftmax and Hardmax mean while their axis comes to mean one axis.
//
// Rule:   before opset 13 the dimensions from axis on (1 when absent) are one, flattened; from 13 on
// axis is that one alone (the last when absent). Where only one dimension behind axis is not 1, its
// index says the same; else Flatten(axis) → op(last) → Reshape to the shape of the input.
// Source: onnx docs/Changelog.md, Softmax-11 and -13.
func lastAxis(g *graph.Graph, n *graph.Node) error {
	x, axis := n.Input(0), n.Int("axis", 1)
	if x == nil || !oneOutput(n) {
		return fmt.Errorf("it lacks its input or output: the file is damaged")
	}
	if x.Shape != nil {
		if axis < 0 {
			axis += len(x.Shape)
		}
		if only, ok := onlyAxis(x.Shape, axis); ok {
			g.SetAttr(n, "axis", int64(only))
			return nil
		}
	}
	return flattened(g, n, axis)
}

// onlyAxis returns the one axis from axis on whose dimension may differ from 1, the last if there is none.
func onlyAxis(shape []int, axis int) (int, bool) {
	if axis < 0 || axis >= len(shape) {
		return 0, false
	}
	only, count := len(shape)-1, 0
	for i, d := range shape[axis:] {
		if d != 1 {
			only = axis + i
			count++
		}
	}
	return only, count <= 1
}

// flattened replaces n by the same operator on two dimensions.
func flattened(g *graph.Graph, n *graph.Node, axis int) error {
	x, y := n.Inputs[0], n.Outputs[0].Name
	shape := g.AddNode("Shape", n.Name+"_shape", []*graph.Value{x}, nil, y+"_shape")
	flat := g.AddNode("Flatten", n.Name+"_flatten", []*graph.Value{x}, []graph.Attr{{Name: "axis", Value: int64(axis)}}, y+"_flat")
	attrs := slices.DeleteFunc(slices.Clone(n.Attrs), func(a graph.Attr) bool { return a.Name == "axis" })
	soft := g.AddNode(n.Op, n.Name+"_last", flat.Outputs, append(attrs, graph.Attr{Name: "axis", Value: int64(-1)}), y+"_last")
	back := g.AddNode("Reshape", n.Name+"_reshape", []*graph.Value{soft.Outputs[0], shape.Outputs[0]}, nil, y+"_back")
	g.TakeOutput(back, 0, n, 0)
	return nil
}
