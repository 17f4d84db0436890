package intsim_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"dropquant/engine/internal/testdata"
	"dropquant/engine/intsim"
	"dropquant/engine/tensor"
)

// isa is an instruction set that OpenVINO can be held to.
type isa struct {
	name   string // value of ONEDNN_MAX_CPU_ISA
	kind   string // of the backend
	byGemm bool   // it has VNNI, and no matrix product with it: see Backends. A processor with AVX-512 that is held to AVX2 has one
}

// ort stands for ONNX Runtime with exact sums.
var ort = isa{name: "ONNX Runtime"}

func (i isa) backend() *intsim.Backend {
	if i == ort {
		return intsim.ByName("onnxruntime", "vnni")
	}
	return intsim.ByName("openvino", i.kind)
}

var (
	onceISAs  sync.Once
	foundISAs []isa
)

// isas are those that the processor has, from the smallest.
//
// A kernel that OpenVINO takes for a convolution tells AVX-512 and AMX. Features are not read from the system where it can be helped: an
// emulated processor runs under a system that may list those of another. Where AVX2 with VNNI is a choice beside AVX-512 the list is all there is.
func isas(t *testing.T) []isa {
	t.Helper()
	exact := testdata.Exact(t, python(t))
	onceISAs.Do(func() {
		best := bestKernel(t)
		wide := strings.Contains(best, "avx512")
		info, _ := os.ReadFile("/proc/cpuinfo")
		for _, c := range []struct {
			isa
			runs bool
		}{
			{isa{"AVX2", "avx2", false}, true},
			{isa{"AVX2_VNNI", "vnni", !wide}, exact && (!wide || bytes.Contains(info, []byte("avx_vnni")))},
			{isa{"AVX512_CORE", "avx512", false}, wide},
			{isa{"AVX512_CORE_VNNI", "vnni", false}, wide && exact},
			{isa{"ALL", "amx", false}, strings.Contains(best, "amx")},
		} {
			if c.runs {
				foundISAs = append(foundISAs, c.isa)
			}
		}
	})
	return foundISAs
}

// bestKernel returns what OpenVINO calls its kernel for a convolution of codes.
func bestKernel(t *testing.T) string {
	t.Helper()
	s := newSketch(1)
	x := s.AddInput("x", tensor.Float32, 1, 16, 8, 8)
	s.AddOutput(s.conv(s.pair(x, 0.01, 0, false), 1, 16, 16, 1, 1, true))
	path := filepath.Join(t.TempDir(), "conv.onnx")
	writeGraph(t, s.Graph, path)
	var kernels []map[string]string
	testdata.Ask(t, python(t), "kernels_openvino.py", []string{path}, &kernels)
	return kernels[0]["Conv"]
}
