package op

import (
	"fmt"

	"dropquant/engine/tensor"
)

// reductions name what a scatter does with an element that is already there.
var reductions = map[string]binOp{"add": opAdd, "mul": opMul, "max": opMax, "min": opMin}

// scatterInto states a copy of input 0 into which place puts the updates of input 2: element i of the
// updates, or the i-th run of width elements, goes to offset at[i]·width.
func scatterInto(c *Call, width int, place func(in []*tensor.Tensor) (at []int, err error)) error {
	if c.dtype(2) != c.dtype(0) {
		return fmt.Errorf("updates of %v for data of %v", c.dtype(2), c.dtype(0))
	}
	op, reduces := reductions[c.Node.Str("reduction", "none")]
	if r := c.Node.Str("reduction", "none"); !reduces && r != "none" || reduces && !numbers.Has(c.dtype(0)) {
		return fmt.Errorf("reduction %q of %v is not supported", r, c.dtype(0))
	}
	if err := c.set(0, c.dtype(0), c.shape(0)...); err != nil {
		return err
	}
	p := pairing{n: width, moveA: 1, moveB: 1}
	c.Run = func(in, out []*tensor.Tensor) error {
		at, err := place(in)
		if err != nil {
			return err
		}
		copyAll(out[0], in[0])
		for i, k := range at {
			to, from := out[0].Slice(k*width, width), in[2].Slice(i*width, width)
			if reduces {
				p.compute(op, to, to, from)
			} else {
				copyAll(to, from)
			}
		}
		return nil
	}
	return nil
}

// scatterElements is the inverse of GatherElements.
func scatterElements(c *Call) error {
	x, ix := c.shape(0), c.shape(1)
	a, err := axis(c.int("axis", 0), len(x))
	if err != nil {
		return err
	}
	if err := c.wantIndices(1); err != nil {
		return err
	}
	if len(ix) != len(x) || formatShapes([][]int{ix}) != formatShapes([][]int{c.shape(2)}) {
		return fmt.Errorf("indices %s and updates %s for data %s", tensor.FormatShape(ix), tensor.FormatShape(c.shape(2)), tensor.FormatShape(x))
	}
	for i := range x {
		if i != a && ix[i] > x[i] {
			return fmt.Errorf("indices of shape %s reach beyond %s", tensor.FormatShape(ix), tensor.FormatShape(x))
		}
	}
	step := strides(x)
	return scatterInto(c, 1, func(in []*tensor.Tensor) ([]int, error) {
		index := make([]int, product(ix))
		if err := readIndices(index, in[1], x[a]); err != nil {
			return nil, err
		}
		eachIndex(ix, func(flat int, at []int) {
			k := index[flat] * step[a]
			for d, i := range at {
				if d != a {
					k += i * step[d]
				}
			}
			index[flat] = k
		})
		return index, nil
	})
}

// scatterND is the inverse of GatherND.
func scatterND(c *Call) error {
	x, ix := c.shape(0), c.shape(1)
	if err := c.wantIndices(1); err != nil {
		return err
	}
	if len(x) == 0 || len(ix) == 0 {
		return errRank
	}
	k := ix[len(ix)-1]
	if k < 1 || k > len(x) {
		return fmt.Errorf("tuples of %d indices into a tensor of rank %d", k, len(x))
	}
	want := append(append([]int{}, ix[:len(ix)-1]...), x[k:]...)
	if formatShapes([][]int{want}) != formatShapes([][]int{c.shape(2)}) {
		return fmt.Errorf("updates of shape %s where %s is needed", tensor.FormatShape(c.shape(2)), tensor.FormatShape(want))
	}
	return scatterInto(c, product(x[k:]), func(in []*tensor.Tensor) ([]int, error) {
		return tuples(in[1], x[:k], 0, 0)
	})
}
