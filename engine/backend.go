package engine

import (
	"fmt"
	"strings"

	"dropquant/engine/dataset"
	"dropquant/engine/exec"
	"dropquant/engine/graph"
	"dropquant/engine/intsim"
	"dropquant/engine/tensor"
)

// Backend names an arithmetic: that of a runtime on a kind of CPU.
type Backend struct {
	Target string `json:"target"`
	ISA    string `json:"isa,omitempty"` // "" where the arithmetic is the same on all CPUs
}

// Plain is the arithmetic of ONNX: pairs of QuantizeLinear and DequantizeLinear round, all between them is float.
var Plain = Backend{Target: "qdq"}

// Backends lists what comparisons offer, plain arithmetic last.
var Backends = simulated(false)

// simulated lists what can be simulated, plain arithmetic last; with rare also what differs from another kind of CPU in few files.
func simulated(rare bool) (list []Backend) {
	for _, b := range intsim.Backends {
		if b.Target != nil && (rare || !b.Rare) {
			list = append(list, Backend{b.Target.Name, b.ISA})
		}
	}
	return append(list, Plain)
}

// FindBackend returns the backend of a target's name and a kind of CPU; "" is the first kind that the target has.
func FindBackend(targetName, isa string) (Backend, error) {
	var names, kinds []string
	for _, b := range simulated(true) {
		if len(names) == 0 || names[len(names)-1] != b.Target {
			names = append(names, b.Target)
		}
		if b.Target != targetName {
			continue
		}
		if isa == "" || b.ISA == "" || b.ISA == isa {
			return b, nil
		}
		kinds = append(kinds, b.ISA)
	}
	if len(kinds) > 0 {
		return Backend{}, fmt.Errorf("%s is not simulated on the CPU %q: known are %s", targetName, isa, strings.Join(kinds, ", "))
	}
	return Backend{}, fmt.Errorf("no arithmetic is called %q: known are %s", targetName, strings.Join(names, ", "))
}

// title returns what people call the arithmetic.
func (b Backend) title() string { return intsim.ByName(b.Target, b.ISA).Title }

// String returns the name as in "openvino avx2".
func (b Backend) String() string { return strings.TrimSpace(b.Target + " " + b.ISA) }

// program runs a graph: a float one as it is, one in integers in the arithmetic of a backend.
type program interface {
	Run(inputs map[string]*tensor.Tensor, hook func(*graph.Value, *tensor.Tensor)) (map[string]*tensor.Tensor, error)
}

// simulate prepares the model to run in the arithmetic of b on inputs that preset makes.
func (m *Model) simulate(b Backend, preset dataset.Preset) (program, error) {
	if !inIntegers(m.graph) {
		p, err := m.prepare(preset)
		if err != nil {
			return nil, err
		}
		return compile(p.graph, p.shapes, exec.Options{MaxMemory: maxMemory, Exact: true})
	}
	shape, err := m.shape(preset)
	if err != nil {
		return nil, err
	}
	return b.compile(m.graph, map[string][]int{m.input.Name: shape}, intsim.Options{MaxMemory: maxMemory, Exact: true})
}

// compile prepares a graph with pairs to run in the arithmetic of b.
func (b Backend) compile(g *graph.Graph, shapes map[string][]int, o intsim.Options) (program, error) {
	p, err := intsim.Compile(g, intsim.ByName(b.Target, b.ISA), shapes, o)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// compile is exec.Compile with a result that is nil on error.
func compile(g *graph.Graph, shapes map[string][]int, o exec.Options) (program, error) {
	p, err := exec.Compile(g, shapes, o)
	if err != nil {
		return nil, err
	}
	return p, nil
}
