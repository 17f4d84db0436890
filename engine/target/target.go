// Package target knows what a runtime does with a Q/DQ file: a [Target] is a
// table of rows, one per operator it runs in integers, each with its source.
//
// One algorithm, [Place], reads the rows and decides for a graph where the
// pairs of QuantizeLinear and DequantizeLinear go; no code asks which target it
// works for. [Insert] writes the pairs into the graph. [Read] goes the other way:
// it reads the same rows to say what the runtime makes of any graph with pairs,
// and [Lint] reports that with what is wrong in the file.
//
// The vocabulary:
//
//	pair      QuantizeLinear → DequantizeLinear on one value: some readers read the second in place of the value
//	group     the pairs that must share one scale and zero point, because something only moves codes from one to another
//	unit      an operator that runs in integers with the activations that its kernel applies on the way out
//	carrier   an operator that moves codes and computes nothing: it runs in integers when what feeds it does
//	head      the last weighted operators of a model that has several, and all behind them
package target

import (
	"fmt"

	"dropquant/engine/graph"
	"dropquant/engine/quant"
)

// Target is one runtime's table.
type Target struct {
	Name   string     // as options and files spell it
	Title  string     // as the page spells it
	Act    quant.Grid // codes of activations
	Weight quant.Grid // codes of weights
	Rows   []Row      // tried in order: the first whose needs hold applies

	// Complete says that a node runs in integers only as a whole: pairs on its
	// inputs and one on its output, which then serves every reader of the output.
	// Otherwise pairs on the inputs are enough and stand only where a unit reads.
	Complete bool

	// Heads quantizes the last layers of detectors too. Off, they stay float:
	// their channels are box offsets, logits and probabilities side by side, and
	// errors there are errors of the result. See heads for what it costs.
	Heads bool

	// PerTensor gives every weight one scale and not one per output channel.
	PerTensor bool

	// Pairs says that on x86 CPUs without VNNI the runtime adds products two by two in int16, where they can overflow.
	Pairs bool

	// AnyCPU, where Pairs holds, keeps the codes of weights so small, two by two, that those CPUs give the integers that
	// all others give.
	AnyCPU bool

	// What the runtime does by itself with a file that it reads.
	Shifts      bool    // signed codes of activations become unsigned, where one node alone reads them
	Makes       bool    // float weights and a float bias of a unit between pairs are quantized: see Unit.Made
	Merges      bool    // several QuantizeLinear of one value with the same parameters are one
	Up          bool    // a QuantizeLinear behind a carrier moves to before it
	NBits       bool    // products of stored weights that end in float have their activations rounded as they run: see Reading.Block
	CodeOps     bool    // it runs operators on codes, as QLinearConv
	Mixes       bool    // a Concat of codes with different scales gives codes with a scale for each channel
	AlignsReals bool    // a defect: see reader.align
	Inverts     bool    // a defect: see inverted
	TakesSigned bool    // convolutions take signed codes as they are; elsewhere a runtime that mixes makes them unsigned for those
	Strict      bool    // a bias through DequantizeLinear, and a pair on an output of the graph, are refused
	Sums        bool    // the kernel of a convolution adds the other operand of a sum behind it, if no pair stands between
	Checks      []Check // that hold for every unit
}

// Targets lists the runtimes that files are made for.
var Targets = []*Target{OpenVINO, TensorRT, ONNXRuntime}

// ByName returns the target of that name, or nil.
func ByName(name string) *Target {
	for _, t := range Targets {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// Row says how a target treats one operator.
type Row struct {
	Op    string // of the domain ai.onnx
	Role  Role
	Needs []Need // all must hold for the row to apply

	In       func(n *graph.Node) []int // the inputs that get a pair or are moved; nil: the first when Weighted, every activation else
	Axis     func(n *graph.Node) int   // output channels of the weights
	Bias     Bias
	Optional bool                     // the unit also runs in integers with a float output, where the target asks for complete units
	Whole    func(n *graph.Node) bool // the pair on its input must serve every reader of the value
	Below    bool                     // a carrier that the runtime itself moves the pair behind it over: none is placed above
	Eager    bool                     // a carrier that moves codes as soon as one reader wants them: a QuantizeLinear behind it is wrong in this runtime
	Unsigned bool                     // placed on unsigned codes only: this runtime is wrong or slow on signed ones

	Kernel  string  // what the runtime puts in the node's place, "" when it keeps the operator; on a carrier: it requantizes
	Spreads bool    // a carrier that the runtime copies a pair over to the side that has none, where others need both
	Since   int     // the first opset of ai.onnx whose operator the row means
	Found   bool    // files of others have it: it is read, and never placed
	Checks  []Check // beside those of the target

	Source string // document, version, section, or the file that says so
}

// Role is the part that an operator plays.
type Role uint8

const (
	Weighted    Role = iota + 1 // a constant second input in integers, and a pair on the first
	WeightsOnly                 // the constant second input is stored in integers; the arithmetic is float
	Compute                     // integers from pairs on its inputs
	Carrier                     // moves codes; output and inputs share parameters
	Follower                    // applied by the kernel of the unit that feeds it: no pair between
)

// Bias is how a unit reads its bias.
type Bias uint8

const (
	FloatBias Bias = iota // as it is
	Int32Bias             // int32 through DequantizeLinear at the scale of input times weights
)

// Need is a condition under which a row applies.
type Need struct {
	Holds func(n *graph.Node) bool
	Else  string // why the node stays float when it does not hold, as in "its weights are computed"
	Plan  bool   // asked when placing only: the pairs of a file that is read say more, see Check
}

// placing stands for an opset where a row is looked for to place pairs: the opset will be raised.
const placing = 0

// find returns the row that applies to n in a file of that opset, or the reason why none does.
func (t *Target) find(n *graph.Node, opset int) (*Row, string) {
	if n.Domain != "" && n.Domain != "ai.onnx" {
		return nil, "an operator of another domain"
	}
	if n.Input(0) == nil || n.Out(0) == nil {
		return nil, "it lacks its first input or output"
	}
	why := "not an operator that this runtime runs in integers"
	for i := range t.Rows {
		r := &t.Rows[i]
		if r.Op != n.Op || opset == placing && r.Found {
			continue
		}
		if why = r.refuses(n, t, opset); why == "" {
			return r, ""
		}
	}
	return nil, why
}

// refuses returns the first need that does not hold, or "".
func (r *Row) refuses(n *graph.Node, t *Target, opset int) string {
	switch {
	case opset == placing && r.Unsigned && t.Act.Signed():
		return "wrong in this runtime on signed codes"
	case opset != placing && opset < r.Since:
		return fmt.Sprintf("an operator of opset %d, which this runtime runs in integers from %d on", opset, r.Since)
	}
	for _, need := range r.Needs {
		if !(need.Plan && opset != placing) && !need.Holds(n) {
			return need.Else
		}
	}
	return ""
}

// inputs returns the inputs of n that get a pair or that it moves.
func (r *Row) inputs(n *graph.Node) []int {
	if r.In != nil {
		return r.In(n)
	}
	if r.Role == Weighted {
		return []int{0}
	}
	var in []int
	for i, v := range n.Inputs {
		if isActivation(v) {
			in = append(in, i)
		}
	}
	return in
}
