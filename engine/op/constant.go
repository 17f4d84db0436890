package op

import (
	"fmt"
	"math"

	"dropquant/engine/tensor"
)

// constant states the tensor that its one attribute holds.
func constant(c *Call) error {
	t := c.Node.Tensor("value")
	switch {
	case t != nil:
	case c.Node.Has("value_float"):
		t = tensor.Scalar(c.Node.Float("value_float", 0))
	case c.Node.Has("value_int"):
		t = tensor.Scalar(int64(c.Node.Int("value_int", 0)))
	case c.Node.Has("value_string"):
		t = tensor.Scalar(c.Node.Str("value_string", ""))
	case c.Node.Has("value_floats"):
		t = list(c.Node.Floats("value_floats"))
	case c.Node.Has("value_ints"):
		v := c.Node.Ints("value_ints")
		t = list(convert(make([]int64, len(v)), v))
	case c.Node.Has("value_strings"):
		t = list(c.Node.Strings("value_strings"))
	default:
		return fmt.Errorf("it has no value that Dropquant can read")
	}
	if !anything.Has(t.DType) {
		return fmt.Errorf("its value is %v, which Dropquant does not compute with", t.DType)
	}
	c.Result = t
	return c.set(0, t.DType, t.Shape...)
}

func list[T tensor.Element](v []T) *tensor.Tensor { return tensor.Of(v, len(v)) }

func constantOfShape(c *Call) error {
	shape, err := c.smallInts(0)
	if err != nil {
		return err
	}
	v := c.Node.Tensor("value")
	if v == nil {
		v = tensor.Of([]float32{0}, 1)
	}
	if v.Len() != 1 || !anything.Has(v.DType) {
		return fmt.Errorf("its value is %v, not one element", v)
	}
	if err := c.set(0, v.DType, shape...); err != nil {
		return err
	}
	c.Run = func(in, out []*tensor.Tensor) error {
		fill(out[0], v)
		return nil
	}
	return nil
}

// shapeOf states the shape of its input, or (opset 15) a slice of it.
func shapeOf(c *Call) error {
	in := c.shape(0)
	clamp := func(i int) int {
		if i < 0 {
			i += len(in)
		}
		return max(0, min(i, len(in)))
	}
	from, to := clamp(c.int("start", 0)), clamp(c.int("end", len(in)))
	if c.Opset < 15 {
		from, to = 0, len(in)
	}
	dims := in[from:max(from, to)]
	c.Result = list(convert(make([]int64, len(dims)), dims))
	return c.set(0, tensor.Int64, len(dims))
}

func sizeOf(c *Call) error {
	c.Result = tensor.Scalar(int64(product(c.shape(0))))
	return c.set(0, tensor.Int64)
}

// rangeOf: the count depends on the numbers, so they must be constant.
func rangeOf(c *Call) error {
	if err := c.same(); err != nil {
		return err
	}
	var v [3]float64
	for i := range v {
		t := c.known(i)
		if t == nil {
			return fmt.Errorf("input %d decides a shape but is computed from the data: simplify the model so that it is constant", i)
		}
		if t.Len() != 1 {
			return fmt.Errorf("input %d is not one number", i)
		}
		v[i] = toFloats(t)[0]
	}
	n := math.Max(math.Ceil((v[1]-v[0])/v[2]), 0)
	if !(n <= maxElements) {
		return fmt.Errorf("it counts from %g to %g by %g", v[0], v[1], v[2])
	}
	if err := c.set(0, c.dtype(0), int(n)); err != nil {
		return err
	}
	c.Run = func(in, out []*tensor.Tensor) error {
		switch out[0].DType {
		case tensor.Float32:
			count[float32](in, out[0])
		case tensor.Float64:
			count[float64](in, out[0])
		case tensor.Int16:
			count[int16](in, out[0])
		case tensor.Int32:
			count[int32](in, out[0])
		default:
			count[int64](in, out[0])
		}
		return nil
	}
	return nil
}

func count[T number](in []*tensor.Tensor, out *tensor.Tensor) {
	start, step := tensor.Data[T](in[0])[0], tensor.Data[T](in[2])[0]
	for i := range tensor.Data[T](out) {
		tensor.Data[T](out)[i] = start + T(i)*step
	}
}

// toFloats reads the elements of a small tensor of numbers as float64.
func toFloats(t *tensor.Tensor) []float64 {
	out := tensor.New(tensor.Float64, t.Len())
	cast(out, t)
	return tensor.Data[float64](out)
}

// eyeLike, oneHot and trilu are what exporters of attention and position code emit.
func eyeLike(c *Call) error {
	s, k := c.shape(0), c.int("k", 0)
	dt := tensor.DType(c.int("dtype", int(c.dtype(0))))
	if len(s) != 2 {
		return errRank
	}
	if !numbers.Has(dt) {
		return fmt.Errorf("type %v is not a number", dt)
	}
	if err := c.set(0, dt, s...); err != nil {
		return err
	}
	one := tensor.New(dt, 1)
	cast(one, tensor.Of([]float32{1}, 1))
	c.Run = func(in, out []*tensor.Tensor) error {
		fill(out[0], nil)
		from, n := max(k, 0), min(s[0]+min(k, 0), s[1]-max(k, 0))
		if n > 0 {
			walk{shape: []int{n}, dst: []int{s[1] + 1}, src: []int{0}, dstOff: max(-k, 0)*s[1] + from}.run(out[0], one)
		}
		return nil
	}
	return nil
}

func trilu(c *Call) error {
	s, k := c.shape(0), 0
	if len(s) < 2 {
		return errRank
	}
	if c.has(1) {
		v, err := c.smallInts(1)
		if err != nil || len(v) != 1 {
			return fmt.Errorf("input 1 is not one constant number")
		}
		k = v[0]
	}
	if err := c.set(0, c.dtype(0), s...); err != nil {
		return err
	}
	upper := c.int("upper", 1) != 0
	batches, h, w := product(s[:len(s)-2]), s[len(s)-2], s[len(s)-1]
	c.Run = func(in, out []*tensor.Tensor) error {
		fill(out[0], nil)
		for i := range batches * h {
			from, to := max(0, min(i%h+k, w)), w
			if !upper {
				from, to = 0, max(0, min(i%h+k+1, w))
			}
			walk{shape: []int{to - from}, dst: []int{1}, src: []int{1}, dstOff: i*w + from, srcOff: i*w + from}.run(out[0], in[0])
		}
		return nil
	}
	return nil
}
