package exec_test

import (
	"testing"

	engine "dropquant/engine/exec"
	"dropquant/engine/op"
	"dropquant/engine/tensor"
)

// BenchmarkModels runs one image through every model, and reports multiply-accumulates and memory.
func BenchmarkModels(b *testing.B) {
	for _, m := range models {
		b.Run(m.name, func(b *testing.B) {
			g := load(b, m.name)
			p := compile(b, g, m.shape, engine.Options{})
			in := map[string]*tensor.Tensor{g.Inputs[0].Name: ramp(m.shape)}
			if err := op.Infer(g, map[string][]int{g.Inputs[0].Name: m.shape}); err != nil {
				b.Fatal(err)
			}
			macs := int64(0)
			for _, n := range g.Nodes {
				macs += op.MACs(n)
			}
			if _, err := p.Run(in, nil); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Run(in, nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(macs)/1e6, "MMAC")
			b.ReportMetric(float64(p.Memory())/(1<<20), "MiB")
		})
	}
}

// ramp is an input without structure: numbers in [-1, 1).
func ramp(shape []int) *tensor.Tensor {
	t := tensor.New(tensor.Float32, shape...)
	for i := range t.F32() {
		t.F32()[i] = float32((i*2654435761)>>8&0xffff)/32768 - 1
	}
	return t
}
