package op

import (
	"fmt"
	"slices"
)

// A window slides over the spatial dimensions of an input, for convolution and pooling alike.
type window struct {
	in, out                  []int
	kernel, stride, dilation []int
	before, after            []int // padding
}

// window reads strides, dilations, pads, auto_pad and ceil_mode and works out the output's size.
func (c *Call) window(in, kernel []int) (window, error) {
	n := len(in)
	w := window{in: in, out: make([]int, n), kernel: kernel, stride: c.ints("strides", n, 1), dilation: c.ints("dilations", n, 1)}
	pads := c.ints("pads", 2*n, 0)
	w.before, w.after = pads[:n:n], pads[n:]
	for i := range in {
		if kernel[i] < 1 || w.stride[i] < 1 || w.dilation[i] < 1 {
			return w, fmt.Errorf("the kernel %v, strides %v and dilations %v must be positive", kernel, w.stride, w.dilation)
		}
		if w.before[i] < 0 || w.after[i] < 0 {
			return w, fmt.Errorf("negative pads %v", pads)
		}
		if kernel[i] > 1<<20 || w.dilation[i] > 1<<20 || w.before[i] > 1<<24 || w.after[i] > 1<<24 {
			return w, fmt.Errorf("a kernel of %v with dilations %v and pads %v is larger than Dropquant handles", kernel, w.dilation, pads)
		}
	}
	auto := c.Node.Str("auto_pad", "NOTSET")
	for i := range in {
		if err := w.size(i, auto, c.int("ceil_mode", 0) != 0); err != nil {
			return w, err
		}
	}
	return w, nil
}

// size works out dimension i. Source: the formulas in the prose of AveragePool and Conv.
func (w *window) size(i int, auto string, ceil bool) error {
	reach := (w.kernel[i]-1)*w.dilation[i] + 1
	switch auto {
	case "", "NOTSET":
	case "VALID":
		w.before[i], w.after[i] = 0, 0
	case "SAME_UPPER", "SAME_LOWER":
		w.out[i] = (w.in[i] + w.stride[i] - 1) / w.stride[i]
		total := max(0, (w.out[i]-1)*w.stride[i]+reach-w.in[i])
		w.before[i] = total / 2
		if auto == "SAME_LOWER" {
			w.before[i] = total - total/2
		}
		w.after[i] = total - w.before[i]
		return nil
	default:
		return fmt.Errorf("auto_pad %q is not one that Dropquant knows", auto)
	}
	room := w.in[i] + w.before[i] + w.after[i] - reach
	if room < 0 {
		return fmt.Errorf("the kernel %v is larger than the padded input %v", w.kernel, w.in)
	}
	w.out[i] = room/w.stride[i] + 1
	if ceil && room%w.stride[i] != 0 && w.out[i]*w.stride[i] < w.in[i]+w.before[i] {
		w.out[i]++ // unless that last window would start in the padding behind
	}
	return nil
}

// padded reports whether anything is added around the input.
func (w *window) padded() bool {
	return slices.ContainsFunc(slices.Concat(w.before, w.after), func(p int) bool { return p > 0 })
}

// planar lifts one spatial dimension to two and reports whether there are at most two.
func (w window) planar() (window, bool) {
	switch len(w.in) {
	case 1:
		one := func(v []int, d int) []int { return []int{d, v[0]} }
		return window{one(w.in, 1), one(w.out, 1), one(w.kernel, 1), one(w.stride, 1), one(w.dilation, 1), one(w.before, 0), one(w.after, 0)}, true
	case 2:
		return w, true
	}
	return w, false
}

// taps calls f for every output position with the input positions that its window covers: flat
// offsets within a channel, in row-major order. covered tells how many taps lie inside the input with
// its stated padding.
func (w *window) taps(f func(out int, taps []int, tapIndex []int, covered int)) {
	step, inside := strides(w.in), make([]int, 0, product(w.kernel))
	which := make([]int, 0, cap(inside))
	eachIndex(w.out, func(out int, at []int) {
		inside, which = inside[:0], which[:0]
		covered := 0
		eachIndex(w.kernel, func(tap int, k []int) {
			flat, in, pad := 0, true, true
			for d := range at {
				x := at[d]*w.stride[d] - w.before[d] + k[d]*w.dilation[d]
				in = in && x >= 0 && x < w.in[d]
				pad = pad && x >= -w.before[d] && x < w.in[d]+w.after[d]
				flat += x * step[d]
			}
			if in {
				inside, which = append(inside, flat), append(which, tap)
			}
			if pad {
				covered++
			}
		})
		f(out, inside, which, covered)
	})
}
