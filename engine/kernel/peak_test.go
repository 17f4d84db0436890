package kernel

import (
	"fmt"
	"testing"
)

// BenchmarkPeak multiplies a panel by two panels, which all stay in the
// first-level cache: what BenchmarkProduct can reach at most.
func BenchmarkPeak(b *testing.B) {
	if active.rows == 0 {
		b.Skip("this machine has no tile")
	}
	const turns = 100
	rows := active.rows
	left, right, c := random(1, rows*kBlock), random(2, 2*nr*kBlock), make([]float32, rows*2*nr)
	best(b, 2*turns*float64(rows*2*nr*kBlock), "FLOP", func() {
		for range turns {
			active.gemm(c, left, right, nil, nil, rows, 2, kBlock, 2*nr, 2*nr, flagDone, negInf, posInf)
		}
	})
}

// BenchmarkProduct is a packed product with a right operand that is packed
// anew each time, as that of a 1x1 convolution is.
func BenchmarkProduct(b *testing.B) {
	const m, n, k = 252, 784, 1152
	p := PackGemm(m, k, random(1, m*k))
	x, y := random(2, k*n), make([]float32, m*n)
	best(b, 2*m*n*k, "FLOP", func() { p.Mul(n, x, n, y, n, Epilogue{}) })
}

// BenchmarkLayers tells the distinct layers of two networks apart.
func BenchmarkLayers(b *testing.B) {
	for name, shapes := range map[string][]ConvShape{"MobileNetV2": mobileNetV2(), "ResNet50": resNet50()} {
		seen := map[ConvShape]int{}
		for _, s := range shapes {
			seen[s]++
		}
		for _, s := range shapes {
			times := seen[s]
			if times == 0 {
				continue
			}
			delete(seen, s)
			x, y, w := random(1, s.InC*s.InH*s.InW), make([]float32, s.OutC*s.OutH*s.OutW), random(2, s.OutC*s.InC/s.Group*s.KH*s.KW)
			c := NewConv(s, w, random(4, s.OutC), Epilogue{Act: Relu}, false)
			b.Run(fmt.Sprintf("%s/%dx_%d-%d_g%d_%d_k%d_s%d", name, times, s.InC, s.OutC, s.Group, s.InH, s.KH, s.StrideH), func(b *testing.B) {
				best(b, 2*float64(s.MACs()), "FLOP", func() { c.Run(y, x, nil) })
			})
		}
	}
}
