package intsim

import (
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/tensor"
)

// A convolution that ONNX Runtime leaves in float rounds as often as it adds, and which way the codes behind it go at a tie
// depends on the order. Its weights come through a DequantizeLinear, so that the runtime does not know them beforehand and computes a matrix
// product: products in the order of channels and taps within, each fused with its sum, in blocks whose sums are then added up, and the bias
// last. The engine's kernels do the same for one block where the processor fuses.
//
// Source: mlas/lib/sgemm.cpp (MlasSgemmOperation), convolve.cpp, FgemmKernelFma3Common.inc; seen in ONNX Runtime 1.32 with one and two threads.
// With so many threads that each has fewer than 64 columns blocks are longer.

// sumBlock returns how many products of a sum of length k make a block, where the result has n columns.
func sumBlock(n, k int) int {
	block := 128
	if n >= k {
		return block // shorter only where all of k fits
	}
	for width := 128; width > 16 && width/2 >= n; width /= 2 {
		block *= 2
	}
	return block
}

// longestBlock is how many products the engine's kernels add without interruption.
const longestBlock = 384

// floatConv cuts a convolution of the kernel 1x1 and quantized weights that stays float into the blocks in which ONNX Runtime adds. Larger kernels
// are left as they are, since the engine transforms them, and so are planes so small that blocks are longer than its own.
func (l *lowering) floatConv(n *graph.Node) {
	if l.g.Opset[""] < 13 || n.Op != "Conv" || n.Int("group", 1) != 1 || len(n.Outputs[0].Shape) != 4 || n.Outputs[0].Shape[0] != 1 || slices.ContainsFunc(slices.Concat(n.Ints("strides"), n.Ints("dilations")), func(s int) bool { return s != 1 }) ||
		slices.ContainsFunc(n.Ints("pads"), func(p int) bool { return p != 0 }) {
		return
	}
	w := l.r.Codes(n.Input(1))
	if w.Constant() == nil || tensor.Size(w.Constant().Const.Shape[2:]) != 1 {
		return
	}
	reals, y := w.Params.Reals(w.Constant().Const), n.Outputs[0].Shape
	k, columns := reals.Shape[1], y[2]*y[3]
	block := sumBlock(columns, k)
	if columns == 1 || block > longestBlock {
		return
	}
	const panel = 8 // of columns: one that is alone in its panel is added up otherwise
	x, alone := n.Inputs[0], columns%panel == 1
	if alone {
		x = l.op("", "Pad", []*graph.Value{l.reshape(x, 1, k, 1, columns), l.integers(0, 0, 0, 0, 0, 0, 0, 1)})
	}
	var sum *graph.Value
	for from := 0; from < k; from += block {
		to := min(from+block, k)
		part := l.op("", "Conv", []*graph.Value{l.slice(x, 1, from, to), l.g.AddConst("weights", columnsOf(reals, from, to))})
		if sum != nil {
			part = l.op("", "Add", []*graph.Value{sum, part})
		}
		sum = part
	}
	if b := n.Input(2); b != nil {
		sum = l.op("", "Add", []*graph.Value{sum, l.reshape(b, 1, y[1], 1, 1)})
	}
	if alone {
		sum = l.slice(sum, 3, 0, columns)
	}
	last := l.add("", "Reshape", n.Name, []*graph.Value{sum, l.integers(y...)}, nil)
	l.g.TakeOutput(last, 0, n, 0)
}

func (l *lowering) integers(x ...int) *graph.Value {
	t := tensor.New(tensor.Int64, len(x))
	for i, v := range x {
		t.I64()[i] = int64(v)
	}
	return l.g.AddConst("integers", t)
}

func (l *lowering) reshape(v *graph.Value, shape ...int) *graph.Value {
	return l.op("", "Reshape", []*graph.Value{v, l.integers(shape...)})
}

// slice returns elements from to to of an axis.
func (l *lowering) slice(v *graph.Value, axis, from, to int) *graph.Value {
	return l.op("", "Slice", []*graph.Value{v, l.integers(from), l.integers(to), l.integers(axis)})
}

// columnsOf returns columns from to to of weights [outputs, inputs, 1, 1].
func columnsOf(w *tensor.Tensor, from, to int) *tensor.Tensor {
	rows, k := w.Shape[0], w.Shape[1]
	out := tensor.New(tensor.Float32, rows, to-from, 1, 1)
	for r := range rows {
		copy(out.F32()[r*(to-from):], w.F32()[r*k+from:r*k+to])
	}
	return out
}
