package op

import (
	"fmt"

	"dropquant/engine/kernel"
	"dropquant/engine/tensor"
)

// Conv is the Spec of a convolution over one or two dimensions of float32.
type Conv struct {
	Shape kernel.ConvShape
	Batch int
}

// Kernel packs weights [outC, inC/group, kh, kw]; bias may be nil. exact is that of kernel.NewConv.
func (v *Conv) Kernel(w, bias []float32, ep kernel.Epilogue, exact bool, s *kernel.Scratch) *kernel.Conv {
	return kernel.NewConv(v.Shape, w, bias, ep, exact).Share(s)
}

// Run computes all images of a batch; add is nil or has the layout of y.
func (v *Conv) Run(k *kernel.Conv, y, x, add []float32) {
	in, out := v.Shape.InC*v.Shape.InH*v.Shape.InW, v.Shape.OutC*v.Shape.OutH*v.Shape.OutW
	for i := range v.Batch {
		var a []float32
		if add != nil {
			a = add[i*out:][:out]
		}
		k.Run(y[i*out:][:out], x[i*in:][:in], a)
	}
}

// channels checks what convolutions have in common and returns the group. wIn and wOut are the
// channels that the weights name.
func (c *Call) channels(bias int) (group int, err error) {
	x, w := c.shape(0), c.shape(1)
	if len(x) < 3 || len(w) != len(x) {
		return 0, errRank
	}
	if err := c.same(); err != nil {
		return 0, err
	}
	if group = c.int("group", 1); group < 1 {
		return 0, fmt.Errorf("group %d", group)
	}
	for i, k := range c.ints("kernel_shape", len(w)-2, 0) {
		if k != 0 && k != w[i+2] {
			return 0, fmt.Errorf("attribute kernel_shape does not fit weights of shape %s", tensor.FormatShape(w))
		}
	}
	if c.has(2) && (len(c.shape(2)) != 1 || c.shape(2)[0] != bias*group) && bias >= 0 {
		return 0, fmt.Errorf("a bias of shape %s", tensor.FormatShape(c.shape(2)))
	}
	return group, nil
}

func conv(c *Call) error {
	group, err := c.channels(-1)
	if err != nil {
		return err
	}
	x, w := c.shape(0), c.shape(1)
	if x[1] != w[1]*group || w[0]%group != 0 {
		return fmt.Errorf("%d input channels do not fit weights of shape %s in %d groups", x[1], tensor.FormatShape(w), group)
	}
	if c.has(2) && (len(c.shape(2)) != 1 || c.shape(2)[0] != w[0]) {
		return fmt.Errorf("a bias of shape %s for %d channels", tensor.FormatShape(c.shape(2)), w[0])
	}
	win, err := c.window(x[2:], w[2:])
	if err != nil {
		return err
	}
	if err := c.set(0, c.dtype(0), append([]int{x[0], w[0]}, win.out...)...); err != nil {
		return err
	}
	flat, planar := win.planar()
	if !planar || c.dtype(0) != tensor.Float32 || product(x) == 0 || product(w) == 0 {
		return convAny(c, win, group)
	}
	spec := &Conv{Batch: x[0], Shape: flat.convShape(x[1], w[0], group)}
	if err := checkConv(&spec.Shape); err != nil {
		return err
	}
	c.Spec = spec
	var packed *kernel.Conv
	constant := c.known(1) != nil && (!c.has(2) || c.known(2) != nil)
	c.Run = func(in, out []*tensor.Tensor) error {
		k := packed
		if k == nil {
			var bias []float32
			if len(in) > 2 && in[2] != nil {
				bias = in[2].F32()
			}
			k = spec.Kernel(in[1].F32(), bias, kernel.Epilogue{}, true, c.Scratch) // weights are seldom used twice here
			if constant {
				packed = k
			}
		}
		spec.Run(k, out[0].F32(), in[0].F32(), nil)
		return nil
	}
	return nil
}

// convShape is the geometry of a convolution over two dimensions.
func (w window) convShape(in, out, group int) kernel.ConvShape {
	return kernel.ConvShape{
		InC: in, OutC: out, Group: group, InH: w.in[0], InW: w.in[1], OutH: w.out[0], OutW: w.out[1],
		KH: w.kernel[0], KW: w.kernel[1], StrideH: w.stride[0], StrideW: w.stride[1],
		DilationH: w.dilation[0], DilationW: w.dilation[1],
		PadTop: w.before[0], PadLeft: w.before[1], PadBottom: w.after[0], PadRight: w.after[1],
	}
}

// checkConv bounds the padded input, which the kernels index with 32 bits.
func checkConv(s *kernel.ConvShape) error {
	ph := max(s.InH+s.PadTop, (s.OutH-1)*s.StrideH+(s.KH-1)*s.DilationH+1)
	pw := max(s.InW+s.PadLeft, (s.OutW-1)*s.StrideW+(s.KW-1)*s.DilationW+1)
	if err := checkShape([]int{s.InC + 1, ph, pw}); err != nil {
		return fmt.Errorf("padded, %w", err)
	}
	return checkShape([]int{s.InC, s.KH, s.KW})
}

// convAny computes any rank and float type by the definition.
func convAny(c *Call, win window, group int) error {
	x, w := c.shape(0), c.shape(1)
	if err := checkShape(w[2:]); err != nil {
		return err
	}
	c.Run = func(in, out []*tensor.Tensor) error {
		fill(out[0], nil)
		xs, ws, ys := toFloats(in[0]), toFloats(in[1]), make([]float64, out[0].Len())
		area, taps, outs := product(x[2:]), product(w[2:]), product(win.out)
		perIn, perOut := w[1], w[0]/group
		win.taps(func(at int, inside, which []int, _ int) {
			for b := range x[0] {
				for o := range w[0] {
					sum := 0.0
					for i := range perIn {
						from, tap := (b*x[1]+o/perOut*perIn+i)*area, (o*perIn+i)*taps
						for k, p := range inside {
							sum += xs[from+p] * ws[tap+which[k]]
						}
					}
					ys[(b*w[0]+o)*outs+at] = sum
				}
			}
		})
		if len(in) > 2 && in[2] != nil {
			for o, v := range toFloats(in[2]) {
				for b := range x[0] {
					row := ys[(b*w[0]+o)*outs:][:outs]
					for i := range row {
						row[i] += v
					}
				}
			}
		}
		castFloat(out[0], ys)
		return nil
	}
	return nil
}
