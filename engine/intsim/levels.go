package intsim

import (
	"dropquant/engine/quant"
)

// levels is a pair as OpenVINO sees it, a FakeQuantize of 256 levels: the reals of its first and last level, of the tensor
// or of each channel. A code is the number of its level, 0 to 255: signed codes have 128 added.
//
// Everything that a rewrite of OpenVINO computes on constants is computed here in the same steps, each rounded to
// float32: one unit in the last place decides which way a tie goes, and a net of fifty layers makes of it another image.
type levels struct {
	low, high []float32
	last      int32 // number of the highest level
	zero      int32 // level of the real 0
	first     int32 // signed code of the lowest level
}

// lastLevel is the number of the highest level of 8-bit codes.
const lastLevel = 255

func levelsOf(p quant.Params) levels {
	l := levels{make([]float32, len(p.Scale)), make([]float32, len(p.Scale)), lastLevel, p.Zero[0] - p.QMin, -128}
	for i, s := range p.Scale {
		l.low[i], l.high[i] = s*float32(p.QMin-p.Zero[i]), s*float32(p.QMax-p.Zero[i])
	}
	return l
}

// scales returns the distance of two levels. Where OpenVINO makes unsigned codes of signed ones it goes on with this and not
// with the scale of the file.
//
// Source: low_precision_transformations network_helper.cpp, decomposeFakeQuantize; seen in OpenVINO 2026.4.1.
func (l levels) scales() []float32 {
	out := make([]float32, len(l.low))
	for i := range out {
		out[i] = (l.high[i] - l.low[i]) / lastLevel
	}
	return out
}

// realZero returns the level of the real 0, of the first channel. Where OpenVINO makes unsigned codes of signed ones, it goes on with this, which need not
// be whole, wherever it computes in float; see scales for the source.
func (l levels) realZero() float32 { return float32(-lastLevel*l.low[0]) / (l.high[0] - l.low[0]) }

// over returns the levels of x where l are those of s·x: what becomes of a FakeQuantize that takes in a Multiply
// before it.
func (l levels) over(s []float32) levels {
	n := max(len(l.low), len(s))
	out := levels{make([]float32, n), make([]float32, n), l.last, l.zero, l.first}
	for i := range n {
		f := s[min(i, len(s)-1)]
		out.low[i], out.high[i] = l.low[min(i, len(l.low)-1)]/f, l.high[min(i, len(l.low)-1)]/f
	}
	return out
}

// factors returns what turns reals into levels: level = real·factor + shift.
func (l levels) factors() []float32 {
	out := make([]float32, len(l.low))
	for i := range out {
		out[i] = float32(l.last) / (l.high[i] - l.low[i])
	}
	return out
}

// shifts returns the shift beside factors, as the CPU plugin's FakeQuantize and the post-operations of oneDNN have it.
// Where all are one number up to rounding it is that of the first channel; one that is next to nothing is nothing.
//
// Source: intel_cpu nodes/fake_quantize.cpp (parseFakeQuantize), dnnl_postops_composer.cpp (updateOptimizedFormula).
func (l levels) shifts() []float32 {
	out := make([]float32, len(l.low))
	same := true
	for i := range out {
		out[i] = float32(-l.low[i]*float32(l.last)) / (l.high[i] - l.low[i])
		d := out[i] - out[0]
		same = same && d < 5e-5 && d > -5e-5
	}
	if same {
		out = out[:1]
		out[0] = negligible(out[0], float32(l.last))
	}
	return out
}

// negligible returns 0 in place of a shift that is next to nothing beside the width of the range.
func negligible(shift, width float32) float32 {
	if shift < width*0.00001 && -shift < width*0.00001 {
		return 0
	}
	return shift
}

// apart returns the shift as a FakeQuantize that is split into single operations has it.
//
// Source: snippets, op/fake_quantize decomposition (fq_decomposition.cpp).
func (l levels) apart() []float32 {
	out := l.factors()
	for i, f := range out {
		out[i] = -l.low[i] * f
	}
	return out
}
