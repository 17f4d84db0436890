package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"

	"dropquant/engine/dataset"
	"dropquant/engine/graph"
	"dropquant/engine/onnx"
	"dropquant/engine/pass"
	"dropquant/engine/tensor"
)

// File is a file as the user gave it.
type File struct {
	Name string // may hold folders, with slashes
	Data []byte // must stay unmodified as long as what was made of it is in use
}

// Model is a float model that has been read and checked. It is never modified, and jobs on several
// goroutines may share it.
type Model struct {
	Name string // of its file
	Size int64  // bytes of its file and of the external data that it names

	data   []byte
	hash   func() string
	source *onnx.Model
	graph  *graph.Graph
	input  *graph.Value // what images or arrays fill

	widened bool // it was in float16 or bfloat16, and graph is in float32
}

// Hash returns the SHA-256 of the model's file, in hex. It takes a while in a browser, so only what is written asks for it.
func (m *Model) Hash() string { return m.hash() }

// TakeHash tells a model the Hash that another worker has found for the same file, while nobody else uses the model.
func (m *Model) TakeHash(hash string) { m.hash = func() string { return hash } }

// Target returns the name of the target that a file of Dropquant's says it was made for, "" for other files.
func (m *Model) Target() string {
	name, _ := m.graph.Metadata("dropquant.target")
	return name
}

// Load reads a float model. Tensors that it keeps in other files are asked from sibling, which returns
// false for a file that was not given; sibling may be nil. Every error is a *FileError.
func Load(f File, sibling func(name string) ([]byte, bool)) (*Model, error) {
	return loadIf(refuseQuantized, f, sibling)
}

// LoadAny is Load for a model that may be in integers already. It can be tested, and not be quantized again.
func LoadAny(f File, sibling func(name string) ([]byte, bool)) (*Model, error) {
	return loadIf(func(*graph.Graph) error { return nil }, f, sibling)
}

func loadIf(accept func(*graph.Graph) error, f File, sibling func(name string) ([]byte, bool)) (*Model, error) {
	m, err := load(f, sibling)
	if err == nil {
		err = accept(m.graph)
	}
	if err == nil {
		m.widened = pass.WidenHalves(m.graph)
		m.input, err = findInput(m.graph)
	}
	if err != nil {
		return nil, &FileError{f.Name, err}
	}
	return m, nil
}

// load reads all but the input.
func load(f File, sibling func(name string) ([]byte, bool)) (*Model, error) {
	source, err := onnx.Parse(f.Data)
	if err != nil {
		return nil, err
	}
	m := &Model{Name: f.Name, Size: int64(len(f.Data)), data: f.Data, source: source}
	m.hash = sync.OnceValue(func() string {
		sum := sha256.Sum256(f.Data)
		return hex.EncodeToString(sum[:])
	})
	read := func(name string) ([]byte, bool) {
		if sibling == nil {
			return nil, false
		}
		data, ok := sibling(name)
		m.Size += int64(len(data))
		return data, ok
	}
	if err := onnx.Resolve(source, once(read)); err != nil {
		return nil, err
	}
	m.graph, err = graph.FromONNX(source)
	return m, err
}

// once remembers what read returned, so that a file that many tensors lie in is read and counted once.
func once(read func(string) ([]byte, bool)) func(string) ([]byte, bool) {
	type answer struct {
		data []byte
		ok   bool
	}
	known := map[string]answer{}
	return func(name string) ([]byte, bool) {
		a, seen := known[name]
		if !seen {
			a.data, a.ok = read(name)
			known[name] = a
		}
		return a.data, a.ok
	}
}

// quantizedOps are the operators of a model that is quantized already.
var quantizedOps = []string{"QuantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger", "DynamicQuantizeLinear", "QLinearAdd", "QGemm"}

// inIntegers reports whether anything of g is stored or computed in integers.
func inIntegers(g *graph.Graph) bool {
	return slices.ContainsFunc(g.Nodes, func(n *graph.Node) bool {
		return n.Op == "DequantizeLinear" || slices.Contains(quantizedOps, n.Op)
	})
}

// refuseQuantized reports a model that is in integers already: its ranges would be those of rounded values.
func refuseQuantized(g *graph.Graph) error {
	for _, n := range g.Nodes {
		if slices.Contains(quantizedOps, n.Op) {
			return fmt.Errorf("the model is quantized already (node %q is a %s): drop the float model it was made from", n.Name, n.Op)
		}
	}
	return nil
}

// findInput returns the one input that images or arrays can fill.
func findInput(g *graph.Graph) (*graph.Value, error) {
	switch {
	case len(g.Inputs) == 0:
		return nil, errors.New("the model has no input: export it with its input as an argument, not as a constant")
	case len(g.Inputs) > 1:
		names := make([]string, len(g.Inputs))
		for i, v := range g.Inputs {
			names[i] = v.Name
		}
		return nil, fmt.Errorf("the model has %d inputs, %q: only models with one input can be calibrated on images; make the others constants and export it again", len(names), names)
	}
	v := g.Inputs[0]
	if v.DType != tensor.Float32 {
		return nil, fmt.Errorf("the input %q is %v: only float32 inputs can be calibrated; export the model with a float32 input", v.Name, v.DType)
	}
	return v, nil
}

// image reports how images fill the input, or why they cannot.
func (m *Model) image(p dataset.Preset) (dataset.Input, error) {
	return dataset.InputOf(m.input.Shape, max(p.Crop, 1))
}

// shape returns the input's shape for one sample: a batch of one, open sides as the preset has them.
func (m *Model) shape(p dataset.Preset) ([]int, error) {
	if in, err := m.image(p); err == nil {
		return in.Shape(), nil
	}
	shape := slices.Clone(m.input.Shape)
	for i, d := range shape {
		switch {
		case d >= 1:
		case i == 0:
			shape[i] = 1
		default:
			return nil, fmt.Errorf("the input %q has the shape %s, with an open dimension that nothing fills: export the model with fixed sizes", m.input.Name, tensor.FormatShape(shape))
		}
	}
	if len(shape) == 0 {
		return nil, fmt.Errorf("the input %q has no known shape: export the model with one", m.input.Name)
	}
	return shape, nil
}
