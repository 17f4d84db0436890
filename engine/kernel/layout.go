package kernel

// Transpose permutes axes: dst has the shape shape[perm[0]], shape[perm[1]], …
// and dst[i_perm[0], i_perm[1], …] = src[i_0, i_1, …].
func Transpose(dst, src []float32, shape, perm []int) {
	shape, perm = mergeAxes(shape, perm)
	rank := len(shape)
	n := 1
	for _, d := range shape {
		n *= d
	}
	dst, src = dst[:n], src[:n]
	switch {
	case n == 0:
		return
	case rank <= 1:
		copy(dst[:n], src[:n])
		return
	case rank == 2: // merging left only a swap
		active.transpose(dst, src, 1, shape[0], shape[1])
		return
	case rank == 3 && perm[0] == 0:
		active.transpose(dst, src, shape[0], shape[1], shape[2])
		return
	}
	stride := make([]int, rank) // of the source, in the order of the result
	step := 1
	for a := rank - 1; a >= 0; a-- {
		for i, p := range perm {
			if p == a {
				stride[i] = step
			}
		}
		step *= shape[a]
	}
	inner, by := shape[perm[rank-1]], stride[rank-1]
	index := make([]int, rank-1)
	for at, from := 0, 0; at < n; at += inner {
		if by == 1 {
			copy(dst[at:at+inner], src[from:from+inner])
		} else {
			row := dst[at : at+inner]
			for i := range row {
				row[i] = src[from+i*by]
			}
		}
		for a := rank - 2; a >= 0; a-- {
			index[a]++
			from += stride[a]
			if index[a] < shape[perm[a]] {
				break
			}
			from -= index[a] * stride[a]
			index[a] = 0
		}
	}
}

// mergeAxes drops axes of length one and joins axes that stay neighbours, so
// that most permutations become a swap of two.
func mergeAxes(shape, perm []int) (outShape, outPerm []int) {
	kept := make([]int, 0, len(perm))
	for _, a := range perm {
		if shape[a] != 1 {
			kept = append(kept, a)
		}
	}
	var groups [][2]int // first axis and length of each run, in result order
	for i, a := range kept {
		if i > 0 && follows(shape, kept[i-1], a) {
			groups[len(groups)-1][1] *= shape[a]
			continue
		}
		groups = append(groups, [2]int{a, shape[a]})
	}
	outShape, outPerm = make([]int, len(groups)), make([]int, len(groups))
	for i, g := range groups {
		for _, other := range groups {
			if other[0] < g[0] {
				outPerm[i]++
			}
		}
		outShape[outPerm[i]] = g[1]
	}
	return outShape, outPerm
}

// follows reports whether only axes of length one lie between a and b.
func follows(shape []int, a, b int) bool {
	if b <= a {
		return false
	}
	for _, d := range shape[a+1 : b] {
		if d != 1 {
			return false
		}
	}
	return true
}

// ResizeNearest picks elements of each channel: dst[c, i, j] = src[c, iy[i], ix[j]].
// src is [channels, h, w], dst [channels, len(iy), len(ix)].
func ResizeNearest(dst, src []float32, channels, h, w int, iy, ix []int32) {
	ow := len(ix)
	for c := range channels {
		plane := src[c*h*w : (c+1)*h*w]
		for i, y := range iy {
			row := dst[(c*len(iy)+i)*ow:][:ow]
			if i > 0 && y == iy[i-1] {
				copy(row, dst[(c*len(iy)+i-1)*ow:])
				continue
			}
			from := plane[int(y)*w : (int(y)+1)*w]
			for j, x := range ix {
				row[j] = from[x]
			}
		}
	}
}

// Axis says, for each element of a resized axis, which two elements of the
// source lie around it and how much the second weighs.
type Axis struct {
	At, Next []int32
	Weight   []float32 // in [0, 1]
}

// ResizeLinear interpolates each channel, first along rows and then along
// columns. src is [channels, h, w], dst [channels, len(y.At), len(x.At)].
func ResizeLinear(dst, src []float32, channels, h, w int, y, x Axis, s *Scratch) {
	oh, ow := len(y.At), len(x.At)
	wide := s.float(slotPlane, h*ow)
	for c := range channels {
		for i := range h {
			from, to := src[(c*h+i)*w:(c*h+i+1)*w], wide[i*ow:(i+1)*ow]
			for j, f := range x.Weight {
				a, b := from[x.At[j]], from[x.Next[j]]
				to[j] = a + float32(f*(b-a))
			}
		}
		for i, f := range y.Weight {
			a, b := wide[int(y.At[i])*ow:][:ow], wide[int(y.Next[i])*ow:][:ow]
			to := dst[(c*oh+i)*ow:][:ow]
			for j, v := range a {
				to[j] = v + float32(f*(b[j]-v))
			}
		}
	}
}
