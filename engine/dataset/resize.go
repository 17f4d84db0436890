package dataset

import (
	"math"
	"sync"
)

// Filter is how pixels are interpolated. The names are those of Pillow.
type Filter string

// The filters. Bilinear is the zero value's meaning too.
const (
	Bilinear Filter = "bilinear"
	Bicubic  Filter = "bicubic"
	Nearest  Filter = "nearest"
)

// kernel is a filter function over [-support, support], for a scale of 1.
type kernel struct {
	support float64
	weight  func(x float64) float64
}

var kernels = map[Filter]kernel{
	"":       {1, triangle},
	Bilinear: {1, triangle},
	Bicubic:  {2, cubic},
}

func triangle(x float64) float64 { return max(0, 1-math.Abs(x)) }

// cubic is Keys' kernel with a = -1/2.
func cubic(x float64) float64 {
	const a = -0.5
	x = math.Abs(x)
	switch {
	case x < 1:
		return float64(float64(((a+2)*x-(a+3))*x)*x) + 1
	case x < 2:
		return float64(float64(float64(float64(x-5)*x+8)*x)-4) * a
	}
	return 0
}

// precision is the number of fraction bits of a tap: 8-bit samples times taps
// that sum to one leave two bits for overshoot in 32.
const precision = 32 - 8 - 2

// taps says which samples make up each output sample: count[i] of them from
// first[i], weighted by weight[i*width:], in fixed point.
type taps struct {
	width        int
	first, count []int
	weight       []int
}

// newTaps computes output samples from to from+n of a row of in samples that is
// resized to out. Its filter grows with the reduction, which is what
// "antialiased" means.
//
// Source: precompute_coeffs and normalize_coeffs_8bpc of Pillow's Resample.c.
func newTaps(k kernel, in, out, from, n int) taps {
	scale := float64(in) / float64(out)
	stretch := max(scale, 1)
	support := k.support * stretch
	t := taps{width: int(math.Ceil(support))*2 + 1, first: make([]int, n), count: make([]int, n)}
	t.weight = make([]int, n*t.width)
	w := make([]float64, t.width)
	for i := range n {
		center := float64((float64(from+i) + 0.5) * scale)
		lo := max(int(center-support+0.5), 0)
		hi := min(int(center+support+0.5), in)
		sum := 0.0
		for j := range hi - lo {
			w[j] = k.weight(float64((float64(j+lo) - center + 0.5) * (1 / stretch)))
			sum += w[j]
		}
		t.first[i], t.count[i] = lo, hi-lo
		for j := range hi - lo {
			v := w[j]
			if sum != 0 {
				v /= sum
			}
			t.weight[i*t.width+j] = int(math.Round(float64(v * (1 << precision))))
		}
	}
	return t
}

// Resize returns the image at w x h pixels.
func (m *Image) Resize(w, h int, f Filter) *Image { return m.resizeCrop(w, h, 0, 0, w, h, f) }

// resizeCrop resizes to w x h and returns the cw x ch pixels from (x0, y0) on,
// computing nothing else. Two passes, each rounded to 8 bits; a direction that
// keeps its size is copied.
//
// Rows come first unless the height shrinks by more than twice what the width
// does: that is Pillow 13's order (its pull request 9549), which before always
// began with rows and may differ by one level there.
func (m *Image) resizeCrop(w, h, x0, y0, cw, ch int, f Filter) *Image {
	out := NewImage(cw, ch)
	if f == Nearest {
		m.nearest(out, w, h, x0, y0)
		return out
	}
	if w == m.W && h == m.H {
		for y := range ch {
			copy(out.row(y), m.row(y0 + y)[x0*3:])
		}
		return out
	}
	k := kernels[f]
	across, down := newTaps(k, m.W, w, x0, cw), newTaps(k, m.H, h, y0, ch)
	stride := m.W * 3
	switch {
	case h == m.H:
		across.rows(out.Pix, m.Pix[y0*stride:], stride, ch)
	case w == m.W:
		down.columns(out.Pix, m.Pix[x0*3:], stride, cw*3)
	case m.H-h > 2*max(0, m.W-w):
		left, right := across.trim()
		between := take((right - left) * 3 * ch)
		down.columns(*between, m.Pix[left*3:], stride, (right-left)*3)
		across.rows(out.Pix, *between, (right-left)*3, ch)
		scratch.Put(between)
	default:
		top, bottom := down.trim()
		between := take(cw * 3 * (bottom - top))
		across.rows(*between, m.Pix[top*stride:], stride, bottom-top)
		down.columns(out.Pix, *between, cw*3, cw*3)
		scratch.Put(between)
	}
	return out
}

// scratch keeps what lies between the two passes for the next image.
var scratch = sync.Pool{New: func() any { return new([]uint8) }}

// take returns n bytes from scratch, of any content.
func take(n int) *[]uint8 {
	b := scratch.Get().(*[]uint8)
	if cap(*b) < n {
		*b = make([]uint8, n)
	}
	*b = (*b)[:n]
	return b
}

// trim returns the range of samples in use, and counts from its start then.
func (t *taps) trim() (lo, hi int) {
	last := len(t.first) - 1
	lo, hi = t.first[0], t.first[last]+t.count[last]
	for i := range t.first {
		t.first[i] -= lo
	}
	return lo, hi
}

// rows resamples n rows of RGB pixels, stride bytes apart, along the row.
func (t *taps) rows(dst, src []uint8, stride, n int) {
	for range n {
		for i, lo := range t.first {
			n := t.count[i]
			r, g, b := 1<<(precision-1), 1<<(precision-1), 1<<(precision-1)
			s := src[lo*3 : (lo+n)*3]
			for _, w := range t.weight[i*t.width : i*t.width+n] {
				if len(s) < 3 {
					break // never: the compiler needs to know
				}
				r += int(s[0]) * w
				g += int(s[1]) * w
				b += int(s[2]) * w
				s = s[3:]
			}
			d := dst[i*3 : i*3+3]
			d[0], d[1], d[2] = clamp(r>>precision), clamp(g>>precision), clamp(b>>precision)
		}
		dst, src = dst[len(t.first)*3:], src[min(stride, len(src)):]
	}
}

// columns combines rows of n bytes, stride bytes apart, to the output's rows.
func (t *taps) columns(dst, src []uint8, stride, n int) {
	acc := make([]int, n)
	for y, first := range t.first {
		for i := range acc {
			acc[i] = 1 << (precision - 1)
		}
		for j, w := range t.weight[y*t.width : y*t.width+t.count[y]] {
			at := (first + j) * stride
			s := src[at : at+n]
			s = s[:len(acc)]
			for i := range acc {
				acc[i] += int(s[i]) * w
			}
		}
		d := dst[y*n : (y+1)*n]
		for i, v := range acc {
			d[i] = clamp(v >> precision)
		}
	}
}

// nearest takes the sample below each output pixel's centre. The positions are
// summed up, not multiplied, because Pillow's ImagingScaleAffine does so.
func (m *Image) nearest(out *Image, w, h, x0, y0 int) {
	xs, ys := positions(m.W, w, x0, out.W), positions(m.H, h, y0, out.H)
	for y, sy := range ys {
		src, dst := m.row(sy), out.row(y)
		for x, sx := range xs {
			copy(dst[x*3:x*3+3], src[sx*3:sx*3+3])
		}
	}
}

func positions(in, out, from, n int) []int {
	scale := float64(in) / float64(out)
	at := scale * 0.5
	p := make([]int, n)
	for i := range from + n {
		if i >= from {
			p[i-from] = min(int(at), in-1)
		}
		at += scale
	}
	return p
}

func clamp(v int) uint8 {
	if uint(v) > 255 {
		return uint8(^(v >> 63))
	}
	return uint8(v)
}
