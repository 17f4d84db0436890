package op

import (
	"cmp"
	"fmt"
	"slices"

	"dropquant/engine/tensor"
)

// argExtreme states the index of the largest (sign 1) or smallest (sign -1) element along an axis.
func argExtreme(sign float64) Rule {
	return func(c *Call) error {
		in := c.shape(0)
		a, err := axis(c.int("axis", 0), len(in))
		if err != nil {
			return err
		}
		if in[a] == 0 {
			return fmt.Errorf("axis %d of %s is empty", a, tensor.FormatShape(in))
		}
		out := append([]int{}, in[:a]...)
		if c.int("keepdims", 1) != 0 {
			out = append(out, 1)
		}
		if err := c.set(0, tensor.Int64, append(out, in[a+1:]...)...); err != nil {
			return err
		}
		n, inner, last := in[a], product(in[a+1:]), c.int("select_last_index", 0) != 0
		c.Run = func(in, out []*tensor.Tensor) error {
			x, y := toFloats(in[0]), out[0].I64()
			for r := range y {
				from, best := r/inner*n*inner+r%inner, 0
				for i := 1; i < n; i++ {
					if d := sign * (x[from+i*inner] - x[from+best*inner]); d > 0 || last && d == 0 {
						best = i
					}
				}
				y[r] = int64(best)
			}
			return nil
		}
		return nil
	}
}

// topK of opset 10 reads k from input 1; before, from the attribute.
func topK(c *Call) error {
	k := c.int("k", 0)
	if c.Opset >= 10 {
		v, err := c.smallInts(1)
		if err != nil {
			return err
		}
		if len(v) != 1 {
			return fmt.Errorf("k is not one number")
		}
		k = v[0]
	}
	in := c.shape(0)
	a, err := axis(c.int("axis", -1), len(in))
	if err != nil {
		return err
	}
	if k < 0 || k > in[a] {
		return fmt.Errorf("k is %d where axis %d has %d elements", k, a, in[a])
	}
	out := append([]int{}, in...)
	out[a] = k
	if err := c.set(0, c.dtype(0), out...); err != nil {
		return err
	}
	if err := c.set(1, tensor.Int64, out...); err != nil {
		return err
	}
	n, inner, largest := in[a], product(in[a+1:]), c.int("largest", 1) != 0
	c.Run = func(in, out []*tensor.Tensor) error {
		x, order, pick := toFloats(in[0]), make([]int, n), make([]int, product(out0(out)))
		for r := range len(x) / max(n, 1) {
			from := r/inner*n*inner + r%inner
			for i := range order {
				order[i] = i
			}
			// Equal elements: the lower index first, whichever end is wanted.
			slices.SortStableFunc(order, func(i, j int) int {
				if largest {
					i, j = j, i
				}
				return cmp.Compare(x[from+i*inner], x[from+j*inner])
			})
			to := r/inner*k*inner + r%inner
			for i := range k {
				pick[to+i*inner] = from + order[i]*inner
				if len(out) > 1 && out[1] != nil {
					out[1].I64()[to+i*inner] = int64(order[i])
				}
			}
		}
		if out[0] != nil {
			taking{outer: 1, length: in[0].Len(), inner: 1, index: pick}.run(out[0], in[0])
		}
		return nil
	}
	return nil
}

func out0(out []*tensor.Tensor) []int {
	for _, t := range out {
		if t != nil {
			return t.Shape
		}
	}
	return []int{0}
}

// oneHot writes values[1] at the indices and values[0] elsewhere, on a new axis.
func oneHot(c *Call) error {
	t := c.known(1)
	if t == nil || t.Len() != 1 || !numbers.Has(t.DType) {
		return fmt.Errorf("the depth is not one constant number")
	}
	depth := toFloats(t)[0]
	if !(depth >= 1 && depth <= maxElements) {
		return fmt.Errorf("a depth of %g", depth)
	}
	if !anything.Has(c.dtype(2)) || product(c.shape(2)) != 2 {
		return fmt.Errorf("the values are not a pair")
	}
	in, d := c.shape(0), int(depth)
	a, err := axis(c.int("axis", -1), len(in)+1)
	if err != nil {
		return err
	}
	out := append(append(append([]int{}, in[:a]...), d), in[a:]...)
	if err := c.set(0, c.dtype(2), out...); err != nil {
		return err
	}
	inner := product(in[a:])
	c.Run = func(in, out []*tensor.Tensor) error {
		pick := make([]int, out[0].Len())
		for i, v := range toFloats(in[0]) {
			k := int(truncate(v))
			if k < 0 {
				k += d
			}
			if k >= 0 && k < d {
				pick[(i/inner*d+k)*inner+i%inner] = 1
			}
		}
		taking{outer: 1, length: 2, inner: 1, index: pick}.run(out[0], in[2])
		return nil
	}
	return nil
}
