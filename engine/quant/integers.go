package quant

import (
	"math"

	"dropquant/engine/tensor"
)

// Limits are the least and the largest integer of each type that a DequantizeLinear may read.
var Limits = map[tensor.DType][2]int32{
	tensor.Int8: {math.MinInt8, math.MaxInt8}, tensor.Uint8: {0, math.MaxUint8},
	tensor.Int16: {math.MinInt16, math.MaxInt16}, tensor.Uint16: {0, math.MaxUint16},
	tensor.Int32: {math.MinInt32, math.MaxInt32},
}

// Integers returns the elements of a tensor of codes or zero points; nil for nil, and for types that Limits does not have.
func Integers(t *tensor.Tensor) []int32 {
	if t == nil {
		return nil
	}
	switch t.DType {
	case tensor.Int8:
		return integers(tensor.Data[int8](t))
	case tensor.Uint8:
		return integers(tensor.Data[uint8](t))
	case tensor.Int16:
		return integers(tensor.Data[int16](t))
	case tensor.Uint16:
		return integers(tensor.Data[uint16](t))
	case tensor.Int32:
		return integers(tensor.Data[int32](t))
	}
	return nil
}

func integers[T Code | int32](x []T) []int32 {
	out := make([]int32, len(x))
	for i, v := range x {
		out[i] = int32(v)
	}
	return out
}
