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
	off                    [maxTaps]int // where the taps lie, in bytes

	// A large pooling folds the columns of all windows in a row first, and then
	// along: tall and wide taps rather than tall·wide. off holds the tall ones
	// and then the wide ones, fold the folded row.
	tall, wide int
	fold       []float32
}

// set lays the window out over pad and fills the padding; it reports whether
// the assembly kernels can run it.
func (v *window) set(shape []int32, pad []float32, value float32) bool {
	p := (*plane)(shape)
	v.channels, v.h, v.w, v.oh, v.ow = int(p[planeChannels]), int(p[planeH]), int(p[planeW]), int(p[planeOH]), int(p[planeOW])
	top, left := int(p[planeTop]), int(p[planeLeft])
	v.stride, v.pw, v.taps = int(p[planeStrideW]), int(p[planePW]), int(p[planeKH])*int(p[planeKW])
	if v.stride > 2 || v.h*v.w == 0 || v.oh*v.ow == 0 {
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
	if n := int(p[planePH]) * v.pw; n != v.h*v.w {
		fill(&v.pad[0], n, value)
	}
	return true
}

// down and along return how far apart taps are that follow each other in a column,
// and where tap x of a row lies, in bytes.
func (v *window) down(p *plane) int { return 4 * int(p[planeDilationH]) * v.pw }

func (v *window) along(p *plane, x int) int {
	at := x * int(p[planeDilationW])
	if v.stride == 2 {
		at = at%2*v.half + at/2
	}
	return 4 * at
}

// list lists all taps; it reports whether there is room for them.
func (v *window) list(p *plane) bool {
	if v.taps > maxTaps {
		return false
	}
	i := 0
	for y := range int(p[planeKH]) {
		for x := range int(p[planeKW]) {
			v.off[i] = y*v.down(p) + v.along(p, x)
			i++
		}
	}
	return true
}

// separate is list for poolings, which are folded in two steps if large.
func (v *window) separate(p *plane, pad []float32) bool {
	const large = 16
	if v.taps <= large {
		return v.list(p)
	}
	kh, kw := int(p[planeKH]), int(p[planeKW])
	if kh+kw > maxTaps {
		return false
	}
	v.tall, v.wide, v.fold = kh, kw, pad[p.size():poolSize(p)]
	for y := range kh {
		v.off[y] = y * v.down(p)
	}
	for x := range kw {
		v.off[kh+x] = v.along(p, x)
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

// sum computes one channel of weighted sums; extra is the addend, or nil. A
// pooling has weights of one.
func (v *window) sum(to, w, extra []float32, flags int, bias, lo, hi float32) {
	row := 0
	for ; v.tall > 0 && row < v.oh; row++ {
		tapsSum1(&v.fold[0], &v.pad[row*v.pitch], &w[0], nil, &v.off[0], v.tall, 1, v.pw, 0, 0, 0, negInf, posInf)
		tapsSum1(&to[row*v.ow], &v.fold[0], &w[0], nil, &v.off[v.tall], v.wide, 1, v.ow, 0, 0, 0, negInf, posInf)
	}
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
	for ; v.tall > 0 && row < v.oh; row++ {
		tapsMax1(&v.fold[0], &v.pad[row*v.pitch], &v.off[0], v.tall, 1, v.pw, 0)
		tapsMax1(&to[row*v.ow], &v.fold[0], &v.off[v.tall], v.wide, 1, v.ow, 0)
	}
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
	if !v.set(shape, pad, 0) || !v.list((*plane)(shape)) {
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
	if !v.set(shape, pad, negInf) || !v.separate((*plane)(shape), pad) {
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
	if !v.set(shape, pad, 0) || !v.separate((*plane)(shape), pad) {
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
