package op

import (
	"fmt"
	"math"
	"strconv"

	"dropquant/engine/kernel"
	"dropquant/engine/tensor"
)

// castTo converts to the type of the attribute; castLike to that of input 1.
func castTo(c *Call) error {
	if c.Opset < 6 {
		if dt, ok := tensor.ParseDType(c.Node.Str("to", "")); ok {
			return castAs(c, dt)
		}
		return castAs(c, map[string]tensor.DType{"FLOAT": tensor.Float32, "DOUBLE": tensor.Float64, "INT32": tensor.Int32,
			"INT64": tensor.Int64, "INT8": tensor.Int8, "UINT8": tensor.Uint8, "BOOL": tensor.Bool}[c.Node.Str("to", "")])
	}
	return castAs(c, tensor.DType(c.int("to", 0)))
}

func castLike(c *Call) error { return castAs(c, c.dtype(1)) }

func castAs(c *Call, dt tensor.DType) error {
	if !anything.Has(dt) {
		return fmt.Errorf("casting to %v is not supported", dt)
	}
	if err := c.set(0, dt, c.shape(0)...); err != nil {
		return err
	}
	from := c.dtype(0)
	if dt == tensor.String && !numbers.Has(from) {
		return fmt.Errorf("casting %v to string is not supported", from)
	}
	c.Run = func(in, out []*tensor.Tensor) error {
		switch {
		case dt == from:
			copyAll(out[0], in[0])
		case from == tensor.String:
			return parse(out[0], in[0])
		case dt == tensor.String:
			print(tensor.Data[string](out[0]), in[0])
		default:
			cast(out[0], in[0])
		}
		return nil
	}
	return nil
}

// cast converts numbers, booleans and halves as ONNX does: floats truncate towards zero to integers,
// integers wrap, what is not zero is true. A float beyond an integer type is undefined in ONNX; here
// it goes through int64, the same on every machine.
func cast(dst, src *tensor.Tensor) {
	switch src.DType {
	case tensor.Float32:
		castFloat(dst, src.F32())
	case tensor.Float64:
		castFloat(dst, tensor.Data[float64](src))
	case tensor.Float16:
		castFloat(dst, halves(src, halfToFloat))
	case tensor.BFloat16:
		castFloat(dst, halves(src, brainToFloat))
	case tensor.Int8:
		castInt(dst, tensor.Data[int8](src))
	case tensor.Uint8:
		if dst.DType == tensor.Float32 {
			kernel.DequantizeU8(dst.F32(), tensor.Data[uint8](src), 1, 0)
			return
		}
		castInt(dst, tensor.Data[uint8](src))
	case tensor.Int16:
		castInt(dst, tensor.Data[int16](src))
	case tensor.Uint16:
		castInt(dst, tensor.Data[uint16](src))
	case tensor.Int32:
		castInt(dst, tensor.Data[int32](src))
	case tensor.Uint32:
		castInt(dst, tensor.Data[uint32](src))
	case tensor.Int64:
		castInt(dst, src.I64())
	case tensor.Uint64:
		castInt(dst, tensor.Data[uint64](src))
	case tensor.Bool:
		b := make([]uint8, src.Len())
		for i, v := range tensor.Data[bool](src) {
			if v {
				b[i] = 1
			}
		}
		castInt(dst, b)
	default:
		panic(fmt.Sprintf("bug: cast from %v", src.DType))
	}
}

func castFloat[S float32 | float64](dst *tensor.Tensor, src []S) {
	switch dst.DType {
	case tensor.Float32, tensor.Float64, tensor.Float16, tensor.BFloat16, tensor.Bool:
		castInt(dst, src)
		return
	}
	whole := make([]int64, len(src))
	for i, v := range src {
		whole[i] = truncate(float64(v))
	}
	if dst.DType == tensor.Uint64 {
		for i, v := range src {
			if float64(v) >= 1<<63 && float64(v) < 1<<64 {
				whole[i] = int64(uint64(float64(v)-1<<63) + 1<<63)
			}
		}
	}
	castInt(dst, whole)
}

// truncate drops the fraction; NaN and what int64 does not hold saturate.
func truncate(v float64) int64 {
	switch {
	case v != v:
		return math.MinInt64
	case v >= math.MaxInt64:
		return math.MaxInt64
	case v <= math.MinInt64:
		return math.MinInt64
	}
	return int64(v)
}

func castInt[S number](dst *tensor.Tensor, src []S) {
	switch dst.DType {
	case tensor.Float32:
		convert(dst.F32(), src)
	case tensor.Float64:
		convert(tensor.Data[float64](dst), src)
	case tensor.Float16:
		d := tensor.Data[uint16](dst)
		for i, v := range src {
			d[i] = floatToHalf(float32(v))
		}
	case tensor.BFloat16:
		d := tensor.Data[uint16](dst)
		for i, v := range src {
			d[i] = floatToBrain(float32(v))
		}
	case tensor.Int8:
		convert(tensor.Data[int8](dst), src)
	case tensor.Uint8:
		convert(tensor.Data[uint8](dst), src)
	case tensor.Int16:
		convert(tensor.Data[int16](dst), src)
	case tensor.Uint16:
		convert(tensor.Data[uint16](dst), src)
	case tensor.Int32:
		convert(tensor.Data[int32](dst), src)
	case tensor.Uint32:
		convert(tensor.Data[uint32](dst), src)
	case tensor.Int64:
		convert(dst.I64(), src)
	case tensor.Uint64:
		convert(tensor.Data[uint64](dst), src)
	case tensor.Bool:
		d := tensor.Data[bool](dst)
		for i, v := range src {
			d[i] = v != 0
		}
	default:
		panic(fmt.Sprintf("bug: cast to %v", dst.DType))
	}
}

func halves(t *tensor.Tensor, f func(uint16) float32) []float32 {
	out := make([]float32, t.Len())
	for i, h := range tensor.Data[uint16](t) {
		out[i] = f(h)
	}
	return out
}

// Widen returns a float16 or bfloat16 tensor as float32, exactly.
func Widen(t *tensor.Tensor) *tensor.Tensor {
	f := halfToFloat
	if t.DType == tensor.BFloat16 {
		f = brainToFloat
	}
	return tensor.Of(halves(t, f), t.Shape...)
}

// halfToFloat widens an IEEE binary16 number, exactly.
func halfToFloat(h uint16) float32 {
	sign, exp, frac := uint32(h>>15)<<31, uint32(h>>10&31), uint32(h&1023)
	switch exp {
	case 0:
		v := float32(frac) / (1 << 24)
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 31:
		return math.Float32frombits(sign | 255<<23 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}

// brainToFloat widens a bfloat16 number, exactly.
func brainToFloat(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

// floatToHalf rounds to the nearest binary16 number, half to even.
func floatToHalf(f float32) uint16 {
	b := math.Float32bits(f)
	sign, abs := uint16(b>>16&0x8000), b&0x7fffffff
	switch {
	case abs > 255<<23:
		return sign | 0x7e00
	case abs >= 0x477ff000: // rounds to 65536 or more
		return sign | 0x7c00
	case abs < 113<<23: // denormal: units of 2^-24
		return sign | uint16(math.RoundToEven(float64(math.Float32frombits(abs))*(1<<24)))
	}
	abs += 0xfff + abs>>13&1
	return sign | uint16(abs>>13-112<<10)
}

// floatToBrain rounds to the nearest bfloat16 number, half to even.
func floatToBrain(f float32) uint16 {
	b := math.Float32bits(f)
	if f != f {
		return uint16(b>>16) | 64
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

func parse(dst, src *tensor.Tensor) error {
	v := make([]float64, src.Len())
	for i, s := range tensor.Data[string](src) {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return fmt.Errorf("%q is not a number", s)
		}
		v[i] = f
	}
	castFloat(dst, v)
	return nil
}

func print(dst []string, src *tensor.Tensor) {
	for i, v := range toFloats(src) {
		dst[i] = strconv.FormatFloat(v, 'g', -1, 32)
	}
}
