package pass

import (
	"fmt"

	"dropquant/engine/graph"
	"dropquant/engine/tensor"
)

// moved is an attribute that became an input.
type moved struct {
	name  string
	value func(n *graph.Node) *tensor.Tensor // nil when the attribute is absent
}

func intsInput(name string) moved {
	return moved{name, func(n *graph.Node) *tensor.Tensor {
		v := n.Ints(name)
		if v == nil {
			return nil
		}
		return int64s(v...)
	}}
}

func intInput(name string) moved {
	return moved{name, func(n *graph.Node) *tensor.Tensor {
		if !n.Has(name) {
			return nil
		}
		return int64s(n.Int(name, 0))
	}}
}

func floatsInput(name string) moved {
	return moved{name, func(n *graph.Node) *tensor.Tensor {
		v := n.Floats(name)
		if v == nil {
			return nil
		}
		return tensor.Of(v, len(v))
	}}
}

func int64s(v ...int) *tensor.Tensor {
	out := make([]int64, len(v))
	for i, x := range v {
		out[i] = int64(x)
	}
	return tensor.Of(out, len(out))
}

// attrsToInputs moves attributes to the inputs behind the first, in order.
func attrsToInputs(list ...moved) func(*graph.Graph, *graph.Node) error {
	return func(g *graph.Graph, n *graph.Node) error {
		for i, m := range list {
			if t := m.value(n); t != nil {
				g.SetInput(n, i+1, g.AddConst(n.Name+"_"+m.name, t))
			}
			removeAttr(n, m.name)
		}
		return nil
	}
}

// sliceInputs: starts, ends and axes became inputs; axes follow ends.
func sliceInputs(g *graph.Graph, n *graph.Node) error {
	if n.Ints("starts") == nil || n.Ints("ends") == nil {
		return fmt.Errorf("it lacks starts or ends: the file is damaged")
	}
	return attrsToInputs(intsInput("starts"), intsInput("ends"), intsInput("axes"))(g, n)
}

// clipInputs: min and max became scalar inputs; absent ones stay absent.
func clipInputs(g *graph.Graph, n *graph.Node) error {
	for i, name := range []string{"min", "max"} {
		if n.Has(name) {
			g.SetInput(n, i+1, g.AddConst(n.Name+"_"+name, tensor.Scalar(n.Float(name, 0))))
		}
		removeAttr(n, name)
	}
	return nil
}

// padInputs: pads became an input, and the value a scalar one that only constant padding has.
func padInputs(g *graph.Graph, n *graph.Node) error {
	if n.Ints("pads") == nil {
		return fmt.Errorf("it lacks pads: the file is damaged")
	}
	value := n.Float("value", 0)
	removeAttr(n, "value")
	if err := attrsToInputs(intsInput("pads"))(g, n); err != nil {
		return err
	}
	if n.Str("mode", "constant") == "constant" {
		g.SetInput(n, 2, g.AddConst(n.Name+"_value", tensor.Scalar(value)))
	}
	return nil
}

// dropoutInputs: the ratio became an input. In inference, which the absent third input means, it does nothing.
func dropoutInputs(g *graph.Graph, n *graph.Node) error {
	if n.Has("ratio") {
		g.SetInput(n, 1, g.AddConst(n.Name+"_ratio", tensor.Scalar(n.Float("ratio", 0.5))))
		removeAttr(n, "ratio")
	}
	return nil
}

// dropSpatial: the attribute went away with its default.
func dropSpatial(_ *graph.Graph, n *graph.Node) error {
	if n.Int("spatial", 1) != 1 {
		return fmt.Errorf("it normalizes per element (spatial=0), which later opsets cannot say: export the model again")
	}
	removeAttr(n, "spatial")
	return nil
}

// scatterElements: a new name for the same.
func scatterElements(_ *graph.Graph, n *graph.Node) error {
	n.Op = "ScatterElements"
	return nil
}

// countOutputs: a Split into equal parts must say into how many.
func countOutputs(g *graph.Graph, n *graph.Node) error {
	if n.Input(1) == nil {
		g.SetAttr(n, "num_outputs", int64(len(n.Outputs)))
	}
	return nil
}

// renameModes: GridSample calls its modes as Resize does.
func renameModes(g *graph.Graph, n *graph.Node) error {
	switch n.Str("mode", "bilinear") {
	case "bilinear":
		g.SetAttr(n, "mode", "linear")
	case "bicubic":
		g.SetAttr(n, "mode", "cubic")
	}
	return nil
}
