package exec

import (
	"dropquant/engine/graph"
	"dropquant/engine/kernel"
	"dropquant/engine/op"
	"dropquant/engine/tensor"
)

// tail is what follows a convolution or product and is computed with it.
type tail struct {
	nodes []*graph.Node
	norm  *graph.Node // BatchNormalization
	add   *graph.Value
	act   op.Activation
	out   *graph.Value
}

// tail follows the values that only the next node sees: BatchNormalization, then Add, then an activation.
func (b *builder) tail(c *op.Call) tail {
	t := tail{nodes: []*graph.Node{c.Node}, out: c.Node.Out(0)}
	_, conv := c.Spec.(*op.Conv)
	_, integers := c.Spec.(*op.IntConv)
	if conv || integers {
		if n, i := b.sole(t.out); conv && n != nil && n.Op == "BatchNormalization" && i == 0 && b.constants(n.Inputs[1:]) && b.floats(n.Inputs) && onlyFirst(n.Outputs) {
			t.norm, t.out, t.nodes = n, n.Out(0), append(t.nodes, n)
		}
		if n, i := b.sole(t.out); n != nil && n.Op == "Add" {
			if s, ok := b.call(n).Spec.(*op.Binary); ok && s.Same && b.r.Types[t.out].DType == tensor.Float32 && b.wide(n, n.Inputs[1-i]) {
				t.add, t.out, t.nodes = n.Inputs[1-i], n.Out(0), append(t.nodes, n)
			}
		}
	}
	if n, _ := b.sole(t.out); n != nil {
		if a, ok := b.call(n).Spec.(*op.Activation); ok {
			t.act, t.out, t.nodes = *a, n.Out(0), append(t.nodes, n)
			return t
		}
	}
	if act, nodes := b.gate(t.out); nodes != nil && !(integers && act.Act == kernel.Gelu) { // of sums a runtime computes it in steps
		t.act, t.out, t.nodes = act, nodes[len(nodes)-1].Out(0), append(t.nodes, nodes...)
	}
	return t
}

// wide reports whether v has exactly the shape of what n computes.
func (b *builder) wide(n *graph.Node, v *graph.Value) bool {
	return v != nil && equal(b.r.Types[v].Shape, b.r.Types[n.Out(0)].Shape)
}

func (b *builder) constants(list []*graph.Value) bool {
	for _, v := range list {
		if v != nil && !b.constant(v) {
			return false
		}
	}
	return true
}

func (b *builder) floats(list []*graph.Value) bool {
	for _, v := range list {
		if v != nil && b.r.Types[v].DType != tensor.Float32 {
			return false
		}
	}
	return true
}

// fuseConv packs a convolution of constant weights with what follows it.
func (b *builder) fuseConv(c *op.Call) bool {
	spec, ok := c.Spec.(*op.Conv)
	n := c.Node
	if !ok || !b.constants(n.Inputs[1:]) || b.constant(n.Inputs[0]) {
		return false
	}
	t := b.tail(c)
	s := &step{in: []*graph.Value{n.Inputs[0]}, out: []*graph.Value{t.out}}
	if t.add != nil {
		s.in = append(s.in, t.add)
	}
	b.place(s, t.nodes...)
	weights, scratch := kernel.ConvMemory(&spec.Shape, b.o.Exact)
	b.sized = append(b.sized, sizing{weights, scratch})
	b.packs = append(b.packs, func(get func(*graph.Value) *tensor.Tensor) {
		w, bias := get(n.Inputs[1]).F32(), []float32(nil)
		if v := n.Input(2); v != nil {
			bias = get(v).F32()
		}
		if t.norm != nil {
			w, bias = foldNorm(w, bias, t.norm, get)
		}
		k := spec.Kernel(w, bias, kernel.Epilogue{Act: t.act.Act, Lo: t.act.Lo, Hi: t.act.Hi}, b.o.Exact, b.r.Scratch)
		s.run = func(in, out []*tensor.Tensor) error {
			var add []float32
			if len(in) > 1 {
				add = in[1].F32()
			}
			spec.Run(k, out[0].F32(), in[0].F32(), add)
			return nil
		}
	})
	s.run = notPacked
	return true
}

// notPacked marks a step that computes but whose loop is made by pack.
func notPacked([]*tensor.Tensor, []*tensor.Tensor) error { panic("bug: a step that was not packed") }

// foldNorm returns the weights and bias of a convolution with the normalization behind it.
func foldNorm(w, bias []float32, n *graph.Node, get func(*graph.Value) *tensor.Tensor) (weights, shifts []float32) {
	in := make([]*tensor.Tensor, 5)
	for i := range in {
		in[i] = get(n.Input(i))
	}
	scale, shift := op.Affine(in, n.Float("epsilon", 1e-5))
	weights, shifts = make([]float32, len(w)), make([]float32, len(scale))
	per := len(w) / len(scale)
	for o, s := range scale {
		for i := o * per; i < (o+1)*per; i++ {
			weights[i] = float32(float64(w[i]) * s)
		}
		if bias != nil {
			shift[o] += float64(bias[o]) * s
		}
		shifts[o] = float32(shift[o])
	}
	return weights, shifts
}

// fewRows is how many rows a product may have to run as that many products of the packed weights
// with a vector.
const fewRows = 4

// fuseGemm packs the constant right operand of a Gemm or MatMul, transposed, when the left has few
// rows: the classifier of every model. The bias is one number per column.
func (b *builder) fuseGemm(c *op.Call) bool {
	spec, ok := c.Spec.(*op.Gemm)
	n := c.Node
	if !ok || spec.Batch != 1 || spec.TransA || spec.Alpha != 1 || spec.M > fewRows || spec.M*spec.N*spec.K == 0 ||
		!b.constants(n.Inputs[1:]) || b.constant(n.Inputs[0]) {
		return false
	}
	bias := n.Input(2)
	if bias != nil && (spec.Beta != 1 || !rowBias(b.r.Types[bias].Shape, spec.N)) {
		return false
	}
	t := b.tail(c)
	s := &step{in: n.Inputs[:1], out: []*graph.Value{t.out}, run: notPacked}
	b.place(s, t.nodes...)
	b.sized = append(b.sized, sizing{b.r.Types[n.Inputs[1]].Bytes(), 0})
	b.packs = append(b.packs, func(get func(*graph.Value) *tensor.Tensor) {
		w := get(n.Inputs[1]).F32()
		if !spec.TransB {
			turned := make([]float32, len(w))
			kernel.Transpose(turned, w, []int{spec.K, spec.N}, []int{1, 0})
			w = turned
		}
		ep := kernel.Epilogue{Act: t.act.Act, Lo: t.act.Lo, Hi: t.act.Hi}
		if bias != nil {
			ep.Bias = get(bias).F32()
		}
		p := kernel.PackGemm(spec.N, spec.K, w).Share(b.r.Scratch)
		s.run = func(in, out []*tensor.Tensor) error {
			x, y := in[0].F32(), out[0].F32()
			for i := range spec.M {
				p.Mul(1, x[i*spec.K:(i+1)*spec.K], 1, y[i*spec.N:(i+1)*spec.N], 1, ep)
			}
			return nil
		}
	})
	return true
}

// rowBias reports whether a bias of that shape is one number for each of n columns.
func rowBias(shape []int, n int) bool {
	switch len(shape) {
	case 1:
		return shape[0] == n
	case 2:
		return shape[0] == 1 && shape[1] == n
	}
	return false
}
