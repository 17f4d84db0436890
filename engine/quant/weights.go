package quant

import (
	"math"

	"dropquant/engine/tensor"
)

// Weights returns parameters for a weight tensor from its own extremes: one
// scale per slice along axis, or one in all when axis is negative. NaN is
// passed over.
//
// An all-zero channel can take any scale, and takes the smallest of the others
// (1 if there is none): its bias is then stored as finely as its neighbours'.
func (g Grid) Weights(w []float32, shape []int, axis int) Params {
	if axis < 0 {
		lo, hi := extremes(w)
		return g.Params(lo, hi)
	}
	lo, hi := make([]float32, shape[axis]), make([]float32, shape[axis])
	channelRuns(len(w), shape, axis, shape[axis], func(c, from, to int) {
		a, b := extremes(w[from:to])
		lo[c], hi[c] = min(lo[c], a), max(hi[c], b)
	})
	return g.PerChannel(axis, lo, hi)
}

// PerChannel returns the parameters of the ranges lo[c]…hi[c] along axis, with
// the same rule for empty ranges as Weights.
func (g Grid) PerChannel(axis int, lo, hi []float32) Params {
	p := Params{DType: g.DType, Axis: axis, QMin: g.QMin(), QMax: g.QMax(),
		Scale: make([]float32, len(lo)), Zero: make([]int32, len(lo))}
	smallest := float32(math.Inf(1))
	for c := range lo {
		one := g.Params(lo[c], hi[c])
		p.Scale[c], p.Zero[c] = one.Scale[0], one.Zero[0]
		if lo[c] < 0 || hi[c] > 0 {
			smallest = min(smallest, p.Scale[c])
		}
	}
	for c := range lo {
		if !(lo[c] < 0 || hi[c] > 0) && smallest <= MaxScale {
			p.Scale[c] = smallest
		}
	}
	return p
}

// extremes returns the smallest and largest value of x, widened to contain 0;
// NaN is passed over.
func extremes(x []float32) (lo, hi float32) {
	for _, v := range x {
		if v < lo {
			lo = v
		}
		if v > hi {
			hi = v
		}
	}
	return lo, hi
}

// maxBias leaves one bit of an int32 accumulator to the products, whose sum
// overflows it only beyond 33,000 of them.
const maxBias = 1 << 30

// FitBias returns w with the scales of those channels raised whose bias would
// not fit int32 at scale x·w, and how many those are. The channels concerned
// have weights so small beside their bias that a coarser grid costs nothing
// visible. bias has one element per output channel; w is per output channel or
// per tensor.
//
// Source: the same repair as onnxruntime's qdq_quantizer.py, _adjust_weight_scale_for_int32_bias.
func FitBias(bias []float32, x, w Params) (Params, int) {
	out := w
	out.Scale = append([]float32(nil), w.Scale...)
	changed := 0
	for c, b := range bias {
		i := c
		if w.PerTensor() {
			i = 0
		}
		need := math.Abs(float64(b)) / (float64(x.Scale[0]) * maxBias)
		if need > float64(out.Scale[i]) && need <= MaxScale {
			out.Scale[i] = math.Nextafter32(float32(need), MaxScale)
			changed++
		}
	}
	return out, changed
}

// Bias returns the codes and parameters of a bias: int32 at scale x·w per
// output channel, zero point 0, and how many elements did not fit and were
// saturated (FitBias prevents it). A NaN becomes 0 and counts as saturated.
func Bias(bias []float32, x, w Params) (codes []int32, p Params, saturated int) {
	p = Params{DType: tensor.Int32, Axis: 0, QMin: math.MinInt32, QMax: math.MaxInt32}
	if w.PerTensor() {
		p.Axis = -1
	}
	for _, s := range w.Scale {
		p.Scale = append(p.Scale, float32(x.Scale[0]*s))
		p.Zero = append(p.Zero, 0)
	}
	codes = make([]int32, len(bias))
	for c, b := range bias {
		s := p.Scale[0]
		if !p.PerTensor() {
			s = p.Scale[c]
		}
		v := math.RoundToEven(float64(b) / float64(s))
		switch {
		case v >= math.MinInt32 && v <= math.MaxInt32:
			codes[c] = int32(v)
		case v > 0:
			codes[c] = math.MaxInt32
			saturated++
		case v < 0:
			codes[c] = math.MinInt32
			saturated++
		default:
			saturated++
		}
	}
	return codes, p, saturated
}
