package export

import (
	"encoding/json"

	"dropquant/engine/graph"
	"dropquant/engine/quant"
	"dropquant/engine/tensor"
)

// encoding is one grid in AIMET's words: real = scale·(code + offset), with codes from 0.
type encoding struct {
	Bits      int     `json:"bitwidth"`
	DType     string  `json:"dtype"`
	Symmetric string  `json:"is_symmetric"`
	Max       float64 `json:"max"`
	Min       float64 `json:"min"`
	Offset    int32   `json:"offset"`
	Scale     float64 `json:"scale"`
}

// Encodings returns the ranges of all activations and weights as JSON in the form of AIMET's .encodings files: by the name
// of the tensor a list, with one entry or one per output channel. Biases are not among them.
//
// Source: the AIMET documentation, "Encoding format specification" 0.6.1.
func Encodings(g *graph.Graph) ([]byte, error) {
	all, err := pairs(g)
	if err != nil {
		return nil, err
	}
	file := struct {
		Version string                `json:"version"`
		Acts    map[string][]encoding `json:"activation_encodings"`
		Params  map[string][]encoding `json:"param_encodings"`
	}{"0.6.1", map[string][]encoding{}, map[string][]encoding{}}
	for _, p := range all {
		switch {
		case p.x != nil:
			file.Acts[p.x.Name] = encodings(p.params)
		case p.codes.DType != tensor.Int32:
			file.Params[sourceName(p)] = encodings(p.params)
		}
	}
	out, err := json.MarshalIndent(file, "", "  ")
	return append(out, '\n'), err
}

// sourceName returns the name that a constant had before it became codes, which Insert's names end with a word for.
func sourceName(p pair) string {
	name := p.dq.Inputs[0].Name
	if n := len(name) - len(quantizedSuffix); n > 0 && name[n:] == quantizedSuffix {
		return name[:n]
	}
	return name
}

const quantizedSuffix = "_quantized"

func encodings(p quant.Params) []encoding {
	out := make([]encoding, len(p.Scale))
	bits := 0
	for n := int64(p.QMax) - int64(p.QMin); n > 0; n >>= 1 {
		bits++
	}
	for c := range out {
		scale, offset := float64(p.Scale[c]), p.QMin-p.Zero[c]
		e := encoding{Bits: bits, DType: "int", Symmetric: "False", Scale: scale, Offset: offset}
		if p.Zero[c] == 0 && p.QMin < 0 {
			e.Symmetric = "True"
		}
		e.Min, e.Max = scale*float64(offset), scale*float64(p.QMax-p.Zero[c])
		out[c] = e
	}
	return out
}
