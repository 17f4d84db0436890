package op

import (
	"fmt"

	"dropquant/engine/kernel"
	"dropquant/engine/tensor"
)

// Conv8 is the Spec of a convolution of 8-bit codes over one or two dimensions. A matrix product is one of an image whose
// pixels are the rows.
type Conv8 struct {
	Shape  kernel.ConvShape
	Batch  int
	Signed bool // codes and zero points of x are int8: the kernels see them with 128 added
	matrix bool // x and y are matrices of Shape.InW rows
	adding Adding
	counts []int64 // Call.Saturated
}

// turned reports whether x and y are transposed to what the kernels take.
func (v *Conv8) turned() bool { return v.matrix && v.Shape.InW > 1 }

// A product8 is a Conv8 with its weights packed.
type product8 struct {
	spec  *Conv8
	main  *kernel.Conv8
	count bool          // pairs that saturate
	ones  *kernel.Conv8 // sums of the inputs under each window, by group, where weights have zero points
	zeros []int32       // of the weights, by output channel; nil where all are 0
	ep    kernel.Epilogue8

	input      []uint8 // x in the layout and with the codes of the kernels
	sums, rows []int32
}

// pack prepares the convolution for weights w [outC, inC/group, kh, kw], int8 or uint8, with zero points of their
// type, one or one a channel, or none. ep's clamps and zero point are those of the bytes of the result.
//
// A zero point z of the weights takes z·Σ(x−zero) off: Σ(x−zero)(w−z) = Σ(x−zero)w − z·Σ(x−zero).
func (v *Conv8) pack(w, wZero *tensor.Tensor, zero int32, ep kernel.Epilogue8, s *kernel.Scratch) *product8 {
	p := &product8{spec: v, ep: ep}
	opt := kernel.Conv8Options{Zero: uint8(zero), Epilogue8: ep}
	if v.Signed {
		opt.Zero ^= 0x80
	}
	weights, shift := weights8(w)
	if shift == 0 { // of u8 codes they add up exactly
		opt.Sums, opt.Order = v.adding.Sums, v.order()
		p.count = v.counts != nil
	}
	p.zeros = make([]int32, v.Shape.OutC)
	some := false
	for o := range p.zeros {
		p.zeros[o] = codeAt(wZero, o) - shift
		some = some || p.zeros[o] != 0
	}
	if !some {
		p.zeros = nil
		p.main = kernel.NewConv8(v.Shape, weights, opt).Share(s)
		return p
	}
	opt.Epilogue8 = kernel.Epilogue8{}
	p.main = kernel.NewConv8(v.Shape, weights, opt).Share(s)
	each := v.Shape
	each.OutC = each.Group
	ones := make([]int8, v.Shape.InC*v.Shape.KH*v.Shape.KW)
	for i := range ones {
		ones[i] = 1
	}
	p.ones = kernel.NewConv8(each, ones, kernel.Conv8Options{Zero: opt.Zero}).Share(s)
	return p
}

// weights8 returns weights as int8 and how much lower they are than what w holds.
func weights8(w *tensor.Tensor) (weights []int8, shift int32) {
	if w.DType == tensor.Int8 {
		return tensor.Data[int8](w), 0
	}
	weights = make([]int8, w.Len())
	for i, c := range tensor.Data[uint8](w) {
		weights[i] = int8(c ^ 0x80)
	}
	return weights, 128
}

// flip adds 128 to codes, which makes bytes of int8 into bytes of uint8 and back.
func flip(dst, src []uint8) {
	for i, c := range src {
		dst[i] = c ^ 0x80
	}
}

// order returns the slots of the inner dimension where pairs saturate: by tap, then by channel, each tap
// padded to whole blocks of channels.
func (v *Conv8) order() []int32 {
	if v.adding.Sums == kernel.Exact {
		return nil
	}
	channels, taps, block := v.Shape.InC/v.Shape.Group, v.Shape.KH*v.Shape.KW, max(v.adding.Block, 1)
	var order []int32
	for t := range taps {
		for c := range (channels + block - 1) / block * block {
			if c < channels {
				order = append(order, int32(c*taps+t))
			} else {
				order = append(order, -1)
			}
		}
	}
	return v.adding.Cut(order)
}

// Cut fills up every piece of the inner dimension, whose slots order lists, to whole pairs with slots of −1.
func (a Adding) Cut(order []int32) []int32 {
	k := len(order)
	if a.Long == 0 || k <= a.Long {
		return order
	}
	piece := a.Long
	if k < 2*a.Long {
		piece = (k + 1) / 2
	}
	var out []int32
	for i := 0; i < k; i += piece {
		out = append(out, order[i:min(i+piece, k)]...)
		if len(out)%2 != 0 {
			out = append(out, -1)
		}
	}
	return out
}

// each calls f for every image of a batch, with its part of x as the kernels want it.
func (p *product8) each(x *tensor.Tensor, f func(i int, x []uint8)) {
	codes, n := tensor.Bytes(x), p.spec.Shape.InC*p.spec.Shape.InH*p.spec.Shape.InW
	if (p.spec.Signed || p.spec.turned()) && p.input == nil {
		p.input = make([]uint8, n)
	}
	for i := range p.spec.Batch {
		image := codes[i*n : (i+1)*n]
		if p.spec.turned() {
			turn(p.input, image, p.spec.Shape.InW, p.spec.Shape.InC)
			image = p.input
		}
		if p.spec.Signed {
			flip(p.input, image)
			image = p.input
		}
		if p.count {
			p.main.Saturated(p.spec.counts, image)
		}
		f(i, image)
	}
}

// turn transposes a matrix.
func turn[T any](dst, src []T, rows, cols int) {
	for r := range rows {
		for c, v := range src[r*cols : (r+1)*cols] {
			dst[c*rows+r] = v
		}
	}
}

// turnedBack calls f for each image with a place for the result in the layout of the kernels, and stores it in that of the output.
// add, which may be nil, has the layout of y, and is not given to what is transposed.
func turnedBack[T any](p *product8, y []T, x, add *tensor.Tensor, f func(y []T, x []uint8, add []float32)) {
	s := &p.spec.Shape
	n := s.OutC * s.OutH * s.OutW
	var row []T
	if p.spec.turned() {
		row = make([]T, n)
	}
	p.each(x, func(i int, x []uint8) {
		if row == nil {
			var plus []float32
			if add != nil {
				plus = add.F32()[i*n : (i+1)*n]
			}
			f(y[i*n:(i+1)*n], x, plus)
			return
		}
		f(row, x, nil)
		turn(y[i*n:(i+1)*n], row, s.OutC, s.OutW)
	})
}

// Sums computes s of the epilogue.
func (p *product8) Sums(y []int32, x *tensor.Tensor) {
	turnedBack(p, y, x, nil, func(y []int32, x []uint8, _ []float32) {
		p.main.Sums(y, x)
		p.correct(y, x)
	})
}

// Float computes f of the epilogue. Only weights without zero points take an add.
func (p *product8) Float(y []float32, x, add *tensor.Tensor) {
	turnedBack(p, y, x, add, func(y []float32, x []uint8, add []float32) {
		if p.zeros == nil {
			p.main.Float(y, x, add)
			return
		}
		p.corrected(x)
		p.scaled(func(k, o int, f float32) { y[k] = f })
	})
}

// Codes computes the codes of the epilogue, as bytes of the result's type. Only weights without zero points take an add.
func (p *product8) Codes(y, x, add *tensor.Tensor) {
	turnedBack(p, tensor.Bytes(y), x, add, func(y []uint8, x []uint8, add []float32) {
		if p.zeros == nil {
			p.main.Codes(y, x, add)
			return
		}
		p.corrected(x)
		q := affine{1, p.ep.OutZero}
		p.scaled(func(k, _ int, f float32) { y[k] = uint8(q.clamped(f, codeRange[tensor.Uint8])) })
	})
	if y.DType == tensor.Int8 {
		flip(tensor.Bytes(y), tensor.Bytes(y))
	}
}

// correct takes what the zero points of the weights weigh off the sums, and adds the offset.
func (p *product8) correct(sums []int32, x []uint8) {
	if p.zeros == nil {
		return
	}
	s := &p.spec.Shape
	area := s.OutH * s.OutW
	if p.rows == nil {
		p.rows = make([]int32, s.Group*area)
	}
	p.ones.Sums(p.rows, x)
	for o, z := range p.zeros {
		inputs, offset := p.rows[o/(s.OutC/s.Group)*area:], int32(0)
		if p.ep.Offset != nil {
			offset = p.ep.Offset[o]
		}
		for k := range area {
			sums[o*area+k] += offset - z*inputs[k]
		}
	}
}

// corrected fills p.sums.
func (p *product8) corrected(x []uint8) {
	if p.sums == nil {
		p.sums = make([]int32, p.spec.Shape.OutC*p.spec.Shape.OutH*p.spec.Shape.OutW)
	}
	p.main.Sums(p.sums, x)
	p.correct(p.sums, x)
}

// scaled calls f with every sum as a scaled and biased float.
func (p *product8) scaled(f func(k, o int, f float32)) {
	area := p.spec.Shape.OutH * p.spec.Shape.OutW
	for k, s := range p.sums {
		o := k / area
		v := float32(s) * p.ep.Scale[o]
		if p.ep.Bias != nil {
			v = float32(v) + p.ep.Bias[o]
		}
		f(k, o, v)
	}
}

// conv8 reads the geometry of a convolution of codes from the inputs x and w, and states an output of type dt.
func (c *Call) conv8(x, w int, dt tensor.DType) (*Conv8, error) {
	if !c.has(w) || !eightBits.Has(c.dtype(x)) || !eightBits.Has(c.dtype(w)) {
		return nil, errNotCodes
	}
	in, k := c.shape(x), c.shape(w)
	if len(in) < 3 || len(k) != len(in) {
		return nil, errRank
	}
	if len(in) > 4 {
		return nil, fmt.Errorf("a convolution of codes over %d dimensions", len(in)-2)
	}
	group := c.int("group", 1)
	if group < 1 || in[1] != k[1]*group || k[0]%group != 0 {
		return nil, fmt.Errorf("%d input channels do not fit weights of shape %s in %d groups", in[1], tensor.FormatShape(k), group)
	}
	for i, n := range c.ints("kernel_shape", len(k)-2, 0) {
		if n != 0 && n != k[i+2] {
			return nil, fmt.Errorf("attribute kernel_shape does not fit weights of shape %s", tensor.FormatShape(k))
		}
	}
	win, err := c.window(in[2:], k[2:])
	if err != nil {
		return nil, err
	}
	if product(in) == 0 || product(k) == 0 {
		return nil, fmt.Errorf("a convolution of %s by %s", tensor.FormatShape(in), tensor.FormatShape(k))
	}
	if err := c.set(0, dt, append([]int{in[0], k[0]}, win.out...)...); err != nil {
		return nil, err
	}
	flat, _ := win.planar()
	spec := &Conv8{Batch: in[0], Signed: c.dtype(x) == tensor.Int8, adding: c.Arithmetic.Conv, Shape: flat.convShape(in[1], k[0], group)}
	if group > 1 && group == in[1] && group == k[0] {
		spec.adding = c.Arithmetic.Depthwise
	} else if group > 1 {
		spec.adding = c.Arithmetic.Grouped
	}
	spec.counts = c.counting(spec.adding, spec.Shape.OutC)
	return spec, checkConv(&spec.Shape)
}

// counting makes room for the counts of a layer of n output channels, nil when there is nothing to count.
func (c *Call) counting(a Adding, n int) []int64 {
	if c.Arithmetic.Count && a.Sums == kernel.Paired {
		c.Saturated = make([]int64, n)
	}
	return c.Saturated
}
