package op

import (
	"fmt"
	"math"

	"dropquant/engine/kernel"
	"dropquant/engine/tensor"
)

// Quantizer is the Spec of QuantizeLinear and DequantizeLinear: the data seen as [Outer, N, Inner],
// with one scale and zero point for all (Count 1), for each of N, or for each block of N (Block > 0).
type Quantizer struct {
	Outer, N, Inner int
	Count           int // scales
	Block           int
	DType           tensor.DType // of the integers
	Lo, Hi          int32        // their range
}

// codeRange is the range of the integers that are quantized to.
var codeRange = map[tensor.DType][2]int32{
	tensor.Int8: {-128, 127}, tensor.Uint8: {0, 255}, tensor.Int16: {-32768, 32767}, tensor.Uint16: {0, 65535},
}

// quantizer checks the shapes of scale and zero point.
func (c *Call) quantizer(dt tensor.DType) (*Quantizer, error) {
	x, s := c.shape(0), c.shape(1)
	if c.dtype(1) != tensor.Float32 {
		return nil, fmt.Errorf("the scale is %v where float32 is needed", c.dtype(1))
	}
	if c.has(2) && (product(c.shape(2)) != product(s) || c.dtype(2) != dt) {
		return nil, fmt.Errorf("the zero point is %v%s where %v%s is needed", c.dtype(2), tensor.FormatShape(c.shape(2)), dt, tensor.FormatShape(s))
	}
	q := &Quantizer{Outer: 1, N: 1, Inner: product(x), Count: product(s), DType: dt, Lo: codeRange[dt][0], Hi: codeRange[dt][1]}
	block := c.int("block_size", 0)
	if block == 0 && q.Count == 1 && len(s) <= 1 {
		return q, nil
	}
	a, err := axis(c.int("axis", 1), max(len(x), 1))
	if err != nil {
		return nil, err
	}
	if len(x) == 0 {
		return nil, errRank
	}
	q.Outer, q.N, q.Inner = product(x[:a]), x[a], product(x[a+1:])
	if block == 0 {
		if len(s) != 1 || s[0] != x[a] {
			return nil, fmt.Errorf("scales of shape %s for axis %d of %s", tensor.FormatShape(s), a, tensor.FormatShape(x))
		}
		return q, nil
	}
	want := append([]int{}, x...)
	if block < 1 {
		return nil, fmt.Errorf("attribute block_size is %d", block)
	}
	want[a] = (x[a] + block - 1) / block
	if len(s) != len(want) || product(s) != product(want) {
		return nil, fmt.Errorf("scales of shape %s for blocks of %d along axis %d of %s", tensor.FormatShape(s), block, a, tensor.FormatShape(x))
	}
	for i := range s {
		if s[i] != want[i] {
			return nil, fmt.Errorf("scales of shape %s for blocks of %d along axis %d of %s", tensor.FormatShape(s), block, a, tensor.FormatShape(x))
		}
	}
	q.Block = block
	return q, nil
}

// runs calls f for every stretch of elements that one scale serves.
func (q *Quantizer) runs(f func(param, from, to int)) {
	switch {
	case q.Block > 0:
		blocks := (q.N + q.Block - 1) / q.Block
		for i := range q.Outer * q.N * q.Inner {
			o, k := i/(q.N*q.Inner), i/q.Inner%q.N
			f((o*blocks+k/q.Block)*q.Inner+i%q.Inner, i, i+1)
		}
	case q.Count == 1:
		f(0, 0, q.Outer*q.N*q.Inner)
	default:
		for i := range q.Outer * q.N {
			f(i%q.N, i*q.Inner, (i+1)*q.Inner)
		}
	}
}

func quantizeLinear(c *Call) error {
	dt := tensor.DType(c.int("output_dtype", 0))
	if c.has(2) {
		dt = c.dtype(2)
	} else if dt == tensor.Unknown {
		dt = tensor.Uint8
	}
	if _, ok := codeRange[dt]; !ok {
		return fmt.Errorf("quantizing to %v is not supported", dt)
	}
	if p := tensor.DType(c.int("precision", 0)); p != tensor.Unknown && p != tensor.Float32 {
		return fmt.Errorf("attribute precision is %v", p)
	}
	q, err := c.quantizer(dt)
	if err != nil {
		return err
	}
	if err := c.set(0, dt, c.shape(0)...); err != nil {
		return err
	}
	c.Spec = q
	c.Run = func(in, out []*tensor.Tensor) error {
		x := in[0]
		if x.DType != tensor.Float32 {
			x = tensor.New(tensor.Float32, x.Shape...)
			cast(x, in[0])
		}
		switch zeros := at(in, 2); dt {
		case tensor.Int8, tensor.Uint8:
			quantizeBytes(q, out[0], x, in[1], zeros)
		case tensor.Int16:
			quantizeOf[int16](q, out[0], x, in[1], zeros)
		case tensor.Uint16:
			quantizeOf[uint16](q, out[0], x, in[1], zeros)
		}
		return nil
	}
	return nil
}

type code interface {
	int8 | uint8 | int16 | uint16 | int32
}

// quantizeBytes is quantizeOf to 8 bits.
func quantizeBytes(q *Quantizer, y, x, scales, zeros *tensor.Tensor) {
	dst, src, s := tensor.Bytes(y), x.F32(), scales.F32()
	q.runs(func(p, from, to int) {
		kernel.QuantizeU8(dst[from:to], src[from:to], s[p], codeAt(zeros, p)-q.Lo, 0, 255)
	})
	if q.DType == tensor.Int8 {
		flip(dst, dst)
	}
}

// quantizeOf computes clamp(round(x/scale) + zero), rounding half to even; NaN becomes the lowest code.
func quantizeOf[T int16 | uint16](q *Quantizer, y, x, scales, zeros *tensor.Tensor) {
	dst, src, s := tensor.Data[T](y), x.F32(), scales.F32()
	q.runs(func(p, from, to int) {
		scale, zero := s[p], 0.0
		if zeros != nil {
			zero = float64(tensor.Data[T](zeros)[p])
		}
		lo, hi := float64(q.Lo), float64(q.Hi)
		for i, v := range src[from:to] {
			r := math.RoundToEven(float64(v/scale)) + zero
			if !(r > lo) {
				r = lo
			}
			dst[from+i] = T(min(r, hi))
		}
	})
}

func dequantizeLinear(c *Call) error {
	dt := c.dtype(0)
	if out := tensor.DType(c.int("output_dtype", 0)); out != tensor.Unknown && out != tensor.Float32 {
		return fmt.Errorf("dequantizing to %v is not supported", out)
	}
	q, err := c.quantizer(dt)
	if err != nil {
		return err
	}
	if err := c.set(0, tensor.Float32, c.shape(0)...); err != nil {
		return err
	}
	c.Spec = q
	c.Run = func(in, out []*tensor.Tensor) error {
		switch zeros := at(in, 2); dt {
		case tensor.Int8:
			dequantizeOf[int8](q, out[0], in[0], in[1], zeros)
		case tensor.Uint8:
			dequantizeBytes(q, out[0], in[0], in[1], zeros)
		case tensor.Int16:
			dequantizeOf[int16](q, out[0], in[0], in[1], zeros)
		case tensor.Uint16:
			dequantizeOf[uint16](q, out[0], in[0], in[1], zeros)
		case tensor.Int32:
			dequantizeOf[int32](q, out[0], in[0], in[1], zeros)
		}
		return nil
	}
	return nil
}

// dequantizeBytes is dequantizeOf from uint8.
func dequantizeBytes(q *Quantizer, y, x, scales, zeros *tensor.Tensor) {
	dst, src, s := y.F32(), tensor.Data[uint8](x), scales.F32()
	q.runs(func(p, from, to int) { kernel.DequantizeU8(dst[from:to], src[from:to], s[p], codeAt(zeros, p)) })
}

// dequantizeOf computes (x - zero)·scale.
func dequantizeOf[T code](q *Quantizer, y, x, scales, zeros *tensor.Tensor) {
	dst, src, s := y.F32(), tensor.Data[T](x), scales.F32()
	q.runs(func(p, from, to int) {
		scale, zero := s[p], int32(0)
		if zeros != nil {
			zero = int32(tensor.Data[T](zeros)[p])
		}
		for i, v := range src[from:to] {
			dst[from+i] = float32(int32(v)-zero) * scale
		}
	})
}

// Takes reports whether the kernel of Fake can work with these scales and zero points.
func (q *Quantizer) Takes(scales []float32, zeros []int32) bool {
	for i, s := range scales {
		if !(s > 0) || math.IsInf(float64(s), 0) || zeros != nil && (zeros[i] < q.Lo || zeros[i] > q.Hi) {
			return false
		}
	}
	return q.Hi > q.Lo
}

// Fake quantizes and dequantizes in one pass, with parameters that Takes accepts; zeros may be nil.
func (q *Quantizer) Fake(dst, src []float32, scales []float32, zeros []int32) {
	q.runs(func(p, from, to int) {
		zero := int32(0)
		if zeros != nil {
			zero = zeros[p]
		}
		kernel.FakeQuantize(dst[from:to], src[from:to], scales[p], zero, q.Lo, q.Hi)
	})
}
