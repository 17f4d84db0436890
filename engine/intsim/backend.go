// Package intsim runs a graph of QuantizeLinear and DequantizeLinear in the integers and the rounding of a
// runtime.
//
// It lowers the graph to the one that the runtime executes, and engine/exec runs that. What a runtime makes of each node
// is read from its rows (target.Read); how its kernels add, scale and round is in the operators that the nodes become:
// QLinearConv and its kin for ONNX Runtime, IntConv with float operators behind it for runtimes that go on in float. How
// the products of a sum add up belongs to the processor: a Backend is a runtime on one kind of processor.
package intsim

import (
	"dropquant/engine/kernel"
	"dropquant/engine/op"
	"dropquant/engine/target"
)

// Backend is the arithmetic of one runtime on one kind of processor.
type Backend struct {
	Target  *target.Target // nil for plain Q/DQ in float, as ONNX defines the operators
	ISA     string         // "vnni": sums of int8 products are exact; "avx2": pairs of them saturate to 16 bits first; "" where there is no choice
	Title   string
	Version string // of the runtime that it was checked against; "" when it follows documents only
	Defects []*Defect

	// Rare says that it gives what another kind of processor gives, but for few files: it is found by name and not among what
	// comparisons offer.
	Rare bool

	Arithmetic op.Arithmetic
	emit       func(l *lowering, u *target.Unit) error // puts what the runtime runs in the place of a unit; nil: nothing is lowered
	making     making
}

// Name returns the target's name and the kind of processor, as "onnxruntime avx2".
func (b *Backend) Name() string {
	switch {
	case b.Target == nil:
		return "qdq"
	case b.ISA == "":
		return b.Target.Name
	}
	return b.Target.Name + " " + b.ISA
}

// pairs is vpmaddubsw along channels within a tap. Its result lies in 16 bits only when it saturates.
var pairs = op.Adding{Sums: kernel.Paired, Block: 1}

// oneDNNPairs is vpmaddubsw in oneDNN: a tap of a convolution begins with a whole pair of channels, and a matrix product, of which
// grouped convolutions are made, is cut in two halves where its inner dimension is between 256 and 512.
var oneDNNPairs = op.Arithmetic{
	Conv:    op.Adding{Sums: kernel.Paired, Block: 2},
	Grouped: op.Adding{Sums: kernel.Paired, Block: 1, Long: 256},
	MatMul:  op.Adding{Sums: kernel.Paired, Block: 1, Long: 256},
}

// brgemmPairs is vpmaddubsw in oneDNN's kernels for AVX-512: every tap of a convolution begins with a whole pair, in groups too, and no
// product is cut. Padding is left out there and not added as pairs of the zero point, which is not simulated: it shows where that is above 129.
//
// Seen in OpenVINO 2026.4.1 with ONEDNN_MAX_CPU_ISA=AVX512_CORE: brgconv_avx512 and brgemm_avx512, where AVX2 has jit_gemm.
var brgemmPairs = op.Arithmetic{
	Conv:    op.Adding{Sums: kernel.Paired, Block: 2},
	Grouped: op.Adding{Sums: kernel.Paired, Block: 2},
	MatMul:  pairs,
}

// Backends lists what can be simulated.
var Backends = []*Backend{
	{
		// With AVX-512. A processor that has VNNI for AVX2 only lays out the channels of float convolutions by 8, one with AVX-512 and without VNNI by 16.
		Target: target.ONNXRuntime, ISA: "vnni", Title: "ONNX Runtime on a CPU with VNNI", Version: "1.32.0", emit: emitQLinear,
		Arithmetic: op.Arithmetic{Lanes: 16},
	},
	{
		// Depthwise kernels widen to 16 bits before they multiply. Source: mlas/lib/x86_64/ConvSymKernelAvx2.S,
		// QgemmU8S8KernelAvx2.S, QgemvU8S8KernelAvx2.S.
		Target: target.ONNXRuntime, ISA: "avx2", Title: "ONNX Runtime on a CPU without VNNI", Version: "1.32.0", emit: emitQLinear,
		Arithmetic: op.Arithmetic{Conv: pairs, Grouped: pairs, MatMul: pairs},
	},
	{
		// With AVX-512, or with AVX2 and VNNI. oneDNN has no matrix product for the second, of which it makes convolutions of several groups
		// whose channels are not a multiple of its block, when their input has a zero point: those saturate there as on "avx2".
		Target: target.OpenVINO, ISA: "vnni", Title: "OpenVINO on a CPU with VNNI", Version: "2026.4.1", Defects: []*Defect{SignedConcat}, emit: multiply, making: byOneDNN,
	},
	{
		// Depthwise kernels multiply in 32 bits. Source: oneDNN, cpu/x64/jit_uni_x8s8s32x_conv_kernel.cpp; gemm_info.cpp and
		// get_k_padd of gemm_driver.cpp for grouped convolutions and matrices.
		Target: target.OpenVINO, ISA: "avx2", Title: "OpenVINO on a CPU without VNNI", Version: "2026.4.1", Defects: []*Defect{SignedConcat}, emit: multiply, making: byOneDNN,
		Arithmetic: oneDNNPairs,
	},
	{
		Target: target.OpenVINO, ISA: "avx512", Title: "OpenVINO on a CPU with AVX-512 and without VNNI", Version: "2026.4.1", Defects: []*Defect{SignedConcat}, emit: multiply, making: byOneDNN,
		Arithmetic: brgemmPairs, Rare: true,
	},
	{
		Target: target.OpenVINOAMX, ISA: "amx", Title: "OpenVINO on a CPU with AMX", Version: "2026.4.1", emit: multiply, making: byOneDNN, Rare: true,
	},
	{
		Target: target.TensorRT, Title: "TensorRT, as documented", emit: multiply, making: byDivision,
	},
	{Title: "Q/DQ in float, as ONNX defines it"},
}

// ByName returns the backend of a target on a kind of processor, or nil. The target "qdq" is plain Q/DQ in float.
func ByName(targetName, isa string) *Backend {
	for _, b := range Backends {
		switch {
		case b.Target == nil && targetName == "qdq", b.Target != nil && b.Target.Name == targetName && b.ISA == isa:
			return b
		}
	}
	return nil
}
