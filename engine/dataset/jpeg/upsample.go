package jpeg

// upsampler widens the rows of a component to the width of the image.
//
// A direction that is halved weights the nearer sample 3/4 and the farther 1/4,
// rounding up and down in turn; other ratios repeat samples. Source: h2v1, h1v2
// and h2v2 fancy upsampling of jdsample.c.
type upsampler struct {
	c      *component
	dx, dy int // one sample stands for dx x dy pixels
	out    []uint8
	sum    []int32
}

func newUpsampler(d *decoder, c *component) *upsampler {
	u := &upsampler{c: c, dx: d.hmax / c.h, dy: d.vmax / c.v}
	u.out, u.sum = make([]uint8, c.w*u.dx), make([]int32, c.w)
	return u
}

// row returns the samples of pixel row y, at least as many as the row has. They
// are valid until the next call.
func (u *upsampler) row(y int) []uint8 {
	near := y / u.dy
	far := min(max(near-1+y%u.dy*2, 0), u.c.rows-1) // above for even y, below for odd
	stride := u.c.stride * 8
	a, b := u.c.pix[near*stride:near*stride+u.c.w], u.c.pix[far*stride:far*stride+u.c.w]
	smooth := u.c.w > 2 // the triangle needs three samples
	switch {
	case u.dx == 1 && u.dy == 1:
		return a
	case u.dx == 1 && u.dy == 2:
		bias := int32(1 + y%2)
		for i, v := range a {
			u.out[i] = uint8((3*int32(v) + int32(b[i]) + bias) >> 2)
		}
	case u.dx == 2 && u.dy == 1 && smooth:
		for i, v := range a {
			u.sum[i] = int32(v)
		}
		widen(u.out, u.sum, 1, 2, 2)
	case u.dx == 2 && u.dy == 2 && smooth:
		for i, v := range a {
			u.sum[i] = 3*int32(v) + int32(b[i])
		}
		widen(u.out, u.sum, 8, 7, 4)
	default:
		for i, v := range a {
			for k := range u.dx {
				u.out[i*u.dx+k] = v
			}
		}
	}
	return u.out
}

// widen doubles a row: each sample becomes (3s+left+even)>>shift and
// (3s+right+odd)>>shift, where a missing neighbour is s itself.
func widen(dst []uint8, s []int32, even, odd int32, shift uint) {
	last := len(s) - 1
	dst[0] = uint8((s[0]*4 + even) >> shift)
	dst[2*last+1] = uint8((s[last]*4 + odd) >> shift)
	for i := range last {
		l, r := s[i], s[i+1]
		d := dst[2*i+1 : 2*i+3]
		d[0] = uint8((3*l + r + odd) >> shift)
		d[1] = uint8((3*r + l + even) >> shift)
	}
}
