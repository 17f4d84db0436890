package op

import (
	"fmt"

	"dropquant/engine/kernel"
	"dropquant/engine/tensor"
)

// convTranspose is the gradient of a convolution: every input element adds the kernel, times itself,
// to the output. It runs as one matrix product per group, weightsᵀ·x, whose rows are then added where
// they belong. Weights are [inC, outC/group, kh, kw].
func convTranspose(c *Call) error {
	group, err := c.channels(-1)
	if err != nil {
		return err
	}
	x, w := c.shape(0), c.shape(1)
	if x[1] != w[0] || w[0]%group != 0 || w[1] > maxElements/group {
		return fmt.Errorf("%d input channels do not fit weights of shape %s in %d groups", x[1], tensor.FormatShape(w), group)
	}
	outC := w[1] * group
	if c.has(2) && (len(c.shape(2)) != 1 || c.shape(2)[0] != outC) {
		return fmt.Errorf("a bias of shape %s for %d channels", tensor.FormatShape(c.shape(2)), outC)
	}
	win, err := c.transposedWindow(x[2:], w[2:])
	if err != nil {
		return err
	}
	if err := c.set(0, c.dtype(0), append([]int{x[0], outC}, win.in...)...); err != nil {
		return err
	}
	perIn, rows, area, outs := w[0]/group, w[1]*product(w[2:]), product(x[2:]), product(win.in)
	if err := checkShape([]int{rows, area}); err != nil {
		return err
	}
	c.Work = 4 * int64(rows) * int64(area)
	var cols []float32
	packed := make([]*kernel.Packed, group)
	c.Run = func(in, out []*tensor.Tensor) error {
		y := out[0].F32()
		if cols == nil {
			cols = make([]float32, rows*area)
		}
		clear(y)
		if len(in) > 2 && in[2] != nil {
			for i := range x[0] * outC {
				v, row := in[2].F32()[i%outC], y[i*outs:][:outs]
				for k := range row {
					row[k] = v
				}
			}
		}
		if len(y) == 0 || len(cols) == 0 || perIn == 0 {
			return nil
		}
		for g := range group {
			if packed[g] == nil || c.known(1) == nil {
				packed[g] = kernel.PackGemm(rows, perIn, turned(in[1].F32()[g*perIn*rows:], perIn, rows)).Share(c.Scratch)
			}
			for b := range x[0] {
				packed[g].Mul(area, in[0].F32()[(b*x[1]+g*perIn)*area:], area, cols, area, kernel.Epilogue{})
				win.scatter(y[(b*outC+g*w[1])*outs:], cols, w[1])
			}
		}
		return nil
	}
	return nil
}

// turned transposes a matrix of [rows, cols].
func turned(m []float32, rows, cols int) []float32 {
	t := make([]float32, rows*cols)
	kernel.Transpose(t, m[:rows*cols], []int{rows, cols}, []int{1, 0})
	return t
}

// scatter adds cols [channels, kernel..., out...] to y [channels, in...], where in and out are those
// of the convolution that is being transposed.
func (w *window) scatter(y, cols []float32, channels int) {
	step, outs, ins := strides(w.in), product(w.out), product(w.in)
	last := len(w.in) - 1
	width := w.out[last]
	for ch := range channels {
		eachIndex(w.kernel, func(tap int, k []int) {
			from := cols[(ch*product(w.kernel)+tap)*outs:]
			eachIndex(w.out[:last], func(row int, at []int) {
				to := ch * ins
				for d := range last {
					p := at[d]*w.stride[d] - w.before[d] + k[d]*w.dilation[d]
					if p < 0 || p >= w.in[d] {
						return
					}
					to += p * step[d]
				}
				x := k[last]*w.dilation[last] - w.before[last]
				for _, v := range from[row*width : (row+1)*width] {
					if x >= 0 && x < w.in[last] {
						y[to+x] += v
					}
					x += w.stride[last]
				}
			})
		})
	}
}

// transposedWindow works out the convolution that would lead from the output back to the input: its
// in is our output.
func (c *Call) transposedWindow(in, kernel []int) (window, error) {
	n := len(in)
	want := c.ints("output_shape", -1, 0)
	extra := c.ints("output_padding", n, 0)
	auto := c.Node.Str("auto_pad", "NOTSET")
	if want != nil && len(want) != n {
		return window{}, fmt.Errorf("attribute output_shape %v for %d dimensions", want, n)
	}
	w := window{out: in, in: make([]int, n), kernel: kernel, stride: c.ints("strides", n, 1), dilation: c.ints("dilations", n, 1)}
	pads := c.ints("pads", 2*n, 0)
	w.before, w.after = pads[:n:n], pads[n:]
	for i := range in {
		if kernel[i] < 1 || kernel[i] > 1<<20 || w.stride[i] < 1 || w.stride[i] > 1<<20 || w.dilation[i] < 1 || w.dilation[i] > 1<<20 || in[i] < 1 || extra[i] < 0 {
			return w, fmt.Errorf("the kernel %v, strides %v, dilations %v and output_padding %v do not make a convolution", kernel, w.stride, w.dilation, extra)
		}
		full := (in[i]-1)*w.stride[i] + (kernel[i]-1)*w.dilation[i] + 1 + extra[i]
		total := -1
		switch {
		case want != nil:
			total = max(full-want[i], 0)
			w.in[i] = want[i]
		case auto == "SAME_UPPER" || auto == "SAME_LOWER":
			w.in[i] = in[i] * w.stride[i]
			total = max(full-w.in[i], 0)
		case auto == "VALID":
			w.before[i], w.in[i] = 0, full
		default:
			w.in[i] = full - w.before[i] - w.after[i]
		}
		if total >= 0 {
			// onnx/reference: SAME_UPPER leaves the odd pixel of padding behind, everything else in front.
			if w.before[i] = total - total/2; auto == "SAME_UPPER" {
				w.before[i] = total / 2
			}
		}
		if w.in[i] < 1 {
			return w, fmt.Errorf("the pads leave nothing of the output")
		}
	}
	return w, nil
}
