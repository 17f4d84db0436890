package op

import (
	"fmt"

	"dropquant/engine/kernel"
	"dropquant/engine/tensor"
)

// Gemm is the Spec of one matrix product of float32: [m, k]·[k, n], batched Batch times.
type Gemm struct {
	M, N, K        int
	TransA, TransB bool
	Alpha, Beta    float32
	Batch          int

	ordered bool // the products are added up by sgemmOrder
	onto    bool // and onto what the result holds
}

// gemm computes alpha·op(A)·op(B) + beta·C.
func gemm(c *Call) error {
	if err := c.same(); err != nil {
		return err
	}
	a, b := c.shape(0), c.shape(1)
	if len(a) != 2 || len(b) != 2 {
		return errRank
	}
	s := &Gemm{M: a[0], K: a[1], N: b[1], TransA: c.int("transA", 0) != 0, TransB: c.int("transB", 0) != 0,
		Alpha: c.Node.Float("alpha", 1), Beta: c.Node.Float("beta", 1), Batch: 1}
	inner := b[0]
	if s.TransA {
		s.M, s.K = a[1], a[0]
	}
	if s.TransB {
		inner, s.N = b[1], b[0]
	}
	if inner != s.K {
		return fmt.Errorf("%s and %s do not multiply", tensor.FormatShape(a), tensor.FormatShape(b))
	}
	out := []int{s.M, s.N}
	if err := c.set(0, c.dtype(0), out...); err != nil {
		return err
	}
	var bias pairing
	if c.has(2) {
		full, err := broadcast(c.shape(2), out)
		if err != nil || product(full) != product(out) || len(full) != 2 {
			return fmt.Errorf("%s does not broadcast to %s", tensor.FormatShape(c.shape(2)), tensor.FormatShape(out))
		}
		bias = pair(out, c.shape(2), out)
	}
	if c.dtype(0) == tensor.Float32 {
		c.Spec = s
	}
	all := pair(out, []int{1}, out)
	dt := c.dtype(0)
	c.Run = func(in, out []*tensor.Tensor) error {
		s.multiply(out[0], in[0], in[1], 0, 0, 0, c.Scratch)
		if s.Alpha != 1 {
			all.compute(opMul, out[0], out[0], number1(dt, s.Alpha))
		}
		if len(in) < 3 || in[2] == nil || s.Beta == 0 {
			return nil
		}
		add := in[2]
		if s.Beta != 1 {
			add = tensor.New(dt, in[2].Shape...)
			p := pair(add.Shape, []int{1}, add.Shape)
			p.compute(opMul, add, in[2], number1(dt, s.Beta))
		}
		bias.compute(opAdd, out[0], out[0], add)
		return nil
	}
	return nil
}

// number1 returns a tensor of one number.
func number1(dt tensor.DType, v float32) *tensor.Tensor {
	t := tensor.New(dt, 1)
	cast(t, tensor.Of([]float32{v}, 1))
	return t
}

// multiply computes one product without alpha, beta and C, at element offsets into the operands.
func (s *Gemm) multiply(y, a, b *tensor.Tensor, yo, ao, bo int, scratch *kernel.Scratch) {
	lda, ldb := s.K, s.N
	if s.TransA {
		lda = s.M
	}
	if s.TransB {
		ldb = s.K
	}
	switch y.DType {
	case tensor.Float32:
		if s.M*s.N*s.K == 0 {
			if !s.onto {
				clear(y.F32()[yo:][:s.M*s.N])
			}
			return
		}
		if s.ordered {
			o := sgemmOrder(s.M, s.N, s.K, s.TransA, s.TransB, s.TransB && s.K > 1)
			kernel.OrderedGemm(o, s.onto, s.TransA, s.TransB, s.M, s.N, s.K, a.F32()[ao:], max(lda, 1), b.F32()[bo:], max(ldb, 1), y.F32()[yo:], scratch)
			return
		}
		kernel.Gemm(s.TransA, s.TransB, s.M, s.N, s.K, a.F32()[ao:], max(lda, 1), b.F32()[bo:], max(ldb, 1), y.F32()[yo:], s.N, kernel.Epilogue{}, scratch)
	case tensor.Float64:
		multiplyOf[float64](s, y, a, b, yo, ao, bo, lda, ldb)
	case tensor.Int32:
		multiplyOf[int32](s, y, a, b, yo, ao, bo, lda, ldb)
	case tensor.Int64:
		multiplyOf[int64](s, y, a, b, yo, ao, bo, lda, ldb)
	case tensor.Uint32:
		multiplyOf[uint32](s, y, a, b, yo, ao, bo, lda, ldb)
	case tensor.Uint64:
		multiplyOf[uint64](s, y, a, b, yo, ao, bo, lda, ldb)
	default:
		panic(fmt.Sprintf("bug: product of %v", y.DType))
	}
}

func multiplyOf[T number](s *Gemm, yt, at, bt *tensor.Tensor, yo, ao, bo, lda, ldb int) {
	y, a, b := tensor.Data[T](yt)[yo:], tensor.Data[T](at)[ao:], tensor.Data[T](bt)[bo:]
	ra, ca, rb, cb := lda, 1, ldb, 1
	if s.TransA {
		ra, ca = 1, lda
	}
	if s.TransB {
		rb, cb = 1, ldb
	}
	for i := range s.M {
		for j := range s.N {
			var sum T
			for k := range s.K {
				sum += a[i*ra+k*ca] * b[k*rb+j*cb]
			}
			y[i*s.N+j] = sum
		}
	}
}

// matMul multiplies as numpy.matmul: the leading dimensions broadcast, a vector counts as one row or column.
func matMul(c *Call) error {
	if err := c.same(); err != nil {
		return err
	}
	a, b := c.shape(0), c.shape(1)
	if len(a) == 0 || len(b) == 0 {
		return errRank
	}
	rowVector, colVector := len(a) == 1, len(b) == 1
	if rowVector {
		a = []int{1, a[0]}
	}
	if colVector {
		b = []int{b[0], 1}
	}
	la, lb := len(a)-2, len(b)-2
	if a[la+1] != b[lb] {
		return fmt.Errorf("%s and %s do not multiply", tensor.FormatShape(c.shape(0)), tensor.FormatShape(c.shape(1)))
	}
	batch, err := broadcast(a[:la], b[:lb])
	if err != nil {
		return err
	}
	s := &Gemm{M: a[la], K: a[la+1], N: b[lb+1], Alpha: 1, Batch: 1}
	full := append(append([]int{}, batch...), s.M, s.N)
	if err := checkShape(full); err != nil {
		return err
	}
	out := append([]int{}, batch...)
	if !rowVector {
		out = append(out, s.M)
	}
	if !colVector {
		out = append(out, s.N)
	}
	if err := c.set(0, c.dtype(0), out...); err != nil {
		return err
	}
	var offA, offB []int
	if product(out) == 0 {
		c.Run = func(in, out []*tensor.Tensor) error { return nil }
		return nil
	}
	if lb == 0 { // the same right operand for all: one tall product
		s.M *= product(batch)
		batch = nil
	}
	s.Batch = product(batch)
	if c.dtype(0) == tensor.Float32 {
		c.Spec = s
	}
	c.Run = func(in, out []*tensor.Tensor) error {
		if offA == nil {
			offA, offB = s.offsets(a, b, batch)
		}
		for i := range offA {
			s.multiply(out[0], in[0], in[1], i*s.M*s.N, offA[i], offB[i], c.Scratch)
		}
		return nil
	}
	return nil
}

// offsets lists where the operands of each product of a batch begin.
func (s *Gemm) offsets(a, b, batch []int) (offA, offB []int) {
	if len(batch) == 0 {
		return []int{0}, []int{0}
	}
	sa, sb := broadcastStrides(a[:len(a)-2], batch), broadcastStrides(b[:len(b)-2], batch)
	eachIndex(batch, func(_ int, at []int) {
		x, y := 0, 0
		for d, i := range at {
			x, y = x+i*sa[d], y+i*sb[d]
		}
		offA, offB = append(offA, x*s.M*s.K), append(offB, y*s.K*s.N)
	})
	return offA, offB
}
