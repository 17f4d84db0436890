package op

import (
	"dropquant/engine/kernel"
	"dropquant/engine/tensor"
)

// normBlock is how many elements are normalized at once: they stay in a first-level cache while all passes go over them.
const normBlock = 4096

// normScratch is what a normalizer of float32 works in.
type normScratch struct {
	means, inverses, factors []float32
	squares                  []float64
	scale, bias              []float32 // for each element of a block, where elements have parameters of their own
}

// run32 is run for float32. Sums are taken in float64, the rest is float32.
func (z *normalizer) run32(y, x, scale, bias []float32, mean, invDev *tensor.Tensor) {
	if z.rows*z.n == 0 {
		return
	}
	s, rows := &z.scratch, min(max(1, normBlock/z.n), z.rows)
	if s.means == nil {
		s.means, s.inverses, s.squares = make([]float32, rows), make([]float32, rows), make([]float64, rows+1)
		s.factors = make([]float32, z.n/z.each)
	}
	if z.each == 1 && z.groups == 1 {
		s.scale, s.bias = repeated(s.scale, scale, rows), repeated(s.bias, bias, rows)
	}
	for first := 0; first < z.rows; first += rows {
		here := min(rows, z.rows-first)
		src, dst := x[first*z.n:][:here*z.n], y[first*z.n:][:here*z.n]
		if clear(s.means); !z.rms {
			kernel.GlobalAveragePool(s.means[:here], src)
			kernel.SubChannel(dst, src, s.means[:here])
			src = dst
		}
		kernel.RowSquares(s.squares[:here+1], src)
		for r := range here {
			inv := z.inverse(s.squares[r])
			s.inverses[r] = float32(inv)
			z.state(mean, invDev, first+r, float64(s.means[r]), inv)
		}
		if z.each > 1 || z.groups > 1 {
			z.shared(first, dst, src, scale, bias)
			continue
		}
		kernel.MulChannel(dst, src, s.inverses[:here])
		if scale != nil {
			kernel.Mul(dst, dst, s.scale)
		}
		if bias != nil {
			kernel.Add(dst, dst, s.bias)
		}
	}
}

// shared scales and shifts rows whose elements share parameters.
func (z *normalizer) shared(first int, dst, src, scale, bias []float32) {
	n := z.n / z.each
	for r, inv := range z.scratch.inverses[:len(dst)/z.n] {
		row, at := dst[r*z.n:][:z.n], (first+r)%z.groups*n
		factors := z.scratch.factors
		for c := range factors {
			factors[c] = inv * scale[at+c]
		}
		kernel.MulChannel(row, src[r*z.n:][:z.n], factors)
		kernel.AddChannel(row, row, bias[at:at+n])
	}
}

// repeated writes rows copies of x into to, which it makes if it is nil.
func repeated(to, x []float32, rows int) []float32 {
	if to == nil {
		to = make([]float32, rows*len(x))
	}
	for r := range rows {
		copy(to[r*len(x):], x)
	}
	return to
}

// floatsOf returns the elements of a tensor, nil without one.
func floatsOf(t *tensor.Tensor) []float32 {
	if t == nil {
		return nil
	}
	return t.F32()
}
