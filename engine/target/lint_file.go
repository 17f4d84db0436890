package target

import (
	"math"

	"dropquant/engine/graph"
	"dropquant/engine/tensor"
)

// Rules about a file as a whole, and about pairs.
var (
	ruleGraph = &Rule{"graph", "a graph that cannot be understood in full",
		"check the file with onnx.checker, and give the input a fixed shape", "ONNX"}
	ruleOutputPair = &Rule{"output-pair", "a pair on an output of the graph",
		"end the graph in float: the pair only rounds the result", "NVIDIA/TensorRT issue 2604: the build can fail; ORT and OpenVINO only round"}
	ruleBetween = &Rule{"pair-between", "a pair between a layer and the activation or sum that its kernel would apply",
		"put the pair behind the activation or sum", "QAT ResNetV1 case; NVIDIA developer forum topic 208983; CPU graph_optimizer.cpp"}
	ruleAlwaysCodes = &Rule{"codes-leave", "codes that something else than DequantizeLinear reads",
		"put a DequantizeLinear behind the QuantizeLinear", "SEL; V-cqdq"}
	ruleOpset = &Rule{"opset", "a scale for each channel before opset 13",
		"raise the opset to 13 or more", "ONNX QuantizeLinear-10 has one scale"}
	ruleMade = &Rule{"weights-made", "float weights that the runtime quantizes itself, with one scale for all",
		"store the weights as int8, with a scale for each output channel", "weight_bias_quantization.cc"}
	ruleSaturates = &Rule{"saturates", "products that overflow int16 on x86 CPUs without VNNI",
		"quantize for any CPU: Dropquant's option -cpu any, or weights of 7 bits", "vpmaddubsw; seen: MobileNetV2 falls from 84.2 to 66.2 on AVX2"}
	ruleBiasOverflow = &Rule{"bias-overflow", "a bias that does not fit int32 at the scale of the products",
		"use a coarser scale for the weights of that channel", "weight_bias_quantization.cc; ONNX QLinearConv"}
	ruleSums = &Rule{"sum-overflow", "sums of so many products that int32 can overflow",
		"leave the layer float", "K·255·127 > 2³¹ − 1"}
	ruleRank = &Rule{"rank-unknown", "a pair on a value of unknown rank",
		"give the input of the model a shape", "convert_quantize_dequantize.cpp: static rank"}
)

// fileChecks find what concerns pairs and the file; the rules of the nodes are found by Read.
var fileChecks = []func(l *linter){pairForms, pairPlaces, pairsBetween, madeWeights, saturates, overflows, signedConcats, negativeFactors, dynamicProducts}

// pairForms looks at each pair by itself.
func pairForms(l *linter) {
	r := l.reading
	for i := range r.Nodes {
		n := r.Nodes[i].Node
		if !isPair(n) {
			continue
		}
		p := parsePair(n)
		if q := n.Inputs[0]; isDQ(n) && isQ(q.Producer) && p.rule != nil && parsePair(q.Producer).rule == p.rule {
			continue // said of the QuantizeLinear
		}
		switch {
		case p.rule == ruleScale || p.rule == ruleShapes:
			l.find(p.rule, Wrong, n, "%s", p.why)
		case p.rule != nil:
			l.find(p.rule, StaysFloat, n, "%s", p.why)
		case r.Nodes[i].Rule != nil:
			l.find(r.Nodes[i].Rule, r.Nodes[i].Effect, n, "%s", r.Nodes[i].Why)
		case !p.zeroed:
			l.find(ruleZero, Note, n, "it leaves out its zero point")
		case !p.params.PerTensor() && r.graph.Opset[""] < 13:
			l.find(ruleOpset, Refused, n, "it has %d scales, at opset %d", len(p.params.Scale), r.graph.Opset[""])
		case r.Target.Mixes && n.Outputs[0].Shape == nil && constantBehind(n.Outputs[0]) == nil:
			l.find(ruleRank, StaysFloat, n, "the rank of its output is not known")
		}
	}
}

// pairPlaces looks at what reads codes and what leaves the graph.
func pairPlaces(l *linter) {
	g := l.reading.graph
	for _, n := range g.Nodes {
		switch {
		case isDQ(n) && g.IsOutput(n.Outputs[0]):
			effect := Note
			if l.reading.Target.Strict {
				effect = Refused
			}
			l.find(ruleOutputPair, effect, n, "its output %q leaves the graph", n.Outputs[0].Name)
		case isQ(n) && g.IsOutput(n.Outputs[0]):
			l.find(ruleAlwaysCodes, Note, n, "its codes leave the graph as %q", n.Outputs[0].Name)
		case isQ(n):
			for _, u := range n.Outputs[0].Uses {
				if !isDQ(u.Node) && l.reading.Fate(u.Node).State != Coded {
					l.find(ruleAlwaysCodes, Note, n, "%q (%s) reads its codes", u.Node.Name, u.Node.Op)
					break
				}
			}
		}
	}
}

// pairsBetween finds a pair that keeps a follower out of the kernel of a layer. A target that asks for complete units
// wants such pairs.
func pairsBetween(l *linter) {
	r := l.reading
	if r.Target.Complete {
		return
	}
	for i := range r.Nodes {
		f := &r.Nodes[i]
		if f.State != Int8 || !isWeighted(f.Node) || f.Unit.Codes == nil {
			continue
		}
		q := f.Unit.Codes.Q
		if q.Inputs[0] != f.Node.Outputs[0] || len(q.Outputs[0].Uses) != 1 {
			continue
		}
		dq := q.Outputs[0].Uses[0].Node
		if !isDQ(dq) || len(dq.Outputs[0].Uses) != 1 {
			continue
		}
		if next := dq.Outputs[0].Uses[0].Node; next.Op == "Relu" || next.Op == "Clip" || next.Op == "BatchNormalization" || r.Target.Sums && next.Op == "Add" {
			l.find(ruleBetween, Note, q, "it stands between %q and %q", f.Node.Name, next.Name)
		}
	}
}

// madeWeights finds float weights that the runtime quantizes.
func madeWeights(l *linter) {
	for i := range l.reading.Nodes {
		f := &l.reading.Nodes[i]
		if f.State != Int8 {
			continue
		}
		for _, v := range f.Unit.Made {
			if len(f.Node.Inputs) > 1 && v == f.Node.Inputs[1] {
				l.find(ruleMade, Note, f.Node, "its weights %q are float", v.Name)
			}
		}
	}
}

// saturates finds layers whose int8 results depend on the CPU.
func saturates(l *linter) {
	if !l.reading.Target.Pairs {
		return
	}
	for i := range l.reading.Nodes {
		f := &l.reading.Nodes[i]
		if f.State != Int8 {
			continue
		}
		w := f.Unit.weightCodes()
		if w == nil || w.Constant() == nil || w.Params.DType != tensor.Int8 {
			continue
		}
		if channels := Saturating(f.Node, w.Constant().Const); len(channels) > 0 {
			l.find(ruleSaturates, Wrong, f.Node, "on x86 CPUs without VNNI, products of %d output channels can overflow int16, the first of channel %d", len(channels), channels[0])
		}
	}
}

// overflows finds biases and sums beyond int32.
func overflows(l *linter) {
	for i := range l.reading.Nodes {
		f := &l.reading.Nodes[i]
		if f.State != Int8 || !isWeighted(f.Node) {
			continue
		}
		u := f.Unit
		if w := constantBehind(f.Node.Inputs[1]); w != nil && w.Rank() > 0 {
			if k := products(f.Node, w); k > math.MaxInt32/(255*127) {
				l.find(ruleSums, Note, f.Node, "it adds %d products", k)
			}
		}
		if len(u.Inputs) > 2 && u.Inputs[2].Constant() != nil && u.Inputs[2].Params.DType == tensor.Int32 {
			if c := clipped(tensor.Data[int32](u.Inputs[2].Constant().Const)); c >= 0 {
				l.find(ruleBiasOverflow, Wrong, f.Node, "element %d of its bias is at the limit of int32", c)
			}
		}
		l.madeBias(f)
	}
}

// products returns how many products a layer adds up for each element of its output.
func products(n *graph.Node, w *tensor.Tensor) int {
	if c, ok := channels[n.Op]; ok && c(n) < w.Rank() && w.Shape[c(n)] > 0 {
		return w.Len() / w.Shape[c(n)]
	}
	return 0
}

func clipped(codes []int32) int {
	for c, x := range codes {
		if x == math.MaxInt32 || x == math.MinInt32 {
			return c
		}
	}
	return -1
}

// madeBias finds a float bias that does not fit the int32 that the runtime makes of it.
func (l *linter) madeBias(f *Fate) {
	for _, v := range f.Unit.Made {
		w := f.Unit.weightCodes()
		if v != f.Node.Input(2) || w == nil {
			continue
		}
		for c, b := range v.Const.F32() {
			scale := float64(f.Unit.Inputs[0].Params.Scale[0]) * float64(w.Params.Scale[min(c, len(w.Params.Scale)-1)])
			if math.Abs(float64(b)/scale) >= math.MaxInt32 {
				l.find(ruleBiasOverflow, Wrong, f.Node, "element %d of its bias, %g, is beyond int32 at the scale %.3g of its products", c, b, scale)
				break
			}
		}
	}
}

// signedConcats finds convolutions that signed codes reach through a Concat, directly or through one more pair: see align.
func signedConcats(l *linter) {
	for i := range l.reading.Nodes {
		f := &l.reading.Nodes[i]
		if through, _ := l.reading.signedConcat(f.Node); through != nil {
			l.find(ruleSignedConcat, Wrong, f.Node, "signed codes come to it through %q", through.Name)
		}
	}
}
