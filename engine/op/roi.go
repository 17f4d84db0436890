package op

import (
	"fmt"
	"math"

	"dropquant/engine/tensor"
)

// roiAlign pools every region of interest to a grid of one size.
// Source: He et al., Mask R-CNN, 2017, §3, and onnx/reference/ops/op_roi_align.py.
func roiAlign(c *Call) error {
	x, rois := c.shape(0), c.shape(1)
	h, w := c.int("output_height", 1), c.int("output_width", 1)
	mode, ratio := c.Node.Str("mode", "avg"), c.int("sampling_ratio", 0)
	if len(x) != 4 || len(rois) != 2 || rois[1] != 4 || len(c.shape(2)) != 1 || c.shape(2)[0] != rois[0] {
		return errRank
	}
	if err := c.want(tensor.Float32, 1); err != nil {
		return err
	}
	if err := c.wantIndices(2); err != nil {
		return err
	}
	if h < 1 || w < 1 || ratio < 0 || ratio > 1<<10 || mode != "avg" && mode != "max" {
		return fmt.Errorf("output of %d by %d, sampling ratio %d, mode %q", h, w, ratio, mode)
	}
	if err := c.set(0, c.dtype(0), rois[0], x[1], h, w); err != nil {
		return err
	}
	a := &aligner{h: x[2], w: x[3], scale: float64(c.Node.Float("spatial_scale", 1)), ratio: ratio, max: mode == "max", outH: h, outW: w}
	// Before opset 16 positions had no half pixel, which is now called output_half_pixel.
	if c.Opset >= 16 && c.Node.Str("coordinate_transformation_mode", "half_pixel") == "half_pixel" {
		a.half = 0.5
	}
	c.Run = func(in, out []*tensor.Tensor) error {
		image, y := make([]int, rois[0]), out[0].F32()
		if err := readIndices(image, in[2], x[0]); err != nil {
			return err
		}
		area := x[2] * x[3]
		for r := range rois[0] {
			box := in[1].F32()[r*4 : r*4+4]
			for ch := range x[1] {
				a.pool(y[(r*x[1]+ch)*h*w:], in[0].F32()[(image[r]*x[1]+ch)*area:][:area], box)
			}
		}
		return nil
	}
	return nil
}

type aligner struct {
	h, w, outH, outW int
	scale, half      float64
	ratio            int
	max              bool
}

// maxSamples bounds how many points of a region are sampled along an axis of one cell.
const maxSamples = 1 << 10

func (a *aligner) pool(y, plane, box []float32) {
	x0, y0 := float64(box[0])*a.scale-a.half, float64(box[1])*a.scale-a.half
	rw, rh := float64(box[2])*a.scale-a.half-x0, float64(box[3])*a.scale-a.half-y0
	if a.half == 0 {
		rw, rh = math.Max(rw, 1), math.Max(rh, 1)
	}
	cw, ch := rw/float64(a.outW), rh/float64(a.outH)
	nx, ny := a.samples(cw), a.samples(ch)
	for i := range a.outH {
		for j := range a.outW {
			sum, top := 0.0, math.Inf(-1)
			for p := range ny {
				for q := range nx {
					py := y0 + (float64(i)+(float64(p)+0.5)/float64(ny))*ch
					px := x0 + (float64(j)+(float64(q)+0.5)/float64(nx))*cw
					v, most := a.sample(plane, py, px)
					sum, top = sum+v, math.Max(top, most)
				}
			}
			if y[i*a.outW+j] = float32(sum / float64(max(nx*ny, 1))); a.max {
				y[i*a.outW+j] = float32(top)
			}
		}
	}
}

func (a *aligner) samples(cell float64) int {
	if a.ratio > 0 {
		return a.ratio
	}
	return int(math.Min(math.Max(math.Ceil(cell), 0), maxSamples))
}

// sample interpolates at a point, 0 far outside. It also gives the largest of the four weighted
// neighbours, which is what mode max pools.
func (a *aligner) sample(plane []float32, y, x float64) (sum, most float64) {
	if !(y >= -1 && y <= float64(a.h) && x >= -1 && x <= float64(a.w)) || a.h == 0 || a.w == 0 {
		return 0, 0
	}
	y, x = math.Min(math.Max(y, 0), float64(a.h-1)), math.Min(math.Max(x, 0), float64(a.w-1))
	i, j := int(y), int(x)
	fy, fx := y-float64(i), x-float64(j)
	k, l := min(i+1, a.h-1), min(j+1, a.w-1)
	at := func(i, j int, w float64) float64 { return w * float64(plane[i*a.w+j]) }
	v := [4]float64{at(i, j, (1-fy)*(1-fx)), at(i, l, (1-fy)*fx), at(k, j, fy*(1-fx)), at(k, l, fy*fx)}
	return v[0] + v[1] + v[2] + v[3], max(v[0], v[1], v[2], v[3])
}

// maxUnpool puts every element at the index that MaxPool stated for it, and zeros elsewhere.
func maxUnpool(c *Call) error {
	x := c.shape(0)
	if len(x) < 3 || formatShapes([][]int{x}) != formatShapes([][]int{c.shape(1)}) || c.dtype(1) != tensor.Int64 {
		return errRank
	}
	n := len(x) - 2
	out := append([]int{}, x...)
	if c.has(2) {
		want, err := c.smallInts(2)
		if err != nil {
			return err
		}
		if len(want) != len(x) {
			return errRank
		}
		out = want
	} else {
		k, s, p := c.ints("kernel_shape", n, 1), c.ints("strides", n, 1), c.ints("pads", 2*n, 0)
		for i := range n {
			if s[i] < 1 || s[i] > 1<<20 {
				return fmt.Errorf("strides %v", s)
			}
			out[i+2] = (x[i+2]-1)*s[i] - p[i] - p[n+i] + k[i]
		}
	}
	if err := c.set(0, c.dtype(0), out...); err != nil {
		return err
	}
	// The indices count within the shape that the attributes imply; a stated shape pads it behind.
	inner := append([]int{}, out...)
	if c.has(2) {
		k, s, p := c.ints("kernel_shape", n, 1), c.ints("strides", n, 1), c.ints("pads", 2*n, 0)
		for i := range n {
			inner[i+2] = (x[i+2]-1)*s[i] - p[i] - p[n+i] + k[i]
		}
		if err := checkShape(inner); err != nil {
			return err
		}
	}
	from, to := strides(inner), strides(out)
	c.Run = func(in, out []*tensor.Tensor) error {
		fill(out[0], nil)
		src, dst := in[0].F32(), out[0].F32()
		for i, k := range in[1].I64() {
			flat, left := 0, int(k)
			for d := range from {
				p := 0
				if from[d] > 0 {
					p = left / from[d]
					left -= p * from[d]
				}
				flat += p * to[d]
			}
			if k < 0 || flat < 0 || flat >= len(dst) {
				return fmt.Errorf("index %d is out of range", k)
			}
			dst[flat] = src[i]
		}
		return nil
	}
	return nil
}

// reverseSequence turns the first lengths[b] steps of every batch element around.
func reverseSequence(c *Call) error {
	x := c.shape(0)
	batch, time := c.int("batch_axis", 1), c.int("time_axis", 0)
	if len(x) < 2 || batch < 0 || batch > 1 || time != 1-batch || len(c.shape(1)) != 1 || c.shape(1)[0] != x[batch] || c.dtype(1) != tensor.Int64 {
		return fmt.Errorf("batch axis %d and time axis %d for %s", batch, time, tensor.FormatShape(x))
	}
	if err := c.set(0, c.dtype(0), x...); err != nil {
		return err
	}
	step := strides(x)
	inner := product(x[2:])
	c.Run = func(in, out []*tensor.Tensor) error {
		index := make([]int, x[0]*x[1])
		for b, n := range in[1].I64() {
			if n < 0 || int(n) > x[time] {
				return fmt.Errorf("length %d of %d steps", n, x[time])
			}
			for t := range x[time] {
				from := t
				if t < int(n) {
					from = int(n) - 1 - t
				}
				index[(b*step[batch]+t*step[time])/max(inner, 1)] = (b*step[batch] + from*step[time]) / max(inner, 1)
			}
		}
		taking{outer: 1, length: len(index), inner: inner, index: index}.run(out[0], in[0])
		return nil
	}
	return nil
}
