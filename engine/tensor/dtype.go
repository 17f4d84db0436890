package tensor

import (
	"fmt"
	"strconv"
	"strings"
)

// DType is an element type, numbered as TensorProto.DataType of onnx.proto.
type DType int32

// The element types of ONNX. The zero value means unknown.
const (
	Unknown    DType = 0
	Float32    DType = 1
	Uint8      DType = 2
	Int8       DType = 3
	Uint16     DType = 4
	Int16      DType = 5
	Int32      DType = 6
	Int64      DType = 7
	String     DType = 8
	Bool       DType = 9
	Float16    DType = 10
	Float64    DType = 11
	Uint32     DType = 12
	Uint64     DType = 13
	Complex64  DType = 14
	Complex128 DType = 15
	BFloat16   DType = 16
)

var names = map[DType]string{
	Unknown: "unknown", Float32: "float32", Uint8: "uint8", Int8: "int8", Uint16: "uint16", Int16: "int16",
	Int32: "int32", Int64: "int64", String: "string", Bool: "bool", Float16: "float16", Float64: "float64",
	Uint32: "uint32", Uint64: "uint64", Complex64: "complex64", Complex128: "complex128", BFloat16: "bfloat16",
}

// String returns the lower-case name, or "dtype(n)" for a type this package does not hold.
func (d DType) String() string {
	if s, ok := names[d]; ok {
		return s
	}
	return fmt.Sprintf("dtype(%d)", int32(d))
}

// ParseDType is the inverse of String.
func ParseDType(s string) (DType, bool) {
	for d, n := range names {
		if n == s {
			return d, true
		}
	}
	return Unknown, false
}

// makers allocates the Go slice of each type that New supports.
var makers = map[DType]func(n int) any{
	Float32: func(n int) any { return make([]float32, n) },
	Float64: func(n int) any { return make([]float64, n) },
	Uint8:   func(n int) any { return make([]uint8, n) },
	Int8:    func(n int) any { return make([]int8, n) },
	Uint16:  func(n int) any { return make([]uint16, n) },
	Int16:   func(n int) any { return make([]int16, n) },
	Int32:   func(n int) any { return make([]int32, n) },
	Int64:   func(n int) any { return make([]int64, n) },
	Uint32:  func(n int) any { return make([]uint32, n) },
	Uint64:  func(n int) any { return make([]uint64, n) },
	Bool:    func(n int) any { return make([]bool, n) },
	String:  func(n int) any { return make([]string, n) },

	Float16:  func(n int) any { return make([]uint16, n) },
	BFloat16: func(n int) any { return make([]uint16, n) },
}

func dtypeOf[T Element]() DType {
	var zero T
	switch any(zero).(type) {
	case float32:
		return Float32
	case float64:
		return Float64
	case uint8:
		return Uint8
	case int8:
		return Int8
	case uint16:
		return Uint16
	case int16:
		return Int16
	case int32:
		return Int32
	case int64:
		return Int64
	case uint32:
		return Uint32
	case uint64:
		return Uint64
	case bool:
		return Bool
	}
	return String
}

// FormatShape prints a shape as "[1,3,224,224]"; a negative dimension, unknown, prints as "?".
func FormatShape(shape []int) string {
	dims := make([]string, len(shape))
	for i, d := range shape {
		dims[i] = strconv.Itoa(d)
		if d < 0 {
			dims[i] = "?"
		}
	}
	return "[" + strings.Join(dims, ",") + "]"
}
