package observe

import (
	"math/rand/v2"
	"testing"

	"dropquant/engine/kernel"
)

func BenchmarkObserve(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, 1<<18)
	for i := range x {
		x[i] = max(float32(r.NormFloat64()), 0)
	}
	c := make([]uint32, Bins+kernel.TailsExtra)
	for _, f := range []struct {
		name string
		run  func()
	}{
		{"stat", func() { var s Stat; s.Observe(0, x) }},
		{"tails", func() { kernel.Tails(c[:], x, 256, -Half, 0, 3) }},
		{"minmax", func() { kernel.MinMax(x) }},
		{"count", func() { kernel.Histogram(c[:Bins], x, 256, -Half) }},
	} {
		b.Run(f.name, func(b *testing.B) {
			b.SetBytes(int64(4 * len(x)))
			for range b.N {
				f.run()
			}
		})
	}
}
