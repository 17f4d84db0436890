package onnx

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// encoder writes protobuf wire format. Sizes are measured once, in the order in which the messages
// are written afterwards: measuring at every level again would be quadratic in the depth.
type encoder struct {
	buf   []byte
	sizes []int // of nested messages, in order of writing
	next  int   // into sizes

	view int      // byte strings at least this long become segments of their own; 0 for none
	segs [][]byte // finished segments
	from int      // where the unfinished one starts in buf
}

// marshal writes m as one slice.
func marshal(m Message) []byte {
	e := &encoder{}
	n := m.size(e)
	e.buf = make([]byte, 0, n)
	m.encode(e)
	return e.buf
}

// segments writes m as a list of slices, those of view bytes or more shared with m.
func segments(m Message, view int) [][]byte {
	e := &encoder{view: view}
	m.size(e)
	m.encode(e)
	e.cut()
	return e.segs
}

// measure returns the size of a nested message with its length prefix.
func (e *encoder) measure(m Message) int {
	i := len(e.sizes)
	e.sizes = append(e.sizes, 0)
	n := m.size(e)
	e.sizes[i] = n
	return sizeBytes(n)
}

func (e *encoder) message(key uint64, m Message) {
	n := e.sizes[e.next]
	e.next++
	e.varint(key)
	e.varint(uint64(n))
	m.encode(e)
}

func (e *encoder) varint(v uint64) { e.buf = binary.AppendUvarint(e.buf, v) }
func (e *encoder) float32(v float32) {
	e.buf = binary.LittleEndian.AppendUint32(e.buf, math.Float32bits(v))
}
func (e *encoder) float64(v float64) {
	e.buf = binary.LittleEndian.AppendUint64(e.buf, math.Float64bits(v))
}

func (e *encoder) str(s string) {
	e.varint(uint64(len(s)))
	e.buf = append(e.buf, s...)
}

func (e *encoder) bytes(b []byte) {
	e.varint(uint64(len(b)))
	e.raw(b)
}

// raw writes b without a length, as a segment of its own when it is long.
func (e *encoder) raw(b []byte) {
	if e.view == 0 || len(b) < e.view {
		e.buf = append(e.buf, b...)
		return
	}
	e.cut()
	e.segs = append(e.segs, b)
}

// cut ends the current segment.
func (e *encoder) cut() {
	if n := len(e.buf); n > e.from {
		e.segs = append(e.segs, e.buf[e.from:n:n])
		e.from = n
	}
}

func sizeVarint(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

// sizeBytes is the size of n bytes with their length prefix.
func sizeBytes(n int) int { return sizeVarint(uint64(n)) + n }

func sizeVarints[T integer](list []T) int {
	n := 0
	for _, x := range list {
		n += sizeVarint(uint64(x))
	}
	return n
}
