package op

import (
	"fmt"

	"dropquant/engine/tensor"
)

// cmpOp compares two elements.
type cmpOp uint8

const (
	opEqual cmpOp = iota
	opLess
	opLessEqual
	opGreater
	opGreaterEqual
)

// compare states booleans of the broadcast shape.
func compare(op cmpOp) Rule {
	return func(c *Call) error {
		if err := c.same(); err != nil {
			return err
		}
		shape, err := broadcast(c.shape(0), c.shape(1))
		if err != nil {
			return err
		}
		if err := c.set(0, tensor.Bool, shape...); err != nil {
			return err
		}
		p := pair(c.shape(0), c.shape(1), shape)
		c.Run = func(in, out []*tensor.Tensor) error {
			if out[0].Len() > 0 {
				p.compare(op, tensor.Data[bool](out[0]), in[0], in[1])
			}
			return nil
		}
		return nil
	}
}

func (p *pairing) compare(op cmpOp, out []bool, a, b *tensor.Tensor) {
	switch a.DType {
	case tensor.Float32:
		compareOf[float32](p, op, out, a, b)
	case tensor.Float64:
		compareOf[float64](p, op, out, a, b)
	case tensor.Int8:
		compareOf[int8](p, op, out, a, b)
	case tensor.Uint8:
		compareOf[uint8](p, op, out, a, b)
	case tensor.Int16:
		compareOf[int16](p, op, out, a, b)
	case tensor.Uint16:
		compareOf[uint16](p, op, out, a, b)
	case tensor.Int32:
		compareOf[int32](p, op, out, a, b)
	case tensor.Uint32:
		compareOf[uint32](p, op, out, a, b)
	case tensor.Int64:
		compareOf[int64](p, op, out, a, b)
	case tensor.Uint64:
		compareOf[uint64](p, op, out, a, b)
	case tensor.String:
		compareOf[string](p, op, out, a, b)
	case tensor.Bool: // only equality
		x, y := tensor.Data[bool](a), tensor.Data[bool](b)
		p.each(0, 0, 0, 0, func(o, i, j int) {
			for k := range p.n {
				out[o+k] = x[i+k*p.moveA] == y[j+k*p.moveB]
			}
		})
	default:
		panic(fmt.Sprintf("bug: comparison of %v", a.DType))
	}
}

func compareOf[T number | string](p *pairing, op cmpOp, out []bool, a, b *tensor.Tensor) {
	x, y := tensor.Data[T](a), tensor.Data[T](b)
	p.each(0, 0, 0, 0, func(o, i, j int) {
		for k := range p.n {
			l, r := x[i+k*p.moveA], y[j+k*p.moveB]
			switch op {
			case opEqual:
				out[o+k] = l == r
			case opLess:
				out[o+k] = l < r
			case opLessEqual:
				out[o+k] = l <= r
			case opGreater:
				out[o+k] = l > r
			case opGreaterEqual:
				out[o+k] = l >= r
			}
		}
	})
}

// boolean combines two truth values; table is indexed by 2a+b.
func boolean(table [4]bool) Rule {
	return func(c *Call) error {
		if err := c.same(); err != nil {
			return err
		}
		shape, err := broadcast(c.shape(0), c.shape(1))
		if err != nil {
			return err
		}
		if err := c.set(0, tensor.Bool, shape...); err != nil {
			return err
		}
		p := pair(c.shape(0), c.shape(1), shape)
		c.Run = func(in, out []*tensor.Tensor) error {
			x, y, z := tensor.Data[bool](in[0]), tensor.Data[bool](in[1]), tensor.Data[bool](out[0])
			if len(z) == 0 {
				return nil
			}
			p.each(0, 0, 0, 0, func(o, i, j int) {
				for k := range p.n {
					n := 0
					if x[i+k*p.moveA] {
						n = 2
					}
					if y[j+k*p.moveB] {
						n++
					}
					z[o+k] = table[n]
				}
			})
			return nil
		}
		return nil
	}
}

func not(c *Call) error {
	if err := c.set(0, tensor.Bool, c.shape(0)...); err != nil {
		return err
	}
	c.Run = func(in, out []*tensor.Tensor) error {
		for i, v := range tensor.Data[bool](in[0]) {
			tensor.Data[bool](out[0])[i] = !v
		}
		return nil
	}
	return nil
}

// bitwise combines the bits of two integers of one type.
func bitwise(f func(a, b uint64) uint64) Rule {
	return func(c *Call) error {
		if err := c.same(); err != nil {
			return err
		}
		shape, err := broadcast(c.shape(0), c.shape(1))
		if err != nil {
			return err
		}
		if err := c.set(0, c.dtype(0), shape...); err != nil {
			return err
		}
		p := pair(c.shape(0), c.shape(1), shape)
		c.Run = func(in, out []*tensor.Tensor) error {
			x, y, z := bits(in[0]), bits(in[1]), make([]uint64, out[0].Len())
			if len(z) == 0 {
				return nil
			}
			p.each(0, 0, 0, 0, func(o, i, j int) {
				for k := range p.n {
					z[o+k] = f(x[i+k*p.moveA], y[j+k*p.moveB])
				}
			})
			castInt(out[0], z)
			return nil
		}
		return nil
	}
}

func bitShift(c *Call) error {
	switch dir := c.Node.Str("direction", ""); dir {
	case "LEFT":
		return bitwise(func(a, b uint64) uint64 { return a << b })(c)
	case "RIGHT":
		return bitwise(func(a, b uint64) uint64 { return a >> b })(c)
	default:
		return fmt.Errorf("direction %q is not LEFT or RIGHT", dir)
	}
}

func bitNot(c *Call) error {
	if err := c.set(0, c.dtype(0), c.shape(0)...); err != nil {
		return err
	}
	c.Run = func(in, out []*tensor.Tensor) error {
		z := bits(in[0])
		for i := range z {
			z[i] = ^z[i]
		}
		castInt(out[0], z)
		return nil
	}
	return nil
}

// bits widens integers, keeping the sign.
func bits(t *tensor.Tensor) []uint64 {
	u := tensor.New(tensor.Uint64, t.Len())
	cast(u, t)
	return tensor.Data[uint64](u)
}

// where picks from input 1 or 2 by the condition in input 0; all three broadcast.
func where(c *Call) error {
	if c.dtype(1) != c.dtype(2) {
		return fmt.Errorf("it picks from %v and %v", c.dtype(1), c.dtype(2))
	}
	if !anything.Has(c.dtype(1)) {
		return fmt.Errorf("inputs of type %v are not supported", c.dtype(1))
	}
	shape, err := broadcast(c.shape(0), c.shape(1), c.shape(2))
	if err != nil {
		return err
	}
	if err := c.set(0, c.dtype(1), shape...); err != nil {
		return err
	}
	cond := walk{shape: shape, dst: strides(shape), src: broadcastStrides(c.shape(0), shape)}.squeeze()
	no := walk{shape: shape, dst: strides(shape), src: broadcastStrides(c.shape(2), shape)}.squeeze()
	yes := walk{shape: shape, dst: strides(shape), src: broadcastStrides(c.shape(1), shape)}.squeeze()
	n := product(shape)
	var index []int
	var mask, full *tensor.Tensor
	c.Run = func(in, out []*tensor.Tensor) error {
		if full == nil {
			index, mask, full = make([]int, n), tensor.New(tensor.Bool, shape...), tensor.New(out[0].DType, shape...)
		}
		cond.run(mask, in[0])
		for i, v := range tensor.Data[bool](mask) {
			if index[i] = -1; v {
				index[i] = i
			}
		}
		no.run(out[0], in[2])
		yes.run(full, in[1])
		taking{outer: 1, length: n, inner: 1, index: index}.run(out[0], full)
		return nil
	}
	return nil
}
