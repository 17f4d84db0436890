package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// machines returns every implementation that can run here. The suite runs each
// test over all of them.
func machines(t testing.TB) []*machine {
	list := append([]*machine{reference}, nativeMachines(t)...)
	return append(list, extraMachines(t)...)
}

// each runs a test on every implementation.
func each(t *testing.T, test func(t *testing.T, m *machine)) {
	for _, m := range machines(t) {
		t.Run(m.name, func(t *testing.T) { test(t, m) })
	}
}

// sizes straddle the widths of vectors, tiles and panels.
var sizes = []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 16, 17, 23, 31, 32, 33, 47, 63, 64, 65, 127, 129}

// random returns n values of about unit size.
func random(seed uint64, n int) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// special returns n values among which are zeros of both signs, denormals,
// infinities and NaN.
func special(seed uint64, n int) []float32 {
	odd := []float32{0, float32(math.Copysign(0, -1)), 1e-45, -1e-40, posInf, negInf, float32(math.NaN()), math.MaxFloat32, -math.MaxFloat32, 1, -1, 0.5, 1.5, 2.5, -2.5, 1e-30, 88.5, -88.5, -103, 128, 8388609}
	x := random(seed, n)
	for i := range x {
		if i%3 != 2 {
			x[i] = odd[(i+int(seed))%len(odd)]
		}
	}
	return x
}

// close reports whether got is want within abs plus rel of want; NaN agrees
// with NaN, an infinity only with itself.
func near(got, want, abs, rel float32) bool {
	if got == want || got != got && want != want {
		return true
	}
	return float32(math.Abs(float64(got)-float64(want))) <= abs+rel*absF32(want) && absF32(want) < posInf
}

func compare(t *testing.T, what string, got, want []float32, abs, rel float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", what, len(got), len(want))
	}
	for i := range want {
		if !near(got[i], want[i], abs, rel) {
			t.Errorf("%s: element %d of %d is %v, want %v", what, i, len(want), got[i], want[i])
			return
		}
	}
}
