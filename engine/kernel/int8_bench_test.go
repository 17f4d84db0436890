package kernel

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkInteger measures packed products of codes beside that of floats.
func BenchmarkInteger(b *testing.B) {
	for _, s := range [][3]int{{252, 784, 1152}, {64, 3136, 64}, {256, 3136, 64}, {512, 49, 4608}, {160, 49, 960}} {
		m, n, k := s[0], s[1], s[2]
		shape := convShape([15]int{k, m, 1, 1, n, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0})
		work := 2 * float64(m) * float64(n) * float64(k)
		for _, mach := range nativeMachines(b) {
			name := fmt.Sprintf("%dx%dx%d/%s", m, n, k, mach.name)
			float := newConv(mach, shape, random(1, m*k), nil, Epilogue{}, 0)
			x, y := random(2, k*n), make([]float32, m*n)
			b.Run(name+"/float32", func(b *testing.B) { best(b, work, "OP", func() { float.Run(y, x, nil) }) })
			for sums, of := range []string{"exact", "paired"} {
				c := newConv8(mach, shape, mild(1, m*k), Conv8Options{Sums: Sums(sums), Epilogue8: Epilogue8{Scale: make([]float32, m)}})
				codes, result := codes(2, k*n), make([]uint8, m*n)
				b.Run(name+"/"+of, func(b *testing.B) { best(b, work, "OP", func() { c.Codes(result, codes, nil) }) })
			}
		}
	}
}

// BenchmarkIntegerPeak multiplies a panel by two panels, which all stay in the
// first-level cache: what BenchmarkInteger can reach at most.
func BenchmarkIntegerPeak(b *testing.B) {
	const turns = 100
	for sums, of := range []string{"exact", "paired"} {
		s, rows := active.scheme(Sums(sums)), active.rows8
		left, right, c := codes(1, 4*rows*kBlock), codes(2, 4*2*nr*kBlock), make([]int32, rows*2*nr)
		b.Run(of, func(b *testing.B) {
			best(b, 2*turns*float64(rows*2*nr*s.lanes*kBlock), "OP", func() {
				for range turns {
					s.gemm(c, left, right, nil, rows, 2, kBlock, 0, 2*nr, 0)
				}
			})
		})
	}
}

// BenchmarkIntegerNetworks runs all convolutions of a network on floats and on
// codes in turn. best-ms is the sum of each layer's quickest run.
func BenchmarkIntegerNetworks(b *testing.B) {
	for _, net := range []struct {
		name   string
		shapes []ConvShape
	}{{"MobileNetV2", mobileNetV2()}, {"ResNet50", resNet50()}} {
		scratch := NewScratch()
		var runs [3][]func()
		for _, s := range net.shapes {
			k, n := s.InC/s.Group*s.KH*s.KW, s.OutC*s.OutH*s.OutW
			x, y := random(1, s.InC*s.InH*s.InW), make([]float32, n)
			float := NewConv(s, random(2, s.OutC*k), random(3, s.OutC), Epilogue{Act: Relu}, false).Share(scratch)
			runs[0] = append(runs[0], func() { float.Run(y, x, nil) })
			from, to := codes(1, len(x)), make([]uint8, n)
			for i, sums := range []Sums{Exact, Paired} {
				if s.Group > 1 {
					sums = Exact
				}
				c := NewConv8(s, mild(2, s.OutC*k), Conv8Options{Sums: sums, Epilogue8: Epilogue8{Scale: random(3, s.OutC), Bias: random(4, s.OutC), Act: Relu}}).Share(scratch)
				runs[i+1] = append(runs[i+1], func() { c.Codes(to, from, nil) })
			}
		}
		b.Run(net.name, func(b *testing.B) {
			var least [3][]time.Duration
			for kind := range runs {
				least[kind] = make([]time.Duration, len(net.shapes))
			}
			for b.Loop() {
				for i := range net.shapes {
					for kind := range runs {
						start := time.Now()
						runs[kind][i]()
						if took := time.Since(start); least[kind][i] == 0 || took < least[kind][i] {
							least[kind][i] = took
						}
					}
				}
			}
			var sum [3]time.Duration
			for kind := range least {
				for _, d := range least[kind] {
					sum[kind] += d
				}
			}
			for kind, name := range []string{"float32", "exact", "paired"} {
				b.ReportMetric(sum[kind].Seconds()*1e3, name+"-best-ms")
			}
			b.ReportMetric(sum[0].Seconds()/sum[1].Seconds(), "float32/exact")
		})
	}
}
