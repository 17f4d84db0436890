package quant

import (
	"slices"
	"testing"

	"dropquant/engine/tensor"
)

// TestIntegers reads the limits of every type back from a tensor of it.
func TestIntegers(t *testing.T) {
	for _, x := range []*tensor.Tensor{
		tensor.Of([]int8{-128, 127}, 2), tensor.Of([]uint8{0, 255}, 2), tensor.Of([]int16{-32768, 32767}, 2), tensor.Of([]uint16{0, 65535}, 2),
		tensor.Of([]int32{-1 << 31, 1<<31 - 1}, 2),
	} {
		if l, got := Limits[x.DType], Integers(x); !slices.Equal(got, l[:]) {
			t.Errorf("%v: %v, want %v", x.DType, got, l)
		}
	}
	if Integers(nil) != nil || Integers(tensor.Of([]float32{1}, 1)) != nil {
		t.Error("integers of what has none")
	}
	if none := Integers(tensor.Of([]int8{}, 0)); none == nil || len(none) != 0 {
		t.Errorf("an empty tensor gives %v", none)
	}
}
