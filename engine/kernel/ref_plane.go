package kernel

// refDepthwise slides one kernel over each channel:
//
//	for c, i, j: acc := Σ x̂[c, i·sh+y·dh, j·sw+x·dw] · w[c, y, x]
//		acc = min(max(acc + bias[c] + add[c, i, j], lo), hi)
//
// x̂ is x with zeros around it, made one channel at a time in pad.
func refDepthwise(y, x, w, bias, add, pad []float32, shape []int32, flags int, lo, hi float32) {
	p := (*plane)(shape)
	h, wd, oh, ow, kh, kw, pw := int(p[planeH]), int(p[planeW]), int(p[planeOH]), int(p[planeOW]), int(p[planeKH]), int(p[planeKW]), int(p[planePW])
	for c := range int(p[planeChannels]) {
		refPad(pad, x[c*h*wd:], 1, h, wd, int(p[planePH]), pw, int(p[planeTop]), int(p[planeLeft]), 0)
		k := w[c*kh*kw : (c+1)*kh*kw]
		for i := range oh {
			row := y[(c*oh+i)*ow : (c*oh+i+1)*ow]
			clear(row)
			for ky := range kh {
				for kx := range kw {
					from := pad[(i*int(p[planeStrideH])+ky*int(p[planeDilationH]))*pw+kx*int(p[planeDilationW]):]
					axpyStrided(row, from, k[ky*kw+kx], int(p[planeStrideW]))
				}
			}
			for j, acc := range row {
				if flags&flagBias != 0 {
					acc += bias[c]
				}
				if flags&flagAdd != 0 {
					acc += add[(c*oh+i)*ow+j]
				}
				row[j] = clamp(acc, lo, hi)
			}
		}
	}
}

// axpyStrided computes dst[j] += a·x[j·stride].
func axpyStrided(dst, x []float32, a float32, stride int) {
	if stride == 1 {
		x = x[:len(dst)]
		for j, v := range x {
			dst[j] += float32(a * v)
		}
		return
	}
	for j := range dst {
		dst[j] += float32(a * x[j*stride])
	}
}

// refMaxPool takes the largest element under the window; NaN is passed over,
// and a window of nothing but padding gives -Inf.
func refMaxPool(y, x, pad []float32, shape []int32) {
	refWindow(y, x, pad, shape, negInf, func(acc, v float32) float32 {
		if acc < v {
			return v
		}
		return acc
	})
}

// refAvgPool adds what lies under the window, columns first, and divides by
// countY[i]·countX[j].
func refAvgPool(y, x, pad, countY, countX []float32, shape []int32) {
	refWindow(y, x, pad, shape, 0, func(acc, v float32) float32 { return acc + v })
	oh, ow := int(shape[planeOH]), int(shape[planeOW])
	for i := range int(shape[planeChannels]) * oh {
		for j := range ow {
			y[i*ow+j] /= countY[i%oh] * countX[j]
		}
	}
}

// refWindow folds each window, down its columns and then along.
func refWindow(y, x, pad []float32, shape []int32, start float32, fold func(acc, v float32) float32) {
	p := (*plane)(shape)
	h, w, oh, ow, pw := int(p[planeH]), int(p[planeW]), int(p[planeOH]), int(p[planeOW]), int(p[planePW])
	for c := range int(p[planeChannels]) {
		refPad(pad, x[c*h*w:], 1, h, w, int(p[planePH]), pw, int(p[planeTop]), int(p[planeLeft]), start)
		for i := range oh {
			for j := range ow {
				acc := start
				for kx := range int(p[planeKW]) {
					col := start
					for ky := range int(p[planeKH]) {
						col = fold(col, pad[(i*int(p[planeStrideH])+ky*int(p[planeDilationH]))*pw+j*int(p[planeStrideW])+kx*int(p[planeDilationW])])
					}
					acc = fold(acc, col)
				}
				y[(c*oh+i)*ow+j] = acc
			}
		}
	}
}

// refRowMean computes y[r] = Σ x[r, c] / cols.
func refRowMean(y, x []float32, rows, cols int) {
	for r := range rows {
		var sum float64
		for _, v := range x[r*cols : (r+1)*cols] {
			sum += float64(v)
		}
		y[r] = float32(sum / float64(cols))
	}
}
