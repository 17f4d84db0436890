package intsim

import (
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/quant"
	"dropquant/engine/target"
	"dropquant/engine/tensor"
)

// branch is one operand of an Add of two quantized values.
type branch struct {
	codes   *graph.Value
	params  quant.Params
	signed  bool        // as the runtime has the codes
	zero    float32     // of them
	q       *graph.Node // the QuantizeLinear right behind which the Add stands; nil when something moves its codes in between
	conv    *target.Unit
	readers []*graph.Node // of the operand, nil for an output of the graph
}

// afterAdd is the form behind the sum of two quantized values a and b. OpenVINO rewrites
//
//	sa·(a − za) + sb·(b − zb)   as   sb·(sa/sb·(a − (za + sb·zb/sa)) + b)
//
// where a is the branch that full names, and the levels behind take in sb. A convolution in front of one branch, which nobody else reads,
// then computes the sum on its way out; and there the codes of that branch are clipped and not rounded, if nothing but
// clamps lies between the sums of the convolution and them.
//
// Source: low_precision_transformations add.cpp, eltwise_base_transformation.cpp; intel_cpu graph_optimizer.cpp
// (FuseConvolutionSumAndConvolutionSumActivation); the missing rounding was seen in OpenVINO 2026.4.1.
func (l *lowering) afterAdd(u *target.Unit, at levels) (rounding, bool) {
	if slices.ContainsFunc(u.Fused, func(n *graph.Node) bool { return n.Op == "HardSigmoid" }) { // no kernel applies it: what comes before is rounded, and no sum has codes behind it
		return rounding{}, false
	}
	sum, e, merged := l.sumOf(u, false)
	if sum == nil {
		return rounding{}, false
	}
	if scales(u.Fused) {
		at = at.over(e.params.Scale)
	} else {
		sum = l.op("", "Mul", []*graph.Value{sum, l.vector(e.params.Scale)})
	}
	out := rounding{x: l.repeat(u, sum), factor: at.factors(), shift: at.apart(), alone: true, hi: at.last}
	if merged {
		out.shift, out.fused, out.alone = at.shifts(), true, false
	}
	return out, true
}

// mergeSum computes a sum whose unit ends in float, where a convolution computes it on its way out, and more operators up to codes: the codes of the convolution are not
// rounded there either. Where it makes no codes behind the sum, as of NanoDet's, which one node reads in float and another in codes, they are.
//
// Source: intel_cpu dnnl_postops_composer.cpp (compose): a FakeQuantize right behind a convolution does not round before a sum and another one.
func (l *lowering) mergeSum(u *target.Unit) {
	if u.Codes != nil || l.b.making != byOneDNN || !l.appliedUpToCodes(u.Out) {
		return
	}
	if sum, e, _ := l.sumOf(u, true); sum != nil {
		l.g.TakeOutput(l.repeat(u, l.op("", "Mul", []*graph.Value{sum, l.vector(e.params.Scale)})).Producer, 0, u.Out.Producer, 0)
	}
}

// appliedUpToCodes reports whether a kernel that gives v applies all that follows up to a QuantizeLinear.
func (l *lowering) appliedUpToCodes(v *graph.Value) bool {
	for len(v.Uses) == 1 && !l.g.IsOutput(v) {
		n := v.Uses[0].Node
		switch n.Op {
		case "Requantize", "QuantizeLinear":
			return true
		case "Relu", "LeakyRelu", "PRelu", "Clip", "Elu", "Tanh", "Sigmoid", "HardSwish", "Softplus", "BatchNormalization":
		case "Mul", "Add", "Sub", "Div":
			if n.Inputs[1-v.Uses[0].Index] == nil || n.Inputs[1-v.Uses[0].Index].Const == nil {
				return false
			}
		default:
			return false
		}
		v = n.Outputs[0]
	}
	return false
}

// sumOf returns the rewritten sum in units of the scale of the branch e, and whether a convolution computes it; nil for what has another form, or with onlyMerged for
// all that no convolution computes.
func (l *lowering) sumOf(u *target.Unit, onlyMerged bool) (sum *graph.Value, e *branch, byConv bool) {
	var b [2]branch
	for i := range b {
		var ok bool
		if b[i], ok = l.branch(u, i); !ok {
			return nil, nil, false
		}
	}
	if !slices.Equal(u.Node.Inputs[0].Shape, u.Node.Inputs[1].Shape) {
		return nil, nil, false
	}
	full := l.full(u, b)
	f, e := &b[full], &b[1-full]
	merged := l.merged(u.Node, f, e)
	if onlyMerged && merged == nil {
		return nil, nil, false
	}
	s := addition{lowering: l, f: f, e: e}
	s.constants()
	if s.direct() {
		l.inLevels(f)
	}
	switch {
	case merged == f:
		sum = l.op("", "Add", []*graph.Value{s.rescaledByConv(), l.number(e)})
	case merged == e:
		sum = l.op("", "Add", []*graph.Value{s.levelsByConv(), s.rescaled()})
	case s.direct():
		sum = l.op("", "Add", []*graph.Value{s.rescaled(), l.number(e)})
	default:
		sum = l.op(own, "Rescale", []*graph.Value{s.centred(), l.vector([]float32{s.factor}), l.vector([]float32{0}), l.number(e)}, fusedAttr)
	}
	return sum, e, merged != nil
}

// branch returns operand i of an Add.
func (l *lowering) branch(u *target.Unit, i int) (b branch, ok bool) {
	v := u.Node.Inputs[i]
	c := l.r.Codes(v)
	codes := l.codes[v]
	if c == nil || codes.params.DType != tensor.Uint8 || !c.Params.PerTensor() || l.ranges[c.Q].last != 0 {
		return b, false
	}
	b = branch{codes: codes.value, params: codes.params, signed: l.signed[c.Q], readers: l.readers[v]}
	b.zero = float32(b.params.Zero[0] - b.lowered())
	if c.Shifted && !b.signed {
		b.zero = levelsOf(c.Params).realZero()
	}
	if len(c.Moved) == 0 && c.Q != nil {
		b.q, b.readers = c.Q, nil
		for _, dq := range l.readers[c.Q.Outputs[0]] {
			b.readers = append(b.readers, l.readers[dq.Outputs[0]]...)
		}
		if into := l.r.Fate(c.Q).Into; into != nil && into.Op == "IntConv" && !l.outOfIntegers(into) {
			b.conv = l.r.Fate(into).Unit
		}
	}
	return b, true
}

// outOfIntegers reports whether the runtime computes a convolution of codes in float, with the same sums: see target.Target.TakesSigned.
func (l *lowering) outOfIntegers(conv *graph.Node) bool {
	in := l.r.Fate(conv).Unit.Inputs[0]
	return l.b.Target.TakesSigned && in.Params.DType == tensor.Int8 && in.Params.Zero[0] != 0
}

// full returns which branch of an Add is rescaled.
func (l *lowering) full(u *target.Unit, b [2]branch) int {
	switch {
	case b[0].q != nil && b[1].q == nil:
		return 0
	case b[0].q == nil && b[1].q != nil:
		return 1
	case b[0].q != nil && b[0].sole() && !b[1].sole():
		return 0
	case b[1].q != nil && !b[0].sole() && b[1].sole():
		return 1
	}
	product := [2]bool{l.behindProduct(b[0]), l.behindProduct(b[1])}
	if product[0] == product[1] {
		for i := range b {
			if s := u.Node.Inputs[i].Shape; len(s) == 4 && s[2] == 1 && s[3] == 1 {
				return i
			}
		}
	}
	switch {
	case !b[0].sole() && b[1].sole():
		return 1
	case b[0].sole() && !b[1].sole():
		return 0
	case product[1] && !product[0]:
		return 1
	}
	return 0
}

// behindProduct reports whether a convolution or product feeds the codes of a branch with nothing in between.
func (l *lowering) behindProduct(b branch) bool {
	if b.q == nil {
		return false
	}
	into := l.r.Fate(b.q).Into
	return into != nil && (into.Op == "IntConv" || into.Op == "IntMatMul")
}

// merged returns the branch whose convolution adds the other on its way out, or nil.
func (l *lowering) merged(add *graph.Node, f, e *branch) *branch {
	for _, b := range []*branch{f, e} {
		other := e
		if b == e {
			other = f
		}
		if b.conv == nil || !b.sole() {
			continue
		}
		if b.conv.Node.Inputs[0] == other.codes || !l.leadsTo(other, add) {
			return nil
		}
		return b
	}
	return nil
}

// sole reports whether nothing but the Add reads the branch.
func (b *branch) sole() bool { return len(b.readers) == 1 }

// leadsTo reports whether every reader of the branch comes before the Add: the sum overwrites the branch.
func (l *lowering) leadsTo(b *branch, add *graph.Node) bool {
	for _, r := range b.readers {
		seen, next, found := map[*graph.Node]bool{r: true}, []*graph.Node{r}, false
		for len(next) > 0 && !found {
			n := next[0]
			next = next[1:]
			if found = n == add; n == nil {
				continue
			}
			for _, v := range n.Outputs {
				for _, m := range l.readers[v] {
					if !seen[m] {
						seen[m] = true
						next = append(next, m)
					}
				}
			}
		}
		if !found {
			return false
		}
	}
	return true
}

// readersOf lists which nodes read each value of g, and nil for what leaves the graph.
func readersOf(g *graph.Graph) map[*graph.Value][]*graph.Node {
	readers := map[*graph.Value][]*graph.Node{}
	for _, n := range g.Nodes {
		for _, v := range n.Inputs {
			if v != nil {
				readers[v] = append(readers[v], n)
			}
		}
	}
	for _, v := range g.Outputs {
		readers[v] = append(readers[v], nil)
	}
	return readers
}

// addition has the constants of one rewritten sum.
type addition struct {
	*lowering
	f, e         *branch
	factor, zero float32 // of f's codes, as they are in the runtime
	step, first  float32 // of f's levels
}

func (s *addition) constants() {
	sf, se := s.f.params.Scale[0], s.e.params.Scale[0]
	s.factor = sf / se
	s.zero = s.f.zero + float32(s.e.zero*se)/sf
	low := -float32(s.f.lowered())
	s.first = float32(low-s.zero) * s.factor
	last := float32(lastLevel+low-s.zero) * s.factor
	s.step = (last - s.first) / lastLevel
}

// lowered returns by how much the codes are lower in the runtime.
func (b *branch) lowered() int32 {
	if b.signed {
		return 128
	}
	return 0
}

// number returns the codes of a branch as the numbers that they are in the runtime.
func (l *lowering) number(b *branch) *graph.Value {
	x := l.float(b.codes)
	if b.signed {
		x = l.op("", "Sub", []*graph.Value{x, l.vector([]float32{128})})
	}
	return x
}

// inLevels takes back that the codes of a branch are rounded as signed ones: they have become levels of an output that is not codes.
func (l *lowering) inLevels(b *branch) {
	if !b.signed {
		return
	}
	for _, a := range b.q.Attrs {
		if a.Name == "zero" {
			b.q.Attrs = slices.DeleteFunc(slices.Clone(b.q.Attrs), func(a graph.Attr) bool { return a.Name == "zero" })
			l.g.SetInput(b.q, 1, l.vector(l.roundings[b.q].factor))
			l.g.SetInput(b.q, 2, l.vector(l.roundings[b.q].shift))
			return
		}
	}
}

// direct reports whether the rescaling of f has become part of its quantization.
func (s *addition) direct() bool { return s.f.q != nil && s.f.sole() }

// centred returns f's codes less their zero point.
func (s *addition) centred() *graph.Value {
	return s.op("", "Sub", []*graph.Value{s.number(s.f), s.vector([]float32{s.zero})})
}

// rescaled returns f's values in units of e's scale.
func (s *addition) rescaled() *graph.Value {
	if s.direct() {
		return s.rescale(s.float(s.f.codes), []float32{s.step}, []float32{s.first}, true, nil)
	}
	return s.op("", "Mul", []*graph.Value{s.centred(), s.vector([]float32{s.factor})})
}

// rescaledByConv is rescaled in the convolution that makes f's codes.
func (s *addition) rescaledByConv() *graph.Value {
	f := s.roundings[s.f.q]
	if !f.plain {
		return s.rescale(s.float(s.f.codes), []float32{s.step}, []float32{s.first}, true, nil)
	}
	factor, shift := make([]float32, len(f.factor)), make([]float32, len(f.shift))
	for i := range factor {
		factor[i] = f.factor[i] * s.step
	}
	lo, hi := float32(float32(f.lo)*s.step)+s.first, float32(float32(f.hi)*s.step)+s.first
	for i := range shift {
		shift[i] = negligible(float32(f.shift[i]*s.step)+s.first, hi-lo)
	}
	return s.rescale(f.x, factor, shift, f.fused, []float32{lo, hi})
}

// levelsByConv is e's codes where the convolution that makes them adds.
func (s *addition) levelsByConv() *graph.Value {
	f := s.roundings[s.e.q]
	if !f.plain {
		return s.number(s.e)
	}
	if s.e.signed {
		f = f.asSigned(-128, true)
	}
	return s.rescale(f.x, f.factor, f.shift, f.fused, []float32{float32(f.lo - f.zero), float32(f.hi - f.zero)})
}

func (l *lowering) rescale(x *graph.Value, factor, shift []float32, fused bool, clip []float32) *graph.Value {
	var attrs []graph.Attr
	if fused {
		attrs = []graph.Attr{fusedAttr}
	}
	if clip != nil {
		attrs = append(attrs, graph.Attr{Name: "lo", Value: clip[0]}, graph.Attr{Name: "hi", Value: clip[1]})
	}
	return l.op(own, "Rescale", []*graph.Value{x, l.vector(factor), l.vector(shift)}, attrs...)
}

// scales reports whether activations give s·f(x) for s·x, s positive: a scale may then be applied behind them.
func scales(acts []*graph.Node) bool {
	return !slices.ContainsFunc(acts, func(n *graph.Node) bool { return n.Op != "Relu" && n.Op != "LeakyRelu" && n.Op != "PRelu" })
}

// repeat applies what a unit has fused to x.
func (l *lowering) repeat(u *target.Unit, x *graph.Value) *graph.Value {
	now := map[*graph.Value]*graph.Value{u.Node.Outputs[0]: x}
	for _, n := range u.Fused {
		in := slices.Clone(n.Inputs)
		for i, v := range in {
			if now[v] != nil {
				in[i] = now[v]
			}
		}
		now[n.Outputs[0]] = l.op(n.Domain, n.Op, in, n.Attrs...)
	}
	return now[u.Out]
}
