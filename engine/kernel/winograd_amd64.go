//go:build !noasm

package kernel

// The assembly transforms one panel of tiles, and takes its steps in bytes.

// maxWinoPoints is how many points the largest transform has.
const maxWinoPoints = 36

func avx2WinoIn(size int) func(dst, src []float32, base []int32, channels, area, pitch, panels, stride int) {
	n := size + 2
	return func(dst, src []float32, base []int32, channels, area, pitch, panels, stride int) {
		if channels == 0 {
			return
		}
		dst, base = dst[:(n*n-1)*stride+panels*channels*nr], base[:panels*nr]
		for _, b := range base {
			_ = src[int(b)+(channels-1)*area+(n-1)*pitch+n-1]
		}
		var tmp [maxWinoPoints * nr]float32 // on the stack, as long as no call goes through a table
		for j := range panels {
			to, from, tiles := &dst[j*channels*nr], &src[0], &base[j*nr]
			step, row, down, back := 4*(area-(n-1)*pitch), 4*pitch, 4*n*stride, 4*(1-n*(n-1))*stride
			if size == 2 {
				winoIn2(to, from, tiles, &tmp[0], channels, step, row, down, back)
			} else {
				winoIn4(to, from, tiles, &tmp[0], channels, step, row, down, back)
			}
		}
	}
}

func avx2WinoOut(size int) func(y, sums, bias, add []float32, base []int32, rows, area, pitch, panels, stride, flags int, lo, hi float32) {
	n := size + 2
	return func(y, sums, bias, add []float32, base []int32, rows, area, pitch, panels, stride, flags int, lo, hi float32) {
		if rows == 0 {
			return
		}
		sums, base = sums[:(n*n-1)*stride+rows*panels*nr], base[:panels*nr]
		if flags&flagBias != 0 {
			bias = bias[:rows]
		}
		for _, b := range base {
			last := int(b) + (rows-1)*area + (size-1)*pitch + size - 1
			_ = y[last]
			if flags&flagAdd != 0 {
				_ = add[last]
			}
		}
		var tmp [maxWinoPoints * nr]float32 // on the stack, as long as no call goes through a table
		for j := range panels {
			from, shift, addend, tiles := &sums[j*nr], at(bias, 0), at(add, 0), &base[j*nr]
			step, row, down, back, next := 4*(area-(size-1)*pitch), 4*pitch, 4*n*stride, 4*(1-n*(n-1))*stride, 4*(panels*nr-(n*n-1)*stride)
			if size == 2 {
				winoOut2(&y[0], from, shift, addend, tiles, &tmp[0], rows, step, row, down, back, next, flags, lo, hi)
			} else {
				winoOut4(&y[0], from, shift, addend, tiles, &tmp[0], rows, step, row, down, back, next, flags, lo, hi)
			}
		}
	}
}
