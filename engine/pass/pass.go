// Package pass rewrites graphs without changing what they compute.
//
// A pass is a plain function that edits a graph in place; its doc comment gives
// the Rule, what it Needs and the Source. Nodes that a pass does not concern
// keep the messages they were read from. Constant data is shared between graphs:
// passes replace it and never write into it.
package pass

import (
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/tensor"
)

// Pass edits a graph. An error names the node and says what to do.
type Pass = func(*graph.Graph) error

// Concat returns the pass that runs several in order.
func Concat(passes ...Pass) Pass {
	return func(g *graph.Graph) error {
		for _, p := range passes {
			if err := p(g); err != nil {
				return err
			}
		}
		return nil
	}
}

// Float brings a float model into the form that quantization works on. The order
// matters: constants first, since the folds ask for constant weights; identities
// next, since one between two operators hides their neighbourhood.
var Float = Concat(FoldConstants, RemoveIdentity, FoldBatchNorm, FoldScale)

// f32 returns the elements of a float32 constant, or nil.
func f32(v *graph.Value) []float32 {
	if v == nil || v.Const == nil || v.Const.DType != tensor.Float32 {
		return nil
	}
	return v.Const.F32()
}

// ints returns the elements of an int64 or int32 constant, or nil.
func ints(v *graph.Value) []int {
	if v == nil || v.Const == nil {
		return nil
	}
	switch v.Const.DType {
	case tensor.Int64:
		return widen(v.Const.I64())
	case tensor.Int32:
		return widen(tensor.Data[int32](v.Const))
	}
	return nil
}

func widen[T int32 | int64](x []T) []int {
	out := make([]int, len(x))
	for i, e := range x {
		out[i] = int(e)
	}
	return out
}

// captured reports whether a subgraph reads v by name.
func captured(v *graph.Value) bool {
	return slices.ContainsFunc(v.Uses, func(u graph.Use) bool { return u.Index == graph.CaptureIndex })
}

// onlyReader returns the one node that reads v and nothing else does, not even the caller; else nil.
func onlyReader(g *graph.Graph, v *graph.Value) *graph.Node {
	if v == nil || len(v.Uses) != 1 || captured(v) || g.IsOutput(v) {
		return nil
	}
	return v.Uses[0].Node
}

// named reports whether n is one of these operators of ai.onnx.
func named(n *graph.Node, ops ...string) bool {
	return n.Domain == "" && slices.Contains(ops, n.Op)
}

// oneOutput reports whether n produces its first output and no other.
func oneOutput(n *graph.Node) bool {
	return n.Out(0) != nil && !slices.ContainsFunc(n.Outputs[1:], func(v *graph.Value) bool { return v != nil })
}
