//go:build !noasm

package kernel

import "unsafe"

var avx2Unary = [numActs]func(dst, src *float32, n int, lo, hi float32){
	Clip: clipVector, LeakyRelu: leakyReluVector, Sigmoid: sigmoidVector, SiLU: siluVector, HardSwish: hardSwishVector, HardSigmoid: hardSigmoidVector,
	Tanh: tanhVector, Exp: expVector, Elu: eluVector, Abs: absVector, Neg: negVector, Sqrt: sqrtVector, Reciprocal: reciprocalVector,
	Floor: floorVector, Ceil: ceilVector, Round: roundVector, Erf: erfVector, Gelu: geluVector, LogisticDNN: logisticDNNVector, SwishDNN: swishDNNVector,
}

var avx2Binary = [numBinary]func(dst, a, b *float32, n int){
	opAdd: addVectors, opSub: subVectors, opMul: mulVectors, opDiv: divVectors, opMin: minVectors, opMax: maxVectors, opRSub: rsubVectors, opRDiv: rdivVectors,
}

var avx2Scalar = [numBinary]func(dst, a *float32, n int, b float32){
	opAdd: addScalar, opSub: subScalar, opMul: mulScalar, opDiv: divScalar, opMin: minScalar, opMax: maxScalar, opRSub: rsubScalar, opRDiv: rdivScalar,
}

// avx2Elementwise sets m's functions of elements. Those that have no kernel
// (Softplus, Mish, Log) stay the reference's.
func avx2Elementwise(m *machine) {
	for act, f := range avx2Unary {
		if f != nil {
			m.unary[act] = func(dst, src []float32, lo, hi float32, n int) {
				f(unsafe.SliceData(dst[:n]), unsafe.SliceData(src[:n]), n, lo, hi)
			}
		}
	}
	for op := range numBinary {
		vectors, scalar := avx2Binary[op], avx2Scalar[op]
		m.binary[op] = func(dst, a, b []float32, n int) {
			vectors(unsafe.SliceData(dst[:n]), unsafe.SliceData(a[:n]), unsafe.SliceData(b[:n]), n)
		}
		m.scalar[op] = func(dst, a []float32, b float32, n int) {
			scalar(unsafe.SliceData(dst[:n]), unsafe.SliceData(a[:n]), n, b)
		}
		m.channel[op] = func(dst, a, b []float32, channels, inner int) {
			dst, a = dst[:channels*inner], a[:channels*inner]
			for c, v := range b[:channels] {
				scalar(unsafe.SliceData(dst[c*inner:]), unsafe.SliceData(a[c*inner:]), inner, v)
			}
		}
	}
}

func avx2Softmax(dst, src []float32, rows, cols int) {
	dst, src = dst[:rows*cols], src[:rows*cols]
	softmaxRows(unsafe.SliceData(dst), unsafe.SliceData(src), rows, cols)
}

func avx2FakeQuantize(dst, src []float32, scale, lo, hi float32, n int) {
	fakeQuantizeVector(unsafe.SliceData(dst[:n]), unsafe.SliceData(src[:n]), n, scale, lo, hi)
}

func avx2MinMax(out, x []float32, n int) (bad int) {
	return minMaxVector(&out[:2][0], unsafe.SliceData(x[:n]), n)
}

func avx2Histogram(counts []uint32, x []float32, scale float32, first, bins, weight, n int) (outside int) {
	return histogramVector(unsafe.SliceData(counts[:bins]), unsafe.SliceData(x[:n]), scale, first, bins, weight, n)
}

func avx2Sample(dst, ends, x []float32, blocks, period, from int) {
	last := (blocks-1)*period + (3*(blocks-1)+from)%period
	sampleVector(&dst[:blocks*SampleBlock][0], &ends[:2*SampleEnds][0], &x[:(last+1)*SampleBlock][0], blocks, period, from)
}

// avx2Outside leaves less than a block to the loop in Go.
func avx2Outside(dst, x []float32, lo, hi float32, n int) (count int) {
	dst, x = dst[:n], x[:n]
	whole := n &^ 31
	if whole > 0 {
		count = outsideVector(&dst[0], &x[0], lo, hi, whole/32)
	}
	return count + refOutside(dst[count:], x[whole:], lo, hi, n-whole)
}

func avx2Noise(out []float64, a, b []float32, n int) {
	noiseVector(&out[:2][0], unsafe.SliceData(a[:n]), unsafe.SliceData(b[:n]), n)
}
