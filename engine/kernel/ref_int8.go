package kernel

// refInteger sets the integer kernels of a machine whose product of four bytes is
// of kind d.
func refInteger(m *machine, d dot) {
	m.rows8 = refRows
	m.gemmPairs, m.gemmPaired = refGemmPairs(refRows), refGemmQuads(refRows, dotSaturating)
	m.columnPairs, m.columnPaired = m.gemmPairs, m.gemmPaired
	if d == dotSaturating {
		m.quickPairs = true
	} else if d != dotNone {
		m.dot, m.gemmQuads = d, refGemmQuads(refRows, d)
		m.columnQuads = m.gemmQuads
	}
	m.pad8 = refPad8
	m.packPairs, m.packQuads, m.depthwise8 = refPackPairs, refPackQuads, refDepthwise8
	m.winoIn8, m.winoOut8 = refWinoIn8, refWinoOut8
	m.rescale, m.requantize = refRescale, refRequantize
	m.requantizeDiv = refRequantizeDiv
	m.rescaleRows, m.requantizeRows, m.requantizeDivRows = rescaleEach(m), requantizeEach(m), requantizeDivEach(m)
	m.depthwisePlanes8 = refDepthwisePlanes8
	m.quantizeDiv, m.quantizeMul, m.dequantize = refQuantizeDiv, refQuantizeMul, refDequantize
	m.quantizeFMA, m.fma = refQuantizeFMA, refFMA
	m.addCodes = refSumCodes
	m.lookup, m.lookupPair, m.maxPool8 = refLookup, refLookupPair, maxPoolBy(refMaxBytes)
}

// refPad8 copies channels of h×w into channels of ph×pw, at row top and column
// left, and fills the rest.
func refPad8(dst, src []uint8, channels, h, w, ph, pw, top, left, value int) {
	for c := range channels {
		to, from := dst[c*ph*pw:(c+1)*ph*pw], src[c*h*w:(c+1)*h*w]
		if ph == h && pw == w {
			copy(to, from)
			continue
		}
		fill8(to[:top*pw], uint8(value))
		for y := range h {
			row := to[(top+y)*pw : (top+y+1)*pw]
			fill8(row[:left], uint8(value))
			copy(row[left:], from[y*w:(y+1)*w])
			fill8(row[left+w:], uint8(value))
		}
		fill8(to[(top+h)*pw:], uint8(value))
	}
}

func fill8(x []uint8, value uint8) {
	for i := range x {
		x[i] = value
	}
}

// A groupsKernel multiplies packed panels of groups of four bytes into m rows of
// c, panels·8 columns wide:
//
//	for r < m, j < panels·8:
//		acc := flagLoad ? c[r·ldc+j] : 0
//		for g < k { acc += a[row r, g] · b[column j, g] }              (wraps)
//		for e < extras { acc += a[row r, k+e] · b[column j, extra[panel of r, e]/32] }
//		c[r·ldc+j] = acc
//
// A panel of a is as high as panelRows says and holds, for each of k+extras
// groups, the group of each row; one of b, for each of k, that of each of eight
// columns. extra holds byte offsets in a panel of b, extras for each panel of a.
type groupsKernel func(c []int32, a, b []uint8, extra []int32, m, panels, k, extras, ldc, flags int)

// refGemmPairs is the product of groups of two 16-bit integers.
func refGemmPairs(rows int) groupsKernel {
	s16 := func(x []uint8) int32 { return int32(int16(uint16(x[0]) | uint16(x[1])<<8)) }
	return refGroups(rows, func(a, b []uint8) int32 { return s16(a)*s16(b) + s16(a[2:])*s16(b[2:]) })
}

// refGemmQuads is the product of groups of four weights and four codes, which
// add as d says.
func refGemmQuads(rows int, d dot) groupsKernel {
	return refGroups(rows, func(a, b []uint8) int32 {
		return d.of([4]int8{int8(a[0]), int8(a[1]), int8(a[2]), int8(a[3])}, [4]uint8(b))
	})
}

func refGroups(rows int, product func(a, b []uint8) int32) groupsKernel {
	return func(c []int32, a, b []uint8, extra []int32, m, panels, k, extras, ldc, flags int) {
		for r := 0; r < m; {
			h := panelRows(m-r, rows)
			for i := range h {
				for j := range panels * nr {
					pa, pb := a[4*(r*(k+extras)+i):], b[4*(j/nr*nr*k+j%nr):]
					y := &c[(r+i)*ldc+j]
					var acc int32
					if flags&flagLoad != 0 {
						acc = *y
					}
					for p := range k {
						acc += product(pa[4*p*h:4*p*h+4], pb[4*p*nr:4*p*nr+4])
					}
					for e, at := range extra[:extras] {
						acc += product(pa[4*(k+e)*h:4*(k+e)*h+4], pb[at:at+4])
					}
					*y = acc
				}
			}
			r += h
			extra = extra[extras:]
		}
	}
}

// refPackPairs packs columns into panels of eight, k groups long:
//
//	dst[(j·k + g)·8 + l][i] = src[base[8j+l] + koff[2g+i]]
//
// where each element is a 16-bit integer. kind and control say what is known
// about the bases.
func refPackPairs(dst, src []uint8, koff, base, kind []int32, control []uint8, k, panels, flip int) {
	for j := range panels {
		for g := range k {
			for l, b := range base[j*nr : j*nr+nr] {
				to := dst[4*((j*k+g)*nr+l):][:4]
				to[0], to[1] = src[b+koff[2*g]], 0
				to[2], to[3] = src[b+koff[2*g+1]], 0
			}
		}
	}
}

// refPackQuads packs groups of four bytes, each xored with flip:
//
//	dst[(j·k + g)·8 + l][i] = src[base[8j+l] + koff[4g+i]] ^ flip
func refPackQuads(dst, src []uint8, koff, base, kind []int32, control []uint8, k, panels, flip int) {
	for j := range panels {
		for g := range k {
			for l, b := range base[j*nr : j*nr+nr] {
				to := dst[4*((j*k+g)*nr+l):][:4]
				for i := range to {
					to[i] = src[b+koff[4*g+i]] ^ uint8(flip)
				}
			}
		}
	}
}

// refDepthwise8 slides one kernel, its taps in pairs, over a padded plane:
//
//	acc[i·cols + j] = Σ x[i·pitch + j·stride + off[2p]] · w[p]₀ + x[… + off[2p+1]] · w[p]₁
//
// where w[p] holds two 16-bit integers, the first in its low half. It may write
// depthwiseSlack elements past the last and read as many strides past the last
// code.
func refDepthwise8(acc []int32, x []uint8, w, off []int32, pairs, rows, cols, pitch, stride int) {
	for i := range rows {
		row := acc[i*cols : (i+1)*cols]
		clear(row)
		for p, v := range w[:pairs] {
			even, odd := int32(int16(v)), v>>16
			first, second := x[i*pitch+int(off[2*p]):], x[i*pitch+int(off[2*p+1]):]
			for j := range row {
				row[j] += int32(first[j*stride])*even + int32(second[j*stride])*odd
			}
		}
	}
}

// refDepthwisePlanes8 slides a window over each channel of x, which it copies
// into the padded plane: 3x3 or 5x5, not dilated, of stride 1 or 2 in both directions, at
// least two rows of them. w has the weights of each channel in the order of
// eachRowsPair. It writes and reads as depthwise8 may.
func refDepthwisePlanes8(acc []int32, x, plane []uint8, w, shape []int32) {
	h, width, pw, size, stride := int(shape[planeH]), int(shape[planeW]), int(shape[planePW]), int(shape[planeKH]), int(shape[planeStrideH])
	rows, cols := int(shape[planeOH]), int(shape[planeOW])
	for range shape[planeChannels] {
		putRows(plane[int(shape[planeTop])*pw+int(shape[planeLeft]):], x, h, width, pw)
		clear(acc[:rows*cols])
		eachRowsPair(size, stride, func(pair, kx, out, ky int) {
			even, odd := int32(int16(w[0])), w[0]>>16
			w = w[1:]
			if out != 0 { // the same weights, for another row
				return
			}
			for i := range acc[:rows*cols] {
				at := (i/cols*stride+2*pair)*pw + i%cols*stride + kx
				acc[i] += even * int32(plane[at])
				if odd != 0 {
					acc[i] += odd * int32(plane[at+pw])
				}
			}
		})
		acc, x = acc[rows*cols:], x[h*width:]
	}
}

// refRescale computes f[i] = clamp(float32(acc[i]+offset)·scale + bias + add[i], lo, hi).
func refRescale(f []float32, acc []int32, add []float32, n, offset, flags int, scale, bias, lo, hi float32) {
	for i, s := range acc[:n] {
		f[i] = clamp(refScaled(s+int32(offset), add, i, flags, scale, bias), lo, hi)
	}
}

// refRequantize is refRescale without a clamp and refQuantizeMul in one.
func refRequantize(y []uint8, acc []int32, add []float32, n, offset, flags, zero int, scale, bias, inv, shift, lo, hi float32) {
	for i, s := range acc[:n] {
		y[i] = refCode(float32(refScaled(s+int32(offset), add, i, flags, scale, bias)*inv)+shift, zero, lo, hi)
	}
}

// refRequantizeDiv is refRescale without a clamp and refQuantizeDiv in one.
func refRequantizeDiv(y []uint8, acc []int32, add []float32, n, offset, flags, zero int, scale, bias, divisor, lo, hi float32) {
	for i, s := range acc[:n] {
		y[i] = refCode(refScaled(s+int32(offset), add, i, flags, scale, bias)/divisor, zero, lo, hi)
	}
}

func refScaled(s int32, add []float32, i, flags int, scale, bias float32) float32 {
	v := float32(float32(s) * scale)
	if flags&flagBias != 0 {
		v += bias
	}
	if flags&flagAdd != 0 {
		v += add[i]
	}
	return v
}

// refQuantizeDiv computes dst[i] = round(clamp(src[i]/scale, lo, hi)) + zero,
// half to even. NaN becomes lo's code.
func refQuantizeDiv(dst []uint8, src []float32, n, zero int, scale, lo, hi float32) {
	for i, x := range src[:n] {
		dst[i] = refCode(x/scale, zero, lo, hi)
	}
}

// refQuantizeMul computes dst[i] = round(clamp(src[i]·inv + shift, lo, hi)) + zero,
// with the product rounded to float32.
func refQuantizeMul(dst []uint8, src []float32, n, zero int, inv, shift, lo, hi float32) {
	for i, x := range src[:n] {
		dst[i] = refCode(float32(x*inv)+shift, zero, lo, hi)
	}
}

// refQuantizeFMA is refQuantizeMul with src[i]·inv + shift rounded once.
func refQuantizeFMA(dst []uint8, src []float32, n, zero int, inv, shift, lo, hi float32) {
	for i, x := range src[:n] {
		dst[i] = refCode(FMA(x, inv, shift), zero, lo, hi)
	}
}

// refFMA computes dst[i] = clamp(src[i]·factor + c, lo, hi), product and sum
// rounded at once, where c is add[i] with flagAdd and shift without.
func refFMA(dst, src, add []float32, n, flags int, factor, shift, lo, hi float32) {
	for i, x := range src[:n] {
		if flags&flagAdd != 0 {
			shift = add[i]
		}
		dst[i] = clamp(FMA(x, factor, shift), lo, hi)
	}
}

func refCode(x float32, zero int, lo, hi float32) uint8 {
	if !(lo < x) {
		x = lo
	}
	if hi < x {
		x = hi
	}
	return uint8(int(roundF32(x)) + zero)
}

// refDequantize computes dst[i] = (src[i] - zero)·scale.
func refDequantize(dst []float32, src []uint8, n, zero int, scale float32) {
	for i, x := range src[:n] {
		dst[i] = float32(int(x)-zero) * scale
	}
}

// refSumCodes computes dst[i] = round(a·ra + (b·rb + fixed)) within the grid,
// half to even and with fused multiply-adds; the codes a and b are those of the
// bytes, xored with flip, less flip, and so is the result. Sums stay within 2^22.
func refSumCodes(dst, a, b []uint8, n, flip int, ra, rb, fixed float32) {
	code := func(x uint8) float32 { return float32(int(x^uint8(flip)) - flip) }
	for i := range dst[:n] {
		sum := FMA(code(a[i]), ra, FMA(code(b[i]), rb, fixed))
		dst[i] = refCode(sum, flip, float32(-flip), float32(255-flip)) ^ uint8(flip)
	}
}

// refLookup computes dst[i] = table[src[i]].
func refLookup(dst, src, table []uint8, n int) {
	t := (*[256]uint8)(table)
	dst = dst[:n]
	for i, x := range src[:n] {
		dst[i] = t[x]
	}
}

// refLookupPair computes dst[i] = table[256·a[i] + b[i]].
func refLookupPair(dst, a, b, table []uint8, n int) {
	t := (*[1 << 16]uint8)(table)
	dst, b = dst[:n], b[:n]
	for i, x := range a[:n] {
		dst[i] = t[int(x)<<8|int(b[i])]
	}
}

// refMaxBytes computes dst[i] = max(dst[i], src[i·stride]).
func refMaxBytes(dst, src []uint8, n, stride int) {
	for i := range dst[:n] {
		dst[i] = max(dst[i], src[i*stride])
	}
}

// maxPoolBy pools channel after channel with a function as refMaxBytes. plane is
// all zeros and holds the padded plane and a row: see pool8Size.
func maxPoolBy(maxBytes func(dst, src []uint8, n, stride int)) func(y, x, plane []uint8, shape []int32) {
	return func(y, x, plane []uint8, shape []int32) {
		at := func(i int) int { return int(shape[i]) }
		h, w, pw, outH, outW := at(planeH), at(planeW), at(planePW), at(planeOH), at(planeOW)
		folded := plane[at(planePH)*pw:][:pw]
		for c := range at(planeChannels) {
			putRows(plane[at(planeTop)*pw+at(planeLeft):], x[c*h*w:], h, w, pw)
			for i := range outH {
				clear(folded) // down the columns, then along
				for ky := range at(planeKH) {
					maxBytes(folded, plane[(i*at(planeStrideH)+ky*at(planeDilationH))*pw:], pw, 1)
				}
				row := y[(c*outH+i)*outW:][:outW]
				clear(row)
				for kx := range at(planeKW) {
					maxBytes(row, folded[kx*at(planeDilationW):], outW, at(planeStrideW))
				}
			}
		}
	}
}
