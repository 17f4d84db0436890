package intsim

import (
	"math"
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/quant"
	"dropquant/engine/target"
	"dropquant/engine/tensor"
)

// own is the domain of the operators that stand in no file.
const own = "dropquant"

// making is how a runtime makes the codes of activations.
type making uint8

const (
	inKernels  making = iota // its kernels give codes
	byDivision               // it keeps float32 between the sums of a layer and the codes of the next, as QuantizeLinear makes them
	byOneDNN                 // so does OpenVINO, in the forms of its CPU plugin and of oneDNN on a processor with fused multiply-adds
)

// rounding is how codes are made: level = clamp(round(x·factor + shift) + zero, lo, hi).
type rounding struct {
	x             *graph.Value
	factor, shift []float32
	zero          int32
	fused         bool
	alone         bool // no kernel makes them on its way out: see levels.apart
	plain         bool // x is the sum of a layer, with nothing applied: see unrounded
	lo, hi        int32
}

// asSigned is the form where the runtime has signed codes, the first level of which is low; here they have 128 added. In a kernel low has become
// part of the shift, and what lies next to a tie of levels may not lie next to one of codes.
//
// Source: intel_cpu dnnl_postops_composer.cpp (updateOptimizedFormula: the output shift, a whole number, moves into the input shift).
func (f rounding) asSigned(low int32, codes bool) rounding {
	f.lo, f.hi = max(f.lo+low+128, 0), min(f.hi+low+128, lastLevel)
	f.shift = slices.Clone(f.shift)
	if f.alone && !(codes && f.centred(low)) {
		f.zero = low + 128
		return f
	}
	f.zero = 128
	for i := range f.shift {
		if f.shift[i] += float32(low); f.alone {
			f.shift[i] = 0
		}
	}
	if len(f.shift) == 1 {
		f.shift[0] = negligible(f.shift[0], float32(f.hi-f.lo))
	}
	return f
}

// centred reports whether the zero point is 0: a FakeQuantize that makes codes by itself then rounds reals times the factor, without a shift.
//
// Source: snippets, pass/fq_decomposition.cpp (calculateScales).
func (f rounding) centred(low int32) bool {
	return low == -128 && f.lo == 0 && f.hi == lastLevel && !slices.ContainsFunc(f.shift, func(s float32) bool { return s < 128-1e-4 || s > 128+1e-4 })
}

// unsign adds 128 to all signed codes of activations that nothing but pairs sees: the kernels take bytes, and moving codes and
// zero points together changes no real value.
func (l *lowering) unsign() {
	for i := range l.r.Nodes {
		f := &l.r.Nodes[i]
		if f.Node.Op != "DequantizeLinear" {
			continue
		}
		c := l.r.Codes(f.Node.Out(0))
		if c != nil && c.Q != nil && c.Params.DType == tensor.Int8 && l.onlyDequantized(c.Q.Outputs[0]) {
			c.Shifted = true
			l.signed[c.Q] = l.b.Target.TakesSigned || !l.wantUnsigned(l.readers[f.Node.Outputs[0]])
		}
	}
}

// wantUnsigned reports whether a convolution is among the readers of a value or of what only moves it: OpenVINO makes codes
// unsigned for it, and leaves signed codes that others read as they are.
//
// Source: intel_cpu transformation_pipeline.cpp (supportedPrecisions), low_precision_transformations propagate_precisions.cpp.
func (l *lowering) wantUnsigned(readers []*graph.Node) bool {
	for _, n := range readers {
		switch {
		case n == nil:
		case n.Op == "Conv" || n.Op == "ConvTranspose":
			return true
		case l.r.Fate(n).State == target.Moves:
			for _, v := range n.Outputs {
				if l.wantUnsigned(l.readers[v]) {
					return true
				}
			}
		}
	}
	return false
}

// onlyDequantized reports whether nothing sees the codes v but DequantizeLinear, with its zero point written out.
func (l *lowering) onlyDequantized(v *graph.Value) bool {
	for _, u := range v.Uses {
		if u.Node.Op != "DequantizeLinear" || u.Index != 0 || l.r.Codes(u.Node.Out(0)) == nil || u.Node.Input(2) == nil {
			return false
		}
	}
	return len(v.Uses) > 0 && !l.g.IsOutput(v) && v.Producer.Input(2) != nil
}

// quantize turns a QuantizeLinear on an activation of 256 levels into Requantize, where the runtime does not divide.
func (l *lowering) quantize(f *target.Fate) {
	q := f.Node
	if l.b.making != byOneDNN || q.Inputs[0].Const != nil || q.Inputs[0].DType != tensor.Float32 || !l.onlyDequantized(q.Outputs[0]) {
		return
	}
	p := l.r.Codes(q.Outputs[0].Uses[0].Node.Outputs[0]).Params
	at, special := l.ranges[q]
	if !special {
		at = levelsOf(p)
	}
	if !special && p.QMax-p.QMin != lastLevel || len(p.Scale) > 1 && (p.Axis != 1 || !perTensorZero(p)) {
		return
	}
	last := l.rounding(f, at)
	l.roundings[q] = last
	codes := l.inCodes(q)
	moved := l.requantized[f.Node.Inputs[0].Producer] // its type stands apart then
	if l.signed[q] || special {
		last.alone = last.alone && !l.meets(q)
		last = last.asSigned(at.first, codes && !moved)
	}
	if f.Into != nil && codes {
		last = last.scaled(l.r.Fate(f.Into).Node.Op)
	}
	l.shifted[q] = true
	q.Op, q.Domain, q.Attrs = "Requantize", own, []graph.Attr{{Name: "lo", Value: int64(last.lo)}, {Name: "hi", Value: int64(last.hi)}}
	if last.zero != 0 {
		q.Attrs = append(q.Attrs, graph.Attr{Name: "zero", Value: int64(last.zero)})
	}
	if last.fused {
		q.Attrs = append(q.Attrs, fusedAttr)
	}
	l.g.SetOpset(own, 1)
	l.g.SetInput(q, 0, last.x)
	l.g.SetInput(q, 1, l.vector(last.factor))
	l.g.SetInput(q, 2, l.vector(last.shift))
	q.Outputs[0].DType = tensor.Uint8
}

// meets reports whether a Concat of codes reads those of q: the FakeQuantize in front of it has a kernel of its own, which shifts as
// those of layers do. Seen in OpenVINO 2026.4.1.
func (l *lowering) meets(q *graph.Node) bool {
	for _, dq := range l.readers[q.Outputs[0]] {
		if dq != nil && slices.ContainsFunc(l.readers[dq.Outputs[0]], func(n *graph.Node) bool { return n != nil && n.Op == "Concat" && l.r.Fate(n).State == target.Moves }) {
			return true
		}
	}
	return false
}

func perTensorZero(p quant.Params) bool {
	for _, z := range p.Zero {
		if z != p.Zero[0] {
			return false
		}
	}
	return true
}

var fusedAttr = graph.Attr{Name: "fused", Value: int64(1)}

// levelsInFloat gives the readers of a DequantizeLinear, where none is in integers, the reals that a FakeQuantize makes of its levels. They can differ from those of the
// codes in the last place, and what is quantized once more may lie at a tie.
func (l *lowering) levelsInFloat(dq, q *graph.Node, p quant.Params) {
	if _, ok := l.roundings[q]; !ok || l.ranges[q].last != 0 || l.inCodes(q) {
		return
	}
	at := levelsOf(p)
	reals := l.rescale(l.float(q.Outputs[0]), at.scales(), at.low, true, nil)
	l.g.ReplaceUses(dq.Outputs[0], reals, nil)
}

// inCodes reports whether a node in integers reads the codes of q: else they stay levels in float.
func (l *lowering) inCodes(q *graph.Node) bool {
	for _, dq := range l.readers[q.Outputs[0]] {
		for _, n := range l.readers[dq.Outputs[0]] {
			if n == nil {
				continue
			}
			if s := l.r.Fate(n).State; s == target.Int8 || s == target.Moves && !l.requantized[n] {
				return true
			}
		}
	}
	return false
}

// scaled is how oneDNN makes codes of all levels without a shift: by the scale of the result, with which it multiplies as the
// reciprocal of a reciprocal.
func (f rounding) scaled(by string) rounding {
	if by != "IntConv" && by != "IntMatMul" && by != "Add" || len(f.factor) > 1 || f.shift[0] != 0 || f.lo > 0 || f.hi < lastLevel || !f.fused {
		return f
	}
	f.factor = []float32{1 / (1 / f.factor[0])}
	return f
}

// rounding finds how the runtime makes the codes of a QuantizeLinear.
func (l *lowering) rounding(f *target.Fate, at levels) rounding {
	x := f.Node.Inputs[0]
	if f.Into == nil {
		if c, ok := l.codes[x]; ok && c.params.DType == tensor.Uint8 && l.r.Codes(x).Params.PerTensor() {
			x, at = l.lessZero(c), at.over(c.params.Scale)
		}
		return rounding{x: x, factor: at.factors(), shift: at.apart(), alone: true, hi: at.last}
	}
	u := l.r.Fate(f.Into).Unit
	switch u.Node.Op {
	case "IntConv", "IntMatMul":
		return l.afterProduct(u, at)
	case "Add":
		if f, ok := l.afterAdd(u, at); ok {
			return f
		}
		return rounding{x: x, factor: at.factors(), shift: at.apart(), alone: true, hi: at.last}
	case "AveragePool", "GlobalAveragePool":
		if f, ok := l.afterMean(u, at); ok {
			return f
		}
	}
	return rounding{x: x, factor: at.factors(), shift: at.shifts(), fused: true, hi: at.last}
}

// lessZero returns codes in float less their zero point.
func (l *lowering) lessZero(c carried) *graph.Value {
	x := l.float(c.value)
	if z := c.params.Zero[0]; z != 0 {
		x = l.op("", "Sub", []*graph.Value{x, l.vector([]float32{float32(z)})})
	}
	return x
}

// quantizedBefore finds each Concat of signed codes that nothing but a QuantizeLinear reads: OpenVINO moves that to before it, and what comes to it
// are no codes. Unsigned ones were seen to meet as codes.
//
// Source: low_precision_transformations move_fake_quantize.cpp; OpenVINO 2026.4.1.
func (l *lowering) quantizedBefore() map[*graph.Node]bool {
	found := map[*graph.Node]bool{}
	for _, n := range l.g.Nodes {
		if n.Op != "Concat" || l.r.Fate(n).State != target.Moves || len(n.Outputs[0].Uses) != 1 || l.g.IsOutput(n.Outputs[0]) || n.Outputs[0].Uses[0].Node.Op != "QuantizeLinear" {
			continue
		}
		found[n] = !slices.ContainsFunc(n.Inputs, func(v *graph.Value) bool {
			c := l.r.Codes(v)
			return c == nil || c.Params.DType != tensor.Int8
		})
	}
	return found
}

// afterMean is the form behind a mean of codes: the mean is taken of the codes, the zero point comes off it, and the levels
// take in the scale.
func (l *lowering) afterMean(u *target.Unit, at levels) (rounding, bool) {
	codes, c := l.codes[u.Node.Inputs[0]], u.Inputs[0]
	if codes.params.DType != tensor.Uint8 || len(u.Fused) > 0 || !c.Params.PerTensor() {
		return rounding{}, false
	}
	mean := l.op("", u.Node.Op, []*graph.Value{l.float(codes.value)}, u.Node.Attrs...)
	if z := codes.params.Zero[0]; z != 0 {
		mean = l.op("", "Sub", []*graph.Value{mean, l.vector([]float32{float32(z)})})
	}
	at = at.over(codes.params.Scale)
	return rounding{x: mean, factor: at.factors(), shift: at.shifts(), fused: true, hi: at.last}, true
}

// op appends a node with one output.
func (l *lowering) op(domain, name string, in []*graph.Value, attrs ...graph.Attr) *graph.Value {
	return l.add(domain, name, name, in, attrs).Outputs[0]
}

// float converts codes as they are.
func (l *lowering) float(codes *graph.Value) *graph.Value {
	return l.op("", "Cast", []*graph.Value{codes}, graph.Attr{Name: "to", Value: int64(tensor.Float32)})
}

// vector is a constant of one element, as a scalar, or of several.
func (l *lowering) vector(x []float32) *graph.Value {
	if len(x) == 1 {
		return l.constant("number", tensor.Scalar(x[0]))
	}
	return l.g.AddConst("numbers", tensor.Of(x, len(x)))
}

// bounded returns the levels that a Clip leaves of all, and whether n is one whose bounds are constant.
func (f rounding) bounded(lo, hi float32) rounding {
	level := func(x float32) int32 {
		return int32(min(max(math.RoundToEven(float64(float32(x*f.factor[0])+f.shift[0])), 0), lastLevel))
	}
	f.lo, f.hi = max(f.lo, level(lo)), min(f.hi, level(hi))
	return f
}
