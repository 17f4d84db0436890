package kernel

import "math"

// The logistic function as oneDNN's kernels on x86-64 with fused multiply-adds
// compute it on the way out of a convolution, with exp(x) = 2·2^(n-1)·p(r) where
// n = floor(x·log2(e) + ½) and r = x - n·ln(2). Near a tie the last bit decides a
// code.
//
// Source: oneDNN, cpu/x64/injectors/jit_uni_eltwise_injector.cpp,
// exp_compute_vector_fwd and its table.
const (
	dnnLeast = float32(-87.336548) // ln of the least normal float32
	dnnLog2e = float32(1.442695)
	dnnLn2   = float32(0.6931472)
)

var dnnCoef = [...]float32{0.00828929059, 0.0418978221, 0.166676521, 0.499991506, 0.999999701, 1}

// logisticDNN returns 1/(1+e^-x).
func logisticDNN(x float32) float32 {
	e := expDNN(-absF32(x))
	s := e / (e + 1)
	if !math.Signbit(float64(x)) {
		s = 1 - s
	}
	return s
}

// expDNN returns e^x for x ≤ 0.
func expDNN(x float32) float32 {
	if x < dnnLeast {
		return 0
	}
	if x != x {
		return x
	}
	n := float32(math.Floor(float64(float32(x*dnnLog2e) + 0.5)))
	r := FMA(n, -dnnLn2, x)
	p := dnnCoef[0]
	for _, c := range dnnCoef[1:] {
		p = FMA(p, r, c)
	}
	half := math.Float32frombits(uint32(int32(n)-1+127) << 23)
	return float32(p*half) * 2
}
