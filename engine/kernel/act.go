package kernel

// Act is an element-wise function. Lo and Hi are its parameters.
type Act uint8

// The functions, with x the element and lo, hi the parameters.
const (
	None        Act = iota // x
	Relu                   // max(x, 0)
	Clip                   // min(max(x, lo), hi)
	LeakyRelu              // x < 0 ? lo·x : x
	Sigmoid                // 1/(1+e^-x)
	SiLU                   // x/(1+e^-x)
	HardSwish              // x·clip(x/6 + 1/2, 0, 1)
	HardSigmoid            // clip(lo·x + hi, 0, 1)
	Tanh                   // tanh x
	Exp                    // e^x
	Elu                    // x < 0 ? lo·(e^x - 1) : x
	Abs                    // |x|
	Neg                    // -x
	Sqrt                   // √x
	Reciprocal             // 1/x
	Floor                  // ⌊x⌋
	Ceil                   // ⌈x⌉
	Round                  // nearest integer, half to even
	Softplus               // log(1 + e^x)
	Mish                   // x·tanh(log(1 + e^x))
	Erf                    // error function
	Gelu                   // x·(1 + erf(x/√2))/2
	Log                    // natural logarithm
	LogisticDNN            // 1/(1+e^-x), bit for bit as oneDNN computes it
	SwishDNN               // x/(1+e^-x), likewise
	numActs
)

// Epilogue is what happens to a matrix product or convolution before it is
// stored: y = act(acc + bias[row] + add).
type Epilogue struct {
	Bias   []float32 // one per row (output channel), or nil
	Act    Act
	Lo, Hi float32   // parameters of Act
	Add    []float32 // same layout as the result, or nil
}

// clamp returns the bounds of the part of the epilogue's activation that the
// matrix kernels apply themselves, and whether anything is left for Unary.
func (e *Epilogue) clamp() (lo, hi float32, rest bool) {
	switch e.Act {
	case None:
		return negInf, posInf, false
	case Relu:
		return 0, posInf, false
	case Clip:
		return e.Lo, e.Hi, false
	}
	return negInf, posInf, true
}

// Unary computes dst[i] = act(src[i]). The slices may be the same.
//
// Sigmoid, SiLU, Tanh, Exp and Elu are polynomials in float32 whose relative
// error is below 3e-7 (Cephes expf and tanhf, Moshier); denormal results of
// Exp are exact to their own unit. Erf is a quotient of two, below 4e-7 (Eigen).
// NaN stays NaN. LogisticDNN and SwishDNN are
// the same on every machine.
func Unary(act Act, dst, src []float32, lo, hi float32) {
	src = src[:len(dst)]
	if act == Relu {
		act, lo, hi = Clip, 0, posInf
	}
	f := active.unary[act]
	if f == nil {
		f = reference.unary[act]
	}
	f(dst, src, lo, hi, len(dst))
}
