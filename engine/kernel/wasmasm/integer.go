package wasmasm

// Bytes and 16-bit integers.

// LoadU8 reads the byte at address x+offset.
func (x I32) LoadU8(offset int) I32 { return I32{code: x.load([]byte{0x2d, 0}, offset)} }

// StoreU8 writes the lowest byte of v at addr+offset.
func (f *Func) StoreU8(addr I32, offset int, v I32) {
	f.emit(addr.code, v.code, []byte{0x3a, 0}, uleb(offset))
}

// StoreFirstByte writes the first byte of v at addr.
func (f *Func) StoreFirstByte(addr I32, v V128) {
	f.emit(addr.code, v.code, simd(0x58), []byte{0}, uleb(0), []byte{0})
}

// LoadBytes reads eight bytes at address x+offset as 16-bit integers, unsigned.
func (x I32) LoadBytes(offset int) V128 { return V128{code: x.load(append(simd(2), 0), offset)} }

// LoadEight reads eight bytes at address x+offset; the others are 0.
func (x I32) LoadEight(offset int) V128 { return V128{code: x.load(append(simd(0x5d), 0), offset)} }

// LoadByteLane is v with the byte at address x in one of sixteen lanes.
func (x I32) LoadByteLane(v V128, lane int) V128 {
	return V128{code: join(x.code, v.code, simd(0x54), []byte{0}, uleb(0), []byte{byte(lane)})}
}

// Swizzle picks bytes of x: byte i is that of which y's byte i is the number,
// or 0 where that is above 15.
func (x V128) Swizzle(y V128) V128 { return x.two(0x0e, y) }

// RelaxedSwizzle is Swizzle, but for bytes of y from 16 to 127 engines differ.
func (x V128) RelaxedSwizzle(y V128) V128 { return x.two(0x100, y) }

// InterleaveBytes is x0 y0 x1 y1 … x7 y7.
func (x V128) InterleaveBytes(y V128) V128 { return x.interleave(y, 1, 0) }

// InterleaveLow is x0 y0 x1 y1 x2 y2 x3 y3 of 16-bit integers.
func (x V128) InterleaveLow(y V128) V128 { return x.interleave(y, 2, 0) }

// InterleaveHigh is x4 y4 x5 y5 x6 y6 x7 y7 of 16-bit integers.
func (x V128) InterleaveHigh(y V128) V128 { return x.interleave(y, 2, 8) }

// interleave takes elements of size bytes in turn, from byte first on.
func (x V128) interleave(y V128, size, first int) V128 {
	code := join(x.code, y.code, simd(0x0d))
	for i := first; i < first+8; i += size {
		for _, from := range []int{i, 16 + i} {
			for b := range size {
				code = append(code, byte(from+b))
			}
		}
	}
	return V128{code: code}
}

// ExtendLow and ExtendHigh are the first and the last eight bytes as 16-bit
// integers, unsigned.

func (x V128) ExtendLow() V128  { return x.one(0x89) }
func (x V128) ExtendHigh() V128 { return x.one(0x8a) }

// Eight 16-bit integers.

func (x V128) AddI16(y V128) V128    { return x.two(0x8e, y) }
func (x V128) SubI16(y V128) V128    { return x.two(0x91, y) }
func (x V128) MulI16(y V128) V128    { return x.two(0x95, y) }
func (x V128) AddSatI16(y V128) V128 { return x.two(0x8f, y) }
func (x V128) ShlI16(n int32) V128   { return V128{code: join(x.code, ConstI32(n).code, simd(0x8b))} }
func (x V128) ShrSI16(n int32) V128  { return V128{code: join(x.code, ConstI32(n).code, simd(0x8c))} }
func (x V128) ShrUI16(n int32) V128  { return V128{code: join(x.code, ConstI32(n).code, simd(0x8d))} }

// AddPairsI16 is the sums of neighbours, as four integers.
func (x V128) AddPairsI16() V128 { return x.one(0x7e) }

// DotI16 is the sums of products of neighbours, as four integers.
func (x V128) DotI16(y V128) V128 { return x.two(0xba, y) }

// NarrowI32 is the integers of x and y with saturation to 16 bits, NarrowI16
// the 16-bit integers of x and y to 8, and NarrowU8 to 0 to 255.

func (x V128) NarrowI32(y V128) V128 { return x.two(0x85, y) }
func (x V128) NarrowI16(y V128) V128 { return x.two(0x65, y) }
func (x V128) NarrowU8(y V128) V128  { return x.two(0x66, y) }

// MaxU8 is the larger of each two bytes.
func (x V128) MaxU8(y V128) V128 { return x.two(0x79, y) }

// Xor is the exclusive or of all bits.
func (x V128) Xor(y V128) V128 { return x.two(0x51, y) }

// ConvertI32 is four signed integers as floats, rounded half to even.
func (x V128) ConvertI32() V128 { return x.one(0xfa) }
