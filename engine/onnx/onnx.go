// Package onnx reads and writes ONNX files without losing anything.
//
// The messages and their codec are generated from the official schema
// (schema.go). A parsed model is a tree of views: byte strings, names and raw
// tensor data share the memory of the file, which must stay unmodified for as
// long as the model, or any tensor decoded from it, is in use.
//
// What is not in the schema is kept and written back behind the known fields
// of its message, presence of optional fields is kept, and a repeated number
// is written in the form, packed or not, in which it was read. So a file in
// protobuf's canonical form comes back byte for byte, and any other one comes
// back with the same meaning.
package onnx

//go:generate go -C ../../build/onnxgen run .

import (
	"errors"
	"fmt"
	"strings"
)

// viewSize is from how many bytes on data is a segment of its own: below it, copying costs less
// than one more part of a Blob.
const viewSize = 64

// Parse reads a model. The model shares data's memory. Errors are sentences that say what the file
// looks like when it is not ONNX.
func Parse(data []byte) (*Model, error) {
	if len(data) == 0 {
		return nil, errors.New("the file is empty: export or download the model again")
	}
	m := new(Model)
	err := parse(data, "ModelProto", m)
	if err == nil && (m.Graph != nil || len(m.Functions) > 0) {
		return m, nil
	}
	if what := sniff(data); what != "" {
		return nil, errors.New("not an ONNX model: " + what)
	}
	if err == nil {
		return nil, errors.New("not an ONNX model: it holds no graph; choose the .onnx file that the exporter wrote")
	}
	// A file that begins as a model does and then ends early was a model once.
	if err.Short && (m.HasIrVersion() || m.Graph != nil) {
		return nil, fmt.Errorf("the model is cut off after %d bytes: %s; download or export it again", len(data), err.where())
	}
	return nil, err
}

// ParseTensor reads a file that holds one tensor, as the test data of ONNX does.
func ParseTensor(data []byte) (*Tensor, error) {
	t := new(Tensor)
	return t, Unmarshal(data, t)
}

// Message is one of the generated types.
type Message interface {
	decode(d *decoder, end int)
	size(e *encoder) int
	encode(e *encoder)
}

// Unmarshal reads a message of any type into m, which shares data's memory.
func Unmarshal(data []byte, m Message) error {
	name := strings.TrimPrefix(fmt.Sprintf("%T", m), "*onnx.") + "Proto"
	if err := parse(data, name, m); err != nil {
		return err
	}
	return nil
}

// Marshal returns a message of any type as one slice.
func Marshal(m Message) []byte { return marshal(m) }

func parse(data []byte, name string, m Message) *SyntaxError {
	d := &decoder{buf: data, in: name}
	m.decode(d, len(data))
	return d.err
}

// Marshal returns the model as one slice.
func (m *Model) Marshal() []byte { return marshal(m) }

// Segments returns the model as a list of slices that concatenate to what Marshal returns. Long data
// is not copied: the slices share memory with the model.
func (m *Model) Segments() [][]byte { return segments(m, viewSize) }
