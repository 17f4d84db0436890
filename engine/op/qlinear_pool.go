package op

import (
	"fmt"
	"math"
	"slices"

	"dropquant/engine/tensor"
)

// qlinearGlobalPool is QLinearGlobalAveragePool of com.microsoft: inputs x, scale, zero point, and the
// scale and zero point of the result. Codes add up in integers, and one multiplication gives the mean's code.
// Source: mlas/lib/qlgavgpool.cpp.
func qlinearGlobalPool(c *Call) error {
	x, err := c.qlinearPool()
	if err != nil {
		return err
	}
	if c.int("channels_last", 0) != 0 {
		return errChannelsLast
	}
	y := append(append([]int{}, x[:2]...), make([]int, len(x)-2)...)
	for i := range y[2:] {
		y[2+i] = 1
	}
	dt, area := c.dtype(0), product(x[2:])
	if area == 0 {
		return fmt.Errorf("planes of shape %s have no mean", tensor.FormatShape(x[2:]))
	}
	if err := c.set(0, dt, y...); err != nil {
		return err
	}
	c.meansOfPlanes(area)
	return nil
}

// meansOfPlanes makes Run the means of planes of codes.
func (c *Call) meansOfPlanes(area int) {
	dt := c.dtype(0)
	flip := int32(0) // from the order of bytes to that of codes
	if dt == tensor.Int8 {
		flip = 128
	}
	c.prepared([]int{1, 2, 3, 4}, func(in []*tensor.Tensor) Run {
		p, q := affineAt(in, 1, 2), affineAt(in, 3, 4)
		mean := p.scale / (q.scale * float32(area))
		return func(in, out []*tensor.Tensor) error {
			src, dst := tensor.Bytes(in[0]), tensor.Bytes(out[0])
			for k := range dst {
				sum := -(p.zero + flip) * int32(area)
				for _, v := range src[k*area : (k+1)*area] {
					sum += int32(v ^ uint8(flip))
				}
				dst[k] = uint8(q.clamped(float32(sum)*mean, codeRange[dt]))
			}
			return nil
		}
	})
}

// qlinearAveragePool is QLinearAveragePool of com.microsoft: the mean of the reals that the codes stand for, in
// float32 in the order of the window, rounded after the zero point is added. A window of the whole input is taken as by
// QLinearGlobalAveragePool. Source: contrib_ops/cpu/quantization/qlinear_pool.cc.
func qlinearAveragePool(c *Call) error {
	if _, err := c.qlinearPool(); err != nil {
		return err
	}
	if c.int("channels_last", 0) != 0 {
		return errChannelsLast
	}
	w, err := c.pooled()
	if err != nil {
		return err
	}
	if area := product(w.in); area > 0 && slices.Equal(w.in, w.kernel) && product(w.out) == 1 && !w.padded() {
		c.meansOfPlanes(area)
		return nil
	}
	include := c.int("count_include_pad", 0) != 0
	dt, area, outs := c.dtype(0), product(w.in), product(w.out)
	c.prepared([]int{1, 2, 3, 4}, func(in []*tensor.Tensor) Run {
		p, q := affineAt(in, 1, 2), affineAt(in, 3, 4)
		var real [256]float32
		code := codeOf(dt)
		for i := range real {
			real[i] = p.real(code(uint8(i)))
		}
		return func(in, out []*tensor.Tensor) error {
			src, dst := tensor.Bytes(in[0]), tensor.Bytes(out[0])
			w.taps(func(at int, inside, _ []int, _ int) {
				n := float32(len(inside))
				if include {
					n = float32(product(w.kernel))
				}
				for k := range len(src) / max(area, 1) {
					plane, sum := src[k*area:], float32(0)
					for _, i := range inside {
						sum += real[plane[i]]
					}
					mean := sum / n
					dst[k*outs+at] = uint8(converted(mean/q.scale+float32(q.zero), codeRange[dt]))
				}
			})
			return nil
		}
	})
	return nil
}

var errChannelsLast = fmt.Errorf("attribute channels_last is set: ONNX Runtime writes that for itself and no tool exports it")

// qlinearPool checks the parameters of a quantized pooling and returns the shape of its input.
func (c *Call) qlinearPool() ([]int, error) {
	if len(c.shape(0)) < 3 {
		return nil, errRank
	}
	return c.shape(0), c.one(c.dtype(0), []int{1, 3}, []int{2, 4})
}

// dynamicQuantize chooses scale and zero point of uint8 codes for the range of its input.
// Source: the definition of DynamicQuantizeLinear in ONNX.
func dynamicQuantize(c *Call) error {
	if err := c.set(0, tensor.Uint8, c.shape(0)...); err != nil {
		return err
	}
	if err := c.set(1, tensor.Float32); err != nil {
		return err
	}
	if err := c.set(2, tensor.Uint8); err != nil {
		return err
	}
	c.Run = func(in, out []*tensor.Tensor) error {
		lo, hi := float32(0), float32(0)
		for _, v := range in[0].F32() {
			lo, hi = min(lo, v), max(hi, v)
		}
		p := affine{scale: 1}
		if hi > lo {
			p.scale = (hi - lo) / 255
		}
		p.zero = int32(math.RoundToEven(float64(min(max(-lo/p.scale, 0), 255))))
		if out[0] != nil {
			codes := tensor.Data[uint8](out[0])
			for i, v := range in[0].F32() {
				codes[i] = uint8(p.code(v, codeRange[tensor.Uint8]))
			}
		}
		if t := at(out, 1); t != nil {
			t.F32()[0] = p.scale
		}
		if t := at(out, 2); t != nil {
			tensor.Data[uint8](t)[0] = uint8(p.zero)
		}
		return nil
	}
	return nil
}
