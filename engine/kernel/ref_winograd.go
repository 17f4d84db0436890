package kernel

// refWinoIn transforms tiles of n = size+2 rows and columns of each channel
// into panels of a right operand for each pair of points:
//
//	dst[t·stride + (j·channels + c)·8 + l] = (Bᵀ d B)[t/n, t%n]
//
// where d is the tile at src[base[8j+l] + c·area], with rows pitch apart.
func refWinoIn(size int) func(dst, src []float32, base []int32, channels, area, pitch, panels, stride int) {
	line, n := refWinoInLine(size), size+2
	return func(dst, src []float32, base []int32, channels, area, pitch, panels, stride int) {
		for i := range panels * nr {
			for c := range channels {
				tile := src[int(base[i])+c*area:]
				var half [6][6]float32
				var d, v [6]float32
				for r := range n {
					copy(d[:n], tile[r*pitch:])
					line(&half[r], &d)
				}
				for q := range n {
					for r := range n {
						d[r] = half[r][q]
					}
					line(&v, &d)
					for r := range n {
						dst[(r*n+q)*stride+(i/nr*channels+c)*nr+i%nr] = v[r]
					}
				}
			}
		}
	}
}

// refWinoOut transforms sums back and applies the epilogue, for each of rows
// channels of the output:
//
//	y[base[8j+l] + r·area + i·pitch + q] =
//		min(max((Aᵀ m A)[i, q] + bias[r] + add[same], lo), hi)
//
// where m[t/n, t%n] is sums[t·stride + (r·panels + j)·8 + l] and n = size+2.
func refWinoOut(size int) func(y, sums, bias, add []float32, base []int32, rows, area, pitch, panels, stride, flags int, lo, hi float32) {
	line, n := refWinoOutLine(size), size+2
	return func(y, sums, bias, add []float32, base []int32, rows, area, pitch, panels, stride, flags int, lo, hi float32) {
		for r := range rows {
			for i := range panels * nr {
				var half [4][6]float32
				var m [6]float32
				var v [4]float32
				for q := range n {
					for p := range n {
						m[p] = sums[(p*n+q)*stride+r*panels*nr+i]
					}
					line(&v, &m)
					for p := range size {
						half[p][q] = v[p]
					}
				}
				for p := range size {
					line(&v, &half[p])
					for q := range size {
						at, acc := int(base[i])+r*area+p*pitch+q, v[q]
						if flags&flagBias != 0 {
							acc += bias[r]
						}
						if flags&flagAdd != 0 {
							acc += add[at]
						}
						y[at] = clamp(acc, lo, hi)
					}
				}
			}
		}
	}
}

// refWinoInLine evaluates a row of a tile at the points: with a² and b² the squares of the finite
// ones, x⁴ - (a²+b²)x² + a²b² at 0, and so on.
func refWinoInLine(size int) func(v, d *[6]float32) {
	if size == 2 {
		return func(v, d *[6]float32) {
			v[0], v[1], v[2], v[3] = d[2]-d[0], d[2]+d[1], d[2]-d[1], d[3]-d[1]
		}
	}
	const a, b, a2, b2 = winoNear, winoFar, winoNear * winoNear, winoFar * winoFar
	return func(v, d *[6]float32) {
		v[0] = d[4] - float32((a2+b2)*d[2]) + float32(a2*b2*d[0])
		even, odd := d[4]-float32(b2*d[2]), d[3]-float32(b2*d[1])
		v[1], v[2] = even+float32(a*odd), even-float32(a*odd)
		even, odd = d[4]-float32(a2*d[2]), d[3]-float32(a2*d[1])
		v[3], v[4] = even+float32(b*odd), even-float32(b*odd)
		v[5] = d[5] - float32((a2+b2)*d[3]) + float32(a2*b2*d[1])
	}
}

// refWinoOutLine interpolates the outputs from the sums at the points.
func refWinoOutLine(size int) func(y *[4]float32, m *[6]float32) {
	if size == 2 {
		return func(y *[4]float32, m *[6]float32) { y[0], y[1] = m[0]+m[1]+m[2], m[1]-m[2]+m[3] }
	}
	const a, b, a2, b2 = winoNear, winoFar, winoNear * winoNear, winoFar * winoFar
	return func(y *[4]float32, m *[6]float32) {
		near, nearOdd, far, farOdd := m[1]+m[2], m[1]-m[2], m[3]+m[4], m[3]-m[4]
		y[0] = m[0] + near + far
		y[1] = float32(a*nearOdd) + float32(b*farOdd)
		y[2] = float32(a2*near) + float32(b2*far)
		y[3] = float32(a2*a*nearOdd) + float32(b2*b*farOdd) + m[5]
	}
}
