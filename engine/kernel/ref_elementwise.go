package kernel

import "math"

// Binary functions of two slices, of a slice and a number, and of a slice and
// one number per channel.
type binaryOp uint8

const (
	opAdd  binaryOp = iota // a + b
	opSub                  // a - b
	opMul                  // a·b
	opDiv                  // a/b
	opMin                  // b < a ? b : a
	opMax                  // a < b ? b : a
	opRSub                 // b - a
	opRDiv                 // b/a
	numBinary
)

var refBinaryOps = [numBinary]func(a, b float32) float32{
	opAdd:  func(a, b float32) float32 { return a + b },
	opSub:  func(a, b float32) float32 { return a - b },
	opMul:  func(a, b float32) float32 { return a * b },
	opDiv:  func(a, b float32) float32 { return a / b },
	opMin:  func(a, b float32) float32 { return clamp(a, negInf, b) },
	opMax:  func(a, b float32) float32 { return clamp(a, b, posInf) },
	opRSub: func(a, b float32) float32 { return b - a },
	opRDiv: func(a, b float32) float32 { return b / a },
}

// refBinary computes dst[i] = a[i] op b[i].
func refBinary(op binaryOp) func(dst, a, b []float32, n int) {
	f := refBinaryOps[op]
	return func(dst, a, b []float32, n int) {
		dst, a, b = dst[:n], a[:n], b[:n]
		for i := range dst {
			dst[i] = f(a[i], b[i])
		}
	}
}

// refScalar computes dst[i] = a[i] op b.
func refScalar(op binaryOp) func(dst, a []float32, b float32, n int) {
	f := refBinaryOps[op]
	return func(dst, a []float32, b float32, n int) {
		dst, a = dst[:n], a[:n]
		for i := range dst {
			dst[i] = f(a[i], b)
		}
	}
}

// refChannel computes dst[c, i] = a[c, i] op b[c].
func refChannel(op binaryOp) func(dst, a, b []float32, channels, inner int) {
	f := refScalar(op)
	return func(dst, a, b []float32, channels, inner int) {
		for c := range channels {
			f(dst[c*inner:(c+1)*inner], a[c*inner:(c+1)*inner], b[c], inner)
		}
	}
}

var refUnaryOps = [numActs]func(x, lo, hi float32) float32{
	Clip: clamp,
	LeakyRelu: func(x, lo, _ float32) float32 {
		if x < 0 {
			return lo * x
		}
		return x
	},
	Sigmoid:     func(x, _, _ float32) float32 { return sigmoidF32(x) },
	SiLU:        func(x, _, _ float32) float32 { return x / (1 + expF32(-x)) },
	HardSwish:   func(x, _, _ float32) float32 { return x * clamp(float32(x*(1.0/6))+0.5, 0, 1) },
	HardSigmoid: func(x, lo, hi float32) float32 { return clamp(float32(lo*x)+hi, 0, 1) },
	Tanh:        func(x, _, _ float32) float32 { return tanhF32(x) },
	Exp:         func(x, _, _ float32) float32 { return expF32(x) },
	Elu: func(x, lo, _ float32) float32 {
		if x < 0 {
			return lo * expm1F32(x)
		}
		return x
	},
	Abs:        func(x, _, _ float32) float32 { return absF32(x) },
	Neg:        func(x, _, _ float32) float32 { return -x },
	Sqrt:       func(x, _, _ float32) float32 { return float32(math.Sqrt(float64(x))) },
	Reciprocal: func(x, _, _ float32) float32 { return 1 / x },
	Floor:      func(x, _, _ float32) float32 { return float32(math.Floor(float64(x))) },
	Ceil:       func(x, _, _ float32) float32 { return float32(math.Ceil(float64(x))) },
	Round:      func(x, _, _ float32) float32 { return roundF32(x) },
	Softplus:   func(x, _, _ float32) float32 { return float32(softplus(float64(x))) },
	Mish:       func(x, _, _ float32) float32 { return float32(float64(x) * math.Tanh(softplus(float64(x)))) },
	Erf:        func(x, _, _ float32) float32 { return erfF32(x) },
	Gelu:       func(x, _, _ float32) float32 { return geluF32(x) },
	Log:        func(x, _, _ float32) float32 { return float32(math.Log(float64(x))) },

	LogisticDNN: func(x, _, _ float32) float32 { return logisticDNN(x) },
	SwishDNN:    func(x, _, _ float32) float32 { return logisticDNN(x) * x },
}

// softplus returns log(1 + e^x) without overflow.
func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

// expm1F32 returns e^x - 1 for x < 0; the polynomial keeps the precision that
// the subtraction would lose near zero.
func expm1F32(x float32) float32 {
	if x <= -0.5 {
		return expF32(x) - 1
	}
	p := expCoef[0]
	for _, c := range expCoef[1:] {
		p = float32(p*x) + c
	}
	return float32(p*float32(x*x)) + x
}

// refUnary computes dst[i] = act(src[i]).
func refUnary(act Act) func(dst, src []float32, lo, hi float32, n int) {
	f := refUnaryOps[act]
	if f == nil {
		return func(dst, src []float32, _, _ float32, n int) { copy(dst[:n], src[:n]) }
	}
	return func(dst, src []float32, lo, hi float32, n int) {
		dst, src = dst[:n], src[:n]
		for i, x := range src {
			dst[i] = f(x, lo, hi)
		}
	}
}

// softmaxEnd is how far an element lies below the largest of its row to count as nothing: masks of attention are far below, and denormal
// quotients would take a hundred times as long in the product behind. What is lost is under 2e-35.
const softmaxEnd = -80

// refSoftmax computes y[r, c] = e^(x[r, c] - max x[r]) / Σ e^(…) along each row, 0 for exponents below softmaxEnd.
func refSoftmax(dst, src []float32, rows, cols int) {
	for r := range rows {
		x, y := src[r*cols:(r+1)*cols], dst[r*cols:(r+1)*cols]
		top := negInf
		for _, v := range x {
			if top < v {
				top = v
			}
		}
		var sum float32
		for c, v := range x {
			y[c] = 0
			if d := v - top; !(d < softmaxEnd) {
				y[c] = expF32(d)
			}
			sum += y[c]
		}
		for c := range y {
			y[c] /= sum
		}
	}
}

// refTranspose turns each of batch matrices: dst[b, c, r] = src[b, r, c].
func refTranspose(dst, src []float32, batch, rows, cols int) {
	for b := range batch {
		x, y := src[b*rows*cols:(b+1)*rows*cols], dst[b*rows*cols:(b+1)*rows*cols]
		for r := range rows {
			for c, v := range x[r*cols : (r+1)*cols] {
				y[c*rows+r] = v
			}
		}
	}
}
