package target

import (
	"fmt"
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/tensor"
)

// carry decides about a node that only moves elements.
func (r *reader) carry(n *graph.Node, row *Row) {
	var in *Codes
	var all []*Codes
	for _, i := range row.inputs(n) {
		c := r.codes[n.Inputs[i]]
		switch {
		case r.coarse[r.tied.find(n.Inputs[i])] != "":
			r.float(n, ruleSignedConcat, r.coarse[r.tied.find(n.Inputs[i])])
			return
		case c == nil && r.movesUp(n):
			var why string
			if c, why = r.quantizer(n.Inputs[i]); c == nil {
				r.float(n, ruleInput, fmt.Sprintf("no codes come to it: %s", why))
				return
			}
			if shifted := r.Target.Shifts && c.Params.DType == tensor.Int8 && c.zeroed(r) && readers(n.Inputs[i]) == 1; r.Target.Complete && shifted != c.Shifted {
				r.float(n, ruleSigned, "of the signed codes behind it and those that the runtime puts before it only one become unsigned")
				return
			}
			c.Moved = nil
			r.codes[n.Inputs[i]] = c
		case c == nil:
			rule, why := r.missing(n.Inputs[i], false)
			r.float(n, rule, why)
			return
		case in != nil && r.Target.Mixes && n.Op == "Concat" && in.Params.DType == c.Params.DType:
		case in != nil && (!sameParams(in.Params, c.Params) || in.Shifted != c.Shifted):
			r.float(n, ruleCarrier, fmt.Sprintf("its inputs %q and others have different scales or zero points", n.Inputs[i].Name))
			return
		}
		in, all = c, append(all, c)
	}
	if r.Target.Mixes && n.Op == "Concat" && !(in != nil && r.aligned[r.tied.find(n.Outputs[0])]) {
		var rule *Rule
		var why string
		if in, rule, why = mix(n, all); rule != nil {
			r.float(n, rule, why)
			return
		}
	}
	if in == nil {
		r.float(n, ruleInput, "no input of it is known to hold activations")
		return
	}
	for _, c := range row.Checks {
		why := c.Why(r, &Unit{Node: n, Inputs: []*Codes{in}})
		switch {
		case why == "":
		case c.Effect == StaysFloat:
			r.float(n, c.Rule, why)
			return
		default:
			f := r.Fate(n)
			f.Rule, f.Why, f.Effect = c.Rule, why, c.Effect
		}
	}
	for _, v := range n.Outputs {
		if v == nil {
			continue
		}
		if rule, why := r.carryOut(n, row, in, v); rule != nil {
			r.float(n, rule, why)
			return
		}
	}
	r.Fate(n).State = Moves
	for _, v := range n.Outputs {
		if v == nil {
			continue
		}
		c := &Codes{Params: in.Params, Q: in.Q, DQ: in.DQ, Shifted: in.Shifted, Moved: append(slices.Clone(in.Moved), n)}
		r.codes[v] = c
		if out, _ := r.quantizer(v); r.Target.Complete && out == nil && in.Params.DType == tensor.Int8 {
			// The runtime puts a pair here for the readers, which becomes unsigned only for one of them.
			count, f := readers(v), r.Fate(n)
			if r.graph.IsOutput(v) {
				count++
			}
			if c.Shifted = r.Target.Shifts && in.zeroed(r) && count == 1; c.Shifted != in.Shifted {
				r.float(n, ruleSigned, "of the signed codes before it and behind it only one become unsigned")
			}
			if c.Shifted && r.graph.Opset[""] >= outputType {
				f.Rule, f.Effect = ruleOutputType, Refused
				f.Why = fmt.Sprintf("the runtime puts a QuantizeLinear behind it that says int8, and then makes the codes of %q unsigned", c.name())
			}
		}
	}
}

// outputType is the opset that brought the attribute output_dtype of QuantizeLinear.
const outputType = 21

// mix returns the codes of a Concat of codes: all have the same parameters, or they lie side by side along its axis.
func mix(n *graph.Node, in []*Codes) (*Codes, *Rule, string) {
	if len(in) == 0 || !slices.ContainsFunc(in, func(c *Codes) bool { return !sameParams(c.Params, in[0].Params) }) {
		return append(in, nil)[0], nil, ""
	}
	out := *in[0]
	out.Params.Scale, out.Params.Zero, out.Params.Axis = nil, nil, n.Int("axis", 0)
	for i, c := range in {
		shape := n.Inputs[i].Shape
		if out.Params.Axis < 0 {
			out.Params.Axis += len(shape)
		}
		axis := out.Params.Axis
		if axis < 0 || axis >= len(shape) || shape[axis] < 0 || !c.Params.PerTensor() && (c.Params.Axis != axis || len(c.Params.Scale) != shape[axis]) {
			return nil, ruleCarrier, fmt.Sprintf("its input %q has other scales or zero points, and they cannot be laid side by side", n.Inputs[i].Name)
		}
		for k := range shape[axis] {
			k = min(k, len(c.Params.Scale)-1)
			out.Params.Scale, out.Params.Zero = append(out.Params.Scale, c.Params.Scale[k]), append(out.Params.Zero, c.Params.Zero[k])
		}
	}
	return &out, nil, ""
}

// carryOut reports what keeps a carrier's output v from being the codes of its input.
func (r *reader) carryOut(n *graph.Node, row *Row, in *Codes, v *graph.Value) (*Rule, string) {
	if !r.Target.Complete {
		return nil, ""
	}
	out, why := r.quantizer(v)
	switch {
	case out != nil && (out.dtype() != in.dtype() || !sameParams(out.Params, in.Params)):
		return ruleCarrier, fmt.Sprintf("the scale or zero point behind it, of %q, differs from that before it", out.Q.Name)
	case out != nil && (!r.pairs[out.Q].zeroed || !in.zeroed(r)):
		return ruleZero, "a pair beside it leaves out its zero point"
	case out != nil:
		return nil, ""
	case !row.Spreads || slices.ContainsFunc(v.Uses, func(u graph.Use) bool { return isQ(u.Node) }) || r.graph.IsOutput(v) && len(v.Uses) > 0:
		return ruleOutput, why
	}
	return nil, ""
}

// zeroed reports whether the pair writes its zero point.
func (c *Codes) zeroed(r *reader) bool {
	for _, n := range []*graph.Node{c.Q, c.DQ} {
		if n != nil && !r.pairs[n].zeroed {
			return false
		}
	}
	return true
}
