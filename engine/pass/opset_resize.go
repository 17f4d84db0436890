package pass

import (
	"fmt"

	"dropquant/engine/graph"
)

// upsampleToResize: Resize took over with the same inputs.
func upsampleToResize(g *graph.Graph, n *graph.Node) error {
	n.Op = "Resize"
	if n.Str("mode", "nearest") == "bilinear" {
		g.SetAttr(n, "mode", "linear")
	}
	return nil
}

// resizeInputs: the region of interest came between input and scales, and what used to be the only way to
// map coordinates got names: asymmetric, and for nearest the pixel below when enlarging and above when
// shrinking.
//
// Source: for the rounding, which the specification of opset 10 leaves open, ONNX Runtime's
// core/providers/cpu/tensor/upsamplebase.h, ResizeNearestMode::SIMPLE.
func resizeInputs(g *graph.Graph, n *graph.Node) error {
	g.SetInput(n, 2, n.Input(1))
	g.SetInput(n, 1, nil)
	g.SetAttr(n, "coordinate_transformation_mode", "asymmetric")
	if n.Str("mode", "nearest") != "nearest" {
		return nil
	}
	scales := f32(n.Inputs[2])
	if scales == nil {
		return fmt.Errorf("its scales are computed, so how it rounds cannot be said in a later opset: export the model with opset 13 or later")
	}
	up, down := false, false
	for _, s := range scales {
		up, down = up || s > 1, down || s < 1
	}
	switch {
	case up && down:
		return fmt.Errorf("it enlarges one side and shrinks another, which rounds two ways: export the model with opset 13 or later")
	case down:
		g.SetAttr(n, "nearest_mode", "ceil")
	default:
		g.SetAttr(n, "nearest_mode", "floor")
	}
	return nil
}

// refuseTFHalfPixel: a coordinate mode that opset 13 removed.
func refuseTFHalfPixel(_ *graph.Graph, n *graph.Node) error {
	if n.Str("coordinate_transformation_mode", "") == "tf_half_pixel_for_nn" {
		return fmt.Errorf("the coordinate mode tf_half_pixel_for_nn does not exist from opset 13 on: export the model again")
	}
	return nil
}
