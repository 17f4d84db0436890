package engine

import (
	"errors"
	"fmt"
	"math"

	"dropquant/engine/dataset"
	"dropquant/engine/exec"
	"dropquant/engine/graph"
	"dropquant/engine/intsim"
	"dropquant/engine/tensor"
)

// worst completes e by where a value of m is the farthest from that of the float model ref for input x. It looks at plain Q/DQ, where
// every value exists: in other arithmetics some are only inside of kernels.
func (m *Model) worst(ref *Model, preset dataset.Preset, x *tensor.Tensor, value string, e Element) (Element, error) {
	if ref == nil {
		return e, &FileError{m.Name, errors.New("which element is the worst is known only beside the float model: name a channel, a row and a column, or add that model")}
	}
	p, err := ref.prepare(preset)
	if err == nil && p.run == nil {
		err = errors.Join(p.unsupported...)
	}
	if err != nil {
		return e, &FileError{ref.Name, err}
	}
	v := p.run.Value(value)
	if v == nil {
		return e, &FileError{ref.Name, fmt.Errorf("it has no value %q to compare with: name a channel, a row and a column", value)}
	}
	program, err := compile(p.run, p.shapes, exec.Options{Watch: map[*graph.Value]bool{v: true}, MaxMemory: maxMemory, Exact: true})
	if err != nil {
		return e, &FileError{ref.Name, err}
	}
	want, err := watched(program, ref.input.Name, x)
	if err != nil {
		return e, &FileError{ref.Name, err}
	}
	v = dequantized(m.graph.Value(value))
	program, err = Plain.compile(m.graph, map[string][]int{m.input.Name: x.Shape}, intsim.Options{Watch: map[*graph.Value]bool{v: true}, MaxMemory: maxMemory, Exact: true})
	if err != nil {
		return e, &FileError{m.Name, err}
	}
	got, err := watched(program, m.input.Name, x)
	if err == nil && (want == nil || got == nil || want.Len() != got.Len()) {
		err = fmt.Errorf("%q is not the same value there as in %q: name a channel, a row and a column", value, ref.Name)
	}
	if err != nil {
		return e, &FileError{m.Name, err}
	}
	e.place(want.Shape, farthest(want.F32(), got.F32()))
	return e, nil
}

// watched runs a program and returns a copy of the one value that it watches, nil when it never comes.
func watched(p program, input string, x *tensor.Tensor) (out *tensor.Tensor, err error) {
	_, err = p.Run(map[string]*tensor.Tensor{input: x}, func(_ *graph.Value, t *tensor.Tensor) {
		out = tensor.New(t.DType, t.Shape...)
		out.CopyFrom(t)
	})
	return out, err
}

// farthest returns the index of the largest difference, the first of equals.
func farthest(a, b []float32) (at int) {
	largest := -1.0
	for i := range a {
		if d := math.Abs(float64(a[i]) - float64(b[i])); d > largest {
			at, largest = i, d
		}
	}
	return at
}

// place sets the element from an offset into a value of a batch of one: channels, rows, columns.
func (e *Element) place(shape []int, at int) {
	dims := []int{1, 1, 1}
	copy(dims, shape[1:])
	e.Channel, e.Y, e.X = at/(dims[1]*dims[2]), at/dims[2]%dims[1], at%dims[2]
}
