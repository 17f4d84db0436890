// Package eval measures how far a quantized network is from its float original.
//
// Every measure is taken per image and kept as plain sums; sums of images are
// added in image order, never in the order in which workers finish, so that the
// same images give the same bits however they were shared out. NaN and infinite
// values are counted and left out of the sums: one bad value must not turn a
// whole report into NaN.
package eval

import (
	"cmp"
	"math"
	"slices"
)

// Sums compares two vectors: a float output ref and a quantized output out.
type Sums struct {
	Signal float64 `json:"signal"` // Σ ref²
	Noise  float64 `json:"noise"`  // Σ (ref − out)²
	Output float64 `json:"output"` // Σ out²
	Dot    float64 `json:"dot"`    // Σ ref·out
	MaxAbs float64 `json:"maxAbs"` // max |ref − out|
	Count  int64   `json:"count"`  // values compared
	Bad    int64   `json:"bad"`    // values left out: NaN or infinite on either side
}

// Compare sums up one image. The vectors must have the same length.
func Compare(ref, out []float32) Sums {
	if len(ref) != len(out) {
		panic("bug: eval.Compare of vectors of different lengths")
	}
	var s Sums
	for i, r := range ref {
		a, b := float64(r), float64(out[i])
		d := a - b
		if math.IsNaN(d) || math.IsInf(d, 0) {
			s.Bad++
			continue
		}
		s.Signal += float64(a * a)
		s.Noise += float64(d * d)
		s.Output += float64(b * b)
		s.Dot += float64(a * b)
		s.MaxAbs = max(s.MaxAbs, math.Abs(d))
		s.Count++
	}
	return s
}

// Add returns the sums of both.
func (s Sums) Add(t Sums) Sums {
	return Sums{
		Signal: s.Signal + t.Signal, Noise: s.Noise + t.Noise, Output: s.Output + t.Output, Dot: s.Dot + t.Dot,
		MaxAbs: max(s.MaxAbs, t.MaxAbs), Count: s.Count + t.Count, Bad: s.Bad + t.Bad,
	}
}

// Limit is the largest magnitude of an SQNR in dB. It stands for "no
// difference" and keeps JSON free of infinities.
const Limit = 200

// SQNR returns 10·log10(Σ ref² / Σ (ref−out)²) in dB, within ±Limit: Limit
// when nothing differs, −Limit when the reference is zero and the output is not
// or when nothing could be compared.
func (s Sums) SQNR() float64 {
	switch {
	case s.Count == 0:
		return -Limit
	case s.Noise == 0:
		return Limit
	case s.Signal == 0:
		return -Limit
	}
	return max(-Limit, min(Limit, 10*math.Log10(s.Signal/s.Noise)))
}

// Cosine returns Σ ref·out / √(Σ ref² · Σ out²), from −1 to 1: 1 when both are
// zero, 0 when one is.
func (s Sums) Cosine() float64 {
	if s.Signal == 0 || s.Output == 0 {
		if s.Signal == s.Output && s.Count > 0 {
			return 1
		}
		return 0
	}
	return max(-1, min(1, s.Dot/(math.Sqrt(s.Signal)*math.Sqrt(s.Output))))
}

// MSE returns the mean of (ref − out)².
func (s Sums) MSE() float64 { return s.Noise / float64(max(s.Count, 1)) }

// Argmax returns the index of the largest value, the lowest one of equals. NaN
// is never the largest; -1 stands for an empty vector or one of only NaN.
func Argmax(x []float32) int {
	best := -1
	for i, v := range x {
		if v == v && (best < 0 || v > x[best]) {
			best = i
		}
	}
	return best
}

// TopK returns the indices of the k largest values, largest first, the lower
// index of equals first, NaN last.
func TopK(x []float32, k int) []int {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(x[b], x[a]) }) // cmp puts NaN below all
	return order[:min(k, len(order))]
}

// Agree reports whether both outputs name the same class: equal Argmax, and
// any value at all.
func Agree(ref, out []float32) bool { return Argmax(ref) >= 0 && Argmax(ref) == Argmax(out) }

// Rank returns how many elements of x come before element k when the largest stands first, the lower index of equals
// first: 0 is the answer, below 5 is among the top five. NaN comes last.
func Rank(x []float32, k int) (n int) {
	for i, v := range x {
		if c := cmp.Compare(v, x[k]); c > 0 || c == 0 && i < k {
			n++
		}
	}
	return n
}
