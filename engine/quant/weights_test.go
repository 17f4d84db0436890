package quant

import (
	"math"
	"slices"
	"testing"

	"dropquant/engine/tensor"
)

func TestWeights(t *testing.T) {
	w := []float32{
		127, -12.7, // channel 0
		0, 0, // all zero
		-254, 1,
		float32(math.NaN()), 63.5,
	}
	p := W8.Weights(w, []int{4, 2}, 0)
	if want := []float32{1, 0.5, 2, 0.5}; !slices.Equal(p.Scale, want) {
		t.Errorf("axis 0: scales %v, want %v", p.Scale, want)
	}
	if want := []int32{0, 0, 0, 0}; !slices.Equal(p.Zero, want) {
		t.Errorf("axis 0: zeros %v", p.Zero)
	}
	if p := W8.Weights(w, []int{4, 2}, 1); !slices.Equal(p.Scale, []float32{2, 0.5}) {
		t.Errorf("axis 1: scales %v", p.Scale)
	}
	if p := W8.Weights(w, []int{4, 2}, -1); !slices.Equal(p.Scale, []float32{2}) || p.Axis != -1 {
		t.Errorf("per tensor: %+v", p)
	}
	if p := W8.Weights(make([]float32, 4), []int{2, 2}, 0); !slices.Equal(p.Scale, []float32{1, 1}) {
		t.Errorf("all zero: scales %v", p.Scale)
	}
}

// Every weight at the end of its channel's range gets code ±127 exactly, and
// never −128.
func TestWeightsReachTheEnds(t *testing.T) {
	for i := 1; i < 100000; i += 7 {
		a := float32(i) * 1.0001e-5
		p := W8.Weights([]float32{a, -a}, []int{1, 2}, 0)
		var q [2]int8
		Quantize(q[:], []float32{a, -a}, []int{1, 2}, p)
		if q != [2]int8{127, -127} {
			t.Fatalf("±%v: %v", a, q)
		}
	}
}

func TestBias(t *testing.T) {
	x := U8.Params(0, 255) // scale 1
	w := Params{DType: tensor.Int8, Scale: []float32{0.5, 0.25, 1e-12, 1}, Zero: make([]int32, 4), Axis: 0, QMin: -127, QMax: 127}
	bias := []float32{1.25, -0.375, 1, float32(math.NaN())}
	codes, p, saturated := Bias(bias, x, w)
	if want := []int32{2, -2, math.MaxInt32, 0}; !slices.Equal(codes, want) || saturated != 2 {
		t.Errorf("codes %v saturated %d, want %v 2", codes, saturated, want)
	}
	if !slices.Equal(p.Scale, w.Scale) || p.Axis != 0 || p.DType != tensor.Int32 {
		t.Errorf("%+v", p)
	}

	fit, changed := FitBias(bias[:3], x, w)
	if changed != 1 || w.Scale[2] != 1e-12 || !slices.Equal(fit.Scale[:2], w.Scale[:2]) {
		t.Errorf("%d changed: %v from %v", changed, fit.Scale, w.Scale)
	}
	if codes, _, saturated := Bias(bias[:3], x, fit); saturated != 0 || codes[2] < maxBias-256 || codes[2] > maxBias {
		t.Errorf("after fitting: codes %v, %d saturated", codes, saturated)
	}

	// Per tensor: the largest bias decides.
	one := Params{DType: tensor.Int8, Scale: []float32{1e-12}, Zero: []int32{0}, Axis: -1, QMin: -127, QMax: 127}
	fit, _ = FitBias([]float32{1, -8, 2}, x, one)
	if codes, p, saturated := Bias([]float32{1, -8, 2}, x, fit); saturated != 0 || p.Axis != -1 || codes[1] > -maxBias+256 {
		t.Errorf("per tensor: %v, %d saturated, %+v", codes, saturated, p)
	}
}
