package target

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"

	"dropquant/engine/quant"
	"dropquant/engine/tensor"
)

// fits reports whether weights are rounded so that nothing overflows.
func (t *Target) fits() bool { return t.Pairs && t.AnyCPU }

// Fitted keeps the weights that were rounded so that nothing overflows, for several plans of copies of one graph: it takes as
// long as running the model many times. So workers share it out, too. The zero value is empty.
type Fitted struct{ known map[string][]fitted } // by the name of the weight

// fitted is what one weight became.
type fitted struct {
	asked   quant.Params
	readers string // and their states
	rounded Rounded
	own     bool // made here, and unknown to others
}

// once is p.fit, whose result depends on the weight, its parameters and which of its readers run in integers. A nil f
// keeps nothing.
func (f *Fitted) once(p *Plan, w *Weight, params quant.Params) Rounded {
	if f == nil {
		return p.fit(w, params)
	}
	readers := ""
	for _, n := range w.Nodes {
		readers += fmt.Sprintf("%q %v ", n.Name, p.Decision(n).State)
	}
	for _, k := range f.known[w.Value.Name] {
		if k.readers == readers && reflect.DeepEqual(k.asked, params) && slices.Equal(k.rounded.Codes.Shape, w.Value.Const.Shape) {
			return k.rounded
		}
	}
	r := p.fit(w, params)
	f.add(w.Value.Name, fitted{params, readers, r, true})
	return r
}

func (f *Fitted) add(name string, k fitted) {
	if f.known == nil {
		f.known = map[string][]fitted{}
	}
	f.known[name] = append(f.known[name], k)
}

// RoundShare rounds the weights that worker place of several takes, as Round does, and keeps them in the plan's Fitted: about as
// many elements each, whatever the order in which workers do it.
func (p *Plan) RoundShare(place, of int, acts map[*Group]quant.Params) {
	if !p.Target.fits() {
		return
	}
	size := func(w *Weight) int { return len(w.Value.Const.F32()) }
	list := slices.Clone(p.Weights)
	slices.SortStableFunc(list, func(a, b *Weight) int { return cmp.Compare(size(b), size(a)) })
	loads := make([]int, max(1, of))
	for _, w := range list { // the largest first, each to the one with the least
		least := slices.Index(loads, slices.Min(loads))
		loads[least] += size(w)
		if least == place {
			p.Round(w, acts)
		}
	}
}

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

// Exchanged says that all workers know what was rounded here.
func (f *Fitted) Exchanged() {
	for _, list := range f.known {
		for i := range list {
			list[i].own = false
		}
	}
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

// Merge takes over what another worker has rounded, but for what is known.
func (f *Fitted) Merge(other *Fitted) {
	for name, list := range other.known {
		for _, k := range list {
			if !slices.ContainsFunc(f.known[name], func(o fitted) bool { return o.readers == k.readers && reflect.DeepEqual(o.asked, k.asked) }) {
				f.add(name, k)
			}
		}
	}
}
