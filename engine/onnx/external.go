package onnx

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ExternalRef is a tensor whose data lies in a file beside the model.
type ExternalRef struct {
	Tensor   *Tensor
	Location string // path of the file relative to the model, with slashes
	Offset   int64  // of the first byte
	Length   int64  // in bytes; -1 for the rest of the file
}

// External lists the tensors of m whose data lies in other files, in the order of the model.
// Entries that are not numbers are left to Resolve.
func External(m *Model) []ExternalRef {
	var refs []ExternalRef
	eachTensor(m, func(t *Tensor) {
		if t.DataLocation == TensorDataLocationExternal {
			r, _ := t.external()
			refs = append(refs, r)
		}
	})
	return refs
}

// Resolve puts the data of external tensors into the model, as views of what read returns for
// their files, so that it is exported as one file. Nothing is changed on an error.
func Resolve(m *Model, read func(location string) ([]byte, bool)) error {
	files := map[string][]byte{}
	var missing []string
	var err error
	resolved := map[*Tensor][]byte{}
	eachTensor(m, func(t *Tensor) {
		if err != nil || t.DataLocation != TensorDataLocationExternal {
			return
		}
		var r ExternalRef
		if r, err = t.external(); err != nil {
			return
		}
		data, ok := files[r.Location]
		if !ok {
			if data, ok = read(r.Location); !ok {
				if !slices.Contains(missing, r.Location) {
					missing = append(missing, r.Location)
				}
				return
			}
			files[r.Location] = data
		}
		resolved[t], err = r.slice(data)
	})
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return fmt.Errorf("the model keeps weights in %s, which is missing: add it together with the model", quoted(missing))
	}
	for t, data := range resolved {
		t.ExternalData = nil
		t.ClearDataLocation()
		t.SetRawData(data)
	}
	return nil
}

func quoted(names []string) string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = strconv.Quote(n)
	}
	return strings.Join(list, " and ")
}

// slice cuts the tensor's bytes out of the whole file.
func (r ExternalRef) slice(data []byte) ([]byte, error) {
	size := int64(len(data))
	length := r.Length
	if length < 0 {
		length = size - r.Offset
	}
	if r.Offset > size || length > size-r.Offset {
		return nil, fmt.Errorf("the data of the tensor %q ends at byte %d of %q, which has %d: the file is cut off or belongs to another model",
			r.Tensor.Name, uint64(r.Offset)+uint64(max(length, 0)), r.Location, size)
	}
	return data[r.Offset : r.Offset+length : r.Offset+length], nil
}

func (t *Tensor) location() string {
	for _, e := range t.ExternalData {
		if e.Key == "location" {
			return e.Value
		}
	}
	return ""
}

// external reads the external_data entries of t and refuses a location outside the model's folder.
// Source: docs/ExternalData.md of the ONNX repository.
func (t *Tensor) external() (ExternalRef, error) {
	r := ExternalRef{Tensor: t, Length: -1}
	for _, e := range t.ExternalData {
		var err error
		switch e.Key {
		case "location":
			r.Location = e.Value
		case "offset":
			r.Offset, err = parseSize(e.Value)
		case "length":
			r.Length, err = parseSize(e.Value)
		}
		if err != nil {
			return r, fmt.Errorf("the tensor %q has the external data %s %q, which is not a number of bytes", t.Name, e.Key, e.Value)
		}
	}
	if !local(r.Location) {
		return r, fmt.Errorf("the tensor %q wants its data from %q, which is not a file beside the model", t.Name, r.Location)
	}
	return r, nil
}

func parseSize(s string) (int64, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	return int64(n), err
}

// local reports whether a location stays inside the model's folder on every system.
func local(location string) bool {
	if location == "" || strings.ContainsAny(location, "\\:\x00") || strings.HasPrefix(location, "/") {
		return false
	}
	return !slices.Contains(strings.Split(location, "/"), "..")
}

// eachTensor calls f for every tensor message of m, in the order of the model.
func eachTensor(m *Model, f func(*Tensor)) {
	graphTensors(m.Graph, f)
	for _, fn := range m.Functions {
		for _, a := range fn.AttributeProto {
			attributeTensors(a, f)
		}
		nodeTensors(fn.Node, f)
	}
	for _, t := range m.TrainingInfo {
		graphTensors(t.Initialization, f)
		graphTensors(t.Algorithm, f)
	}
}

func graphTensors(g *Graph, f func(*Tensor)) {
	if g == nil {
		return
	}
	each(g.Initializer, f)
	for _, s := range g.SparseInitializer {
		sparseTensors(s, f)
	}
	nodeTensors(g.Node, f)
}

func nodeTensors(nodes []*Node, f func(*Tensor)) {
	for _, n := range nodes {
		for _, a := range n.Attribute {
			attributeTensors(a, f)
		}
	}
}

func attributeTensors(a *Attribute, f func(*Tensor)) {
	each([]*Tensor{a.T}, f)
	each(a.Tensors, f)
	sparseTensors(a.SparseTensor, f)
	for _, s := range a.SparseTensors {
		sparseTensors(s, f)
	}
	graphTensors(a.G, f)
	for _, g := range a.Graphs {
		graphTensors(g, f)
	}
}

func sparseTensors(s *SparseTensor, f func(*Tensor)) {
	if s != nil {
		each([]*Tensor{s.Values, s.Indices}, f)
	}
}

func each(list []*Tensor, f func(*Tensor)) {
	for _, t := range list {
		if t != nil {
			f(t)
		}
	}
}
