package quant

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"dropquant/engine/tensor"
)

func TestRoundHalfEven(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	xs := []float32{0, 0.5, 1.5, 2.5, -0.5, -1.5, 0.49999997, -0.49999997, 4194303.5, -4194303.5, 8388607, 65535.5, 1e-40}
	for range 100000 {
		xs = append(xs, float32(r.NormFloat64()*math.Exp(10*r.Float64())))
	}
	for _, x := range xs {
		if x > 1<<22 || x < -1<<22 {
			continue
		}
		if got, want := RoundHalfEven(x), float32(math.RoundToEven(float64(x))); got != want {
			t.Errorf("RoundHalfEven(%v) = %v, want %v", x, got, want)
		}
	}
}

// The ties and ends of ONNX's own quantizelinear case, and values no cast may
// see before they are clamped.
func TestQuantize(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	u8 := Params{DType: tensor.Uint8, Scale: []float32{2}, Zero: []int32{128}, Axis: -1, QMax: 255}
	s8 := Params{DType: tensor.Int8, Scale: []float32{2}, Zero: []int32{-1}, Axis: -1, QMin: -127, QMax: 127}
	x := []float32{0, 1, 3, -1, -3, 5, 1000, -1000, 254, -254, 256, inf, -inf, nan, 3e38, -3e38}
	got := make([]uint8, len(x))
	Quantize(got, x, nil, u8)
	if want := []uint8{128, 128, 130, 128, 126, 130, 255, 0, 255, 1, 255, 255, 0, 0, 255, 0}; !slices.Equal(got, want) {
		t.Errorf("uint8: %v, want %v", got, want)
	}
	signed := make([]int8, len(x))
	Quantize(signed, x, nil, s8)
	if want := []int8{-1, -1, 1, -1, -3, 1, 127, -127, 126, -127, 127, 127, -127, -127, 127, -127}; !slices.Equal(signed, want) {
		t.Errorf("int8: %v, want %v", signed, want)
	}
	back := make([]float32, len(x))
	Dequantize(back, signed, nil, s8)
	fake := make([]float32, len(x))
	FakeQuantize(fake, x, nil, s8)
	if !slices.Equal(back, fake) {
		t.Errorf("fake %v, there and back %v", fake, back)
	}
	if n := Clipped(x, nil, s8); n != 8 { // ±1000, ±3e38, the infinities, NaN, and −254 where the reals end at −252
		t.Errorf("%d clipped", n)
	}
}

// Near ties a division and a multiplication by the reciprocal differ.
func TestDivisionNotReciprocal(t *testing.T) {
	p := Params{DType: tensor.Uint8, Scale: []float32{0.06}, Axis: -1, Zero: []int32{0}, QMax: 255}
	differ := 0
	for q := range 255 {
		x := (float32(q) + 0.5) * 0.06
		if RoundHalfEven(x*(1/p.Scale[0])) != RoundHalfEven(x/p.Scale[0]) {
			differ++
		}
		var got [1]uint8
		Quantize(got[:], []float32{x}, nil, p)
		if want := math.RoundToEven(float64(x / float32(0.06))); float64(got[0]) != want {
			t.Errorf("%v: %d, want %v", x, got[0], want)
		}
	}
	if differ == 0 {
		t.Error("no value tells a division from a reciprocal")
	}
}

func TestPerChannel(t *testing.T) {
	p := Params{DType: tensor.Int8, Scale: []float32{1, 2, 4}, Zero: []int32{0, 0, 1}, Axis: 1, QMin: -128, QMax: 127}
	x := tensor.Of([]float32{8, 9, 8, 9, 8, 9, -8, -9, -8, -9, -8, -9}, 2, 3, 2)
	q := p.Tensor(x)
	if got, want := tensor.Data[int8](q), []int8{8, 9, 4, 4, 3, 3, -8, -9, -4, -4, -1, -1}; !slices.Equal(got, want) {
		t.Errorf("codes %v, want %v", got, want)
	}
	if got, want := p.Reals(q).F32(), []float32{8, 9, 8, 8, 8, 8, -8, -9, -8, -8, -8, -8}; !slices.Equal(got, want) {
		t.Errorf("reals %v, want %v", got, want)
	}
	empty := tensor.New(tensor.Float32, 2, 3, 0)
	if p.Tensor(empty).Len() != 0 {
		t.Error("an empty tensor has codes")
	}
}

func TestRealsOfEveryType(t *testing.T) {
	p := Params{Scale: []float32{0.5}, Zero: []int32{2}, Axis: -1}
	for _, q := range []*tensor.Tensor{tensor.Of([]int8{4}, 1), tensor.Of([]uint8{4}, 1), tensor.Of([]int16{4}, 1), tensor.Of([]uint16{4}, 1), tensor.Of([]int32{4}, 1)} {
		if got := p.Reals(q).F32()[0]; got != 1 {
			t.Errorf("%v: %v", q, got)
		}
	}
}

func BenchmarkFakeQuantize(b *testing.B) {
	x, y := make([]float32, 1<<16), make([]float32, 1<<16)
	for i := range x {
		x[i] = float32(i%1000)/200 - 1
	}
	p := U8.Params(-1, 3)
	b.SetBytes(int64(4 * len(x)))
	for range b.N {
		FakeQuantize(y, x, nil, p)
	}
}
