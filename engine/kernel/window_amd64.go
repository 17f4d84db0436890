//go:build !noasm

package kernel

// maxTaps is how many elements a window of the assembly kernels may have.
const maxTaps = 64

// A window is a plane with what the assembly kernels need to slide over it. Where
// a window moves two columns at a time, a row of the padded plane holds its even
// columns first and then, from half on, the odd ones: all taps are then runs.
type window struct {
	channels, h, w, oh, ow int
	stride                 int // of columns
	pitch                  int // from one row of windows to the next, in elements
	pad                    []float32
	pw, half               int
	even, odd              int // where the first even and the first odd column of the input go
	taps                   int
	off                    [maxTaps]int // bytes
}

// set lays the window out over pad and fills the padding; it reports whether
// the assembly kernels can run it.
func (v *window) set(shape []int32, pad []float32, value float32) bool {
	p := (*plane)(shape)
	v.channels, v.h, v.w, v.oh, v.ow = int(p[planeChannels]), int(p[planeH]), int(p[planeW]), int(p[planeOH]), int(p[planeOW])
	kh, kw, top, left := int(p[planeKH]), int(p[planeKW]), int(p[planeTop]), int(p[planeLeft])
	v.stride, v.pw, v.taps = int(p[planeStrideW]), int(p[planePW]), kh*kw
	if v.stride > 2 || v.taps > maxTaps || v.h*v.w == 0 || v.oh*v.ow == 0 {
		return false
	}
	v.pad = pad[:p.size()]
	v.pitch, v.half = int(p[planeStrideH])*v.pw, (v.pw+1)/2
	v.even = top*v.pw + left
	if v.stride == 2 {
		v.even, v.odd = top*v.pw+left/2, top*v.pw+v.half+left/2
		if left%2 == 1 {
			v.even, v.odd = v.odd, v.even+1
		}
	}
	for y := range kh {
		for x := range kw {
			at := x * int(p[planeDilationW])
			if v.stride == 2 {
				at = at%2*v.half + at/2
			}
			v.off[y*kw+x] = 4 * (y*int(p[planeDilationH])*v.pw + at)
		}
	}
	if n := int(p[planePH]) * v.pw; n != v.h*v.w {
		fill(&v.pad[0], n, value)
	}
	return true
}

// load brings channel c of x into the plane; the padding is there already.
func (v *window) load(x []float32, c int) {
	from := x[c*v.h*v.w : (c+1)*v.h*v.w]
	if v.stride == 2 {
		copyRowsSplit(&v.pad[v.even], &v.pad[v.odd], &from[0], v.h, v.w, v.pw, v.w)
	} else {
		copyRows(&v.pad[v.even], &from[0], v.h, v.w, v.pw, v.w)
	}
}

// sum computes one channel of weighted sums; extra is the addend, or nil.
func (v *window) sum(to, w, extra []float32, flags int, bias, lo, hi float32) {
	row := 0
	for _, rows := range [...]int{4, 2, 1} {
		n := (v.oh - row) / rows
		if n == 0 {
			continue
		}
		y, x, add := &to[row*v.ow], &v.pad[row*v.pitch], at(extra, row*v.ow)
		switch rows { // not a table of functions: v would escape to the heap
		case 4:
			tapsSum4(y, x, &w[0], add, &v.off[0], v.taps, n, v.ow, v.pitch, flags, bias, lo, hi)
		case 2:
			tapsSum2(y, x, &w[0], add, &v.off[0], v.taps, n, v.ow, v.pitch, flags, bias, lo, hi)
		case 1:
			tapsSum1(y, x, &w[0], add, &v.off[0], v.taps, n, v.ow, v.pitch, flags, bias, lo, hi)
		}
		row += n * rows
	}
}

// largest computes one channel of a max pooling.
func (v *window) largest(to []float32) {
	row := 0
	for _, rows := range [...]int{4, 2, 1} {
		n := (v.oh - row) / rows
		if n == 0 {
			continue
		}
		y, x := &to[row*v.ow], &v.pad[row*v.pitch]
		switch rows {
		case 4:
			tapsMax4(y, x, &v.off[0], v.taps, n, v.ow, v.pitch)
		case 2:
			tapsMax2(y, x, &v.off[0], v.taps, n, v.ow, v.pitch)
		case 1:
			tapsMax1(y, x, &v.off[0], v.taps, n, v.ow, v.pitch)
		}
		row += n * rows
	}
}

func avx2Depthwise(y, x, w, bias, add, pad []float32, shape []int32, flags int, lo, hi float32) {
	var v window
	if !v.set(shape, pad, 0) {
		refDepthwise(y, x, w, bias, add, pad, shape, flags, lo, hi)
		return
	}
	p := (*plane)(shape)
	square := p[planeKH] == 3 && p[planeKW] == 3 && p[planeDilationH] == 1 && p[planeDilationW] == 1 && p[planeStrideH] == p[planeStrideW]
	if flags&flagAdd == 0 {
		add = nil
	}
	area := v.oh * v.ow
	for c := range v.channels {
		v.load(x, c)
		k := w[c*v.taps : (c+1)*v.taps]
		to := y[c*area : (c+1)*area]
		var extra []float32
		if add != nil {
			extra = add[c*area : (c+1)*area]
		}
		var b float32
		if flags&flagBias != 0 {
			b = bias[c]
		}
		switch {
		case square && v.stride == 1:
			depthwise3x3s1(&to[0], &v.pad[0], &k[0], at(extra, 0), v.oh, v.ow, v.pw, 0, flags, b, lo, hi)
		case square:
			depthwise3x3s2(&to[0], &v.pad[0], &k[0], at(extra, 0), v.oh, v.ow, v.pw, v.half, flags, b, lo, hi)
		default:
			v.sum(to, k, extra, flags, b, lo, hi)
		}
	}
}

func avx2MaxPool(y, x, pad []float32, shape []int32) {
	var v window
	if !v.set(shape, pad, negInf) {
		refMaxPool(y, x, pad, shape)
		return
	}
	for c := range v.channels {
		v.load(x, c)
		v.largest(y[c*v.oh*v.ow : (c+1)*v.oh*v.ow])
	}
}

func avx2AvgPool(y, x, pad, countY, countX []float32, shape []int32) {
	var v window
	if !v.set(shape, pad, 0) {
		refAvgPool(y, x, pad, countY, countX, shape)
		return
	}
	var ones [maxTaps]float32
	for i := range ones {
		ones[i] = 1
	}
	for c := range v.channels {
		v.load(x, c)
		to := y[c*v.oh*v.ow : (c+1)*v.oh*v.ow]
		v.sum(to, ones[:], nil, 0, 0, negInf, posInf)
		for i := range v.oh {
			row := to[i*v.ow : (i+1)*v.ow]
			for j := range row {
				row[j] /= countY[i] * countX[j]
			}
		}
	}
}
