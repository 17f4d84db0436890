package quant

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// adjacent pairs the elements of a filter of n two by two; overlapping adds the pairs between them.
func adjacent(n int, overlapping bool) (pairs []Pair) {
	for i := 0; i+1 < n; i += 2 {
		pairs = append(pairs, Pair{i, i + 1})
	}
	for i := 1; i+1 < n && overlapping; i += 2 {
		pairs = append(pairs, Pair{i, i + 1})
	}
	return pairs
}

// overflows is the definition: two codes of activations make two products leave int16.
func overflows(a, b int8) bool {
	for _, x := range []int{0, 255} {
		for _, y := range []int{0, 255} {
			if s := x*int(a) + y*int(b); s < math.MinInt16 || s > math.MaxInt16 {
				return true
			}
		}
	}
	return false
}

// TestSaturates compares the bound with the definition on all pairs of codes.
func TestSaturates(t *testing.T) {
	for a := -128; a < 128; a++ {
		for b := -128; b < 128; b++ {
			if got, want := Saturates([]int8{int8(a), int8(b)}, adjacent(2, false)), overflows(int8(a), int8(b)); got != want {
				t.Fatalf("codes %d and %d: %v, want %v", a, b, got, want)
			}
		}
	}
}

func squares(w []float32, codes []int8, scale float32) (sum float64) {
	for i, v := range w {
		d := float64(v) - float64(scale)*float64(codes[i])
		sum += d * d
	}
	return sum
}

// TestFitPairs checks on filters of many kinds that no pair overflows, that safe ones are left alone, and that the error is
// far less than that of halving the range.
func TestFitPairs(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	fitted, gain := 0, 0.0 // dB
	for i := range 400 {
		w := make([]float32, 1+random.IntN(60))
		for k := range w {
			w[k] = float32(random.NormFloat64() * math.Exp(random.NormFloat64()))
		}
		pairs := adjacent(len(w), i%2 == 1)
		p := W8.Weights(w, []int{len(w)}, -1)
		plain := make([]int8, len(w))
		Quantize(plain, w, nil, p)
		scale, codes := FitPairs(w, pairs, p.Scale[0], 127)
		if scale < p.Scale[0] {
			t.Fatalf("the scale %g became %g", p.Scale[0], scale)
		}
		if Saturates(codes, pairs) {
			t.Fatalf("pairs of %v still overflow", codes)
		}
		if !Saturates(plain, pairs) {
			if scale != p.Scale[0] || !slices.Equal(codes, plain) {
				t.Fatalf("a safe filter was changed: %v", w)
			}
			continue
		}
		fitted++
		half := make([]int8, len(w))
		q := W7.Weights(w, []int{len(w)}, -1)
		Quantize(half, w, nil, q)
		gain += 10 * math.Log10(squares(w, half, q.Scale[0])/squares(w, codes, scale))
	}
	if gain /= float64(fitted); fitted < 100 || gain < 3 { // halving costs 6 dB of rounding
		t.Errorf("%d filters fitted, %.1f dB better than with half the range", fitted, gain)
	}
}

// TestFitPairsKeepsCodes: with many other weights it is the two that are moved, and by the same amount; alone, the scale.
func TestFitPairsKeepsCodes(t *testing.T) {
	w := make([]float32, 4000)
	for i := range w {
		w[i] = float32(i%97)/3 - 16
	}
	w[0], w[1] = 127, 9
	scale, codes := FitPairs(w, adjacent(len(w), false), 1, 127)
	if scale != 1 || codes[0] != 123 || codes[1] != 5 {
		t.Errorf("scale %g, codes %v", scale, codes[:2])
	}
	scale, codes = FitPairs([]float32{-127, -127, 3}, adjacent(3, false), 1, 127)
	if scale <= 1.5 || int(codes[0])+int(codes[1]) < -PairSum {
		t.Errorf("scale %g, codes %v", scale, codes)
	}
}

// TestFitPairsOdd: what is not a number does not make pairs overflow.
func TestFitPairsOdd(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, w := range [][]float32{{nan, -120}, {-120, nan}, {inf, 100}, {-inf, -inf}, {0, 0}, {MinScale, MinScale}, {3e38, 3e38}} {
		p := W8.Weights(w, []int{len(w)}, -1)
		pairs := adjacent(len(w), false)
		if _, codes := FitPairs(w, pairs, p.Scale[0], 127); Saturates(codes, pairs) {
			t.Errorf("%v: codes %v", w, codes)
		}
	}
}
