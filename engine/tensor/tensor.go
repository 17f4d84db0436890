// Package tensor holds dense arrays: an element type, a shape and row-major data.
//
// A tensor owns or borrows one Go slice of its element type. Initializers of a
// model are shared between graphs and must never be written into; replace them.
package tensor

import "fmt"

// Tensor is a dense row-major array.
type Tensor struct {
	DType DType
	Shape []int // every dimension ≥ 0; empty for a scalar
	data  any   // slice of the Go type of DType, or []byte for packed sub-byte types
}

// Element is a Go type that a tensor can hold.
type Element interface {
	float32 | float64 | int8 | uint8 | int16 | uint16 | int32 | uint32 | int64 | uint64 | bool | string
}

// New returns a tensor of zeros. It panics on a negative dimension or a type
// without a Go element type.
func New(dt DType, shape ...int) *Tensor {
	n := Size(shape)
	make, ok := makers[dt]
	if !ok {
		panic(fmt.Sprintf("bug: tensor.New of %v", dt))
	}
	return &Tensor{DType: dt, Shape: known(shape), data: make(n)}
}

// Of wraps data, which is not copied. It panics when the shape does not hold
// exactly len(data) elements.
func Of[T Element](data []T, shape ...int) *Tensor {
	if Size(shape) != len(data) {
		panic(fmt.Sprintf("bug: tensor.Of %d elements as %v", len(data), shape))
	}
	return &Tensor{DType: dtypeOf[T](), Shape: known(shape), data: data}
}

// known returns a shape that is not nil: where shapes are compared with those of a graph, nil means
// that the rank is unknown, which it never is for a tensor.
func known(shape []int) []int {
	if shape == nil {
		return []int{}
	}
	return shape
}

// WithType wraps data under a type that shares its Go element type with
// another, as Float16 and BFloat16 share uint16.
func WithType[T Element](dt DType, data []T, shape ...int) *Tensor {
	t := Of(data, shape...)
	t.DType = dt
	return t
}

// Scalar returns a tensor of rank 0.
func Scalar[T Element](v T) *Tensor { return Of([]T{v}) }

// Data returns the elements of t, not a copy. It panics when t does not hold T;
// check DType first when the type comes from a model.
func Data[T Element](t *Tensor) []T {
	d, ok := t.data.([]T)
	if !ok {
		panic(fmt.Sprintf("bug: tensor holds %v, not %v", t.DType, dtypeOf[T]()))
	}
	return d
}

// F32 returns the elements of a Float32 tensor.
func (t *Tensor) F32() []float32 { return Data[float32](t) }

// I64 returns the elements of an Int64 tensor.
func (t *Tensor) I64() []int64 { return Data[int64](t) }

// Len returns the number of elements.
func (t *Tensor) Len() int { return Size(t.Shape) }

// Rank returns the number of dimensions.
func (t *Tensor) Rank() int { return len(t.Shape) }

// Reshape returns a tensor of another shape over the same data. It panics when
// the sizes differ.
func (t *Tensor) Reshape(shape ...int) *Tensor {
	if Size(shape) != t.Len() {
		panic(fmt.Sprintf("bug: reshape %v to %v", t.Shape, shape))
	}
	return &Tensor{DType: t.DType, Shape: known(shape), data: t.data}
}

// Size returns the number of elements of a shape, 1 for a scalar. It panics on
// a negative dimension.
func Size(shape []int) int {
	n := 1
	for _, d := range shape {
		if d < 0 {
			panic(fmt.Sprintf("bug: size of %v", shape))
		}
		n *= d
	}
	return n
}

// String returns the type and shape, as "float32[1,3,224,224]".
func (t *Tensor) String() string { return t.DType.String() + FormatShape(t.Shape) }
