package intsim_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"dropquant/engine/exec"
	"dropquant/engine/graph"
	"dropquant/engine/internal/testdata"
	"dropquant/engine/intsim"
	"dropquant/engine/tensor"
)

// BenchmarkModels runs the files of DROPQUANT_QUANTIZED, a folder of models quantized for ONNX Runtime under the names of the
// float ones, in turn with the float models: x-float is how many times as fast the integers are, by medians.
func BenchmarkModels(b *testing.B) {
	dir := os.Getenv("DROPQUANT_QUANTIZED")
	if dir == "" {
		b.Skip("set DROPQUANT_QUANTIZED to a folder of quantized models")
	}
	for _, m := range realModels {
		b.Run(m.name, func(b *testing.B) {
			g, float, shape := readGraph(b, filepath.Join(dir, m.name+".onnx")), readGraph(b, testdata.Path(b, "models/"+m.name+".onnx")), []int{1, 3, m.side, m.side}
			shapes := map[string][]int{g.Inputs[0].Name: shape}
			x := map[string]*tensor.Tensor{g.Inputs[0].Name: images(b, m.images, m.preset, shape, 1)[0]}
			reference, err := exec.Compile(float, shapes, exec.Options{})
			if err != nil {
				b.Fatal(err)
			}
			runs := []func(map[string]*tensor.Tensor, func(*graph.Value, *tensor.Tensor)) (map[string]*tensor.Tensor, error){reference.Run}
			for _, isa := range []string{"vnni", "avx2"} {
				p, err := intsim.Compile(g, intsim.ByName("onnxruntime", isa), shapes, intsim.Options{})
				if err != nil {
					b.Fatal(err)
				}
				runs = append(runs, p.Run)
			}
			times := make([][]float64, len(runs))
			for b.Loop() {
				for i, run := range runs {
					start := time.Now()
					if _, err := run(x, nil); err != nil {
						b.Fatal(err)
					}
					times[i] = append(times[i], time.Since(start).Seconds())
				}
			}
			median := func(i int) float64 { slices.Sort(times[i]); return times[i][len(times[i])/2] }
			b.ReportMetric(1000*median(0), "ms-float")
			b.ReportMetric(median(0)/median(1), "x-float-vnni")
			b.ReportMetric(median(0)/median(2), "x-float-avx2")
		})
	}
}
