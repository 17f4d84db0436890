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
	weight       []int32
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
	t.weight = make([]int32, n*t.width)
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
			t.weight[i*t.width+j] = int32(math.Round(float64(v * (1 << precision))))
		}
	}
	return t
}

// Resize returns the image at w x h pixels.
func (m *Image) Resize(w, h int, f Filter) *Image { return m.resizeCrop(w, h, 0, 0, w, h, f) }

// scratch keeps the rows between the two passes for the next image.
var scratch = sync.Pool{New: func() any { return new([]uint8) }}

// resizeCrop resizes to w x h and returns the cw x ch pixels from (x0, y0) on,
// computing nothing else. Two passes, first along rows, each rounded to 8 bits
// as in Pillow. A direction that keeps its size is copied.
func (m *Image) resizeCrop(w, h, x0, y0, cw, ch int, f Filter) *Image {
	out := NewImage(cw, ch)
	if f == Nearest {
		m.nearest(out, w, h, x0, y0)
		return out
	}
	k := kernels[f]
	across, down := newTaps(k, m.W, w, x0, cw), newTaps(k, m.H, h, y0, ch)
	if h == m.H {
		for y := range ch {
			across.row(out.row(y), m.row(y0+y), w == m.W, x0)
		}
		return out
	}
	top := down.first[0]
	bottom := down.first[ch-1] + down.count[ch-1]
	buf := scratch.Get().(*[]uint8)
	defer scratch.Put(buf)
	if n := (bottom - top) * cw * 3; cap(*buf) < n {
		*buf = make([]uint8, n)
	}
	rows := (*buf)[:cap(*buf)]
	for y := top; y < bottom; y++ {
		across.row(rows[(y-top)*cw*3:(y-top+1)*cw*3], m.row(y), w == m.W, x0)
	}
	down.columns(out, rows, top)
	return out
}

// row resamples one row of RGB pixels, or copies it from pixel x0.
func (t *taps) row(dst, src []uint8, same bool, x0 int) {
	if same {
		copy(dst, src[x0*3:])
		return
	}
	for i, lo := range t.first {
		n := t.count[i]
		r, g, b := int32(1<<(precision-1)), int32(1<<(precision-1)), int32(1<<(precision-1))
		s := src[lo*3 : (lo+n)*3]
		for _, w := range t.weight[i*t.width : i*t.width+n] {
			r += int32(s[0]) * w
			g += int32(s[1]) * w
			b += int32(s[2]) * w
			s = s[3:]
		}
		d := dst[i*3 : i*3+3]
		d[0], d[1], d[2] = clamp(r>>precision), clamp(g>>precision), clamp(b>>precision)
	}
}

// columns combines rows, the first of which is source row top.
func (t *taps) columns(out *Image, rows []uint8, top int) {
	stride := out.W * 3
	acc := make([]int32, stride)
	for y := range out.H {
		for i := range acc {
			acc[i] = 1 << (precision - 1)
		}
		for j, w := range t.weight[y*t.width : y*t.width+t.count[y]] {
			at := (t.first[y] - top + j) * stride
			for i, v := range rows[at : at+stride] {
				acc[i] += int32(v) * w
			}
		}
		dst := out.row(y)
		for i, v := range acc {
			dst[i] = clamp(v >> precision)
		}
	}
}

// nearest takes the sample below each output pixel's centre.
func (m *Image) nearest(out *Image, w, h, x0, y0 int) {
	sx, sy := float64(m.W)/float64(w), float64(m.H)/float64(h)
	for y := range out.H {
		src := m.row(min(int(float64((float64(y0+y)+0.5)*sy)), m.H-1))
		dst := out.row(y)
		for x := range out.W {
			i := min(int(float64((float64(x0+x)+0.5)*sx)), m.W-1) * 3
			copy(dst[x*3:x*3+3], src[i:i+3])
		}
	}
}

func clamp(v int32) uint8 {
	if uint32(v) > 255 {
		return uint8(^(v >> 31))
	}
	return uint8(v)
}
