package kernel

// A depthwise8 is a convolution of single channels of codes.
type depthwise8 struct {
	group   int // output channels of an input channel
	plane   plane
	weights []int32 // of pairs of taps for each output channel
	pairs   int     // of each
	taps    []int32 // offsets of the taps in the padded plane, whole pairs, for depthwise8; nil for depthwisePlanes8
	shape   []int32 // the plane of as many channels as a call works at
}

func newDepthwise8(mach *machine, s *ConvShape, p *plane, w []int8) *depthwise8 {
	d := &depthwise8{group: s.OutC / s.Group, plane: *p}
	square := s.KH == s.KW && s.StrideH == s.StrideW && s.DilationH == 1 && s.DilationW == 1
	if mach.depthwisePlanes8 != nil && square && (s.KH == 3 || s.KH == 5) && s.StrideH <= 2 && s.OutH >= 2 {
		d.rows(s, w)
	} else {
		d.index(s, w)
	}
	return d
}

// pairOf16 is two weights as 16-bit integers.
func pairOf16(even, odd int8) int32 { return int32(uint16(even)) | int32(odd)<<16 }

// index lists the taps and where they lie.
func (d *depthwise8) index(s *ConvShape, w []int8) {
	for y := range s.KH {
		for x := range s.KW {
			d.taps = append(d.taps, int32(y*s.DilationH)*d.plane[planePW]+int32(x*s.DilationW))
		}
	}
	taps := len(d.taps)
	if taps%2 == 1 { // the last has no partner: any code, times zero
		d.taps = append(d.taps, d.taps[taps-1])
	}
	d.pairs = len(d.taps) / 2
	for o := range s.OutC {
		row := append(append([]int8(nil), w[o*taps:(o+1)*taps]...), 0)
		for i := 0; i < taps; i += 2 {
			d.weights = append(d.weights, pairOf16(row[i], row[i+1]))
		}
	}
}

// rows lists the weights as depthwisePlanes8 takes them.
func (d *depthwise8) rows(s *ConvShape, w []int8) {
	size, area := s.KH, s.KH*s.KW
	for o := range s.OutC {
		tap := func(ky, kx int) int8 {
			if ky < 0 || ky >= size {
				return 0
			}
			return w[o*area+ky*size+kx]
		}
		eachRowsPair(size, s.StrideH, func(pair, kx, out, ky int) {
			d.weights = append(d.weights, pairOf16(tap(ky, kx), tap(ky+1, kx)))
		})
	}
	d.pairs = len(d.weights) / s.OutC
}

// eachRowsPair lists the uses of rows 2·pair and 2·pair+1 of the input under
// two neighbouring rows of the output, by columns of the window: they meet its
// rows ky and ky+1, of which one may be outside.
func eachRowsPair(size, stride int, use func(pair, kx, out, ky int)) {
	for pair := range (size + stride + 1) / 2 {
		for kx := range size {
			for out := range 2 {
				if ky := 2*pair - out*stride; ky > -2 && ky < size {
					use(pair, kx, out, ky)
				}
			}
		}
	}
}

// depthwiseSlack is how many sums past the last the depthwise kernels may write.
// They read as many strides past the last code.
const depthwiseSlack = 16

// run computes one image.
func (d *depthwise8) run(mach *machine, s *ConvShape, x []uint8, zero uint8, f *finisher, scratch *Scratch) {
	ph, pw, area := int(d.plane[planePH]), int(d.plane[planePW]), s.OutH*s.OutW
	wide := scratch.byte(slotPlane, ph*pw+depthwiseSlack*s.StrideW)
	fill8(wide[:ph*pw], zero) // the padding is the same for all
	channels := 1             // of the output, at a time
	if d.taps == nil && d.group == 1 {
		channels = max(1, min(s.OutC, sumInts/area))
	}
	acc := scratch.int(slotSums, channels*area+depthwiseSlack)
	f.row = scratch.float(slotTail, area)
	if d.shape == nil {
		d.shape = append([]int32(nil), d.plane[:]...)
	}
	for o := 0; o < s.OutC; o += channels {
		here := min(channels, s.OutC-o)
		from, w := x[o/d.group*s.InH*s.InW:], d.weights[o*d.pairs:(o+here)*d.pairs]
		if d.taps == nil {
			d.shape[planeChannels] = int32(here)
			mach.depthwisePlanes8(acc, from, wide, w, d.shape)
		} else {
			if o%d.group == 0 {
				putRows(wide[s.PadTop*pw+s.PadLeft:], from, s.InH, s.InW, pw)
			}
			mach.depthwise8(acc, wide, w, d.taps, d.pairs, s.OutH, s.OutW, s.StrideH*pw, s.StrideW)
		}
		f.rows(acc, area, o, here, 0, area)
	}
}

// putRows copies h rows of w codes to where rows are pitch apart.
func putRows(dst, src []uint8, h, w, pitch int) {
	if w == pitch {
		copy(dst[:h*w], src)
		return
	}
	for y := range h {
		copy(dst[y*pitch:][:w], src[y*w:])
	}
}
