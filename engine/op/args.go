package op

import (
	"errors"
	"fmt"

	"dropquant/engine/tensor"
)

const (
	// maxAttr bounds integer attributes, so that sums and products of a few of them cannot overflow.
	maxAttr = 1 << 31
	// maxElements bounds one tensor: a shape beyond it is a broken or hostile file, and every index below fits.
	maxElements = 1 << 31
	// maxEmpty bounds the other dimensions of a tensor without elements, which cost the file nothing.
	maxEmpty = 1 << 20
	maxRank  = 32
	// maxAxis bounds a dimension for which a rule makes a table of indices.
	maxAxis = 1 << 20
)

// has reports whether input i is there.
func (c *Call) has(i int) bool { return i < len(c.In) && c.In[i].DType != tensor.Unknown }

// known returns the elements of input i when they are constant, else nil.
func (c *Call) known(i int) *tensor.Tensor {
	if i < len(c.Known) {
		return c.Known[i]
	}
	return nil
}

// shape returns the shape of input i.
func (c *Call) shape(i int) []int { return c.In[i].Shape }

// dtype returns the type of input i, Unknown when it is omitted.
func (c *Call) dtype(i int) tensor.DType {
	if i < len(c.In) {
		return c.In[i].DType
	}
	return tensor.Unknown
}

// int returns an integer attribute. One out of all bounds fails the call and reads as the default.
func (c *Call) int(name string, def int) int {
	v := c.Node.Int(name, def)
	if v > maxAttr || v < -maxAttr {
		c.fail("attribute %s is %d", name, v)
		return def
	}
	return v
}

// ints returns an integer list attribute, or n copies of def when it is absent; it fails the call
// when there are not n. With n < 0 any count will do and absence is nil.
func (c *Call) ints(name string, n, def int) []int {
	v := c.Node.Ints(name)
	for _, x := range v {
		if x > maxAttr || x < -maxAttr {
			c.fail("attribute %s holds %d", name, x)
			v = nil
			break
		}
	}
	if n < 0 {
		return v
	}
	if v != nil && len(v) != n {
		c.fail("attribute %s has %d numbers, not %d", name, len(v), n)
		v = nil
	}
	if v == nil {
		v = make([]int, n)
		for i := range v {
			v[i] = def
		}
	}
	return v
}

// fail records the first thing that is wrong with an attribute.
func (c *Call) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

// constInts returns the elements of input i, which must be constant integers.
func (c *Call) constInts(i int) ([]int, error) {
	t := c.known(i)
	if t == nil {
		name := ""
		if v := c.Node.Input(i); v != nil {
			name = v.Name
		}
		return nil, fmt.Errorf("input %d (%q) decides a shape but is computed from the data: simplify the model so that it is constant", i, name)
	}
	switch t.DType {
	case tensor.Int64:
		return convert(make([]int, t.Len()), t.I64()), nil
	case tensor.Int32:
		return convert(make([]int, t.Len()), tensor.Data[int32](t)), nil
	}
	return nil, fmt.Errorf("input %d is %v, not an integer list", i, t.DType)
}

// smallInts is constInts for counts and sizes.
func (c *Call) smallInts(i int) ([]int, error) {
	v, err := c.constInts(i)
	for _, x := range v {
		if x > maxAttr || x < -maxAttr {
			return nil, fmt.Errorf("input %d holds %d", i, x)
		}
	}
	return v, err
}

// constFloats returns the elements of input i, which must be constant float32 numbers.
func (c *Call) constFloats(i int) ([]float32, error) {
	t := c.known(i)
	if t == nil {
		return nil, fmt.Errorf("input %d decides a shape but is computed from the data: simplify the model so that it is constant", i)
	}
	switch t.DType {
	case tensor.Float32:
		return t.F32(), nil
	case tensor.Float64:
		return convert(make([]float32, t.Len()), tensor.Data[float64](t)), nil
	}
	return nil, fmt.Errorf("input %d is %v, not a float list", i, t.DType)
}

// set states output i.
func (c *Call) set(i int, dt tensor.DType, shape ...int) error {
	if err := checkShape(shape); err != nil {
		return err
	}
	for len(c.Out) <= i {
		c.Out = append(c.Out, Type{})
	}
	c.Out[i] = Type{dt, append([]int{}, shape...)}
	return nil
}

// want fails unless input i has exactly the type dt; an omitted input passes.
func (c *Call) want(dt tensor.DType, inputs ...int) error {
	for _, i := range inputs {
		if c.has(i) && c.In[i].DType != dt {
			return fmt.Errorf("input %d is %v where %v is needed", i, c.In[i].DType, dt)
		}
	}
	return nil
}

// same fails unless all inputs have the type of input 0.
func (c *Call) same() error {
	for i := range c.In {
		if err := c.want(c.In[0].DType, i); err != nil {
			return err
		}
	}
	return nil
}

// all fails when an input that the operator cannot do without is omitted.
func (c *Call) all() error {
	for i := range c.In {
		if !c.has(i) {
			return fmt.Errorf("input %d is missing", i)
		}
	}
	return nil
}

// checkShape bounds a shape.
func checkShape(shape []int) error {
	if len(shape) > maxRank {
		return fmt.Errorf("a tensor of rank %d is more than Dropquant handles", len(shape))
	}
	n, limit := 1, maxElements
	for _, d := range shape {
		if d == 0 {
			limit = maxEmpty
		}
	}
	for _, d := range shape {
		if d < 0 {
			return fmt.Errorf("a dimension of %v is negative", shape)
		}
		if n > limit/max(d, 1) {
			return fmt.Errorf("a tensor of shape %v is larger than Dropquant handles", shape)
		}
		n *= max(d, 1)
	}
	return nil
}

// axis normalizes an axis of a tensor of the given rank.
func axis(a, rank int) (int, error) {
	if a < -rank || a >= rank {
		return 0, fmt.Errorf("axis %d of a tensor of rank %d", a, rank)
	}
	if a < 0 {
		a += rank
	}
	return a, nil
}

// axes normalizes a list of distinct axes.
func axes(list []int, rank int) ([]int, error) {
	out, seen := make([]int, len(list)), make([]bool, rank)
	for i, a := range list {
		a, err := axis(a, rank)
		if err != nil {
			return nil, err
		}
		if seen[a] {
			return nil, fmt.Errorf("axis %d is named twice", a)
		}
		out[i], seen[a] = a, true
	}
	return out, nil
}

// broadcast returns the shape of an element-wise result, numpy style.
func broadcast(shapes ...[]int) ([]int, error) {
	rank := 0
	for _, s := range shapes {
		rank = max(rank, len(s))
	}
	out := make([]int, rank)
	for i := range out {
		out[i] = 1
	}
	for _, s := range shapes {
		for i, d := range s {
			o := &out[rank-len(s)+i]
			switch {
			case *o == 1:
				*o = d
			case d != 1 && d != *o:
				return nil, fmt.Errorf("shapes %s do not broadcast", formatShapes(shapes))
			}
		}
	}
	return out, nil
}

func formatShapes(shapes [][]int) string {
	s := ""
	for i, x := range shapes {
		if i > 0 {
			s += " and "
		}
		s += tensor.FormatShape(x)
	}
	return s
}

// strides returns the row-major strides of a shape.
func strides(shape []int) []int {
	s, n := make([]int, len(shape)), 1
	for i := len(shape) - 1; i >= 0; i-- {
		s[i] = n
		n *= shape[i]
	}
	return s
}

// product multiplies dimensions.
func product(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// Bytes returns the size of a tensor in memory.
func (t Type) Bytes() int64 { return int64(product(t.Shape)) * int64(width(t.DType)) }

var errRank = errors.New("the rank of an input does not fit the operator")
