package engine

import (
	"errors"
	"fmt"
	"slices"

	"dropquant/engine/dataset"
	"dropquant/engine/graph"
	"dropquant/engine/intsim"
	"dropquant/engine/op"
	"dropquant/engine/tensor"
)

// Element names one number of a model.
type Element struct {
	Layer   string `json:"layer"`   // name of a node with weights, or of the value that leaves it
	Channel int    `json:"channel"` // of the output; below 0 TraceModel takes the element that plain Q/DQ puts farthest from the float model's
	Y       int    `json:"y"`
	X       int    `json:"x"`
}

// Trace is the path of one number in several arithmetics side by side: plain data for a page.
type Trace struct {
	Model   string   `json:"model"`
	Value   string   `json:"value"` // that holds the element
	Element Element  `json:"element"`
	Columns []Column `json:"columns"`
}

// Column is the path in one arithmetic.
type Column struct {
	*intsim.Path
	Blocked string `json:"blocked,omitempty"` // why this arithmetic cannot be traced, and the path is empty
	Differs string `json:"differs,omitempty"` // "input" or the ID of the first step whose value is not that of the first column; "" when all are
}

// TraceModel runs a model on one image in several arithmetics, and returns how one element comes about in each. ref, which may
// be nil, adds the float model as the last column. It fails when none of the arithmetics can be traced.
func TraceModel(m, ref *Model, backends []Backend, preset dataset.Preset, f File, e Element) (*Trace, error) {
	if len(backends) == 0 {
		return nil, errors.New("there is no arithmetic to trace")
	}
	shape, err := m.shape(preset)
	if err != nil {
		return nil, &FileError{m.Name, err}
	}
	x, err := m.sample(f, preset, shape)
	if err != nil {
		return nil, err
	}
	shapes := map[string][]int{m.input.Name: shape}
	g := m.graph.Clone()
	if err := op.Infer(g, shapes); err != nil {
		return nil, &FileError{m.Name, err}
	}
	value, err := leaving(g, e.Layer)
	if err != nil {
		return nil, &FileError{m.Name, err}
	}
	if e.Channel < 0 {
		if e, err = m.worst(ref, preset, x, value, e); err != nil {
			return nil, err
		}
	}
	t := &Trace{Model: m.Name, Value: value, Element: e}
	var blocked []error
	for _, b := range backends {
		if err := t.add(g, b, shapes, map[string]*tensor.Tensor{m.input.Name: x}); err != nil {
			blocked = append(blocked, err)
			t.Columns = append(t.Columns, Column{Path: &intsim.Path{Backend: b.String(), Title: b.title()}, Blocked: err.Error()})
		}
	}
	if len(blocked) == len(backends) {
		return nil, &FileError{m.Name, blocked[0]}
	}
	if ref != nil {
		p, err := ref.prepare(preset)
		if err == nil && p.run == nil {
			err = errors.Join(p.unsupported...)
		}
		if err == nil {
			err = t.add(p.run, Plain, p.shapes, map[string]*tensor.Tensor{ref.input.Name: x})
		}
		if err != nil {
			return nil, &FileError{ref.Name, err}
		}
		t.Columns[len(t.Columns)-1].Backend, t.Columns[len(t.Columns)-1].Title = "float", "The float model"
	}
	t.compare()
	return t, nil
}

// Trace is TraceModel for the job's quantized model, in each arithmetic of its target, in plain Q/DQ and in float. Quantize comes first.
func (j *Job) Trace(f File, e Element) (*Trace, error) {
	samples, err := j.samples(f)
	if err != nil {
		return nil, err
	}
	quantized, err := cut(j.quantized.graph, j.kept)
	if err != nil {
		return nil, &FileError{j.model.Name, err}
	}
	value, err := leaving(quantized, e.Layer)
	if err != nil {
		return nil, &FileError{j.model.Name, err}
	}
	t := &Trace{Model: j.model.Name, Value: value, Element: e}
	backends := backendsOf(j.target.Name)
	if !slices.Contains(backends, Plain) {
		backends = append(backends, Plain)
	}
	for _, b := range backends {
		if err := t.add(quantized, b, j.shapes, j.feed(samples[0])); err != nil {
			return nil, &FileError{j.model.Name, err}
		}
	}
	if err := t.add(j.run, Plain, j.shapes, j.feed(samples[0])); err != nil {
		return nil, &FileError{j.model.Name, err}
	}
	t.Columns[len(t.Columns)-1].Backend, t.Columns[len(t.Columns)-1].Title = "float", "The float model"
	t.compare()
	return t, nil
}

// add traces one column.
func (t *Trace) add(g *graph.Graph, b Backend, shapes map[string][]int, in map[string]*tensor.Tensor) error {
	p, err := intsim.Trace(g, intsim.ByName(b.Target, b.ISA), shapes, in, t.Value, t.Element.Channel, t.Element.Y, t.Element.X)
	if err != nil {
		return err
	}
	t.Columns = append(t.Columns, Column{Path: p})
	return nil
}

// compare marks in each column the first thing that is not as in the first column that could be traced.
func (t *Trace) compare() {
	first := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Blocked == "" })
	for k := first + 1; k < len(t.Columns); k++ {
		if t.Columns[k].Blocked == "" {
			t.Columns[k].Differs = firstDifference(t.Columns[first].Path, t.Columns[k].Path)
		}
	}
}

// firstDifference returns where b first differs from a: steps that only one of them has are passed over.
func firstDifference(a, b *intsim.Path) string {
	if !slices.EqualFunc(a.Terms, b.Terms, func(x, y intsim.Term) bool { return x.Input == y.Input }) && len(a.Terms) == len(b.Terms) {
		return "input"
	}
	for _, s := range b.Steps {
		i := slices.IndexFunc(a.Steps, func(o intsim.Step) bool { return o.ID == s.ID })
		if i >= 0 && a.Steps[i].Value != s.Value || i < 0 && s.ID == intsim.StepSaturation {
			return s.ID
		}
	}
	return ""
}

// sample makes the first input that a file holds.
func (m *Model) sample(f File, preset dataset.Preset, shape []int) (*tensor.Tensor, error) {
	var samples []*tensor.Tensor
	in, err := m.image(preset)
	if err == nil {
		samples, err = dataset.Samples(f.Name, f.Data, preset, in)
	} else {
		samples, err = dataset.Arrays(f.Name, f.Data, shape)
	}
	if err != nil {
		return nil, err
	}
	return samples[0], nil
}

// leaving returns the name of the value that leaves a layer: itself when it is a value, else, behind the node of that name and the
// operators that alone read on, the first that is rounded, or that several read.
func leaving(g *graph.Graph, layer string) (string, error) {
	if v := g.Value(layer); v != nil && v.Producer != nil {
		return layer, nil
	}
	k := slices.IndexFunc(g.Nodes, func(n *graph.Node) bool { return n.Name == layer })
	if k < 0 {
		return "", fmt.Errorf("no layer is called %q", layer)
	}
	v := g.Nodes[k].Out(0)
	for v != nil && len(v.Uses) == 1 && !g.IsOutput(v) && v.Uses[0].Node.Op != "QuantizeLinear" {
		next := v.Uses[0].Node.Out(0)
		if next == nil || isWeighted(v.Uses[0].Node) || !slices.Equal(next.Shape, v.Shape) {
			break
		}
		v = next
	}
	if v == nil {
		return "", fmt.Errorf("layer %q gives no value", layer)
	}
	return v.Name, nil
}

// Steps returns the IDs of the steps that any column has, in the order in which they are done.
func (t *Trace) Steps() (ids []string) {
	for _, c := range t.Columns {
		for i, s := range c.Steps {
			if slices.Contains(ids, s.ID) {
				continue
			}
			at := len(ids) // before the next step that is there
			for _, next := range c.Steps[i:] {
				if k := slices.Index(ids, next.ID); k >= 0 {
					at = k
					break
				}
			}
			ids = slices.Insert(ids, at, s.ID)
		}
	}
	return ids
}
