package op

import (
	"math"

	"dropquant/engine/tensor"
)

// sigmoidDNN is Logistic and Swish of the domain dropquant: 1/(1 + exp(−x)) and x times it, as oneDNN's kernels on x86-64
// with fused multiply-adds compute them on the way out of a convolution. They stand in no file: engine/intsim lowers graphs to
// them.
func sigmoidDNN(swish bool) Rule {
	return func(c *Call) error {
		if err := c.set(0, tensor.Float32, c.shape(0)...); err != nil {
			return err
		}
		c.Run = func(in, out []*tensor.Tensor) error {
			x, y := in[0].F32(), out[0].F32()
			for i, v := range x {
				e := expOf(float32(-math.Abs(float64(v))))
				s := e / (e + 1)
				if !math.Signbit(float64(v)) {
					s = 1 - s
				}
				if swish {
					s *= v
				}
				y[i] = s
			}
			return nil
		}
		return nil
	}
}

// The constants of exp(x) = 2·2^(n−1)·p(r) with n = floor(x·log2(e) + ½) and r = x − n·ln(2).
//
// Source: oneDNN, cpu/x64/injectors/jit_uni_eltwise_injector.cpp, exp_compute_vector_fwd and its table.
const (
	expLeast = float32(-87.336548) // ln of the least normal float32
	expLog2e = float32(1.442695)
	expLn2   = float32(0.6931472)

	exp1, exp2, exp3, exp4, exp5 = float32(0.999999701), float32(0.499991506), float32(0.166676521), float32(0.0418978221), float32(0.00828929059)
)

// expOf is exp of x ≤ 0 with fused multiply-adds. In float64 the products are exact; a sum that is rounded twice, to
// float64 and to float32, differs from one that is rounded once in one case of 2^28 or so.
func expOf(x float32) float32 {
	if !(x >= expLeast) {
		return nanOr0(x)
	}
	n := floor(float32(x*expLog2e) + 0.5)
	r := float64(float32(float64(x) - float64(n)*float64(expLn2)))
	p := float32(float64(exp5)*r + float64(exp4))
	p = float32(float64(p)*r + float64(exp3))
	p = float32(float64(p)*r + float64(exp2))
	p = float32(float64(p)*r + float64(exp1))
	p = float32(float64(p)*r + 1)
	return float32(p*half2(n)) * 2
}

func floor(x float32) float32 { return float32(math.Floor(float64(x))) }

// half2 is 2^(n−1).
func half2(n float32) float32 { return math.Float32frombits(uint32(int32(n)-1+127) << 23) }

func nanOr0(x float32) float32 {
	if x != x {
		return x
	}
	return 0
}
