package op

import (
	"fmt"
	"math"

	"dropquant/engine/tensor"
)

// slice of opset 10 reads starts, ends, axes and steps from inputs; slice1 from attributes.
func slice(c *Call) error {
	starts, err := c.constInts(1)
	if err != nil {
		return err
	}
	ends, err := c.constInts(2)
	if err != nil {
		return err
	}
	var list, steps []int
	if c.has(3) {
		if list, err = c.smallInts(3); err != nil {
			return err
		}
	}
	if c.has(4) {
		if steps, err = c.constInts(4); err != nil {
			return err
		}
	}
	return sliceTo(c, starts, ends, list, steps)
}

func slice1(c *Call) error {
	return sliceTo(c, c.Node.Ints("starts"), c.Node.Ints("ends"), c.ints("axes", -1, 0), nil)
}

func sliceTo(c *Call, starts, ends, list, steps []int) error {
	in := c.shape(0)
	if list == nil {
		for i := range starts {
			list = append(list, i)
		}
	}
	if len(ends) != len(starts) || len(list) != len(starts) || steps != nil && len(steps) != len(starts) {
		return fmt.Errorf("starts, ends, axes and steps are not of one length")
	}
	list, err := axes(list, len(in))
	if err != nil {
		return err
	}
	out, src, off := append([]int{}, in...), strides(in), 0
	for i, a := range list {
		step := 1
		if steps != nil {
			step = steps[i]
		}
		if step == 0 {
			return fmt.Errorf("a step is 0")
		}
		// A step beyond the dimension takes one element, whatever its size.
		step = max(min(step, in[a]+1), -in[a]-1)
		from, n := span(starts[i], ends[i], step, in[a])
		out[a] = n
		off += from * src[a]
		src[a] *= step
	}
	if product(out) == 0 {
		off = 0
	}
	return setWalks(c, out, walk{shape: out, dst: strides(out), src: src, srcOff: off})
}

// span returns the first index and the count of a slice of n elements, clamped as numpy does.
func span(start, end, step, n int) (from, count int) {
	lo, hi := 0, n
	if step < 0 {
		lo, hi = -1, n-1
	}
	clamp := func(i int) int {
		if i < 0 {
			i = max(i, math.MinInt64/2) + n
		}
		return max(lo, min(i, hi))
	}
	from, end = clamp(start), clamp(end)
	if step > 0 {
		count = (end - from + step - 1) / step
	} else {
		count = (from - end - step - 1) / -step
	}
	return from, max(count, 0)
}

// split of opset 13 reads the sizes from input 1; before, from the attribute.
func split(fromInput bool) Rule {
	return func(c *Call) error {
		a, err := axis(c.int("axis", 0), len(c.shape(0)))
		if err != nil {
			return err
		}
		n := c.shape(0)[a]
		sizes := c.ints("split", -1, 0)
		if fromInput && c.has(1) {
			if sizes, err = c.smallInts(1); err != nil {
				return err
			}
		}
		if sizes == nil {
			parts := len(c.Node.Outputs)
			if k := c.int("num_outputs", parts); k != parts {
				return fmt.Errorf("attribute num_outputs is %d where the node has %d outputs", k, parts)
			}
			if parts == 0 {
				return fmt.Errorf("it has no outputs")
			}
			size := (n + parts - 1) / parts
			for left := n; len(sizes) < parts; left -= sizes[len(sizes)-1] {
				sizes = append(sizes, min(size, max(left, 0)))
			}
		}
		if len(sizes) < len(c.Node.Outputs) {
			return fmt.Errorf("%d sizes for %d outputs", len(sizes), len(c.Node.Outputs))
		}
		return splitInto(c, a, sizes)
	}
}

func splitInto(c *Call, a int, sizes []int) error {
	in := c.shape(0)
	total := 0
	for _, s := range sizes {
		if s < 0 || s > in[a] {
			return fmt.Errorf("the sizes %v do not split %d", sizes, in[a])
		}
		total += s
	}
	if total != in[a] {
		return fmt.Errorf("the sizes %v do not sum to %d", sizes, in[a])
	}
	outer, inner, off := product(in[:a]), product(in[a+1:]), 0
	ws := make([]walk, len(sizes))
	for i, s := range sizes {
		shape := append([]int{}, in...)
		shape[a] = s
		if err := c.set(i, c.dtype(0), shape...); err != nil {
			return err
		}
		ws[i] = walk{shape: []int{outer, s * inner}, dst: []int{s * inner, 1}, src: []int{in[a] * inner, 1}, srcOff: off}.squeeze()
		off += s * inner
	}
	c.Run = func(in, out []*tensor.Tensor) error {
		for i, t := range out {
			if t != nil {
				ws[i].run(t, in[0])
			}
		}
		return nil
	}
	return nil
}
