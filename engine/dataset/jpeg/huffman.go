package jpeg

import "encoding/binary"

// lookBits is the length of the codes that one table look-up decodes.
const lookBits = 9

// huffman is a table of codes of up to 16 bits.
type huffman struct {
	fast  [1 << lookBits]uint16 // length<<8 | symbol by the next bits, 0 for longer codes
	limit [17]int32             // first code beyond those of a length, left-justified in 16 bits
	delta [17]int32             // from a code to its index in symbols
	sym   [256]uint8
}

// readHuffman reads the tables of a DHT segment, ITU-T T.81 annex C.
func (d *decoder) readHuffman(b []byte) error {
	for len(b) > 0 {
		if len(b) < 17 || b[0]>>4 > 1 || b[0]&15 > 3 {
			return damaged(d.at, "bad Huffman table")
		}
		h, count := &d.huff[b[0]>>4][b[0]&15], b[1:17]
		n := 0
		for _, c := range count {
			n += int(c)
		}
		if n > 256 || len(b) < 17+n {
			return damaged(d.at, "bad Huffman table")
		}
		*h = huffman{}
		copy(h.sym[:], b[17:17+n])
		if !h.build(count) {
			return damaged(d.at, "overfull Huffman table")
		}
		b = b[17+n:]
	}
	return nil
}

// build assigns the codes in order of length; false when they do not fit.
func (h *huffman) build(count []byte) bool {
	code, k := int32(0), int32(0)
	for l := int32(1); l <= 16; l++ {
		h.delta[l] = k - code
		for range count[l-1] {
			if l <= lookBits {
				first := code << (lookBits - l)
				for i := range int32(1) << (lookBits - l) {
					if int(first+i) < len(h.fast) {
						h.fast[first+i] = uint16(l)<<8 | uint16(h.sym[k])
					}
				}
			}
			code++
			k++
		}
		if code > 1<<l {
			return false
		}
		h.limit[l] = code << (16 - l)
		code <<= 1
	}
	return true
}

// bits reads the entropy-coded bytes of a scan, most significant bit first,
// without the zeros stuffed after 0xff.
type bits struct {
	data []byte
	at   int    // next byte; stays on a marker
	acc  uint64 // the low n bits are still to be read
	n    int
	over int // of those, how many are zeros supplied behind the data
}

// fill tops acc up to more than 32 bits. Behind the data it supplies zeros,
// and past says when they were consumed.
func (r *bits) fill() {
	if r.at+8 <= len(r.data) {
		v := binary.BigEndian.Uint64(r.data[r.at:])
		t := ^v
		if (t-0x0101010101010101)&^t&0x8080808080808080 == 0 { // no byte is 0xff
			k := (64 - r.n) >> 3
			r.acc = r.acc<<(8*k) | v>>(64-8*k)
			r.n += 8 * k
			r.at += k
			return
		}
	}
	for r.n <= 56 {
		var b byte
		switch {
		case r.at >= len(r.data):
			r.over += 8
		case r.data[r.at] != 0xff:
			b = r.data[r.at]
			r.at++
		case r.at+1 < len(r.data) && r.data[r.at+1] == 0:
			b = 0xff
			r.at += 2
		default:
			r.over += 8
		}
		r.acc = r.acc<<8 | uint64(b)
		r.n += 8
	}
}

// past reports whether more bits were read than the data has.
func (r *bits) past() bool { return r.n < r.over }

// symbol reads a Huffman code; ok is false for a code that the table lacks.
func (r *bits) symbol(h *huffman) (s uint8, ok bool) {
	if r.n < 16 {
		r.fill()
	}
	if e := h.fast[r.acc>>((r.n-lookBits)&63)&(1<<lookBits-1)]; e != 0 {
		r.n -= int(e >> 8)
		return uint8(e), true
	}
	return r.long(h)
}

func (r *bits) long(h *huffman) (s uint8, ok bool) {
	c := int32(r.acc >> ((r.n - 16) & 63) & 0xffff)
	l := 1
	for l <= 16 && c >= h.limit[l] {
		l++
	}
	if l > 16 {
		return 0, false
	}
	r.n -= l
	return h.sym[(c>>(16-l)+h.delta[l])&255], true
}

// take reads k ≤ 16 bits.
func (r *bits) take(k int) int32 {
	if r.n < k {
		r.fill()
	}
	r.n -= k
	return int32(r.acc >> (r.n & 63) & (1<<k - 1))
}

// value reads k ≤ 16 bits as a signed magnitude, T.81 F.2.2.1 (EXTEND).
func (r *bits) value(k int) int32 {
	v := r.take(k)
	if k > 0 && v < 1<<(k-1) {
		v += -1<<k + 1
	}
	return v
}
