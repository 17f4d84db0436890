// Package kernel holds the inner loops, on floats and on the codes of quantized
// tensors: NCHW, one image at a time.
//
// Every loop exists as plain Go (files named ref_*.go), which is the portable
// path and the oracle of the tests. A machine is one implementation of all of
// them: the reference; the native one, which puts gonum's blas32 under matrix
// products; on amd64 with AVX2 and FMA, assembly that build/avogen writes (not
// with the build tag noasm); and, under js/wasm, the SIMD module of
// kernel/wasmasm, which works on Go's own memory. The drivers above the machines (packing, blocking,
// scratch) are shared by all.
//
// Slices must be long enough for the sizes given with them: sizes come from
// shape inference, so a short slice is a bug and panics. Under js/wasm the
// slices must live on the heap, which passing them through this package's
// function values ensures.
//
// Results of the reference, of the SIMD module's baseline variant and of what
// fuses multiply and add (its relaxed variant, AVX2) agree within a few ulp of the sum of
// magnitudes, not bit for bit; the baseline variant gives the same bits in
// every browser. MinMax, Histogram, MaxPool, the layout functions and
// FakeQuantize agree exactly everywhere, and so does what is integer.
package kernel

// active is the machine that the exported functions run on.
var active = platform()

// Name returns which implementation is running: "native", "avx2", "simd" or "relaxed".
func Name() string { return active.name }
