package op

import (
	"fmt"

	"dropquant/engine/kernel"
	"dropquant/engine/tensor"
)

// qlinearBinary is QLinearAdd or QLinearMul of com.microsoft: inputs a, scale, zero point, b, scale,
// zero point, and the scale and zero point of the result.
//
// The result of two codes is looked up, where it is not a sum that the kernels are quick at: the parameters are constant in all
// but tests, and 65 536 sums are soon done.
func qlinearBinary(result func(a, b, y affine, scalar side) func(a, b int32) float32, sum func(a, b, y affine) kernel.CodeSum) Rule {
	return func(c *Call) error {
		dt := c.dtype(0)
		if err := c.one(dt, []int{1, 4, 6}, []int{2, 5, 7}); err != nil {
			return err
		}
		if !c.has(3) || c.dtype(3) != dt {
			return fmt.Errorf("the operands are not both of %v", dt)
		}
		shape, err := broadcast(c.shape(0), c.shape(3))
		if err != nil {
			return err
		}
		if err := c.set(0, dt, shape...); err != nil {
			return err
		}
		p := pair(c.shape(0), c.shape(3), shape)
		v := &CodePair{Same: product(c.shape(0)) == product(shape) && product(c.shape(3)) == product(shape)}
		code := codeOf(dt)
		v.Code = func(in []*tensor.Tensor) func(a, b uint8) uint8 {
			f := result(affineAt(in, 1, 2), affineAt(in, 4, 5), affineAt(in, 6, 7), p.side())
			return func(a, b uint8) uint8 { return uint8(converted(f(code(a), code(b)), codeRange[dt])) }
		}
		c.Spec = v
		c.prepared([]int{1, 2, 4, 5, 6, 7}, func(in []*tensor.Tensor) Run {
			if sum != nil && v.Same && p.side() == neither {
				s := sum(affineAt(in, 1, 2), affineAt(in, 4, 5), affineAt(in, 6, 7))
				if s.Signed = dt == tensor.Int8; s.Quick() {
					return func(in, out []*tensor.Tensor) error {
						s.Add(tensor.Bytes(out[0]), tensor.Bytes(in[0]), tensor.Bytes(in[3]))
						return nil
					}
				}
			}
			table, of := new([1 << 16]uint8), v.Code(in)
			for i := range table {
				table[i] = of(uint8(i>>8), uint8(i))
			}
			return p.lookup(table)
		})
		return nil
	}
}

// side says which operand of a row is one element for the whole row.
type side uint8

const (
	neither side = iota
	left
	right
)

func (p *pairing) side() side {
	switch {
	case p.n > 1 && p.moveA == 0:
		return left
	case p.n > 1 && p.moveB == 0:
		return right
	}
	return neither
}

// CodePair is the Spec of a function of two 8-bit codes, which inputs 0 and 3 hold; the others are parameters.
type CodePair struct {
	Same bool                                                 // both inputs have the shape of the output
	Code func(in []*tensor.Tensor) func(a, b uint8) (y uint8) // of bytes, for the parameters in
}

// codeOf returns what bytes mean as codes of a type.
func codeOf(dt tensor.DType) func(b uint8) int32 {
	if dt == tensor.Int8 {
		return func(b uint8) int32 { return int32(int8(b)) }
	}
	return func(b uint8) int32 { return int32(b) }
}

func (p *pairing) lookup(table *[1 << 16]uint8) Run {
	return func(in, out []*tensor.Tensor) error {
		x, y, z := tensor.Bytes(in[0]), tensor.Bytes(in[3]), tensor.Bytes(out[0])
		if len(z) == 0 {
			return nil
		}
		p.each(0, 0, 0, 0, func(o, i, j int) {
			row := z[o : o+p.n]
			if p.moveA == 1 && p.moveB == 1 {
				kernel.LookupPair8(row, x[i:i+p.n], y[j:j+p.n], table)
				return
			}
			for k := range row {
				row[k] = table[uint16(x[i+k*p.moveA])<<8|uint16(y[j+k*p.moveB])]
			}
		})
		return nil
	}
}

// addCodes is the sum, with the zero points gathered into one term and multiply-adds fused; an operand that is one
// element for a whole row joins that term. Source: mlas/lib/intrinsics/avx2/qladd_avx2.cpp, as its compiler contracts it.
func addCodes(a, b, y affine, scalar side) func(a, b int32) float32 {
	if scalar == left {
		f := addCodes(b, a, y, right)
		return func(a, b int32) float32 { return f(b, a) }
	}
	s := sumOfCodes(a, b, y)
	return func(a, b int32) float32 { return fma32(float32(a), s.A, fma32(float32(b), s.B, s.Fixed)) }
}

func sumOfCodes(a, b, y affine) kernel.CodeSum {
	ra, rb := a.scale/y.scale, b.scale/y.scale
	return kernel.CodeSum{A: ra, B: rb, Fixed: float32(y.zero) - fma32(ra, float32(a.zero), float32(rb*float32(b.zero)))}
}

// mulCodes is the product. Source: mlas/lib/qlmul.cpp.
func mulCodes(a, b, y affine, _ side) func(a, b int32) float32 {
	ratio := a.scale * b.scale / y.scale
	za, zb, zero := a.zero, b.zero, float32(y.zero)
	return func(a, b int32) float32 {
		return float32(float32((a-za)*(b-zb))*ratio) + zero
	}
}
