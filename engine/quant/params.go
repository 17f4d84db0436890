package quant

import "math"

// Params returns the scale and zero point with which the grid holds the reals
// from lo to hi, per tensor.
//
// Rule: the range is first widened to contain 0. Then
//
//	affine:                 scale = (hi − lo)/(qmax − qmin), zero = rne(qmin − lo/scale)
//	symmetric, signed:      scale = max(−lo, hi)/qmax, zero = 0
//	symmetric, unsigned:    scale = hi/qmax, zero = 0 when no real is negative,
//	                        else scale = max(−lo, hi)/(qmax − zero), zero the middle code 2^(bits−1)
//
// computed in float64, the scale then rounded to float32 and used so for zero.
// Rounding zero shifts an affine grid by up to half a step, which costs the
// ends no more than rounding costs every other value.
//
// Guards: a NaN end counts as 0 and an infinite one as ±MaxScale; an empty range
// (both ends 0) has scale 1 and the zero of a range of non-negative reals; scales stay
// within [MinScale, MaxScale]. llama2.c's and ggml's quantizers are the warning:
// the first divides by a zero scale on an all-zero group.
func (g Grid) Params(lo, hi float32) Params {
	a, b := widen(lo, hi)
	qmin, qmax := g.QMin(), g.QMax()
	scale, zero := 1.0, int32(0)
	switch {
	case !g.Symmetric:
		scale = clampScale((b - a) / float64(qmax-qmin))
		zero = int32(min(max(math.RoundToEven(float64(qmin)-a/scale), float64(qmin)), float64(qmax)))
	case g.Signed():
		scale = clampScale(max(-a, b) / float64(qmax))
	case a < 0:
		zero = 1 << (g.bits() - 1)
		scale = clampScale(max(-a, b) / float64(qmax-zero))
	default:
		zero = qmin
		scale = clampScale(b / float64(qmax-qmin))
	}
	return Params{DType: g.DType, Scale: []float32{float32(scale)}, Zero: []int32{zero}, Axis: -1, QMin: qmin, QMax: qmax}
}

// TorchParams returns what torch's observers, and so MMRazor, compute from the
// same range. It differs from Params in the symmetric case, where torch spends
// 2·max(−lo, hi) on qmax − qmin steps: half a step of the larger side is lost
// and an unsigned grid keeps its middle code as zero even when no real is negative.
//
// Source: torch/ao/quantization/observer.py, _calculate_qparams.
func (g Grid) TorchParams(lo, hi float32) Params {
	const eps = 0x1p-23
	a, b := widen(lo, hi)
	qmin, qmax := g.QMin(), g.QMax()
	p := Params{DType: g.DType, Axis: -1, QMin: qmin, QMax: qmax}
	var scale float64
	var zero int32
	if g.Symmetric {
		scale = max(2*max(-a, b)/float64(qmax-qmin), eps)
		if !g.Signed() {
			zero = (qmin + qmax) / 2
		}
	} else {
		scale = max((b-a)/float64(qmax-qmin), eps)
		zero = int32(min(max(float64(qmin)-math.RoundToEven(a/scale), float64(qmin)), float64(qmax)))
	}
	p.Scale, p.Zero = []float32{float32(clampScale(scale))}, []int32{zero}
	return p
}

// widen makes a range contain 0 and end within ±MaxScale, so that no step is
// larger than that.
func widen(lo, hi float32) (a, b float64) {
	if lo < 0 { // false for NaN
		a = max(float64(lo), -MaxScale)
	}
	if hi > 0 {
		b = min(float64(hi), MaxScale)
	}
	return a, b
}

// clampScale rounds a scale to float32 and holds it above MinScale; 0, the scale
// of an empty range, becomes 1.
func clampScale(s float64) float64 {
	if s == 0 {
		return 1
	}
	return float64(float32(max(s, MinScale)))
}
