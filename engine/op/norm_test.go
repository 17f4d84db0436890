package op

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"dropquant/engine/kernel"
	"dropquant/engine/tensor"
)

// TestNormalizer compares what the kernels do in blocks with the loop over float64.
func TestNormalizer(t *testing.T) {
	for _, z := range []normalizer{
		{rows: 100, n: 96, groups: 1, each: 1}, // 42 rows in a block, and a shorter one
		{rows: 3, n: 5000, groups: 1, each: 1},
		{rows: 7, n: 1, groups: 1, each: 1},
		{rows: 5, n: 33, groups: 1, each: 1, rms: true},
		{rows: 2 * 3, n: 4 * 25, groups: 3, each: 25},     // groups of four channels
		{rows: 2 * 8, n: 49, groups: 8, each: 49},         // channels alone
		{rows: 2 * 4, n: 3 * 17, groups: 4, each: 3 * 17}, // one scale for a group
	} {
		t.Run(fmt.Sprint(z.rows, z.n, z.groups, z.each, z.rms), func(t *testing.T) {
			z.eps = 1e-5
			random := rand.New(rand.NewPCG(1, uint64(z.n)))
			narrow, wide := tensor.New(tensor.Float32, z.rows, z.n), tensor.New(tensor.Float64, z.rows, z.n)
			fill := func(n int, mean float64) (a, b *tensor.Tensor) {
				a, b = tensor.New(tensor.Float32, n), tensor.New(tensor.Float64, n)
				for i := range n {
					a.F32()[i] = float32(random.NormFloat64() + mean)
					tensor.Data[float64](b)[i] = float64(a.F32()[i])
				}
				return a, b
			}
			x, x64 := fill(z.rows*z.n, 3)
			params := z.groups * z.n / z.each
			s, s64 := fill(params, 1)
			b, b64 := fill(params, 0)
			means, means64 := tensor.New(tensor.Float32, z.rows), tensor.New(tensor.Float64, z.rows)
			other := z
			z.run(narrow, x, s, b, means, nil)
			other.run(wide, x64, s64, b64, means64, nil)
			for i, want := range tensor.Data[float64](wide) {
				if got := float64(narrow.F32()[i]); math.Abs(got-want) > 5e-6*max(1, math.Abs(want)) {
					t.Fatalf("element %d is %v, want %v", i, got, want)
				}
			}
			for i, want := range tensor.Data[float64](means64) {
				if got := float64(means.F32()[i]); math.Abs(got-want) > 1e-6 {
					t.Errorf("mean %d is %v, want %v", i, got, want)
				}
			}
			z.run(x, x, s, b, nil, nil)
			for i, v := range x.F32() {
				if v != narrow.F32()[i] {
					t.Fatalf("in place, element %d is %v instead of %v", i, v, narrow.F32()[i])
				}
			}
		})
	}
	sums := make([]float64, 3)
	kernel.RowSquares(sums, []float32{1, 2, 3, 4, 5, 6})
	if sums[0] != 14 || sums[1] != 77 {
		t.Errorf("the squares are %v", sums)
	}
}
