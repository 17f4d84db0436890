package kernel

// refRows is the height of the reference's panels: small, so that small tests
// have full, ragged and several panels.
const refRows = 4

// reference is the machine of plain Go loops.
var reference = newReference()

func newReference() *machine {
	m := &machine{
		name: "reference", rows: refRows,
		gemm: refGemm(refRows), pack: refPack, packLeft: refPackLeft(refRows), pad: refPad, copyRows: refCopyRows,
		depthwise: refDepthwise, maxPool: refMaxPool, avgPool: refAvgPool, rowMean: refRowMean,
		softmax: refSoftmax, transpose: refTranspose,
		fakeQuantize: refFakeQuantize,
		minMax:       refMinMax, histogram: refHistogram, sample: refSample, outside: refOutside, noise: refNoise,
	}
	refInteger(m, dotNone)
	for i, size := range winoSizes {
		m.winoIn[i], m.winoOut[i] = refWinoIn(size), refWinoOut(size)
	}
	for act := range numActs {
		m.unary[act] = refUnary(act)
	}
	for op := range numBinary {
		m.binary[op], m.scalar[op], m.channel[op] = refBinary(op), refScalar(op), refChannel(op)
	}
	return m
}
