package op

import (
	"fmt"
	"math"

	"dropquant/engine/kernel"
	"dropquant/engine/tensor"
)

// pooled reads the window of a pooling and states its output.
func (c *Call) pooled() (window, error) {
	x := c.shape(0)
	if len(x) < 3 {
		return window{}, errRank
	}
	k := c.ints("kernel_shape", len(x)-2, 0)
	w, err := c.window(x[2:], k)
	if err != nil {
		return w, err
	}
	if err := checkShape(append([]int{product(x[:2]) + 1}, k...)); err != nil {
		return w, err
	}
	return w, c.set(0, c.dtype(0), append(append([]int{}, x[:2]...), w.out...)...)
}

// planes returns the geometry for the kernels when they can do it.
func (c *Call) planes(w window) (kernel.PoolShape, bool) {
	f, planar := w.planar()
	if !planar || c.dtype(0) != tensor.Float32 && !eightBits.Has(c.dtype(0)) || product(c.shape(0)) == 0 {
		return kernel.PoolShape{}, false
	}
	s := kernel.PoolShape{
		Channels: product(c.shape(0)[:2]), InH: f.in[0], InW: f.in[1], OutH: f.out[0], OutW: f.out[1],
		KH: f.kernel[0], KW: f.kernel[1], StrideH: f.stride[0], StrideW: f.stride[1], DilationH: f.dilation[0], DilationW: f.dilation[1],
		PadTop: f.before[0], PadLeft: f.before[1], PadBottom: f.after[0], PadRight: f.after[1],
	}
	reach := []int{max(s.InH+s.PadTop, (s.OutH-1)*s.StrideH+(s.KH-1)*s.DilationH+1), max(s.InW+s.PadLeft, (s.OutW-1)*s.StrideW+(s.KW-1)*s.DilationW+1)}
	return s, checkShape(reach) == nil
}

func maxPool(c *Call) error {
	w, err := c.pooled()
	if err != nil {
		return err
	}
	if err := c.set(1, tensor.Int64, c.Out[0].Shape...); err != nil {
		return err
	}
	shape, fast := c.planes(w)
	columns := c.int("storage_order", 0) != 0
	c.Run = func(in, out []*tensor.Tensor) error {
		if fast && (len(out) < 2 || out[1] == nil) {
			maxPoolPlanes(out[0], in[0], shape, c.Scratch)
			return nil
		}
		maxPoolAny(w, in[0], out, columns)
		return nil
	}
	return nil
}

// maxPoolPlanes is the path that models take.
func maxPoolPlanes(y, x *tensor.Tensor, shape kernel.PoolShape, s *kernel.Scratch) {
	switch x.DType {
	case tensor.Float32:
		kernel.MaxPool(y.F32(), x.F32(), shape, s)
	case tensor.Uint8:
		kernel.MaxPool8(tensor.Bytes(y), tensor.Bytes(x), shape, s)
	case tensor.Int8: // with 128 added they are in the order of bytes
		flipped := make([]uint8, x.Len())
		flip(flipped, tensor.Bytes(x))
		kernel.MaxPool8(tensor.Bytes(y), flipped, shape, s)
		flip(tensor.Bytes(y), tensor.Bytes(y))
	}
}

// maxPoolAny picks by index, so it serves every type, and states the indices when they are wanted.
func maxPoolAny(w window, x *tensor.Tensor, out []*tensor.Tensor, columns bool) {
	v, area, outs := toFloats(x), product(w.in), product(w.out)
	planes := 0
	if area > 0 {
		planes = len(v) / area
	}
	pick := make([]int, planes*outs)
	w.taps(func(at int, inside, _ []int, _ int) {
		for p := range planes {
			best := -1
			for _, k := range inside {
				if best < 0 || v[p*area+k] > v[best] {
					best = p*area + k
				}
			}
			pick[p*outs+at] = best
		}
	})
	if out[0] != nil {
		fill(out[0], nil)
		taking{outer: 1, length: len(v), inner: 1, index: pick}.run(out[0], x)
	}
	if len(out) < 2 || out[1] == nil {
		return
	}
	for i, k := range pick {
		if columns && k >= 0 { // the last dimension varies slowest within a plane
			flat, col := k%area, 0
			for d, size := range w.in {
				step := product(w.in[d+1:])
				col += flat / step * product(w.in[:d])
				flat %= step
				_ = size
			}
			k += col - k%area
		}
		out[1].I64()[i] = int64(k)
	}
}

func averagePool(c *Call) error {
	w, err := c.pooled()
	if err != nil {
		return err
	}
	include := c.int("count_include_pad", 0) != 0
	shape, fast := c.planes(w)
	if fast {
		c.Run = func(in, out []*tensor.Tensor) error {
			kernel.AveragePool(out[0].F32(), in[0].F32(), shape, include, c.Scratch)
			return nil
		}
		return nil
	}
	return poolAny(c, w, func(v []float64, covered int) float64 {
		sum, n := 0.0, len(v)
		for _, x := range v {
			sum += x
		}
		if include {
			n = covered
		}
		return sum / float64(max(n, 1))
	})
}

func lpPool(c *Call) error {
	w, err := c.pooled()
	if err != nil {
		return err
	}
	return poolAny(c, w, norm(float64(c.int("p", 2))))
}

// norm returns the p-norm of a list.
func norm(p float64) func(v []float64, _ int) float64 {
	return func(v []float64, _ int) float64 {
		sum := 0.0
		for _, x := range v {
			sum += math.Pow(math.Abs(x), p)
		}
		return math.Pow(sum, 1/p)
	}
}

// poolAny folds the elements of every window with f.
func poolAny(c *Call, w window, f func(v []float64, covered int) float64) error {
	c.Run = func(in, out []*tensor.Tensor) error {
		x, area, outs := toFloats(in[0]), product(w.in), product(w.out)
		y := make([]float64, out[0].Len())
		var v []float64
		w.taps(func(at int, inside, _ []int, covered int) {
			for p := range len(y) / outs {
				v = v[:0]
				for _, k := range inside {
					v = append(v, x[p*area+k])
				}
				y[p*outs+at] = f(v, covered)
			}
		})
		castFloat(out[0], y)
		return nil
	}
	return nil
}

// global folds all spatial dimensions to one element each.
func global(r reduction) Rule {
	return func(c *Call) error {
		if len(c.shape(0)) < 2 {
			return errRank
		}
		var list []int
		for i := 2; i < len(c.shape(0)); i++ {
			list = append(list, i)
		}
		return reduceAxes(c, r, list, true)
	}
}

func globalLpPool(c *Call) error {
	p := float64(c.int("p", 2))
	if p < 1 {
		return fmt.Errorf("attribute p is %g", p)
	}
	return global(reduction{
		step:   func(a, x float64) float64 { return a + math.Pow(math.Abs(x), p) },
		finish: func(a float64, n int) float64 { return math.Pow(a, 1/p) },
	})(c)
}

// lpNormalization divides by the p-norm along one axis.
func lpNormalization(c *Call) error {
	in := c.shape(0)
	a, err := axis(c.int("axis", -1), len(in))
	if err != nil {
		return err
	}
	if err := c.set(0, c.dtype(0), in...); err != nil {
		return err
	}
	n, inner, f := in[a], product(in[a+1:]), norm(float64(c.int("p", 2)))
	c.Run = func(in, out []*tensor.Tensor) error {
		x, row := toFloats(in[0]), make([]float64, n)
		for r := range len(x) / max(n, 1) {
			from := r/inner*n*inner + r%inner
			for i := range row {
				row[i] = x[from+i*inner]
			}
			if d := f(row, n); d != 0 {
				for i := range row {
					x[from+i*inner] /= d
				}
			}
		}
		castFloat(out[0], x)
		return nil
	}
	return nil
}
