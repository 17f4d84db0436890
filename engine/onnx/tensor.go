package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"unsafe"

	"dropquant/engine/tensor"
)

// A layout says where a TensorProto keeps elements of one type: in raw_data, little endian, or in
// the typed field that onnx.proto names for it.
type layout struct {
	raw   func(b []byte, n int, shape []int) *tensor.Tensor // len(b) = n*size
	typed func(t *Tensor, n int, shape []int) *tensor.Tensor
	count func(t *Tensor) int // elements in the typed field
	bytes func(t *tensor.Tensor) []byte
	size  int // of an element in raw_data
}

// layouts has a row per element type that package tensor holds.
// Source: the comments of TensorProto in onnx.proto.
var layouts = map[tensor.DType]layout{
	tensor.Float32:  row(tensor.Float32, func(t *Tensor) []float32 { return t.FloatData }),
	tensor.Float64:  row(tensor.Float64, func(t *Tensor) []float64 { return t.DoubleData }),
	tensor.Int64:    row(tensor.Int64, func(t *Tensor) []int64 { return t.Int64Data }),
	tensor.Int32:    row(tensor.Int32, func(t *Tensor) []int32 { return t.Int32Data }),
	tensor.Uint64:   row(tensor.Uint64, func(t *Tensor) []uint64 { return t.Uint64Data }),
	tensor.Uint32:   narrow[uint32](tensor.Uint32, func(t *Tensor) []uint64 { return t.Uint64Data }),
	tensor.Int16:    narrow[int16](tensor.Int16, int32s),
	tensor.Uint16:   narrow[uint16](tensor.Uint16, int32s),
	tensor.Int8:     narrow[int8](tensor.Int8, int32s),
	tensor.Uint8:    narrow[uint8](tensor.Uint8, int32s),
	tensor.Float16:  narrow[uint16](tensor.Float16, int32s),
	tensor.BFloat16: narrow[uint16](tensor.BFloat16, int32s),
	tensor.Bool: {
		raw: func(b []byte, n int, shape []int) *tensor.Tensor {
			return bools(n, shape, func(i int) bool { return b[i] != 0 })
		},
		typed: func(t *Tensor, n int, shape []int) *tensor.Tensor {
			return bools(n, shape, func(i int) bool { return t.Int32Data[i] != 0 })
		},
		count: func(t *Tensor) int { return len(t.Int32Data) },
		bytes: func(t *tensor.Tensor) []byte { return view[byte](tensor.Data[bool](t)) },
		size:  1,
	},
	tensor.String: {
		typed: func(t *Tensor, n int, shape []int) *tensor.Tensor {
			list := make([]string, n)
			for i, s := range t.StringData {
				list[i] = string(s)
			}
			return tensor.Of(list, shape...)
		},
		count: func(t *Tensor) int { return len(t.StringData) },
	},
}

type number interface {
	float32 | float64 | int8 | uint8 | int16 | uint16 | int32 | uint32 | int64 | uint64
}

func int32s(t *Tensor) []int32 { return t.Int32Data }

// row is the layout of a type that has a typed field of its own.
func row[T number](dt tensor.DType, field func(*Tensor) []T) layout {
	l := narrow[T](dt, field)
	l.typed = func(t *Tensor, n int, shape []int) *tensor.Tensor { return tensor.WithType(dt, field(t), shape...) }
	return l
}

// narrow is the layout of a type whose typed field is wider than it.
func narrow[T number, W number](dt tensor.DType, field func(*Tensor) []W) layout {
	return layout{
		raw: func(b []byte, n int, shape []int) *tensor.Tensor {
			return tensor.WithType(dt, elements[T](b, n), shape...)
		},
		typed: func(t *Tensor, n int, shape []int) *tensor.Tensor {
			list := make([]T, n)
			for i, x := range field(t) {
				list[i] = T(x)
			}
			return tensor.WithType(dt, list, shape...)
		},
		count: func(t *Tensor) int { return len(field(t)) },
		bytes: func(t *tensor.Tensor) []byte { return littleBytes(tensor.Data[T](t)) },
		size:  int(unsafe.Sizeof(*new(T))),
	}
}

func bools(n int, shape []int, at func(int) bool) *tensor.Tensor {
	list := make([]bool, n)
	for i := range list {
		list[i] = at(i)
	}
	return tensor.Of(list, shape...)
}

// littleEndian reports whether numbers lie in memory as they lie in raw_data.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// misaligned lists the architectures that load and store numbers at any address. Go allows such
// pointers to types without pointers (https://go.dev/issue/37298), and protobuf aligns nothing: three of four
// float tensors would be copied without this.
var misaligned = map[string]bool{"amd64": true, "arm64": true, "386": true, "wasm": true}[runtime.GOARCH]

// elements returns n little-endian numbers: a view of b where the machine can read it as such, else
// a copy.
func elements[T number](b []byte, n int) []T {
	size := int(unsafe.Sizeof(*new(T)))
	if n == 0 {
		return []T{}
	}
	aligned := uintptr(unsafe.Pointer(unsafe.SliceData(b)))%uintptr(size) == 0
	if littleEndian && (aligned || misaligned) {
		return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
	}
	list := make([]T, n)
	copy(view[byte](list), b)
	if !littleEndian {
		swap(view[byte](list), size)
	}
	return list
}

// littleBytes is the inverse of elements: a view where it can be.
func littleBytes[T number](list []T) []byte {
	b := view[byte](list)
	if !littleEndian {
		b = append([]byte(nil), b...)
		swap(b, int(unsafe.Sizeof(*new(T))))
	}
	return b
}

// view returns the memory of list as bytes.
func view[B byte, T any](list []T) []B {
	return unsafe.Slice((*B)(unsafe.Pointer(unsafe.SliceData(list))), len(list)*int(unsafe.Sizeof(*new(T))))
}

func swap(b []byte, size int) {
	for ; len(b) >= size; b = b[size:] {
		for i, j := 0, size-1; i < j; i, j = i+1, j-1 {
			b[i], b[j] = b[j], b[i]
		}
	}
}

// Decodable reports whether Decode understands the element type. Others (4-bit and 8-bit floats,
// 4-bit integers, complex numbers) travel through unread.
func Decodable(dt tensor.DType) bool {
	_, ok := layouts[dt]
	return ok
}

// Shape returns the dimensions of t and the number of its elements. A negative dimension, or a number
// of elements that no memory holds, is an error.
func (t *Tensor) Shape() (shape []int, n int, err error) {
	shape, n = make([]int, len(t.Dims)), 1
	empty := false
	for i, d := range t.Dims {
		if d < 0 || d > math.MaxInt32 {
			return nil, 0, fmt.Errorf("the tensor %q has a dimension of %d", t.Name, d)
		}
		shape[i] = int(d)
		empty = empty || d == 0
	}
	if empty {
		return shape, 0, nil
	}
	for _, d := range shape {
		if n > math.MaxInt32/d {
			return nil, 0, fmt.Errorf("the tensor %q claims the shape %s, which is more than 2^31 elements", t.Name, tensor.FormatShape(shape))
		}
		n *= d
	}
	return shape, n, nil
}

// Decode returns t's elements: a view of the file where they lie in raw_data and the machine can read
// them there, else a copy.
// The result must not be written into.
func (t *Tensor) Decode() (*tensor.Tensor, error) {
	shape, n, err := t.Shape()
	if err != nil {
		return nil, err
	}
	dt := tensor.DType(t.DataType)
	l, ok := layouts[dt]
	if !ok {
		return nil, fmt.Errorf("the tensor %q has elements of type %s, which Dropquant cannot read", t.Name, TypeName(dt))
	}
	if t.DataLocation == TensorDataLocationExternal {
		return nil, fmt.Errorf("the data of the tensor %q lies in the file %q, which is missing: add it to the model", t.Name, t.location())
	}
	if t.Segment != nil {
		return nil, fmt.Errorf("the tensor %q is stored in segments, which nothing writes any more: export the model again", t.Name)
	}
	wrong := func(have int, unit string, want int) error {
		return fmt.Errorf("the tensor %q of type %v%s needs %d %s but holds %d: the file is damaged", t.Name, dt, tensor.FormatShape(shape), want, unit, have)
	}
	if t.HasRawData() && l.raw != nil {
		if len(t.RawData) != n*l.size {
			return nil, wrong(len(t.RawData), "bytes", n*l.size)
		}
		return l.raw(t.RawData, n, shape), nil
	}
	if have := l.count(t); have != n {
		return nil, wrong(have, "elements", n)
	}
	return l.typed(t, n, shape), nil
}

// FromTensor returns a message with t's elements in raw_data, which shares t's memory where it can.
func FromTensor(name string, t *tensor.Tensor) *Tensor {
	out := &Tensor{Name: name, Dims: make([]int64, len(t.Shape)), DataType: int32(t.DType)}
	for i, d := range t.Shape {
		out.Dims[i] = int64(d)
	}
	if t.DType == tensor.String {
		for _, s := range tensor.Data[string](t) {
			out.StringData = append(out.StringData, []byte(s))
		}
		return out
	}
	l, ok := layouts[t.DType]
	if !ok {
		panic("bug: tensor of type " + t.DType.String())
	}
	out.SetRawData(l.bytes(t))
	return out
}

// unread names the element types of ONNX that package tensor does not hold.
var unread = map[tensor.DType]string{
	17: "float8e4m3fn", 18: "float8e4m3fnuz", 19: "float8e5m2", 20: "float8e5m2fnuz", 21: "uint4", 22: "int4",
	23: "float4e2m1", 24: "float8e8m0", 25: "uint2", 26: "int2", 27: "float6e2m3", 28: "float6e3m2",
}

// TypeName returns the name of an element type, known to package tensor or not.
func TypeName(dt tensor.DType) string {
	if s, ok := unread[dt]; ok {
		return s
	}
	return dt.String()
}

// ParseTypeName is the inverse of TypeName.
func ParseTypeName(s string) (tensor.DType, bool) {
	for dt, name := range unread {
		if s == name {
			return dt, true
		}
	}
	return tensor.ParseDType(s)
}
