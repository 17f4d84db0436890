package pass

import (
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/op"
	"dropquant/engine/tensor"
)

// WidenHalves makes float32 of everything that is float16 or bfloat16, inputs and outputs too, and reports whether anything was. What
// the halves were rounded to stays; what is computed from them is no longer rounded.
//
// Needs:  no subgraphs and no operators of other domains, whose types it does not know.
// Source: onnxruntime's convert_float_to_float16, which it takes back.
func WidenHalves(g *graph.Graph) bool {
	for _, n := range g.Nodes {
		if n.Domain != "" && n.Domain != "ai.onnx" || named(n, "If", "Loop", "Scan", "SequenceMap") {
			return false
		}
	}
	widened := false
	seen := map[*graph.Value]bool{}
	widen := func(values []*graph.Value) {
		for _, v := range values {
			if v == nil || seen[v] {
				continue
			}
			seen[v] = true
			if v.Const != nil && isHalf(v.Const.DType) {
				v.Const = op.Widen(v.Const)
				v.DType, widened = tensor.Float32, true
			}
			if isHalf(v.DType) {
				v.DType, widened = tensor.Float32, true
			}
		}
	}
	widen(g.Inputs)
	for _, n := range g.Nodes {
		widen(n.Inputs)
		widen(n.Outputs)
		for _, a := range slices.Clone(n.Attrs) {
			switch x := a.Value.(type) {
			case int64:
				if (a.Name == "to" || a.Name == "dtype") && isHalf(tensor.DType(x)) {
					g.SetAttr(n, a.Name, int64(tensor.Float32))
					widened = true
				}
			case *tensor.Tensor:
				if isHalf(x.DType) {
					g.SetAttr(n, a.Name, op.Widen(x))
					widened = true
				}
			}
		}
	}
	widen(g.Outputs)
	return widened
}

func isHalf(t tensor.DType) bool { return t == tensor.Float16 || t == tensor.BFloat16 }
