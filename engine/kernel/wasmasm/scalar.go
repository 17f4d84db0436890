package wasmasm

import (
	"encoding/binary"
	"math"
)

// I32 is an expression of a 32-bit integer; addresses are I32.
type I32 struct {
	code []byte
	variable
}

func (I32) typ() byte       { return typeI32 }
func (x I32) bytes() []byte { return x.code }

// Set assigns x, which must be a local or a parameter.
func (x I32) Set(y I32) { x.set(y.code) }

// ConstI32 is a constant.
func ConstI32(n int32) I32 { return I32{code: join([]byte{0x41}, sleb(int64(n)))} }

func (x I32) op(op byte, y I32) I32 { return I32{code: join(x.code, y.code, []byte{op})} }

// Arithmetic, wrapping.

func (x I32) Add(y I32) I32    { return x.op(0x6a, y) }
func (x I32) Sub(y I32) I32    { return x.op(0x6b, y) }
func (x I32) Mul(y I32) I32    { return x.op(0x6c, y) }
func (x I32) And(y I32) I32    { return x.op(0x71, y) }
func (x I32) Or(y I32) I32     { return x.op(0x72, y) }
func (x I32) Xor(y I32) I32    { return x.op(0x73, y) }
func (x I32) Plus(n int32) I32 { return x.Add(ConstI32(n)) }
func (x I32) Mask(n int32) I32 { return x.And(ConstI32(n)) }
func (x I32) Shl(n int32) I32  { return x.op(0x74, ConstI32(n)) }
func (x I32) ShrU(n int32) I32 { return x.op(0x76, ConstI32(n)) }

// Ctz is the number of zeros below the lowest one.
func (x I32) Ctz() I32 { return I32{code: join(x.code, []byte{0x68})} }

// Comparisons, 1 or 0; S compares signed numbers, U unsigned ones.

func (x I32) Eq(y I32) I32  { return x.op(0x46, y) }
func (x I32) Ne(y I32) I32  { return x.op(0x47, y) }
func (x I32) LtS(y I32) I32 { return x.op(0x48, y) }
func (x I32) LtU(y I32) I32 { return x.op(0x49, y) }
func (x I32) GeS(y I32) I32 { return x.op(0x4e, y) }

// Choose is x when cond is not zero and y otherwise.
func Choose(cond, x, y I32) I32 { return I32{code: join(x.code, y.code, cond.code, []byte{0x1b})} }

func (x I32) load(op []byte, offset int) []byte { return join(x.code, op, uleb(offset)) }

// LoadI32 reads the integer at address x+offset.
func (x I32) LoadI32(offset int) I32 { return I32{code: x.load([]byte{0x28, 2}, offset)} }

// LoadF32 reads the float at address x+offset.
func (x I32) LoadF32(offset int) F32 { return F32{code: x.load([]byte{0x2a, 2}, offset)} }

// F32 is an expression of a 32-bit float.
type F32 struct {
	code []byte
	variable
}

func (F32) typ() byte       { return typeF32 }
func (x F32) bytes() []byte { return x.code }

// Set assigns x, which must be a local or a parameter.
func (x F32) Set(y F32) { x.set(y.code) }

// ConstF32 is a constant.
func ConstF32(v float32) F32 {
	return F32{code: binary.LittleEndian.AppendUint32([]byte{0x43}, math.Float32bits(v))}
}

func (x F32) op(op byte, y F32) F32 { return F32{code: join(x.code, y.code, []byte{op})} }

func (x F32) Add(y F32) F32 { return x.op(0x92, y) }
func (x F32) Sub(y F32) F32 { return x.op(0x93, y) }
func (x F32) Mul(y F32) F32 { return x.op(0x94, y) }
func (x F32) Div(y F32) F32 { return x.op(0x95, y) }

// Lt is 1 when x < y and 0 otherwise.
func (x F32) Lt(y F32) I32 { return I32{code: join(x.code, y.code, []byte{0x5d})} }

// Ge is 1 when x ≥ y and 0 otherwise.
func (x F32) Ge(y F32) I32 { return I32{code: join(x.code, y.code, []byte{0x60})} }

// Ne is 1 when x ≠ y and 0 otherwise.
func (x F32) Ne(y F32) I32 { return I32{code: join(x.code, y.code, []byte{0x5c})} }

// Promote is x as a 64-bit float.
func (x F32) Promote() F64 { return F64{code: join(x.code, []byte{0xbb})} }

// ToF32 is x, signed, as a float.
func (x I32) ToF32() F32 { return F32{code: join(x.code, []byte{0xb2})} }

// F64 is an expression of a 64-bit float.
type F64 struct {
	code []byte
	variable
}

func (F64) typ() byte       { return typeF64 }
func (x F64) bytes() []byte { return x.code }

// Set assigns x, which must be a local.
func (x F64) Set(y F64) { x.set(y.code) }

func (x F64) op(op byte, y F64) F64 { return F64{code: join(x.code, y.code, []byte{op})} }

func (x F64) Add(y F64) F64 { return x.op(0xa0, y) }
func (x F64) Sub(y F64) F64 { return x.op(0xa1, y) }
func (x F64) Mul(y F64) F64 { return x.op(0xa2, y) }
func (x F64) Div(y F64) F64 { return x.op(0xa3, y) }

// Demote is x rounded to a 32-bit float.
func (x F64) Demote() F32 { return F32{code: join(x.code, []byte{0xb6})} }
