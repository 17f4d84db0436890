package wasmasm

import (
	"encoding/binary"
	"math"
)

// V128 is an expression of a 128-bit vector. Methods without another type in
// their name work on four floats.
type V128 struct {
	code []byte
	variable
}

func (V128) typ() byte       { return typeV128 }
func (x V128) bytes() []byte { return x.code }

// Set assigns x, which must be a local.
func (x V128) Set(y V128) { x.set(y.code) }

func simd(op int) []byte { return join([]byte{0xfd}, uleb(op)) }

// LoadV128 reads sixteen bytes at address x+offset.
func (x I32) LoadV128(offset int) V128 { return V128{code: x.load(append(simd(0), 2), offset)} }

// LoadSplat reads one float at address x+offset into all lanes.
func (x I32) LoadSplat(offset int) V128 { return V128{code: x.load(append(simd(9), 2), offset)} }

// LoadFirst reads one float at address x+offset into lane 0; the others are 0.
func (x I32) LoadFirst(offset int) V128 { return V128{code: x.load(append(simd(0x5c), 2), offset)} }

// LoadPair reads two floats at address x+offset into lanes 0 and 1; the others
// are 0.
func (x I32) LoadPair(offset int) V128 { return V128{code: x.load(append(simd(0x5d), 2), offset)} }

// LoadLane is v with the float at address x+offset in one lane.
func (x I32) LoadLane(offset int, v V128, lane int) V128 {
	return V128{code: join(x.code, v.code, simd(0x56), []byte{2}, uleb(offset), []byte{byte(lane)})}
}

// Zero is a vector of zeros.
func Zero() V128 { return V128{code: append(simd(12), make([]byte, 16)...)} }

// ConstSplat is a constant with the same float in every lane.
func ConstSplat(v float32) V128 { return ConstSplatI32(int32(math.Float32bits(v))) }

// ConstSplatI32 is a constant with the same integer in every lane.
func ConstSplatI32(v int32) V128 { return ConstLanesI32(v, v, v, v) }

// ConstLanesI32 is a constant of four integers.
func ConstLanesI32(lanes ...int32) V128 {
	code := simd(12)
	for _, v := range lanes {
		code = binary.LittleEndian.AppendUint32(code, uint32(v))
	}
	return V128{code: code}
}

// Splat is a vector with x in every lane.
func (x F32) Splat() V128 { return V128{code: join(x.code, simd(19))} }

// Splat is a vector with x in every lane.
func (x I32) Splat() V128 { return V128{code: join(x.code, simd(17))} }

// Lane is one float of x.
func (x V128) Lane(lane int) F32 { return F32{code: join(x.code, simd(0x1f), []byte{byte(lane)})} }

// LaneI32 is one integer of x.
func (x V128) LaneI32(lane int) I32 { return I32{code: join(x.code, simd(0x1b), []byte{byte(lane)})} }

// LaneF64 is one of the two 64-bit floats of x.
func (x V128) LaneF64(lane int) F64 { return F64{code: join(x.code, simd(0x21), []byte{byte(lane)})} }

// Shuffle picks four lanes: 0 to 3 from x, 4 to 7 from y.
func (x V128) Shuffle(y V128, a, b, c, d int) V128 {
	code := join(x.code, y.code, simd(13))
	for _, lane := range []int{a, b, c, d} {
		for i := range 4 {
			code = append(code, byte(4*lane+i))
		}
	}
	return V128{code: code}
}

func (x V128) one(op int) V128         { return V128{code: join(x.code, simd(op))} }
func (x V128) two(op int, y V128) V128 { return V128{code: join(x.code, y.code, simd(op))} }

// Arithmetic. Min is y < x ? y : x and Max is x < y ? y : x, so that a NaN in x
// stays and one in y is passed over. Nearest rounds half to even.

func (x V128) Add(y V128) V128 { return x.two(0xe4, y) }
func (x V128) Sub(y V128) V128 { return x.two(0xe5, y) }
func (x V128) Mul(y V128) V128 { return x.two(0xe6, y) }
func (x V128) Div(y V128) V128 { return x.two(0xe7, y) }
func (x V128) Min(y V128) V128 { return x.two(0xea, y) }
func (x V128) Max(y V128) V128 { return x.two(0xeb, y) }
func (x V128) Abs() V128       { return x.one(0xe0) }
func (x V128) Neg() V128       { return x.one(0xe1) }
func (x V128) Sqrt() V128      { return x.one(0xe3) }
func (x V128) Ceil() V128      { return x.one(0x67) }
func (x V128) Floor() V128     { return x.one(0x68) }
func (x V128) Nearest() V128   { return x.one(0x6a) }

// RelaxedMulAdd is x·y + z, rounded once or twice as the engine likes
// (f32x4.relaxed_madd).
func (x V128) RelaxedMulAdd(y, z V128) V128 {
	return V128{code: join(x.code, y.code, z.code, simd(0x105))}
}

// Comparisons give all ones or all zeros in each lane.

func (x V128) Eq(y V128) V128 { return x.two(0x41, y) }
func (x V128) Lt(y V128) V128 { return x.two(0x43, y) }
func (x V128) Gt(y V128) V128 { return x.two(0x44, y) }
func (x V128) Ge(y V128) V128 { return x.two(0x46, y) }

// Bits.

func (x V128) And(y V128) V128 { return x.two(0x4e, y) }
func (x V128) Or(y V128) V128  { return x.two(0x50, y) }

// AndNot is the bits of x where those of y are zero.
func (x V128) AndNot(y V128) V128 { return x.two(0x4f, y) }

// Select takes the bits of x where mask is one and of y where it is zero.
func Select(mask, x, y V128) V128 {
	return V128{code: join(x.code, y.code, mask.code, simd(0x52))}
}

// Four integers.

func (x V128) AddI32(y V128) V128   { return x.two(0xae, y) }
func (x V128) SubI32(y V128) V128   { return x.two(0xb1, y) }
func (x V128) MulI32(y V128) V128   { return x.two(0xb5, y) }
func (x V128) EqI32(y V128) V128    { return x.two(0x37, y) }
func (x V128) ShlI32(n int32) V128  { return V128{code: join(x.code, ConstI32(n).code, simd(0xab))} }
func (x V128) ShrSI32(n int32) V128 { return V128{code: join(x.code, ConstI32(n).code, simd(0xac))} }

// Smaller and larger integers, signed (S) or unsigned (U).

func (x V128) MinSI32(y V128) V128 { return x.two(0xb6, y) }
func (x V128) MinUI32(y V128) V128 { return x.two(0xb7, y) }
func (x V128) MaxSI32(y V128) V128 { return x.two(0xb8, y) }
func (x V128) MaxUI32(y V128) V128 { return x.two(0xb9, y) }

// AllTrueI32 is 1 when no lane is zero.
func (x V128) AllTrueI32() I32 { return I32{code: join(x.code, simd(0xa3))} }

// BitmaskI8 is the signs of sixteen bytes, the first in the lowest bit.
func (x V128) BitmaskI8() I32 { return I32{code: join(x.code, simd(0x64))} }

// BitmaskI32 is the signs of the lanes, the first in the lowest of four bits.
func (x V128) BitmaskI32() I32 { return I32{code: join(x.code, simd(0xa4))} }

// TruncI32 converts to integers, toward zero; NaN gives 0 and what is too
// large the nearest integer.
func (x V128) TruncI32() V128 { return x.one(0xf8) }

// Two 64-bit floats.

func (x V128) AddF64(y V128) V128 { return x.two(0xf0, y) }
func (x V128) SubF64(y V128) V128 { return x.two(0xf1, y) }
func (x V128) MulF64(y V128) V128 { return x.two(0xf2, y) }
func (x V128) LtF64(y V128) V128  { return x.two(0x49, y) }

// DemoteF64 is the two as floats, rounded half to even; the last two are 0.
func (x V128) DemoteF64() V128 { return x.one(0x5e) }

// Two 64-bit integers; ExtendLowI32 is the first two of x, unsigned.

func (x V128) AddI64(y V128) V128 { return x.two(0xce, y) }
func (x V128) SubI64(y V128) V128 { return x.two(0xd1, y) }
func (x V128) ExtendLowI32() V128 { return x.one(0xc9) }

// PromoteLow is the first two floats of x as 64-bit ones.
func (x V128) PromoteLow() V128 { return x.one(0x5f) }

// RelaxedDot is z plus, in each of four integers, the sum of four products of
// bytes: x is signed, and y too unless one of its bytes is above 127, for which
// engines differ (i32x4.relaxed_dot_i8x16_i7x16_add_s).
func (x V128) RelaxedDot(y, z V128) V128 {
	return V128{code: join(x.code, y.code, z.code, simd(0x113))}
}

// RelaxedDotI16 is the sums of products of neighbouring bytes as 16-bit
// integers: x is signed, and y too unless one of its bytes is above 127, for
// which engines differ, as they do in how they saturate
// (i16x8.relaxed_dot_i8x16_i7x16_s).
func (x V128) RelaxedDotI16(y V128) V128 { return x.two(0x112, y) }
