package target

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
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
	Asked   quant.Params
	Readers string // and their states
	Params  quant.Params
	Shape   []int // of the codes

	codes *tensor.Tensor
	own   bool // made here
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
		if k.Readers == readers && reflect.DeepEqual(k.Asked, params) && slices.Equal(k.Shape, w.Value.Const.Shape) {
			return Rounded{k.Params, k.codes}
		}
	}
	r := p.fit(w, params)
	f.add(w.Value.Name, fitted{Asked: params, Readers: readers, Params: r.Params, Shape: r.Codes.Shape, codes: r.Codes, own: true})
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

// AppendBinary appends what was rounded here, for Merge: the number of bytes of a list in JSON, the list, all codes.
func (f *Fitted) AppendBinary(b []byte) []byte {
	list := map[string][]fitted{}
	var codes [][]byte
	for _, name := range slices.Sorted(maps.Keys(f.known)) {
		for _, k := range f.known[name] {
			if k.own {
				list[name] = append(list[name], k)
				codes = append(codes, tensor.Bytes(k.codes))
			}
		}
	}
	text, err := json.Marshal(list)
	if err != nil {
		panic("bug: " + err.Error()) // scales are finite
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
	var list map[string][]fitted
	if json.Unmarshal(text, &list) != nil {
		return nil, nil, errFitted
	}
	f := &Fitted{}
	for _, name := range slices.Sorted(maps.Keys(list)) {
		for _, k := range list[name] {
			count, ok := 1, k.Params.DType == tensor.Int8 && k.Params.Check() == nil
			for _, d := range k.Shape {
				ok = ok && d > 0 && d <= len(b)/count
				if count *= max(1, d); !ok {
					return nil, nil, errFitted
				}
			}
			k.codes = tensor.New(tensor.Int8, k.Shape...)
			b = b[copy(tensor.Bytes(k.codes), b[:count]):]
			f.add(name, k)
		}
	}
	return f, b, nil
}

// Merge takes over what another worker has rounded, but for what is known.
func (f *Fitted) Merge(other *Fitted) {
	for name, list := range other.known {
		for _, k := range list {
			if !slices.ContainsFunc(f.known[name], func(o fitted) bool { return o.Readers == k.Readers && reflect.DeepEqual(o.Asked, k.Asked) }) {
				f.add(name, k)
			}
		}
	}
}
