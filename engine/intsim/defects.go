package intsim

import (
	"math"
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/target"
	"dropquant/engine/tensor"
)

// Defect is something that a version of a runtime does wrong, and that a backend does as it does. A version that is cured
// of it is Without.
type Defect struct {
	ID      string // that of the lint rule, see engine/target
	Version string // of the runtime that was seen to have it
	Text    string // what it does, a sentence
}

// SignedConcat is OpenVINO's with signed codes that a convolution reads through a Concat.
var SignedConcat = &Defect{"signed-concat", "2026.4.1", "To put the signed codes that meet in a Concat on one scale it counts levels with the ends of their range still in reals: the values are rounded to whole numbers, and clipped to 127."}

// Without returns the backend of a runtime that is cured of some defects.
func (b *Backend) Without(defects ...*Defect) *Backend {
	cured := *b
	cured.Defects = slices.DeleteFunc(slices.Clone(b.Defects), func(d *Defect) bool { return slices.Contains(defects, d) })
	return &cured
}

func (b *Backend) has(d *Defect) bool { return slices.Contains(b.Defects, d) }

// misalign gives the pairs that SignedConcat strikes what the runtime makes of them. Of the reals x from lo to hi, rounded to rl and
// rh, with halves upward, it leaves
//
//	round((x − lo)·(rh − rl)/(hi − lo)) + rl
//
// which are signed codes of the scale 1 and the zero point 0, clipped to 8 bits.
//
// Source: low_precision_transformations network_helper.cpp (calculateLevels); of 27 graphs of two pairs, a Concat and a
// convolution 26 agree in all of 8192 values, OpenVINO 2026.4.1.
func (l *lowering) misalign() {
	for _, dq := range l.r.Misaligned() {
		p := l.r.Codes(dq.Outputs[0]).Params
		q := dq.Inputs[0].Producer
		if q == nil || q.Op != "QuantizeLinear" || !p.PerTensor() {
			continue
		}
		lo, hi := p.Real(0)
		first, last := whole(lo), whole(hi)
		if last-first < 2 || first < -1<<20 || last > 1<<20 {
			continue
		}
		one, zero := l.vector([]float32{1}), l.g.AddConst("zero", tensor.Scalar(uint8(128)))
		for _, n := range slices.Concat([]*graph.Node{q}, readersOf(l.g)[q.Outputs[0]]) {
			if n != nil {
				l.g.SetInput(n, 1, one)
				l.g.SetInput(n, 2, zero)
			}
		}
		q.Outputs[0].DType = tensor.Uint8
		l.ranges[q] = levels{[]float32{lo}, []float32{hi}, int32(last - first), int32(-first), int32(first)}
	}
	if len(l.ranges) > 0 {
		l.r = target.Read(l.g, l.b.Target)
	}
}

// whole rounds a real to a whole number, halves upward.
func whole(x float32) float64 { return math.Floor(float64(x + 0.5)) }
