package target

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"slices"

	"dropquant/engine/quant"
	"dropquant/engine/tensor"
)

// wire is a fitted as it travels. Scales are many, and would take long as text.
type wire struct {
	Readers       string
	Asked, Params wireParams
	Shape         []int // of the codes
}

type wireParams struct {
	DType       tensor.DType
	Axis        int
	QMin, QMax  int32
	Scale, Zero []byte // little-endian
}

func toWire(p quant.Params) wireParams {
	out := wireParams{DType: p.DType, Axis: p.Axis, QMin: p.QMin, QMax: p.QMax}
	for _, s := range p.Scale {
		out.Scale = binary.LittleEndian.AppendUint32(out.Scale, math.Float32bits(s))
	}
	for _, z := range p.Zero {
		out.Zero = binary.LittleEndian.AppendUint32(out.Zero, uint32(z))
	}
	return out
}

func (w wireParams) params() quant.Params {
	p := quant.Params{DType: w.DType, Axis: w.Axis, QMin: w.QMin, QMax: w.QMax}
	for b := w.Scale; len(b) >= 4; b = b[4:] {
		p.Scale = append(p.Scale, math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	for b := w.Zero; len(b) >= 4; b = b[4:] {
		p.Zero = append(p.Zero, int32(binary.LittleEndian.Uint32(b)))
	}
	return p
}

// AppendBinary appends what was rounded here since Exchanged, for Merge: the number of bytes of a list in JSON, the list, all codes.
func (f *Fitted) AppendBinary(b []byte) []byte {
	list := map[string][]wire{}
	var codes [][]byte
	for _, name := range slices.Sorted(maps.Keys(f.known)) {
		for _, k := range f.known[name] {
			if k.own {
				list[name] = append(list[name], wire{k.readers, toWire(k.asked), toWire(k.rounded.Params), k.rounded.Codes.Shape})
				codes = append(codes, tensor.Bytes(k.rounded.Codes))
			}
		}
	}
	text, err := json.Marshal(list)
	if err != nil {
		panic("bug: " + err.Error()) // these types have no values that JSON cannot say
	}
	b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
	return append(b, slices.Concat(codes...)...)
}

var errFitted = errors.New("the rounded weights of another worker are damaged")

// DecodeFitted reads what AppendBinary wrote, and returns what is behind it.
func DecodeFitted(b []byte) (*Fitted, []byte, error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return nil, nil, errFitted
	}
	text, b := b[size:size+int(n)], b[size+int(n):]
	var list map[string][]wire
	if json.Unmarshal(text, &list) != nil {
		return nil, nil, errFitted
	}
	f := &Fitted{}
	for _, name := range slices.Sorted(maps.Keys(list)) {
		for _, w := range list[name] {
			k := fitted{asked: w.Asked.params(), readers: w.Readers, rounded: Rounded{Params: w.Params.params()}}
			count, ok := 1, k.rounded.Params.DType == tensor.Int8 && k.rounded.Params.Check() == nil
			for _, d := range w.Shape {
				ok = ok && d > 0 && d <= len(b)/count
				if count *= max(1, d); !ok {
					return nil, nil, errFitted
				}
			}
			if !ok {
				return nil, nil, errFitted
			}
			k.rounded.Codes = tensor.New(tensor.Int8, w.Shape...)
			b = b[copy(tensor.Bytes(k.rounded.Codes), b[:count]):]
			f.add(name, k)
		}
	}
	return f, b, nil
}
