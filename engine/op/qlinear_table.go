package op

import (
	"fmt"
	"math"

	"dropquant/engine/kernel"
	"dropquant/engine/tensor"
)

// qlinearUnary is an activation of com.microsoft on codes: inputs x, scale, zero point, and the scale
// and zero point of the result. It is a table of 256 codes. Source: contrib_ops/cpu/quantization/qlinear_lookup_table.cc.
func qlinearUnary(f func(c *Call) func(x float32) float32) Rule {
	return func(c *Call) error {
		dt := c.dtype(0)
		if err := c.one(dt, []int{1, 3}, []int{2, 4}); err != nil {
			return err
		}
		if err := c.set(0, dt, c.shape(0)...); err != nil {
			return err
		}
		g := f(c)
		v := &CodeFunction{func(in []*tensor.Tensor) [256]uint8 { return codeTable(dt, affineAt(in, 1, 2), affineAt(in, 3, 4), g) }}
		c.Spec = v
		c.prepared([]int{1, 2, 3, 4}, func(in []*tensor.Tensor) Run {
			table := v.Table(in)
			return func(in, out []*tensor.Tensor) error {
				kernel.Lookup8(tensor.Bytes(out[0]), tensor.Bytes(in[0]), &table)
				return nil
			}
		})
		return nil
	}
}

// CodeFunction is the Spec of a function of one 8-bit code. Its first input holds the codes, the others are parameters.
type CodeFunction struct {
	Table func(in []*tensor.Tensor) [256]uint8 // the bytes of the results, for the parameters in
}

// codeTable lists the code of f of what each code stands for, by the byte that holds it.
func codeTable(dt tensor.DType, x, y affine, f func(x float32) float32) (table [256]uint8) {
	code := codeOf(dt)
	for i := range table {
		table[i] = uint8(y.code(f(x.real(code(uint8(i)))), codeRange[dt]))
	}
	return table
}

func leakyCodes(c *Call) func(x float32) float32 {
	alpha := c.Node.Float("alpha", 0.01)
	return func(x float32) float32 {
		if x >= 0 {
			return x
		}
		return alpha * x
	}
}

func sigmoidCodes(*Call) func(x float32) float32 { return logistic }

// logistic is a rational approximation of 1/(1+e^-x) with fused multiply-adds, bit for bit that of MLAS: near a tie the last
// bit decides a code. Source: mlas/lib/logistic.cpp and mlas/lib/x86_64/LogisticKernelFma3.S.
func logistic(x float32) float32 {
	x = min(max(x, -18), 18)
	x2 := x * x
	p := float32(4.37031012579801e-11)
	for _, alpha := range [...]float32{1.15627324459942e-07, 6.08574864600143e-05, 8.51377133304701e-03, 2.48287947061529e-01} {
		p = fma32(p, x2, alpha)
	}
	q := float32(6.10247389755681e-13)
	for _, beta := range [...]float32{5.76102136993427e-09, 6.29106785017040e-06, 1.70198817374094e-03, 1.16817656904453e-01, 9.93151921023180e-01} {
		q = fma32(q, x2, beta)
	}
	return max(x*p/q+0.5, 0)
}

// qlinearConcat joins codes of different parameters: inputs are the scale and zero point of the result,
// and then x, scale, zero point for each part. A part of the result's own parameters is copied, the others
// go through a table. Source: contrib_ops/cpu/quantization/qlinear_concat.cc.
func qlinearConcat(c *Call) error {
	if len(c.In) < 5 || (len(c.In)-2)%3 != 0 {
		return fmt.Errorf("it has %d inputs where 2 and 3 for each part are needed", len(c.In))
	}
	if !c.has(2) || !eightBits.Has(c.dtype(2)) {
		return errNotCodes
	}
	dt, parts := c.dtype(2), (len(c.In)-2)/3
	if err := c.one(dt, []int{0}, []int{1}); err != nil {
		return err
	}
	a, err := axis(c.int("axis", 1), len(c.shape(2)))
	if err != nil {
		return err
	}
	out := append([]int{}, c.shape(2)...)
	out[a] = 0
	for k := range parts {
		i := 2 + 3*k
		if err := c.one(dt, []int{i + 1}, []int{i + 2}); err != nil {
			return err
		}
		if err := c.want(dt, i); err != nil {
			return err
		}
		s := c.shape(i)
		if len(s) != len(out) {
			return errRank
		}
		for d := range s {
			if d != a && s[d] != out[d] {
				return fmt.Errorf("%s and %s do not join along axis %d", tensor.FormatShape(c.shape(2)), tensor.FormatShape(s), a)
			}
		}
		out[a] += s[a]
	}
	if err := c.set(0, dt, out...); err != nil {
		return err
	}
	var parameters []int
	for i := range c.In {
		if i < 2 || i%3 != 2 {
			parameters = append(parameters, i)
		}
	}
	outer, row := product(out[:a]), product(out[a:])
	c.prepared(parameters, func(in []*tensor.Tensor) Run {
		y, tables := affineAt(in, 0, 1), make([]*[256]uint8, parts)
		for k := range parts {
			if x := affineAt(in, 3+3*k, 4+3*k); x != y {
				table := codeTable(dt, x, y, func(x float32) float32 { return x })
				tables[k] = &table
			}
		}
		return func(in, out []*tensor.Tensor) error {
			dst, at := tensor.Bytes(out[0]), 0
			for k, table := range tables {
				src := tensor.Bytes(in[2+3*k])
				n := len(src) / max(outer, 1)
				for o := range outer {
					to, from := dst[o*row+at:][:n], src[o*n:][:n]
					if table == nil {
						copy(to, from)
					} else {
						kernel.Lookup8(to, from, table)
					}
				}
				at += n
			}
			return nil
		}
	})
	return nil
}

// qlinearSoftmax is Softmax of com.microsoft on codes, as ONNX Runtime computes it: exponentials from a
// table whose largest is shifted towards the largest float, and a result scaled by the whole number below 1/scale.
// Source: contrib_ops/cpu/quantization/qlinear_softmax.cc.
func qlinearSoftmax(c *Call) error {
	dt, in := c.dtype(0), c.shape(0)
	if err := c.one(dt, []int{1, 3}, []int{2, 4}); err != nil {
		return err
	}
	if err := c.set(0, dt, in...); err != nil {
		return err
	}
	flat := c.int("opset", 13) < 13
	def := -1
	if flat {
		def = 1
	}
	a, err := axis(c.int("axis", def), len(in))
	if err != nil {
		return err
	}
	n, inner := in[a], product(in[a+1:])
	if flat {
		n, inner = n*inner, 1
	}
	c.prepared([]int{1, 2, 3, 4}, func(in []*tensor.Tensor) Run {
		exps := expTable(in[1].F32()[0], n)
		y := affineAt(in, 3, 4)
		whole := float32(math.Floor(float64(1 / y.scale)))
		flip := uint8(0) // codes in the order of what they stand for
		if dt == tensor.Int8 {
			flip = 0x80
		}
		return func(in, out []*tensor.Tensor) error {
			src, dst := tensor.Bytes(in[0]), tensor.Bytes(out[0])
			for r := range len(src) / max(n, 1) {
				from := r/inner*n*inner + r%inner
				top := uint8(0)
				for k := range n {
					top = max(top, src[from+k*inner]^flip)
				}
				shift, sum := 255-top, float32(0)
				for k := range n {
					sum += exps[src[from+k*inner]^flip+shift]
				}
				for k := range n {
					i := from + k*inner
					q := int32(math.RoundToEven(float64(exps[src[i]^flip+shift]*whole/sum))) + y.zero
					dst[i] = uint8(min(q, codeRange[dt][1]))
				}
			}
			return nil
		}
	})
	return nil
}

// expTable lists e^((i−255+shift)·scale) with the shift that leaves room for a sum of n.
func expTable(scale float32, n int) (table [256]float32) {
	shift := max(0, math.Log(math.MaxFloat32/float64(max(n, 1)))-5) / float64(scale)
	for i := range table {
		table[i] = float32(math.Exp((float64(i) - 255 + shift) * float64(scale)))
	}
	return table
}
