package kernel

// PoolShape is the geometry of a pooling over [channels, inH, inW]. A window
// may hang over the far edges (ONNX ceil_mode); pads are not negative.
type PoolShape struct {
	Channels, InH, InW, OutH, OutW       int
	KH, KW, StrideH, StrideW             int
	DilationH, DilationW                 int
	PadTop, PadLeft, PadBottom, PadRight int
}

func (s *PoolShape) plane() plane {
	return plane{
		planeChannels: int32(s.Channels), planeH: int32(s.InH), planeW: int32(s.InW),
		planeTop: int32(s.PadTop), planeLeft: int32(s.PadLeft),
		planePH: int32(padded(s.InH, s.PadTop, s.OutH, s.KH, s.StrideH, s.DilationH)),
		planePW: int32(padded(s.InW, s.PadLeft, s.OutW, s.KW, s.StrideW, s.DilationW)),
		planeOH: int32(s.OutH), planeOW: int32(s.OutW), planeKH: int32(s.KH), planeKW: int32(s.KW),
		planeStrideH: int32(s.StrideH), planeStrideW: int32(s.StrideW),
		planeDilationH: int32(s.DilationH), planeDilationW: int32(s.DilationW),
	}
}

// poolSize is the scratch of a pooling: the padded plane and one folded row,
// past whose end four windows may begin.
func poolSize(p *plane) int {
	return p.size() + int(p[planePW]) + planeSlack + 4*int(p[planeStrideW])
}

// MaxPool computes y [channels, outH, outW] from x [channels, inH, inW].
// Padding and NaN are passed over.
func MaxPool(y, x []float32, shape PoolShape, s *Scratch) {
	p := shape.plane()
	p.checked(y, x)
	active.maxPool(y, x, s.float(slotPlane, poolSize(&p)), s.shape(&p))
}

// AveragePool computes y [channels, outH, outW] from x [channels, inH, inW].
// The divisor counts what the window covers of the input, or of the input with
// its padding when includePad is set.
func AveragePool(y, x []float32, shape PoolShape, includePad bool, s *Scratch) {
	p := shape.plane()
	p.checked(y, x)
	counts := s.float(slotTail, shape.OutH+shape.OutW+planeSlack)
	countY, countX := counts[:shape.OutH], counts[shape.OutH:]
	windowCounts(countY, shape.InH, shape.KH, shape.StrideH, shape.DilationH, shape.PadTop, shape.PadBottom, includePad)
	windowCounts(countX[:shape.OutW], shape.InW, shape.KW, shape.StrideW, shape.DilationW, shape.PadLeft, shape.PadRight, includePad)
	active.avgPool(y, x, s.float(slotPlane, poolSize(&p)), countY, countX, s.shape(&p))
}

// windowCounts writes how many taps of each window lie inside.
func windowCounts(counts []float32, in, kernel, stride, dilation, before, after int, includePad bool) {
	lo, hi := 0, in
	if includePad {
		lo, hi = -before, in+after
	}
	for i := range counts {
		n := 0
		for k := range kernel {
			if at := i*stride - before + k*dilation; at >= lo && at < hi {
				n++
			}
		}
		counts[i] = float32(n)
	}
}

// GlobalAveragePool computes the mean of each of len(y) channels of x.
func GlobalAveragePool(y, x []float32) {
	if len(y) > 0 && len(x) > 0 {
		active.rowMean(y, x, len(y), len(x)/len(y))
	}
}

func (s *Scratch) shape(p *plane) []int32 {
	shape := s.int(slotKinds, planeLen)
	copy(shape, p[:])
	return shape
}

// checked panics on slices that are too short: the SIMD module would read and
// write past them.
func (p *plane) checked(y, x []float32) {
	c := int(p[planeChannels])
	if len(y) < c*int(p[planeOH])*int(p[planeOW]) || len(x) < c*int(p[planeH])*int(p[planeW]) {
		panic("bug: pooling of a slice shorter than its shape")
	}
}
