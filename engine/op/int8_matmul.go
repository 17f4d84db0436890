package op

import (
	"fmt"

	"dropquant/engine/kernel"
	"dropquant/engine/tensor"
)

// A matrices8 is a product of matrices of codes, batched as in numpy.matmul.
type matrices8 struct {
	rows, k, n int   // of one product
	offA, offB []int // where the operands of each begin, in elements
	transB     bool
	signed     bool
	adding     Adding
	counts     []int64
}

// matrices8 reads the shapes of a·b and states an output of type dt.
func (c *Call) matrices8(a, b int, transB bool, dt tensor.DType) (*matrices8, error) {
	if !c.has(b) || !eightBits.Has(c.dtype(a)) || !eightBits.Has(c.dtype(b)) {
		return nil, errNotCodes
	}
	x, y := c.shape(a), c.shape(b)
	if len(x) == 0 || len(y) < 2 {
		return nil, errRank
	}
	out := []int{}
	if len(x) == 1 {
		x = []int{1, x[0]}
	} else {
		out = append(out, x[len(x)-2])
	}
	m := &matrices8{rows: x[len(x)-2], k: x[len(x)-1], n: y[len(y)-1], transB: transB, signed: c.dtype(a) == tensor.Int8, adding: c.Arithmetic.MatMul}
	inner := y[len(y)-2]
	if transB {
		inner, m.n = m.n, inner
	}
	if inner != m.k {
		return nil, fmt.Errorf("%s and %s do not multiply", tensor.FormatShape(c.shape(a)), tensor.FormatShape(c.shape(b)))
	}
	batch, err := broadcast(x[:len(x)-2], y[:len(y)-2])
	if err != nil {
		return nil, err
	}
	out = append(append(append([]int{}, batch...), out...), m.n)
	if err := c.set(0, dt, out...); err != nil {
		return nil, err
	}
	if err := checkShape(append(append([]int{}, batch...), m.rows, m.k+1)); err != nil || product(out)*m.k == 0 {
		return nil, fmt.Errorf("a product of %s and %s", tensor.FormatShape(c.shape(a)), tensor.FormatShape(c.shape(b)))
	}
	m.counts = c.counting(m.adding, m.n)
	if len(y) == 2 { // the same right operand for all: one tall product
		m.rows *= product(batch)
		m.offA, m.offB = []int{0}, []int{0}
		return m, nil
	}
	m.offA, m.offB = (&Gemm{M: m.rows, N: m.n, K: m.k}).offsets(x, y, batch)
	return m, nil
}

// pack prepares one product for each matrix b that the batch reads and returns the loop over them. emit computes
// one, into the part of the output that begins at an element.
func (m *matrices8) pack(b, bZero *tensor.Tensor, zero int32, ep kernel.Epilogue8, s *kernel.Scratch, emit func(p *product8, y, x *tensor.Tensor)) Run {
	spec := &Conv8{Batch: 1, Signed: m.signed, matrix: true, adding: m.adding, counts: m.counts, Shape: kernel.ConvShape{InC: m.k, OutC: m.n, Group: 1, InH: 1, InW: m.rows, OutH: 1, OutW: m.rows,
		KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1}}
	packed := map[int]*product8{}
	for _, off := range m.offB {
		if packed[off] != nil {
			continue
		}
		w := b.Slice(off, m.k, m.n)
		if !m.transB {
			w = tensor.New(b.DType, m.n, m.k)
			turn(tensor.Bytes(w), tensor.Bytes(b)[off:off+m.k*m.n], m.k, m.n)
		}
		packed[off] = spec.pack(w, bZero, zero, ep, s)
	}
	return func(in, out []*tensor.Tensor) error {
		for i, off := range m.offA {
			emit(packed[m.offB[i]], out[0].Slice(i*m.rows*m.n, m.rows, m.n), in[0].Slice(off, m.rows, m.k))
		}
		return nil
	}
}

func emitCodes(p *product8, y, x *tensor.Tensor)  { p.Codes(y, x, nil) }
func emitFloats(p *product8, y, x *tensor.Tensor) { p.Float(y.F32(), x, nil) }
func emitInts(p *product8, y, x *tensor.Tensor)   { p.Sums(tensor.Data[int32](y), x) }

// qlinearMatMul is QLinearMatMul of ONNX: inputs a, scale, zero point, b, scale, zero point, and the scale and zero
// point of the result. Source: core/providers/cpu/quantization/quantize_linear_matmul.cc.
func qlinearMatMul(c *Call) error {
	if !c.has(7) {
		return fmt.Errorf("the zero point of the result is missing")
	}
	m, err := c.matrices8(0, 3, false, c.dtype(7))
	if err != nil {
		return err
	}
	if err := c.parameters(0, 3, 6, 8, m.n); err != nil {
		return err
	}
	c.prepared(inputs(1, 8), func(in []*tensor.Tensor) Run {
		as, ys := in[1].F32()[0], in[6].F32()[0]
		ep := codesEpilogue(in[7])
		ep.Scale = perChannel(in[4], m.n, func(bs float32) float32 { return float32(as*bs) / ys })
		return m.pack(in[3], in[5], codeAt(in[2], 0), ep, c.Scratch, emitCodes)
	})
	return nil
}

// matMulInteger is MatMulInteger of ONNX: inputs a, b and their zero points.
func matMulInteger(c *Call) error {
	m, err := c.matrices8(0, 1, false, tensor.Int32)
	if err != nil {
		return err
	}
	if err := c.one(c.dtype(0), nil, []int{2}); err != nil {
		return err
	}
	if err := c.per(3, m.n, c.dtype(1)); err != nil {
		return err
	}
	c.prepared(inputs(1, 4), func(in []*tensor.Tensor) Run {
		return m.pack(in[1], at(in, 3), codeAt(at(in, 2), 0), kernel.Epilogue8{}, c.Scratch, emitInts)
	})
	return nil
}

// matMulIntegerToFloat is MatMulIntegerToFloat of com.microsoft: inputs a, b, their scales, their zero points and a float
// bias. Source: contrib_ops/cpu/quantization/dynamic_quantize_matmul.cc, mlas/lib/qpostprocessor.cpp.
func matMulIntegerToFloat(c *Call) error {
	m, err := c.matrices8(0, 1, false, tensor.Float32)
	if err != nil {
		return err
	}
	if err := c.one(c.dtype(0), []int{2}, []int{4}); err != nil {
		return err
	}
	if err := c.per(5, m.n, c.dtype(1)); err != nil {
		return err
	}
	if !c.has(3) {
		return fmt.Errorf("the scale of the weights is missing")
	}
	if err := c.per(3, m.n, tensor.Float32); err != nil {
		return err
	}
	if c.has(6) && (c.dtype(6) != tensor.Float32 || product(c.shape(6)) != m.n) {
		return fmt.Errorf("a bias of %v%s for %d columns", c.dtype(6), tensor.FormatShape(c.shape(6)), m.n)
	}
	c.prepared(inputs(1, 7), func(in []*tensor.Tensor) Run {
		as := in[2].F32()[0]
		ep := kernel.Epilogue8{Scale: perChannel(in[3], m.n, func(bs float32) float32 { return as * bs }), Bias: floatBias(at(in, 6))}
		return m.pack(in[1], at(in, 5), codeAt(at(in, 4), 0), ep, c.Scratch, emitFloats)
	})
	return nil
}

// qGemm is QGemm of com.microsoft: inputs a, scale, zero point, b, scale, zero point, a bias in units of the product of the
// scales, and the scale and zero point of the result, without which it is float32.
// Source: contrib_ops/cpu/quantization/quant_gemm.cc.
func qGemm(c *Call) error {
	dt := tensor.Float32
	if c.has(8) {
		dt = c.dtype(8)
	}
	if c.int("transA", 0) != 0 {
		return fmt.Errorf("attribute transA is set")
	}
	if len(c.shape(0)) != 2 || c.has(3) && len(c.shape(3)) != 2 {
		return errRank
	}
	m, err := c.matrices8(0, 3, c.int("transB", 0) != 0, dt)
	if err != nil {
		return err
	}
	y := -1
	if c.has(8) {
		y = 7
	}
	if c.has(6) && product(c.shape(6)) != m.n {
		return fmt.Errorf("a bias of shape %s for %d columns", tensor.FormatShape(c.shape(6)), m.n)
	}
	if err := c.parameters(0, 3, y, 6, m.n); err != nil {
		return err
	}
	alpha := c.Node.Float("alpha", 1)
	c.prepared(inputs(1, 9), func(in []*tensor.Tensor) Run {
		as, ep, emit := in[1].F32()[0], kernel.Epilogue8{}, emitFloats
		if y >= 0 {
			ep, emit = codesEpilogue(in[8]), emitCodes
		}
		ep.Scale = perChannel(in[4], m.n, func(bs float32) float32 {
			s := float32(alpha*as) * bs
			if y >= 0 {
				s = float32(s) / in[7].F32()[0]
			}
			return s
		})
		ep.Offset = offsets(at(in, 6))
		return m.pack(in[3], in[5], codeAt(in[2], 0), ep, c.Scratch, emit)
	})
	return nil
}

// intMatMul is IntMatMul of the domain dropquant: IntConv for a product of matrices. Inputs: a, a_zero, b, b_zero, scale,
// bias as of IntConv, per column of b; with attribute transB set b is transposed.
func intMatMul(c *Call) error {
	m, err := c.matrices8(0, 2, c.int("transB", 0) != 0, tensor.Float32)
	if err != nil {
		return err
	}
	if err := c.intParameters(m.n); err != nil {
		return err
	}
	c.prepared(inputs(1, 6), func(in []*tensor.Tensor) Run {
		ep := kernel.Epilogue8{Scale: perChannel(in[4], m.n, same), Bias: floatBias(at(in, 5))}
		return m.pack(in[2], in[3], codeAt(in[1], 0), ep, c.Scratch, emitFloats)
	})
	return nil
}
