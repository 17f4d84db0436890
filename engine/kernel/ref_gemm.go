package kernel

// panelRows returns the height of the next panel when left rows remain and the
// tallest panel is rows high: full panels, and the last rows shared by two.
//
// A ragged rest of one or two rows would run the multiplier at a fraction of
// its speed; two panels of about the same height do not.
func panelRows(left, rows int) int {
	switch {
	case left >= 2*rows || left == rows:
		return rows
	case left > rows:
		return (left + 1) / 2
	}
	return left
}

// refGemm multiplies packed panels into m rows of c, panels·8 columns wide:
//
//	for r < m, j < panels·8:
//		acc := flagLoad ? c[r·ldc+j] : 0
//		for p < k { acc += a[row r, p] · b[column j, p] }
//		if flagDone { acc = min(max(acc + bias[r] + add[r·ldadd+j], lo), hi) }
//		c[r·ldc+j] = acc
//
// a holds panels as packLeft writes them, b as pack does.
func refGemm(rows int) func(c, a, b, bias, add []float32, m, panels, k, ldc, ldadd, flags int, lo, hi float32) {
	return func(c, a, b, bias, add []float32, m, panels, k, ldc, ldadd, flags int, lo, hi float32) {
		for r := 0; r < m; {
			h := panelRows(m-r, rows)
			for i := range h {
				for j := range panels * nr {
					pa, pb := a[r*k+i:], b[j/nr*nr*k+j%nr:]
					y := &c[(r+i)*ldc+j]
					var acc float32
					if flags&flagLoad != 0 {
						acc = *y
					}
					for p := range k {
						acc += float32(pa[p*h] * pb[p*nr])
					}
					if flags&flagDone != 0 {
						if flags&flagBias != 0 {
							acc += bias[r+i]
						}
						if flags&flagAdd != 0 {
							acc += add[(r+i)*ldadd+j]
						}
						acc = clamp(acc, lo, hi)
					}
					*y = acc
				}
			}
			r += h
		}
	}
}

// refPackLeft packs a matrix given by its strides into panels: each panel is
// as high as panelRows says and holds its elements column after column.
//
//	dst[r0·k + p·h + i] = src[(r0+i)·rowStride + p·colStride]
func refPackLeft(panel int) func(dst, src []float32, rows, k, rowStride, colStride int) {
	return func(dst, src []float32, rows, k, rowStride, colStride int) {
		for r := 0; r < rows; {
			h := panelRows(rows-r, panel)
			to := dst[r*k : (r+h)*k]
			for i := range h {
				row := src[(r+i)*rowStride:]
				for p := range k {
					to[p*h+i] = row[p*colStride]
				}
			}
			r += h
		}
	}
}

// The layouts of a panel's eight columns, which tell pack how to read them.
const (
	kindGather = iota // anywhere
	kindRun           // eight elements in a row
	kindSkip          // every other element
	kindHalves        // two runs of four
)

// refPack packs columns into panels of eight:
//
//	dst[(j·k + p)·8 + l] = src[base[8j+l] + koff[p]]
//
// kind says what is known about the eight bases of each panel.
func refPack(dst, src []float32, koff, base, kind []int32, k, panels int) {
	for j := range panels {
		b := base[j*nr : j*nr+nr]
		for p, off := range koff[:k] {
			to := dst[(j*k+p)*nr : (j*k+p)*nr+nr]
			for l := range to {
				to[l] = src[b[l]+off]
			}
		}
	}
}

// refPad copies channels of h×w into channels of ph×pw, at row top and column
// left, and fills the rest.
func refPad(dst, src []float32, channels, h, w, ph, pw, top, left int, fill float32) {
	for c := range channels {
		to, from := dst[c*ph*pw:(c+1)*ph*pw], src[c*h*w:(c+1)*h*w]
		for i := range to {
			to[i] = fill
		}
		for y := range h {
			copy(to[(top+y)*pw+left:][:w], from[y*w:])
		}
	}
}

// refCopyRows copies a block: dst[r·ldd+c] = src[r·lds+c].
func refCopyRows(dst, src []float32, rows, cols, ldd, lds int) {
	for r := range rows {
		copy(dst[r*ldd:r*ldd+cols], src[r*lds:r*lds+cols])
	}
}

// clamp leaves NaN as it is.
func clamp(x, lo, hi float32) float32 {
	if x < lo {
		x = lo
	}
	if hi < x {
		x = hi
	}
	return x
}
