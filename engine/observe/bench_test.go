package observe

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"dropquant/engine/kernel"
)

// BenchmarkObserve adds images of the sizes that networks have, before and after a ReLU, to a Stat that knows wider ranges: all but the
// first few images of a job do so.
func BenchmarkObserve(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{4 << 10, 16 << 10, 75264, 301056, 1204224} {
		x, relu := make([]float32, n), make([]float32, n)
		for i := range x {
			x[i] = float32(r.NormFloat64())
			relu[i] = max(x[i], 0)
		}
		for _, c := range []struct {
			name string
			x    []float32
			most float32
		}{{"normal", x, 1}, {"relu", relu, 1}, {"relu, wider before", relu, 10}} {
			b.Run(fmt.Sprintf("%d/%s", n, c.name), func(b *testing.B) {
				var s Stat
				s.Observe(0, 0, []float32{c.most})
				for range b.N {
					s.Observe(1, 1, c.x)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/value")
			})
		}
	}
}

// BenchmarkKernels runs what observing is made of.
func BenchmarkKernels(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, 1<<18)
	for i := range x {
		x[i] = max(float32(r.NormFloat64()), 0)
	}
	c := make([]uint32, Bins+kernel.HistogramExtra)
	far, ends := make([]float32, len(x)), make([]float32, 2*kernel.SampleEnds)
	for _, f := range []struct {
		name string
		run  func()
	}{
		{"outside", func() { kernel.Outside(far, x, 0, 2.7) }},
		{"inside", func() { kernel.Outside(far, x, 0, 7) }},
		{"minmax", func() { kernel.MinMax(x) }},
		{"count", func() { kernel.Histogram(c, x, 256, -Half, 1) }},
		{"sample", func() { kernel.Sample(far, ends, x, 16, 0) }},
	} {
		b.Run(f.name, func(b *testing.B) {
			b.SetBytes(int64(4 * len(x)))
			for range b.N {
				f.run()
			}
		})
	}
}
