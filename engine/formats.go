package engine

import (
	"fmt"
	"slices"
	"strings"

	"dropquant/engine/export"
	"dropquant/engine/intsim"
)

// Format is a form in which a quantized model can be written.
type Format struct {
	Name     string   // as options spell it
	Title    string   // as the page spells it
	Doc      string   // who reads it, and what to know
	Suffixes []string // of the files that it consists of
	Targets  []string // that a model must be quantized for; nil for any

	write func(j *Job) ([][][]byte, error) // the pieces of each file
}

// QDQ is the Format that every runtime reads, and the one of Export.
const QDQ = "qdq"

// Formats lists them, QDQ first.
var Formats = []Format{
	{Name: QDQ, Title: "ONNX with Q/DQ", Doc: "for OpenVINO, TensorRT and ONNX Runtime", Suffixes: []string{".onnx"}, write: (*Job).writeQDQ},
	{Name: "fakequantize", Title: "ONNX with FakeQuantize", Doc: "for OpenVINO only; weights stay float, on their grids, as in MMRazor's files",
		Suffixes: []string{".onnx"}, write: (*Job).writeFakeQuantize},
	{Name: "ir", Title: "OpenVINO IR", Doc: "OpenVINO's own two files, for the input shape that calibrated", Suffixes: []string{".xml", ".bin"}, write: (*Job).writeIR},
	{Name: "trt-cache", Title: "TensorRT calibration cache", Doc: "ranges for the float model, where TensorRT is to choose what runs in int8; read up to TensorRT 10",
		Suffixes: []string{".cache"}, Targets: []string{"tensorrt"}, write: (*Job).writeCache},
	{Name: "qoperator", Title: "ONNX with integer operators", Doc: "for ONNX Runtime only: QLinearConv and its kin, which it makes of Q/DQ itself",
		Suffixes: []string{".onnx"}, Targets: []string{"onnxruntime"}, write: (*Job).writeQOperator},
	{Name: "encodings", Title: "JSON of the ranges", Doc: "in the form of AIMET's encodings", Suffixes: []string{".encodings.json"}, write: (*Job).writeEncodings},
}

// FindFormat returns the format of that name; "" is QDQ.
func FindFormat(name string) (Format, error) {
	if name == "" {
		name = QDQ
	}
	var names []string
	for _, f := range Formats {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	return Format{}, fmt.Errorf("no format is called %q: use one of %s", name, strings.Join(names, ", "))
}

// Fits returns an error when what is quantized for a target, by its name, cannot be written so.
func (f Format) Fits(target string) error {
	if f.Targets == nil || slices.Contains(f.Targets, target) {
		return nil
	}
	return fmt.Errorf("the format %s needs a model quantized for %s, and this one is for %s", f.Name, strings.Join(f.Targets, " or "), target)
}

// ExportAs returns the quantized model in a format: for each of its Suffixes the file, in pieces that share memory with
// the source. It comes after Quantize.
func (j *Job) ExportAs(f Format) ([][][]byte, error) {
	if err := f.Fits(j.target.Name); err != nil {
		return nil, err
	}
	j.sign(j.quantized)
	files, err := f.write(j)
	if err != nil {
		return nil, &FileError{j.model.Name, fmt.Errorf("as %s: %w", f.Title, err)}
	}
	return files, nil
}

func (j *Job) writeQDQ() ([][][]byte, error) {
	m, err := j.quantized.graph.ToONNX()
	if err != nil {
		return nil, err
	}
	return [][][]byte{m.Segments()}, nil
}

func (j *Job) writeFakeQuantize() ([][][]byte, error) {
	g, err := export.FakeQuantize(j.quantized.graph)
	if err != nil {
		return nil, err
	}
	m, err := g.ToONNX()
	if err != nil {
		return nil, err
	}
	return [][][]byte{m.Segments()}, nil
}

func (j *Job) writeIR() ([][][]byte, error) {
	text, weights, err := export.IR(j.quantized.graph, j.shapes)
	return [][][]byte{{text}, weights}, err
}

// writeQOperator writes what ONNX Runtime executes, with the declared shapes of the Q/DQ file.
func (j *Job) writeQOperator() ([][][]byte, error) {
	l, err := intsim.Lower(j.quantized.graph, intsim.ByName("onnxruntime", "vnni"), j.shapes)
	if err != nil {
		return nil, err
	}
	for _, v := range l.Graph.Outputs {
		if w := j.quantized.graph.Value(v.Name); w != nil {
			v.Shape = w.Shape
		}
	}
	m, err := l.Graph.ToONNX()
	if err != nil {
		return nil, err
	}
	return [][][]byte{m.Segments()}, nil
}

func (j *Job) writeCache() ([][][]byte, error) {
	text, err := export.TensorRTCache(j.quantized.graph)
	return [][][]byte{{text}}, err
}

func (j *Job) writeEncodings() ([][][]byte, error) {
	text, err := export.Encodings(j.quantized.graph)
	return [][][]byte{{text}}, err
}
