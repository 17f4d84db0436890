package dataset

import "image"

// upsampler widens the rows of two chroma planes to the width of the image,
// weighting the nearer sample 3/4 and the farther 1/4 in each direction that
// is halved (jdsample.c of libjpeg-turbo: h2v1, h1v2 and h2v2 fancy
// upsampling); other ratios repeat samples.
type upsampler struct {
	src    *image.YCbCr
	w, h   int // of the chroma planes
	dx, dy int // chroma samples stand for dx x dy pixels
	cb, cr []uint8
	sum    []int32
}

var ratios = map[image.YCbCrSubsampleRatio][2]int{
	image.YCbCrSubsampleRatio444: {1, 1},
	image.YCbCrSubsampleRatio422: {2, 1},
	image.YCbCrSubsampleRatio420: {2, 2},
	image.YCbCrSubsampleRatio440: {1, 2},
	image.YCbCrSubsampleRatio411: {4, 1},
	image.YCbCrSubsampleRatio410: {4, 2},
}

func newUpsampler(s *image.YCbCr) *upsampler {
	r := ratios[s.SubsampleRatio]
	u := &upsampler{src: s, dx: r[0], dy: r[1]}
	u.w, u.h = (s.Rect.Dx()+u.dx-1)/u.dx, (s.Rect.Dy()+u.dy-1)/u.dy
	u.cb, u.cr, u.sum = make([]uint8, u.w*u.dx), make([]uint8, u.w*u.dx), make([]int32, u.w)
	return u
}

// rows returns the chroma of pixel row y, each at least as long as the row.
// They are valid until the next call.
func (u *upsampler) rows(y int) (cb, cr []uint8) {
	near := y / u.dy
	far := min(max(near-1+y%u.dy*2, 0), u.h-1) // the row above for even y, below for odd
	return u.row(u.cb, u.src.Cb, y, near, far), u.row(u.cr, u.src.Cr, y, near, far)
}

func (u *upsampler) row(dst, plane []uint8, y, near, far int) []uint8 {
	a := plane[near*u.src.CStride : near*u.src.CStride+u.w]
	b := plane[far*u.src.CStride : far*u.src.CStride+u.w]
	narrow := u.w <= 2 // libjpeg's triangle needs three samples
	switch {
	case u.dx == 1 && u.dy == 1:
		return a
	case u.dx == 1:
		bias := int32(1 + y%2)
		for i, v := range a {
			dst[i] = uint8((3*int32(v) + int32(b[i]) + bias) >> 2)
		}
	case u.dx == 2 && !narrow && u.dy == 1:
		for i, v := range a {
			u.sum[i] = int32(v)
		}
		widen(dst, u.sum, 4, 1, 2, 2)
	case u.dx == 2 && !narrow:
		for i, v := range a {
			u.sum[i] = 3*int32(v) + int32(b[i])
		}
		widen(dst, u.sum, 4, 8, 7, 4)
	default:
		for i, v := range a {
			for k := range u.dx {
				dst[i*u.dx+k] = v
			}
		}
	}
	return dst
}

// widen doubles a row: every sample becomes (3·s + left + even) >> shift and
// (3·s + right + odd) >> shift, where a missing neighbour is s itself.
func widen(dst []uint8, s []int32, edge, even, odd int32, shift uint) {
	last := len(s) - 1
	dst[0] = uint8((s[0]*edge + even) >> shift)
	dst[2*last+1] = uint8((s[last]*edge + odd) >> shift)
	for i := range last {
		l, r := s[i], s[i+1]
		d := dst[2*i+1 : 2*i+3]
		d[0] = uint8((3*l + r + odd) >> shift)
		d[1] = uint8((3*r + l + even) >> shift)
	}
}
