package op

import (
	"fmt"

	"dropquant/engine/tensor"
)

// setView states output 0 as input 0 under another shape of the same size.
func setView(c *Call, shape []int) error {
	if err := c.set(0, c.dtype(0), shape...); err != nil {
		return err
	}
	if product(shape) != product(c.shape(0)) {
		return fmt.Errorf("%s does not reshape to %s", tensor.FormatShape(c.shape(0)), tensor.FormatShape(shape))
	}
	c.Run = func(in, out []*tensor.Tensor) error {
		copyAll(out[0], in[0])
		return nil
	}
	return nil
}

// identity also serves the inference form of Dropout below opset 12, whose mask is all true.
func identity(c *Call) error { return setView(c, c.shape(0)) }

// dropout is the identity: in inference nothing is dropped.
func dropout(c *Call) error {
	if len(c.In) > 2 && c.has(2) {
		t := c.known(2)
		if t == nil || t.DType != tensor.Bool || t.Len() != 1 || tensor.Data[bool](t)[0] {
			return fmt.Errorf("it is in training mode: export the model for inference")
		}
	}
	if err := setView(c, c.shape(0)); err != nil {
		return err
	}
	mask := tensor.Bool
	if c.Opset < 10 {
		mask = c.dtype(0)
	}
	if err := c.set(1, mask, c.shape(0)...); err != nil {
		return err
	}
	one := tensor.Of([]bool{true}, 1)
	if c.Opset < 10 {
		// Before opset 10 the mask had the type of the data, and what it holds in inference was left open.
		one = nil
	}
	c.Run = func(in, out []*tensor.Tensor) error {
		copyAll(out[0], in[0])
		if len(out) > 1 && out[1] != nil {
			fill(out[1], one)
		}
		return nil
	}
	return nil
}

// reshape of opset 5; reshape1 reads the shape from an attribute.
func reshape(c *Call) error {
	want, err := c.smallInts(1)
	if err != nil {
		return err
	}
	return reshapeTo(c, want)
}

func reshape1(c *Call) error { return reshapeTo(c, c.ints("shape", -1, 0)) }

func reshapeTo(c *Call, want []int) error {
	in := c.shape(0)
	out, free, rest := make([]int, len(want)), -1, 1
	for i, d := range want {
		switch {
		case d == 0 && c.int("allowzero", 0) == 0:
			if i >= len(in) {
				return fmt.Errorf("the shape %v copies dimension %d of a tensor of rank %d", want, i, len(in))
			}
			out[i] = in[i]
		case d == -1 && free < 0:
			free = i
			continue
		case d < 0:
			return fmt.Errorf("the shape %v cannot be completed", want)
		default:
			out[i] = d
		}
		if out[i] != 0 && rest > maxElements/out[i] {
			return fmt.Errorf("the shape %v is larger than Dropquant handles", want)
		}
		rest *= out[i]
	}
	if free >= 0 {
		if n := product(in); rest != 0 && n%rest == 0 {
			out[free] = n / rest
		} else if rest == 0 && n == 0 {
			out[free] = 0
		} else {
			return fmt.Errorf("%s does not reshape to %v", tensor.FormatShape(in), want)
		}
	}
	return setView(c, out)
}

func flatten(c *Call) error {
	in := c.shape(0)
	a := c.int("axis", 1)
	if a < 0 {
		a += len(in)
	}
	if a < 0 || a > len(in) {
		return fmt.Errorf("axis %d of a tensor of rank %d", a, len(in))
	}
	return setView(c, []int{product(in[:a]), product(in[a:])})
}

// axesArg reads axes from input 1, or from the attribute before opset 13; nil when there are none.
func axesArg(c *Call, fromInput bool) ([]int, error) {
	if !fromInput {
		return c.ints("axes", -1, 0), nil
	}
	if !c.has(1) {
		return nil, nil
	}
	return c.smallInts(1)
}

func squeeze(fromInput bool) Rule {
	return func(c *Call) error {
		list, err := axesArg(c, fromInput)
		if err != nil {
			return err
		}
		in, out := c.shape(0), []int{}
		named, err := axes(list, len(in))
		if err != nil {
			return err
		}
		drop := make([]bool, len(in))
		for i, d := range in {
			drop[i] = list == nil && d == 1
		}
		for _, a := range named {
			if in[a] != 1 {
				return fmt.Errorf("axis %d of %s is not of size 1", a, tensor.FormatShape(in))
			}
			drop[a] = true
		}
		for i, d := range in {
			if !drop[i] {
				out = append(out, d)
			}
		}
		return setView(c, out)
	}
}

func unsqueeze(fromInput bool) Rule {
	return func(c *Call) error {
		list, err := axesArg(c, fromInput)
		if err != nil {
			return err
		}
		in := c.shape(0)
		if len(list) > maxRank {
			return errRank
		}
		named, err := axes(list, len(in)+len(list))
		if err != nil {
			return err
		}
		out := make([]int, len(in)+len(list))
		for _, a := range named {
			out[a] = -1
		}
		k := 0
		for i := range out {
			if out[i] == -1 {
				out[i] = 1
				continue
			}
			out[i], k = in[k], k+1
		}
		return setView(c, out)
	}
}
