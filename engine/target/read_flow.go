package target

import (
	"fmt"

	"dropquant/engine/graph"
	"dropquant/engine/tensor"
)

// readPair decides about a QuantizeLinear or DequantizeLinear: whoever reads it later may absorb it.
func (r *reader) readPair(n *graph.Node) {
	f, p := r.Fate(n), r.pairs[n]
	f.State = Paired
	if p.rule != nil {
		f.Rule, f.Why = p.rule, p.why
		return
	}
	if !isDQ(n) {
		if n.Int("output_dtype", 0) != 0 && r.shifts(n) {
			f.Rule, f.Why, f.Effect = ruleOutputType, "it says int8 as an attribute, which the runtime leaves when it makes the codes unsigned", Refused
		}
		return
	}
	c := &Codes{Params: p.params, DQ: n}
	if q := n.Inputs[0].Producer; isQ(q) {
		c.Q = q
		switch other := r.pairs[q]; {
		case other.rule != nil:
			return
		case !sameParams(other.params, p.params):
			f.Rule, f.Effect = rulePairDiffers, Note
			f.Why = fmt.Sprintf("its scale or zero point differs from that of %q, which it follows", q.Name)
			if other.params.DType != p.params.DType {
				return
			}
		}
		c.Shifted = r.shifts(q)
	}
	r.codes[n.Outputs[0]] = c
}

// shifts reports whether the runtime rewrites the signed codes of q to unsigned ones: ONNX Runtime does for a
// QuantizeLinear with one reader, after it has made one of equal ones and given each reader of a DequantizeLinear one of
// its own.
func (r *reader) shifts(q *graph.Node) bool {
	p := r.pairs[q]
	if !r.Target.Shifts || p.params.DType != tensor.Int8 || !p.zeroed || len(p.params.Scale) != 1 {
		return false
	}
	count := 0
	for _, u := range uses(q.Inputs[0]) {
		if same := r.pairs[u.Node]; u.Node != q && (u.Index != 0 || !isQ(u.Node) || same.rule != nil || !sameParams(same.params, p.params)) {
			continue
		}
		codes := u.Node.Outputs[0]
		if r.graph.IsOutput(codes) {
			return false
		}
		for _, u := range codes.Uses {
			if !isDQ(u.Node) || !r.pairs[u.Node].zeroed {
				return false
			}
			y := u.Node.Outputs[0]
			count += readers(y)
			if r.graph.IsOutput(y) {
				count++
			}
		}
	}
	return count == 1
}

// dtype returns the codes' type after shifts.
func (c *Codes) dtype() tensor.DType {
	if c.Shifted {
		return tensor.Uint8
	}
	return c.Params.DType
}

// quantizer looks for the QuantizeLinear that makes codes of v, for all that read it: behind carriers that the runtime
// moves it up over, too. Of several that agree it returns the first.
func (r *reader) quantizer(v *graph.Value) (*Codes, string) {
	if r.graph.IsOutput(v) {
		return nil, fmt.Sprintf("its output %q leaves the graph in float", v.Name)
	}
	var first *Codes
	for _, u := range v.Uses {
		var c *Codes
		switch {
		case u.Node.Op == "Shape": // folded, or fused into the Reshape it is for: it reads no element
			continue
		case isQ(u.Node) && u.Index == 0:
			p := r.pairs[u.Node]
			if p.rule != nil {
				return nil, fmt.Sprintf("the pair %q on its output: %s", u.Node.Name, p.why)
			}
			c = &Codes{Params: p.params, Q: u.Node, Shifted: r.shifts(u.Node)}
		case u.Index == 0 && r.movesUp(u.Node) && (readers(v) == 1 || r.Target.Up):
			var why string
			if c, why = r.quantizer(u.Node.Outputs[0]); c == nil {
				return nil, why
			}
			c.Moved = append([]*graph.Node{u.Node}, c.Moved...)
		default:
			return nil, fmt.Sprintf("%q reads its output in float", u.Node.Name)
		}
		if first != nil && (!r.Target.Merges || !sameParams(first.Params, c.Params)) {
			return nil, fmt.Sprintf("its output %q is quantized twice, by %q and %q", v.Name, first.Q.Name, c.Q.Name)
		}
		if first == nil {
			first = c
		}
	}
	if first == nil {
		return nil, fmt.Sprintf("nothing reads its output %q", v.Name)
	}
	return first, ""
}

// readers counts the node inputs that read elements of v.
func readers(v *graph.Value) int {
	n := 0
	for _, u := range v.Uses {
		if u.Node.Op != "Shape" {
			n++
		}
	}
	return n
}

// movesUp reports whether the runtime moves a QuantizeLinear behind n to before it.
func (r *reader) movesUp(n *graph.Node) bool {
	row := r.rows[n]
	return row != nil && row.Role == Carrier && len(n.Outputs) == 1 && len(row.inputs(n)) == 1 && (r.Target.Up || row.Spreads)
}

// leave finds what the kernel of u applies on the way out, and the codes that it ends in. Where the target asks for
// complete units, it returns why there are none.
func (r *reader) leave(u *Unit, row *Row) (*Rule, string) {
	if !r.Target.Complete {
		for {
			chain, out := follow(r.graph, r.rows, u.Out)
			if out == nil {
				break
			}
			u.Fused, u.Out = append(u.Fused, chain...), out
		}
		u.Codes, _ = r.quantizer(u.Out)
		return nil, ""
	}
	codes, why := r.quantizer(u.Out)
	if readers := u.Out.Uses; codes == nil && len(readers) == 1 && !r.graph.IsOutput(u.Out) && r.rows[readers[0].Node] != nil && r.rows[readers[0].Node].Role == Follower {
		clip := readers[0].Node
		if codes, why = r.quantizer(clip.Outputs[0]); codes != nil {
			if rule, why := r.redundant(clip, codes); rule != nil {
				return rule, why
			}
			u.Fused, u.Out = []*graph.Node{clip}, clip.Outputs[0]
		}
	}
	u.Codes = codes
	if codes == nil && !row.Optional {
		return ruleOutput, why
	}
	return nil, ""
}

// redundant reports a Relu or Clip that the codes behind it do not make needless.
//
// Source: IsClipMadeRedundantByQ in qdq_util.cc, clip_quantizelinear.cc and relu_quantizelinear.cc of ONNX Runtime.
func (r *reader) redundant(n *graph.Node, c *Codes) (*Rule, string) {
	p := c.Params
	if !p.PerTensor() {
		return ruleChannels, fmt.Sprintf("the pair %q behind %q has a scale for each channel", c.Q.Name, n.Name)
	}
	if n.Op == "Relu" {
		if p.Zero[0] != p.QMin {
			return ruleReluZero, fmt.Sprintf("%q is fused only where the zero point behind it is %d, and it is %d", n.Name, p.QMin, p.Zero[0])
		}
		return nil, ""
	}
	clip := clipBounds(n)
	lo, hi := p.Real(0)
	const eps = 0x1p-23
	rint := func(x float32) int32 { return roundEven(x/p.Scale[0]) + p.Zero[0] }
	if rint(clip.lo) <= p.QMin && rint(clip.hi) >= p.QMax || clip.lo-lo <= eps && hi-clip.hi <= eps {
		return nil, ""
	}
	return ruleClip, fmt.Sprintf("%q clips to %v, within the reals %g to %g of the codes behind it", n.Name, clip, lo, hi)
}

// absorb says of every pair which kernel it has become part of.
func (r *reader) absorb() {
	for i := range r.Nodes {
		f := &r.Nodes[i]
		if f.State == Int8 && f.Unit.Codes != nil {
			r.Fate(f.Unit.Codes.Q).Into = f.Node
		}
	}
	for i := range r.Nodes {
		f := &r.Nodes[i]
		if f.State != Paired || !isDQ(f.Node) || r.codes[f.Node.Outputs[0]] == nil || r.graph.IsOutput(f.Node.Outputs[0]) {
			continue
		}
		for _, u := range f.Node.Outputs[0].Uses {
			g := r.Fate(u.Node)
			if g.State != Int8 && g.State != Moves {
				f.Into = nil
				break
			}
			if f.Into == nil {
				f.Into = u.Node
			}
		}
	}
}
