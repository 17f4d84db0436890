package tensor

import (
	"fmt"
	"unsafe"
)

// Slice returns a tensor of the given shape over the elements of t that begin at from. It shares
// them, and panics when t does not hold them all.
func (t *Tensor) Slice(from int, shape ...int) *Tensor {
	s := &Tensor{DType: t.DType, Shape: shape}
	to := from + Size(shape)
	switch d := t.data.(type) {
	case []float32:
		s.data = d[from:to:to]
	case []float64:
		s.data = d[from:to:to]
	case []int8:
		s.data = d[from:to:to]
	case []uint8:
		s.data = d[from:to:to]
	case []int16:
		s.data = d[from:to:to]
	case []uint16:
		s.data = d[from:to:to]
	case []int32:
		s.data = d[from:to:to]
	case []uint32:
		s.data = d[from:to:to]
	case []int64:
		s.data = d[from:to:to]
	case []uint64:
		s.data = d[from:to:to]
	case []bool:
		s.data = d[from:to:to]
	case []string:
		s.data = d[from:to:to]
	default:
		panic(fmt.Sprintf("bug: slice of %v", t))
	}
	return s
}

// CopyFrom copies the elements of src, which has the same type and as many elements.
func (t *Tensor) CopyFrom(src *Tensor) {
	if t.DType != src.DType || t.Len() != src.Len() {
		panic(fmt.Sprintf("bug: copy of %v to %v", src, t))
	}
	switch d := t.data.(type) {
	case []float32:
		copy(d, src.data.([]float32))
	case []float64:
		copy(d, src.data.([]float64))
	case []int8:
		copy(d, src.data.([]int8))
	case []uint8:
		copy(d, src.data.([]uint8))
	case []int16:
		copy(d, src.data.([]int16))
	case []uint16:
		copy(d, src.data.([]uint16))
	case []int32:
		copy(d, src.data.([]int32))
	case []uint32:
		copy(d, src.data.([]uint32))
	case []int64:
		copy(d, src.data.([]int64))
	case []uint64:
		copy(d, src.data.([]uint64))
	case []bool:
		copy(d, src.data.([]bool))
	case []string:
		copy(d, src.data.([]string))
	default:
		panic(fmt.Sprintf("bug: copy to %v", t))
	}
}

// Bytes returns the elements of an Int8 or Uint8 tensor as bytes, not a copy. It panics for other types.
func Bytes(t *Tensor) []uint8 {
	if d, signed := t.data.([]int8); signed {
		return unsafe.Slice((*uint8)(unsafe.Pointer(unsafe.SliceData(d))), len(d))
	}
	return Data[uint8](t)
}
