package kernel

// A plane describes a window that slides over one channel: the numbers that
// depthwise convolution and pooling kernels read, in this order. The padded
// plane holds everything the window touches.
type plane [planeLen]int32

const (
	planeChannels = iota
	planeH
	planeW
	planeTop // padding before the first row and column
	planeLeft
	planePH // size with padding
	planePW
	planeOH
	planeOW
	planeKH
	planeKW
	planeStrideH
	planeStrideW
	planeDilationH
	planeDilationW
	planeLen
)

// planeSlack is how many elements past the padded plane a kernel may read.
const planeSlack = 16

// padded returns how long an input of n elements must be, before and after
// padding, for the window to fit everywhere, and never less than the input
// with its leading padding.
func padded(in, before, out, kernel, stride, dilation int) int {
	return max(before+in, (out-1)*stride+(kernel-1)*dilation+1)
}

func (p *plane) size() int { return int(p[planePH])*int(p[planePW]) + planeSlack }

// plane describes the window of a convolution.
func (s *ConvShape) plane() plane {
	pool := PoolShape{
		Channels: s.InC, InH: s.InH, InW: s.InW, OutH: s.OutH, OutW: s.OutW, KH: s.KH, KW: s.KW,
		StrideH: s.StrideH, StrideW: s.StrideW, DilationH: s.DilationH, DilationW: s.DilationW,
		PadTop: s.PadTop, PadLeft: s.PadLeft, PadBottom: s.PadBottom, PadRight: s.PadRight,
	}
	return pool.plane()
}
