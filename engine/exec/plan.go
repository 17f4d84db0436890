package exec

import (
	"cmp"
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/op"
	"dropquant/engine/tensor"
)

// A plan says where every computed tensor lies. Values that are views of others, or written over
// them, share a place; places whose lives overlap do not overlap in memory.
type plan struct {
	root   map[*graph.Value]*graph.Value // the value whose place another shares
	places map[*graph.Value]*place       // by root
	size   map[tensor.DType]int          // elements of each block

	weights, scratch int64 // bytes
}

// place is a stretch of the block of one element type, from the step that first writes it to the last that reads it.
type place struct {
	value       *graph.Value
	dtype       tensor.DType
	offset, len int // elements
	first, last int // steps; -1 for graph inputs
}

// align keeps places apart by whole cache lines of float32.
const align = 16

func (l *plan) find(v *graph.Value) *graph.Value {
	for l.root[v] != nil {
		v = l.root[v]
	}
	return v
}

func (l *plan) bytes() int64 {
	total := int64(0)
	for dt, n := range l.size {
		total += op.Type{DType: dt, Shape: []int{n}}.Bytes()
	}
	return total
}

// layOut assigns a place to every input and every output of a step.
func layOut(p *Program, b *builder) plan {
	l := plan{root: map[*graph.Value]*graph.Value{}, places: map[*graph.Value]*place{}, size: map[tensor.DType]int{}, scratch: b.scratch()}
	for _, s := range p.steps {
		if s.run == nil {
			for _, v := range s.out {
				if v != nil && v != s.in[0] {
					l.root[v] = s.in[0]
				}
			}
		}
	}
	for _, v := range p.inputs {
		l.live(p, v, -1)
	}
	for i, s := range p.steps {
		for _, v := range s.out {
			if v != nil && !b.constant(l.find(v)) {
				l.live(p, v, i)
			}
		}
		for _, v := range s.in {
			if q := l.of(v); q != nil {
				q.last = max(q.last, i)
			}
		}
	}
	for _, v := range p.outputs {
		if q := l.of(v); q != nil {
			q.last = len(p.steps)
		}
	}
	for i, s := range p.steps {
		l.overwrite(p, s, i)
	}
	l.assign()
	return l
}

// of returns the place of a value, nil for constants and omitted values.
func (l *plan) of(v *graph.Value) *place {
	if v == nil {
		return nil
	}
	return l.places[l.find(v)]
}

// live begins the life of a value at a step, unless it shares a place.
func (l *plan) live(p *Program, v *graph.Value, i int) {
	if l.root[v] != nil {
		return
	}
	t := p.types[v]
	l.places[v] = &place{value: v, dtype: t.DType, len: tensor.Size(t.Shape), first: i, last: i}
}

// overwrite lets a step write over an input that nobody reads after it.
func (l *plan) overwrite(p *Program, s *step, i int) {
	if s.alias != op.InPlace || len(s.out) == 0 || s.out[0] == nil {
		return
	}
	out := l.of(s.out[0])
	if out == nil || out.value != s.out[0] {
		return
	}
	for k, v := range s.in {
		in := l.of(v)
		if in == nil || in == out || in.last > i || in.dtype != out.dtype || in.len != out.len || k > 0 && !s.symmetric(p) {
			continue
		}
		if s.readsBeside(l, k, in) {
			continue
		}
		delete(l.places, out.value)
		l.root[out.value] = in.value
		in.last = max(in.last, out.last)
		return
	}
}

// symmetric reports whether the step reads all its inputs element by element, so that any may be overwritten.
func (s *step) symmetric(p *Program) bool {
	if s.fused || len(s.in) != 2 {
		return false
	}
	n := tensor.Size(p.types[s.out[0]].Shape)
	return tensor.Size(p.types[s.in[0]].Shape) == n && tensor.Size(p.types[s.in[1]].Shape) == n
}

// readsBeside reports whether another input of the step lies in the same place under another shape,
// and so is read in another order than input k.
func (s *step) readsBeside(l *plan, k int, q *place) bool {
	for i, v := range s.in {
		if i != k && v != nil && v != s.in[k] && l.of(v) == q {
			return true
		}
	}
	return false
}

// assign places the largest first, each at the lowest offset that is free during its life.
// Source: Pisarchyk & Lee, Efficient Memory Management for Deep Neural Net Inference, 2020, §5.2.
func (l *plan) assign() {
	var all []*place
	for _, q := range l.places {
		all = append(all, q)
	}
	slices.SortFunc(all, func(a, b *place) int {
		return cmp.Or(cmp.Compare(b.len, a.len), cmp.Compare(a.first, b.first), cmp.Compare(a.value.Name, b.value.Name))
	})
	placed := map[tensor.DType][]*place{} // by offset
	for _, q := range all {
		need, at, list := (q.len+align-1)/align*align, 0, placed[q.dtype]
		for _, o := range list {
			if o.last < q.first || q.last < o.first {
				continue
			}
			if o.offset >= at+need {
				break
			}
			at = max(at, (o.offset+o.len+align-1)/align*align)
		}
		q.offset = at
		k, _ := slices.BinarySearchFunc(list, q, func(a, b *place) int { return cmp.Compare(a.offset, b.offset) })
		placed[q.dtype] = slices.Insert(list, k, q)
		l.size[q.dtype] = max(l.size[q.dtype], at+need)
	}
}

// allocate makes the blocks and every tensor on them, once.
func (p *Program) allocate() {
	if p.tensors != nil {
		return
	}
	p.tensors = map[*graph.Value]*tensor.Tensor{}
	blocks := map[tensor.DType]*tensor.Tensor{}
	for dt, n := range p.plan.size {
		blocks[dt] = tensor.New(dt, n)
	}
	get := func(v *graph.Value) *tensor.Tensor {
		if v == nil {
			return nil
		}
		if t := p.fixed[v]; t != nil {
			return t
		}
		if p.tensors[v] == nil {
			shape := p.types[v].Shape
			if q := p.plan.of(v); q != nil {
				p.tensors[v] = blocks[q.dtype].Slice(q.offset, shape...)
			} else if t := p.fixed[p.plan.find(v)]; t != nil {
				p.tensors[v] = t.Reshape(shape...)
			} else {
				panic("bug: no memory for the value " + v.Name)
			}
		}
		return p.tensors[v]
	}
	all := func(list []*graph.Value) (out []*tensor.Tensor) {
		for _, v := range list {
			out = append(out, get(v))
		}
		return out
	}
	for _, v := range p.inputs {
		get(v)
	}
	for _, s := range p.steps {
		s.inT, s.outT, s.seenT = all(s.in), all(s.out), all(s.seen)
	}
	p.results = map[string]*tensor.Tensor{}
	for _, v := range p.outputs {
		p.results[v.Name] = get(v)
	}
}
