package kernel

// A winograd8 is a 3x3 convolution of codes of stride 1 by minimal filtering with
// tiles of 4x4 outputs: see winograd. Of integers it is exact.
//
// The points are 0, ±1, ±2 and ∞, the codes have 128 taken off, and the weights
// are transformed by whole multiples of the rows of G. So transformed codes lie
// within ±12800 and transformed weights within ±6272: 16 bits hold both. Sums of their
// products wrap, as does what the transform back makes of them, which is the sum
// wanted times 9·2^k, k from 2 to 6. That is invertible: a ninth is a whole
// number modulo 2^32, and the shift is exact where the sum wanted lies within
// 2^25, which the weights say beforehand.
type winograd8 struct {
	left  []uint8 // for each pair of points packed [outC, pairs of channels]
	pairs int
	chunk int // output channels in work at a time
	bands []band8
}

// A band8 is a number of whole rows of the output.
type band8 struct {
	top, bottom int
	from, to    []int32 // where each tile begins in the padded input and in the band
}

const (
	// winoCentre is what is taken off the codes.
	winoCentre = 128

	// maxWinoWeights bounds the sum of an output's weights without their signs.
	maxWinoWeights = 1<<25/winoCentre - 1

	// winoBytes is how many bytes of transformed input, and of sums, exist at a
	// time, about.
	winoBytes = 256 << 10
)

// What a multiplication takes in a direct product, in those of gemmPairs. quickCost
// was measured in V8 and with AVX2. dotCost divides the layers of ResNet-18, -20
// and -50 and of SqueezeNet as V8 ran them with VNNI, in either way: with tiles
// those of 16 channels at 32x32, 32 at 16x16, 64 at 56x56 and 128 at 28x28 took
// 0.7 to 0.9 of the time, those of 256 at 14x14 1.0 to 1.1, of 64 at 8x8 and 512
// at 7x7 1.4 to 2.0.
const (
	quickCost = 0.75
	dotCost   = 0.5
)

// newWinograd8 returns nil where it does not pay or the sums may leave what is
// exact.
func newWinograd8(mach *machine, s *ConvShape, p *plane, w []int8, pays func(mach *machine, s *ConvShape) bool) *winograd8 {
	if !canWinograd8(s) || !pays(mach, s) {
		return nil
	}
	for o := range s.OutC {
		if magnitude(w[o*9*s.InC:(o+1)*9*s.InC]) > maxWinoWeights {
			return nil
		}
	}
	return makeWinograd8(mach, s, p, w)
}

func magnitude(w []int8) int {
	sum := 0
	for _, v := range w {
		sum += max(int(v), -int(v))
	}
	return sum
}

// winogradPays8 is chooseWinograd for codes.
func winogradPays8(mach *machine, s *ConvShape) bool {
	if !mach.quickWino {
		return false
	}
	direct := 1.0
	switch {
	case mach.dot != dotNone:
		direct = dotCost
	case mach.quickPairs:
		direct = quickCost
	}
	in, out := float64(s.InC), float64(s.OutC)
	tiles := float64(panels(winoTiles(s.OutH, 4)*winoTiles(s.OutW, 4)) * nr)
	cost := 36*in*out*(tiles+winoWeight) + tiles*(in*winoIn+out*winoOut)
	return cost < winoGain*direct*9*in*out*(float64(panels(s.OutH*s.OutW)*nr)+winoWeight)
}

// canWinograd8 reports whether the tiles fit a layer.
func canWinograd8(s *ConvShape) bool {
	return s.Group == 1 && s.KH == 3 && s.KW == 3 && s.StrideH == 1 && s.StrideW == 1 && s.DilationH == 1 && s.DilationW == 1 &&
		s.InC <= maxWinoDepth && min(s.OutH, s.OutW) >= 4
}

func makeWinograd8(mach *machine, s *ConvShape, p *plane, w []int8) *winograd8 {
	v := &winograd8{pairs: (s.InC + 1) / 2}
	v.left = winoWeights8(w, s.OutC, s.InC, mach.rows8)
	high, wide := winoTiles(s.OutH, 4), winoTiles(s.OutW, 4)
	rows := min(high, max(1, winoBytes/(36*4*v.pairs)/wide))
	rows = (high + (high+rows-1)/rows - 1) / ((high + rows - 1) / rows) // as many in each band
	most := 0
	for i := 0; i < high; i += rows {
		b := band8{top: min(4*i, s.OutH-4), bottom: min(4*(i+rows), s.OutH)}
		for k := i; k < min(i+rows, high); k++ {
			y := min(4*k, s.OutH-4)
			for l := range wide {
				x := min(4*l, s.OutW-4)
				b.from = append(b.from, int32(y*int(p[planePW])+x))
				b.to = append(b.to, int32((y-b.top)*s.OutW+x))
			}
		}
		for len(b.from)%nr != 0 { // the last tile again
			b.from, b.to = append(b.from, b.from[len(b.from)-1]), append(b.to, b.to[len(b.to)-1])
		}
		v.bands, most = append(v.bands, b), max(most, len(b.from))
	}
	v.chunk = max(2, winoBytes/(36*4*most)/mach.rows8) * mach.rows8
	return v
}

// winoPoints8 are the rows of G times 24, 6, 6, 24, 24 and 6.
var winoPoints8 = [6][3]int16{{6, 0, 0}, {-1, -1, -1}, {-1, 1, -1}, {1, 2, 4}, {1, -2, 4}, {0, 0, 6}}

// winoWeights8 computes G·w·Gᵀ of each window and packs it: for each pair of
// points panels of rows, of groups of two channels, of rows.
func winoWeights8(w []int8, outC, inC, rows int) []uint8 {
	pairs := (inC + 1) / 2
	left := make([]uint8, 36*4*outC*pairs)
	for o := 0; o < outC; {
		h := panelRows(outC-o, rows)
		for i := range h {
			for c := range inC {
				var half [6][3]int16 // G·w
				window := w[((o+i)*inC+c)*9:][:9]
				for p, g := range winoPoints8 {
					for x := range 3 {
						half[p][x] = g[0]*int16(window[x]) + g[1]*int16(window[3+x]) + g[2]*int16(window[6+x])
					}
				}
				at := 4*(o*pairs+c/2*h+i) + 2*(c%2)
				for p := range half {
					for q, g := range winoPoints8 {
						u := half[p][0]*g[0] + half[p][1]*g[1] + half[p][2]*g[2]
						to := left[4*(p*6+q)*outC*pairs+at:]
						to[0], to[1] = uint8(u), uint8(u>>8)
					}
				}
			}
		}
		o += h
	}
	return left
}

// run computes one image: x has channels of area with rows of pitch and its
// padding around it, with slack8 codes behind.
func (v *winograd8) run(mach *machine, x []uint8, area, pitch, inC, outC, width int, f *finisher, s *Scratch) {
	done := 0
	for i := range v.bands {
		b := &v.bands[i]
		here, ld := len(b.from)/nr, (b.bottom-b.top)*width
		rightStride, sumStride := 4*here*v.pairs*nr+4*winoApart, here*min(v.chunk+mach.rows8, outC)*nr+winoApart
		right, sums := s.byte(slotPanels, 36*rightStride), s.int(slotTiles, 36*sumStride)
		acc := s.int(slotSums, min(v.chunk+mach.rows8, outC)*ld)
		f.row = s.float(slotTail, ld)
		mach.winoIn8(right, x, b.from, inC, area, pitch, here, rightStride)
		for r, rows := 0, 0; r < outC; r += rows {
			if rows = v.chunk; outC-r-rows < mach.rows8 { // panels at the end may be lower
				rows = outC - r
			}
			for t := range 36 {
				mach.gemmPairs(sums[t*sumStride:], v.left[4*(t*outC+r)*v.pairs:], right[t*rightStride:], nil, rows, here, v.pairs, 0, here*nr, 0)
			}
			mach.winoOut8(acc, sums, b.to, rows, ld, width, here, sumStride)
			f.rows(acc[(done-b.top)*width:], ld, r, rows, done*width, (b.bottom-done)*width)
		}
		done = b.bottom
	}
}
