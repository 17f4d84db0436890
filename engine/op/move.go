package op

import (
	"fmt"

	"dropquant/engine/tensor"
)

// A walk copies elements between two strided arrays of the same type:
//
//	for every index i inside shape: dst[dstOff + i·dst] = src[srcOff + i·src]
//
// Transpose, Slice, Split, Concat, Expand, Tile, Pad and their kin are all one or two walks.
type walk struct {
	shape, dst, src []int
	dstOff, srcOff  int
}

// squeeze drops dimensions of one and merges neighbours that both sides step through as one, so
// that the innermost loop is as long as it can be.
func (w walk) squeeze() walk {
	o := walk{dstOff: w.dstOff, srcOff: w.srcOff}
	for i, d := range w.shape {
		if d == 1 {
			continue
		}
		if k := len(o.shape) - 1; k >= 0 && o.dst[k] == d*w.dst[i] && o.src[k] == d*w.src[i] {
			o.shape[k], o.dst[k], o.src[k] = o.shape[k]*d, w.dst[i], w.src[i]
			continue
		}
		o.shape, o.dst, o.src = append(o.shape, d), append(o.dst, w.dst[i]), append(o.src, w.src[i])
	}
	if len(o.shape) == 0 {
		o.shape, o.dst, o.src = []int{1}, []int{1}, []int{1}
	}
	return o
}

// run does the walk, which must be squeezed.
func (w walk) run(dst, src *tensor.Tensor) {
	switch dst.DType {
	case tensor.Float32:
		walkOf[float32](w, dst, src)
	case tensor.Float64:
		walkOf[float64](w, dst, src)
	case tensor.Int8:
		walkOf[int8](w, dst, src)
	case tensor.Uint8:
		walkOf[uint8](w, dst, src)
	case tensor.Int16:
		walkOf[int16](w, dst, src)
	case tensor.Uint16, tensor.Float16, tensor.BFloat16:
		walkOf[uint16](w, dst, src)
	case tensor.Int32:
		walkOf[int32](w, dst, src)
	case tensor.Uint32:
		walkOf[uint32](w, dst, src)
	case tensor.Int64:
		walkOf[int64](w, dst, src)
	case tensor.Uint64:
		walkOf[uint64](w, dst, src)
	case tensor.Bool:
		walkOf[bool](w, dst, src)
	case tensor.String:
		walkOf[string](w, dst, src)
	default:
		panic(fmt.Sprintf("bug: walk over %v", dst.DType))
	}
}

func walkOf[T tensor.Element](w walk, dst, src *tensor.Tensor) {
	if product(w.shape) == 0 {
		return
	}
	walkDim(w, 0, w.dstOff, w.srcOff, tensor.Data[T](dst), tensor.Data[T](src))
}

func walkDim[T tensor.Element](w walk, d, do, so int, dst, src []T) {
	n, ds, ss := w.shape[d], w.dst[d], w.src[d]
	if d < len(w.shape)-1 {
		for range n {
			walkDim(w, d+1, do, so, dst, src)
			do, so = do+ds, so+ss
		}
		return
	}
	switch {
	case ds == 1 && ss == 1:
		copy(dst[do:do+n], src[so:so+n])
	case ds == 1 && ss == 0:
		v, row := src[so], dst[do:do+n]
		for i := range row {
			row[i] = v
		}
	case ds == 1:
		row := dst[do : do+n]
		for i := range row {
			row[i] = src[so]
			so += ss
		}
	default:
		for range n {
			dst[do] = src[so]
			do, so = do+ds, so+ss
		}
	}
}

// copyAll copies the elements of a tensor to one of the same size and type.
func copyAll(dst, src *tensor.Tensor) {
	walk{shape: []int{dst.Len()}, dst: []int{1}, src: []int{1}}.run(dst, src)
}

// A taking copies along one axis by index, and leaves alone what has a negative index:
//
//	dst[o, j, i] = src[o, index[j], i]
type taking struct {
	outer, length, inner int // of src; index replaces length
	index                []int
}

func (t taking) run(dst, src *tensor.Tensor) {
	switch dst.DType {
	case tensor.Float32:
		takeOf[float32](t, dst, src)
	case tensor.Float64:
		takeOf[float64](t, dst, src)
	case tensor.Int8:
		takeOf[int8](t, dst, src)
	case tensor.Uint8:
		takeOf[uint8](t, dst, src)
	case tensor.Int16:
		takeOf[int16](t, dst, src)
	case tensor.Uint16, tensor.Float16, tensor.BFloat16:
		takeOf[uint16](t, dst, src)
	case tensor.Int32:
		takeOf[int32](t, dst, src)
	case tensor.Uint32:
		takeOf[uint32](t, dst, src)
	case tensor.Int64:
		takeOf[int64](t, dst, src)
	case tensor.Uint64:
		takeOf[uint64](t, dst, src)
	case tensor.Bool:
		takeOf[bool](t, dst, src)
	case tensor.String:
		takeOf[string](t, dst, src)
	default:
		panic(fmt.Sprintf("bug: take from %v", dst.DType))
	}
}

func takeOf[T tensor.Element](t taking, dstT, srcT *tensor.Tensor) {
	dst, src := tensor.Data[T](dstT), tensor.Data[T](srcT)
	for o := range t.outer {
		d, s := dst[o*len(t.index)*t.inner:], src[o*t.length*t.inner:]
		for j, k := range t.index {
			switch {
			case k < 0:
			case t.inner == 1:
				d[j] = s[k]
			default:
				copy(d[j*t.inner:][:t.inner], s[k*t.inner:])
			}
		}
	}
}

// fill sets every element of t to the first element of v, or to zero when v is nil.
func fill(t, v *tensor.Tensor) {
	if v == nil {
		v = tensor.New(t.DType, 1)
	}
	walk{shape: []int{t.Len()}, dst: []int{1}, src: []int{0}}.run(t, v)
}

// width returns the bytes of one element; a string counts as its header.
func width(dt tensor.DType) int {
	switch dt {
	case tensor.Int8, tensor.Uint8, tensor.Bool:
		return 1
	case tensor.Int16, tensor.Uint16, tensor.Float16, tensor.BFloat16:
		return 2
	case tensor.Float64, tensor.Int64, tensor.Uint64:
		return 8
	case tensor.String:
		return 16
	}
	return 4
}

// number is an element type that computes.
type number interface {
	float32 | float64 | int8 | uint8 | int16 | uint16 | int32 | uint32 | int64 | uint64
}

// convert fills dst with src as Go converts numbers.
func convert[D, S number | int](dst []D, src []S) []D {
	for i, v := range src {
		dst[i] = D(v)
	}
	return dst
}
