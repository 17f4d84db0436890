package op

import (
	"fmt"

	"dropquant/engine/tensor"
)

// readIndices reads integers into buf, counting negative ones from n; whatever is out of range is an error.
func readIndices(buf []int, t *tensor.Tensor, n int) error {
	if t.DType == tensor.Int64 {
		convert(buf, t.I64())
	} else {
		convert(buf, tensor.Data[int32](t))
	}
	for i, k := range buf {
		if k < -n || k >= n {
			return fmt.Errorf("index %d is out of range for %d elements", k, n)
		}
		if k < 0 {
			buf[i] = k + n
		}
	}
	return nil
}

func (c *Call) wantIndices(i int) error {
	if !indices.Has(c.dtype(i)) {
		return fmt.Errorf("input %d is %v where indices are needed", i, c.dtype(i))
	}
	return nil
}

func gather(c *Call) error {
	in, ix := c.shape(0), c.shape(1)
	a, err := axis(c.int("axis", 0), len(in))
	if err != nil {
		return err
	}
	if err := c.wantIndices(1); err != nil {
		return err
	}
	out := append(append(append([]int{}, in[:a]...), ix...), in[a+1:]...)
	if err := c.set(0, c.dtype(0), out...); err != nil {
		return err
	}
	t := taking{outer: product(in[:a]), length: in[a], inner: product(in[a+1:])}
	count := product(ix)
	c.Run = func(in, out []*tensor.Tensor) error {
		if t.index == nil {
			t.index = make([]int, count)
		}
		if err := readIndices(t.index, in[1], t.length); err != nil {
			return err
		}
		t.run(out[0], in[0])
		return nil
	}
	return nil
}

// gatherElements picks along one axis: out[i][j] = data[index[i][j]][j] for axis 0.
func gatherElements(c *Call) error {
	in, ix := c.shape(0), c.shape(1)
	a, err := axis(c.int("axis", 0), len(in))
	if err != nil {
		return err
	}
	if err := c.wantIndices(1); err != nil {
		return err
	}
	if len(ix) != len(in) {
		return errRank
	}
	for i := range in {
		if i != a && ix[i] > in[i] {
			return fmt.Errorf("indices of shape %s reach beyond %s", tensor.FormatShape(ix), tensor.FormatShape(in))
		}
	}
	if err := c.set(0, c.dtype(0), ix...); err != nil {
		return err
	}
	step := strides(in)
	c.Run = func(in, out []*tensor.Tensor) error {
		index := make([]int, product(ix))
		if err := readIndices(index, in[1], in[0].Shape[a]); err != nil {
			return err
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
		taking{outer: 1, length: in[0].Len(), inner: 1, index: index}.run(out[0], in[0])
		return nil
	}
	return nil
}

// gatherND takes slices at the tuples in the last dimension of the indices.
func gatherND(c *Call) error {
	in, ix, b := c.shape(0), c.shape(1), c.int("batch_dims", 0)
	if err := c.wantIndices(1); err != nil {
		return err
	}
	if len(in) == 0 || len(ix) == 0 || b < 0 || b >= len(ix) || b >= len(in) {
		return errRank
	}
	k := ix[len(ix)-1]
	if k < 1 || b+k > len(in) {
		return fmt.Errorf("tuples of %d indices into a tensor of rank %d", k, len(in))
	}
	for i := range b {
		if in[i] != ix[i] {
			return fmt.Errorf("the batch dimensions of %s and %s differ", tensor.FormatShape(in), tensor.FormatShape(ix))
		}
	}
	out := append(append([]int{}, ix[:len(ix)-1]...), in[b+k:]...)
	if err := c.set(0, c.dtype(0), out...); err != nil {
		return err
	}
	batches, inner, length := product(in[:b]), product(in[b+k:]), product(in[b:b+k])
	c.Run = func(in, out []*tensor.Tensor) error {
		flat, err := tuples(in[1], in[0].Shape[b:b+k], length, batches)
		if err != nil {
			return err
		}
		taking{outer: 1, length: batches * length, inner: inner, index: flat}.run(out[0], in[0])
		return nil
	}
	return nil
}

// tuples flattens index tuples over dims; tuples are split evenly over the batches, each length apart.
func tuples(ix *tensor.Tensor, dims []int, length, batches int) ([]int, error) {
	raw, k := make([]int, ix.Len()), len(dims)
	if ix.DType == tensor.Int64 {
		convert(raw, ix.I64())
	} else {
		convert(raw, tensor.Data[int32](ix))
	}
	flat := make([]int, len(raw)/k)
	for i := range flat {
		n := 0
		for d, size := range dims {
			v := raw[i*k+d]
			if v < -size || v >= size {
				return nil, fmt.Errorf("index %d is out of range for %d elements", v, size)
			}
			if v < 0 {
				v += size
			}
			n = n*size + v
		}
		flat[i] = i*batches/len(flat)*length + n
	}
	return flat, nil
}

// eachIndex calls f with the position of every element of a shape, in order.
func eachIndex(shape []int, f func(flat int, at []int)) {
	at := make([]int, len(shape))
	for flat := range product(shape) {
		f(flat, at)
		for d := len(shape) - 1; d >= 0; d-- {
			if at[d]++; at[d] < shape[d] {
				break
			}
			at[d] = 0
		}
	}
}
