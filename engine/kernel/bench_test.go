package kernel

import (
	"fmt"
	"testing"
	"time"
)

// best runs f and reports, beside the mean, the rate of the quickest run: on a
// machine that others use too it is the one that says something of the code.
func best(b *testing.B, work float64, unit string, f func()) {
	least := time.Duration(1 << 62)
	for b.Loop() {
		start := time.Now()
		f()
		least = min(least, time.Since(start))
	}
	b.ReportMetric(work/least.Seconds()/1e9, "G"+unit+"/s")
}

func BenchmarkGemm(b *testing.B) {
	for _, s := range [][3]int{{6, 16, 384}, {252, 1152, 784}, {96, 12544, 16}, {24, 3136, 144}, {160, 49, 960}, {960, 49, 160}, {64, 784, 384}, {512, 49, 4608}} {
		m, n, k := s[0], s[1], s[2]
		x, w, y := random(1, k*n), random(2, m*k), make([]float32, m*n)
		for _, mach := range nativeMachines(b) {
			p := packGemm(mach, m, k, w)
			b.Run(fmt.Sprintf("%dx%dx%d/%s", m, n, k, mach.name), func(b *testing.B) {
				best(b, 2*float64(m)*float64(n)*float64(k), "FLOP", func() { p.Mul(n, x, n, y, n, Epilogue{}) })
			})
		}
	}
}

// mobileNetV2 lists the convolutions of Sandler et al., CVPR 2018, table 2.
func mobileNetV2() []ConvShape {
	var list []ConvShape
	size := 224
	conv := func(in, out, group, kernel, stride int) {
		pad := kernel / 2
		after := (size+2*pad-kernel)/stride + 1
		list = append(list, ConvShape{InC: in, OutC: out, Group: group, InH: size, InW: size, OutH: after, OutW: after, KH: kernel, KW: kernel,
			StrideH: stride, StrideW: stride, DilationH: 1, DilationW: 1, PadTop: pad, PadLeft: pad, PadBottom: pad, PadRight: pad})
		size = after
	}
	conv(3, 32, 1, 3, 2)
	in := 32
	for _, row := range [][4]int{{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}} {
		for i := range row[2] {
			wide, stride := in*row[0], row[3]
			if i > 0 {
				stride = 1
			}
			if row[0] > 1 {
				conv(in, wide, 1, 1, 1)
			}
			conv(wide, wide, wide, 3, stride)
			conv(wide, row[1], 1, 1, 1)
			in = row[1]
		}
	}
	conv(in, 1280, 1, 1, 1)
	return list
}

// resNet50 lists the convolutions of He et al., CVPR 2016, table 1, with the
// stride in the 3x3 convolutions.
func resNet50() []ConvShape {
	list := []ConvShape{{InC: 3, OutC: 64, Group: 1, InH: 224, InW: 224, OutH: 112, OutW: 112, KH: 7, KW: 7, StrideH: 2, StrideW: 2, DilationH: 1, DilationW: 1, PadTop: 3, PadLeft: 3, PadBottom: 3, PadRight: 3}}
	size, in := 56, 64
	conv := func(from, to, kernel, stride, in int) {
		pad := kernel / 2
		list = append(list, ConvShape{InC: from, OutC: to, Group: 1, InH: in, InW: in, OutH: in / stride, OutW: in / stride, KH: kernel, KW: kernel,
			StrideH: stride, StrideW: stride, DilationH: 1, DilationW: 1, PadTop: pad, PadLeft: pad, PadBottom: pad, PadRight: pad})
	}
	for stage, blocks := range []int{3, 4, 6, 3} {
		width := 64 << stage
		for i := range blocks {
			stride := 1
			if i == 0 && stage > 0 {
				stride = 2
			}
			conv(in, width, 1, 1, size)
			conv(width, width, 3, stride, size)
			if i == 0 {
				conv(in, 4*width, 1, stride, size)
			}
			size /= stride
			conv(width, 4*width, 1, 1, size)
			in = 4 * width
		}
	}
	return list
}

// BenchmarkMachines runs all convolutions of a network on each machine. best-ms
// is the sum of each layer's quickest run.
func BenchmarkMachines(b *testing.B) {
	for _, net := range []struct {
		name   string
		shapes []ConvShape
	}{{"MobileNetV2", mobileNetV2()}, {"ResNet50", resNet50()}} {
		for _, mach := range nativeMachines(b) {
			scratch := NewScratch()
			var runs []func()
			flops := 0.0
			for _, s := range net.shapes {
				x, y, w := random(1, s.InC*s.InH*s.InW), make([]float32, s.OutC*s.OutH*s.OutW), random(2, s.OutC*s.InC/s.Group*s.KH*s.KW)
				c := newConv(mach, s, w, random(3, s.OutC), Epilogue{Act: Relu}, chooseWinograd(mach, &s)).Share(scratch)
				runs = append(runs, func() { c.Run(y, x, nil) })
				flops += 2 * float64(s.MACs())
			}
			b.Run(net.name+"/"+mach.name, func(b *testing.B) {
				least := make([]time.Duration, len(runs))
				for b.Loop() {
					for i, run := range runs {
						start := time.Now()
						run()
						if took := time.Since(start); least[i] == 0 || took < least[i] {
							least[i] = took
						}
					}
				}
				var sum time.Duration
				for _, d := range least {
					sum += d
				}
				b.ReportMetric(sum.Seconds()*1e3, "best-ms")
				b.ReportMetric(flops/sum.Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}

// BenchmarkElements runs what moves through memory rather than multiplies, on as
// many elements as a second-level cache holds.
func BenchmarkElements(b *testing.B) {
	const n = 64 << 10
	x, y, z := random(1, n), random(2, n), make([]float32, n)
	relu := make([]float32, n)
	for i, v := range x {
		relu[i] = max(v, 0)
	}
	counts, out, sums := make([]uint32, 2048+HistogramExtra), make([]float32, 2), make([]float64, 2)
	for _, k := range []struct {
		name string
		run  func(m *machine)
	}{
		{"add", func(m *machine) { m.binary[opAdd](z, x, y, n) }},
		{"clip", func(m *machine) { m.unary[Clip](z, x, 0, 6, n) }},
		{"silu", func(m *machine) { m.unary[SiLU](z, x, 0, 0, n) }},
		{"tanh", func(m *machine) { m.unary[Tanh](z, x, 0, 0, n) }},
		{"softmax", func(m *machine) { m.softmax(z, x, n/256, 256) }},
		{"fakeQuantize", func(m *machine) { m.fakeQuantize(z, x, 0.03, -128, 127, n) }},
		{"minMax", func(m *machine) { m.minMax(out, x, n) }},
		{"histogram", func(m *machine) { m.histogram(counts, x, 256, -1024, 2048, 1, n) }},
		{"histogram of ReLU", func(m *machine) { m.histogram(counts, relu, 256, -1024, 2048, 1, n) }},
		{"noise", func(m *machine) { m.noise(sums, x, y, n) }},
		{"transpose", func(m *machine) { m.transpose(z, x, 1, 256, 256) }},
		{"packLeft", func(m *machine) { m.packLeft(z, x, 256, 256, 256, 1) }},
		{"rowMean", func(m *machine) { m.rowMean(z, x, n/49, 49) }},
	} {
		for _, mach := range nativeMachines(b) {
			b.Run(k.name+"/"+mach.name, func(b *testing.B) { best(b, n, "elements", func() { k.run(mach) }) })
		}
	}
}

// BenchmarkWinograd runs 3x3 convolutions directly and by tiles of each size;
// the rate is that of the direct one's multiplications.
func BenchmarkWinograd(b *testing.B) {
	for _, row := range [][3]int{{16, 16, 32}, {32, 32, 160}, {64, 64, 56}, {128, 128, 28}, {128, 128, 40}, {256, 256, 14}, {512, 512, 7}} {
		s := ConvShape{InC: row[0], OutC: row[1], Group: 1, InH: row[2], InW: row[2], OutH: row[2], OutW: row[2], KH: 3, KW: 3,
			StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, PadTop: 1, PadLeft: 1, PadBottom: 1, PadRight: 1}
		x, y, w := random(1, s.InC*s.InH*s.InW), make([]float32, s.OutC*s.OutH*s.OutW), random(2, s.OutC*s.InC*9)
		chosen := chooseWinograd(active, &s)
		for _, size := range []int{0, 2, 4} {
			name := fmt.Sprintf("%d-%d_%d/%d", row[0], row[1], row[2], size)
			if size == chosen {
				name += "_chosen"
			}
			c := newConv(active, s, w, random(4, s.OutC), Epilogue{Act: Relu}, size)
			b.Run(name, func(b *testing.B) { best(b, 2*float64(s.MACs()), "FLOP", func() { c.Run(y, x, nil) }) })
		}
	}
}
