package kernel

// refWinoIn8 transforms tiles of 6x6 codes, less 128, of each channel into
// panels of groups of two channels for each of 36 pairs of points:
//
//	dst[t·stride + 4·((j·pairs + c/2)·8 + l)][c%2] = (Bᵀ d B)[t/6, t%6]
//
// as 16-bit integers, where d is the tile at src[base[8j+l] + c·area], with rows
// pitch apart, and pairs is half of the channels. The partner of an odd last
// channel is any. It may read two codes past the last tile.
func refWinoIn8(dst, src []uint8, base []int32, channels, area, pitch, panels, stride int) {
	for i := range panels * nr {
		for c := range channels {
			tile := src[int(base[i])+c*area:]
			var half [6][6]int16
			var d, v [6]int16
			for r := range d {
				for q := range d {
					d[q] = int16(tile[r*pitch+q]) - 128
				}
				winoInLine8(&half[r], &d)
			}
			for q := range d {
				for r := range d {
					d[r] = half[r][q]
				}
				winoInLine8(&v, &d)
				for r := range d {
					to := dst[(r*6+q)*stride+4*((i/nr*((channels+1)/2)+c/2)*nr+i%nr)+2*(c%2):]
					to[0], to[1] = uint8(v[r]), uint8(v[r]>>8)
				}
			}
		}
	}
}

// winoInLine8 evaluates a row of a tile at 0, 1, -1, 2, -2 and ∞.
func winoInLine8(v, d *[6]int16) {
	v[0] = 4*d[0] - 5*d[2] + d[4]
	v[1] = d[4] + d[3] - 4*(d[2]+d[1])
	v[2] = d[4] - d[3] - 4*(d[2]-d[1])
	v[3] = d[4] - d[2] + 2*(d[3]-d[1])
	v[4] = d[4] - d[2] - 2*(d[3]-d[1])
	v[5] = 4*d[1] - 5*d[3] + d[5]
}

// refWinoOut8 transforms sums back, for each of rows channels of the output:
//
//	y[base[8j+l] + r·area + i·pitch + q] = (Aᵀ m A)[i, q] / (9·2^(winoShift[i] + winoShift[q]))
//
// where m[t/6, t%6] is sums[t·stride + (r·panels + j)·8 + l]. Everything wraps;
// the quotient is the number of least magnitude whose product with the divisor
// is the dividend, modulo 2^32.
func refWinoOut8(y, sums, base []int32, rows, area, pitch, panels, stride int) {
	for r := range rows {
		for i := range panels * nr {
			var half [4][6]int32
			var m [6]int32
			var v [4]int32
			for q := range m {
				for p := range m {
					m[p] = sums[(p*6+q)*stride+r*panels*nr+i]
				}
				winoOutLine8(&v, &m)
				for p := range v {
					half[p][q] = v[p]
				}
			}
			for p := range v {
				winoOutLine8(&v, &half[p])
				for q, acc := range v {
					y[int(base[i])+r*area+p*pitch+q] = acc * winoNinth >> (winoShift[p] + winoShift[q])
				}
			}
		}
	}
}

// winoNinth times 9 is 1, modulo 2^32.
const winoNinth = 954437177

// winoShift says of each output of winoOutLine8 how many times 3·2^shift of the
// convolution it is.
var winoShift = [4]int32{3, 2, 1, 1}

// winoOutLine8 interpolates the outputs, 24, 12, 6 and 6 times as large, from the
// sums at the points.
func winoOutLine8(y *[4]int32, m *[6]int32) {
	near, nearOdd, far, farOdd := m[1]+m[2], m[1]-m[2], m[3]+m[4], m[3]-m[4]
	y[0] = m[0] + 4*near + far
	y[1] = 2*nearOdd + farOdd
	y[2] = near + far
	y[3] = nearOdd + 2*farOdd + m[5]
}
