package target

import (
	"fmt"
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/tensor"
)

// Check is a condition that the codes around a unit must meet, asked when a file is read.
type Check struct {
	Rule   *Rule
	Why    func(r *reader, u *Unit) string // what is wrong, a sentence about the node without its period; "" when nothing is
	Effect Effect
}

// Effect is what comes of breaking a rule.
type Effect uint8

const (
	StaysFloat Effect = iota // the node computes in float
	Wrong                    // it runs in integers, with wrong results
	Refused                  // the runtime refuses the file, or fails when it runs it
	Note                     // nothing much: it is worth knowing
)

var effects = [...]string{StaysFloat: "float", Wrong: "wrong", Refused: "refused", Note: "note"}

// String returns "float", "wrong", "refused" or "note".
func (e Effect) String() string { return effects[e] }

// MarshalText writes the name.
func (e Effect) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (e *Effect) UnmarshalText(text []byte) error {
	for i, name := range effects {
		if name == string(text) {
			*e = Effect(i)
			return nil
		}
	}
	return fmt.Errorf("%q is no effect", text)
}

// with returns the check with another effect.
func (c Check) with(e Effect) Check {
	c.Effect = e
	return c
}

// codeOps are the operators that a file in QOperator form is made of.
var codeOps = map[string]bool{
	"QLinearConv": true, "QLinearMatMul": true, "ConvInteger": true, "MatMulInteger": true, "DynamicQuantizeLinear": true, // ONNX
	"QGemm": true, "QLinearAdd": true, "QLinearMul": true, "QLinearSigmoid": true, "QLinearLeakyRelu": true, "QLinearAveragePool": true,
	"QLinearGlobalAveragePool": true, "QLinearConcat": true, "QLinearSoftmax": true, "QLinearWhere": true, "QLinearReduceMean": true,
	"MatMulIntegerToFloat": true, "DynamicQuantizeMatMul": true, "ConvIntegerToFloat": true, // com.microsoft
}

// choose gives n the first row whose needs hold, or the reason why none does.
func (r *reader) choose(n *graph.Node) {
	f := r.Fate(n)
	switch v := n.Input(0); {
	case isPair(n):
		return
	case codeOps[n.Op] && r.Target.CodeOps:
		f.State = Coded
		return
	case codeOps[n.Op]:
		r.float(n, ruleCodeOp, fmt.Sprintf("%s is an operator on codes, which this runtime does not read", n.Op))
		f.Effect = Refused
		return
	case v != nil && (v.DType == tensor.Int8 || v.DType == tensor.Uint8):
		f.State = Coded
		return
	}
	row, why := r.Target.find(n, r.graph.Opset[""])
	if row == nil {
		r.float(n, ruleOperator, why)
		return
	}
	r.rows[n] = row
}

func (r *reader) float(n *graph.Node, rule *Rule, why string) {
	f := r.Fate(n)
	f.State, f.Rule, f.Why = Float, rule, why
}

// read decides about n, whose producers are decided.
func (r *reader) read(n *graph.Node) {
	row := r.rows[n]
	switch {
	case isPair(n):
		r.readPair(n)
	case row == nil || n.Out(0) == nil || r.Fate(n).State == Fused:
	case row.Role == Carrier && row.Kernel == "":
		r.carry(n, row)
		if f := r.Fate(n); row.Eager && f.State == Float {
			if c, _ := r.quantizer(n.Outputs[0]); c != nil {
				f.Rule, f.Effect = ruleExtreme, Wrong
				f.Why = fmt.Sprintf("it is computed in float, with %q fused into its kernel", c.Q.Name)
			}
		}
	case row.Role == Follower:
		r.float(n, ruleAlone, "nothing in integers feeds it alone")
	case row.Role == WeightsOnly:
		r.store(n, ruleOperator, row.Source)
	default:
		r.unit(n, row)
	}
}

// store says that n computes in float: from stored weights when they are.
func (r *reader) store(n *graph.Node, rule *Rule, why string) {
	r.float(n, rule, why)
	r.Fate(n).Made = r.madeInFloat(n)
	if weights := r.codes[n.Input(1)]; weights != nil && weights.Constant() != nil {
		r.Fate(n).State = Stored
	}
}

// unit decides about a node that has an integer kernel.
func (r *reader) unit(n *graph.Node, row *Row) {
	u := &Unit{Node: n, Kernel: row.Kernel, Inputs: make([]*Codes, len(n.Inputs)), Out: n.Outputs[0]}
	if u.Kernel == "" {
		u.Kernel = n.Op
	}
	for i, v := range n.Inputs {
		u.Inputs[i] = r.codes[v]
	}
	rule, why := r.leave(u, row)
	if rule == nil {
		rule, why = r.take(u, row)
	}
	f := r.Fate(n)
	for _, c := range slices.Concat(r.Target.Checks, row.Checks) {
		if rule != nil {
			break
		}
		switch text := c.Why(r, u); {
		case text == "":
		case c.Effect == StaysFloat:
			rule, why = c.Rule, text
		case f.Rule == nil:
			f.Rule, f.Why, f.Effect = c.Rule, text, c.Effect
		}
	}
	if rule != nil {
		f.Effect = StaysFloat
		r.store(n, rule, why)
		return
	}
	f.State, f.Unit = Int8, u
	for _, m := range u.Fused {
		g := r.Fate(m)
		g.State, g.Into, g.Rule, g.Why = Fused, n, nil, ""
	}
	if u.Codes != nil {
		r.codes[u.Out] = u.Codes
	}
}

// take finds an operand that the kernel needs in codes and that has none. Made are the constants that the runtime
// quantizes by itself.
func (r *reader) take(u *Unit, row *Row) (*Rule, string) {
	n := u.Node
	need := row.inputs(n)
	if row.Role == Weighted {
		need = append(slices.Clone(need), 1)
	} else if r.Target.Complete {
		need = nil
		for i, v := range n.Inputs {
			if v != nil {
				need = append(need, i)
			}
		}
	}
	makes := r.Target.Makes && row.Bias == Int32Bias && u.Codes != nil && u.Inputs[0] != nil && u.Inputs[0].Params.PerTensor()
	for _, i := range need {
		v := n.Input(i)
		if v == nil {
			return ruleOperator, fmt.Sprintf("it lacks its input %d", i)
		}
		if why := r.coarse[r.tied.find(v)]; why != "" {
			return ruleSignedConcat, why
		}
		if u.Inputs[i] != nil {
			continue
		}
		if i == 1 && row.Role == Weighted && makes && constFloat(v) != nil {
			u.Made = append(u.Made, v)
			continue
		}
		return r.missing(v, i == 1 && row.Role == Weighted)
	}
	if row.Role == Weighted && u.Inputs[1] != nil && constantBehind(n.Inputs[1]) == nil {
		return ruleWeights, "its weights are computed"
	}
	return r.bias(u, row, makes)
}

// missing says why v is not read as codes.
func (r *reader) missing(v *graph.Value, weights bool) (*Rule, string) {
	if p := r.pairs[v.Producer]; p != nil && p.rule != nil {
		return p.rule, fmt.Sprintf("the pair %q on its input: %s", v.Producer.Name, p.why)
	}
	if weights {
		return ruleWeights, fmt.Sprintf("its weights %q are float", v.Name)
	}
	return ruleInput, fmt.Sprintf("its input %q comes as float", v.Name)
}

// bias decides how the bias of a weighted unit is added.
func (r *reader) bias(u *Unit, row *Row, makes bool) (*Rule, string) {
	v := u.Node.Input(2)
	if row.Role != Weighted || v == nil {
		return nil, ""
	}
	codes := u.Inputs[2]
	switch {
	case row.Bias == FloatBias && codes == nil:
		u.Bias = FloatBias
	case row.Bias == FloatBias:
		u.Bias = FloatBias // the int32 codes are constants: folded to reals
		if r.Target.Strict {
			f := r.Fate(u.Node)
			f.Rule, f.Why, f.Effect = ruleBiasDQ, fmt.Sprintf("its bias %q goes through DequantizeLinear", v.Name), Refused
		}
	case codes != nil && codes.Params.DType == tensor.Int32:
		u.Bias = Int32Bias
	case codes != nil:
		return ruleBiasType, fmt.Sprintf("its bias is stored as %v", codes.Params.DType)
	case !makes:
		return ruleBias, fmt.Sprintf("its bias %q is float, and this runtime makes int32 of it only before a QuantizeLinear", v.Name)
	case constFloat(v) == nil || constFloat(v).Rank() != 1:
		return ruleBias, fmt.Sprintf("its bias %q is no constant of rank 1", v.Name)
	default:
		u.Bias, u.Made = Int32Bias, append(u.Made, v)
	}
	return nil, ""
}
