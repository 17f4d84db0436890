package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"
)

// maxDepth is how deep messages may nest, as in the official protobuf libraries.
const maxDepth = 100

// SyntaxError says where bytes stop being an ONNX model.
type SyntaxError struct {
	Offset  int    // of the field that is wrong, from the start of the file
	Message string // the message it belongs to, as "GraphProto.node"
	Reason  string
	Short   bool // the file ends before what it announces
}

func (e *SyntaxError) Error() string {
	return "not an ONNX model: " + e.where()
}

func (e *SyntaxError) where() string {
	return fmt.Sprintf("%s (byte %d, in %s)", e.Reason, e.Offset, e.Message)
}

// decoder reads protobuf wire format (https://protobuf.dev/programming-guides/encoding/). The first
// error sticks: it moves pos behind every end, so that all loops stop.
type decoder struct {
	buf   []byte
	pos   int
	at    int    // where the current field starts
	in    string // the message being read
	depth int
	err   *SyntaxError
}

func (d *decoder) fail(reason string, args ...any) {
	if d.err == nil {
		d.err = &SyntaxError{Offset: d.at, Message: d.in, Reason: fmt.Sprintf(reason, args...)}
	}
	d.pos = math.MaxInt
}

func (d *decoder) short(reason string, args ...any) {
	d.fail(reason, args...)
	d.err.Short = true
}

// key reads the number and wire type of the next field.
func (d *decoder) key(end int) uint64 {
	d.at = d.pos
	key := d.varint(end)
	if d.err == nil && (key>>3 == 0 || key>>3 > 1<<29-1) {
		d.fail("a field has the number %d", key>>3)
	}
	return key
}

func (d *decoder) varint(end int) uint64 {
	if d.pos < end && d.buf[d.pos] < 0x80 {
		v := d.buf[d.pos]
		d.pos++
		return uint64(v)
	}
	var v uint64
	for shift := 0; d.pos < end; shift += 7 {
		b := d.buf[d.pos]
		d.pos++
		if shift == 63 && b > 1 {
			d.fail("a number has more than 64 bits")
			return 0
		}
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	d.short("a number is cut off")
	return 0
}

// length reads the length of a field and returns where the field ends.
func (d *decoder) length(end int) int {
	n := d.varint(end)
	if d.err != nil {
		return 0
	}
	if n > uint64(end-d.pos) {
		d.short("a field claims %d bytes where %d are left", n, end-d.pos)
		return 0
	}
	return d.pos + int(n)
}

// bytes returns a view of the input that cannot grow into what follows it.
func (d *decoder) bytes(end int) []byte {
	stop := d.length(end)
	if d.err != nil {
		return nil
	}
	b := d.buf[d.pos:stop:stop]
	d.pos = stop
	return b
}

// str returns a string that shares the input's memory.
func (d *decoder) str(end int) string {
	b := d.bytes(end)
	return unsafe.String(unsafe.SliceData(b), len(b))
}

func (d *decoder) fixed(end, n int) []byte {
	if d.err != nil || end-d.pos < n {
		d.short("a %d-byte number is cut off", n)
		return make([]byte, 8)
	}
	d.pos += n
	return d.buf[d.pos-n : d.pos]
}

func (d *decoder) float32(end int) float32 {
	return math.Float32frombits(binary.LittleEndian.Uint32(d.fixed(end, 4)))
}

func (d *decoder) float64(end int) float64 {
	return math.Float64frombits(binary.LittleEndian.Uint64(d.fixed(end, 8)))
}

// message reads a nested message into m.
func (d *decoder) message(end int, name string, m Message) {
	stop := d.length(end)
	if d.err != nil {
		return
	}
	if d.depth == maxDepth {
		d.fail("messages nest deeper than %d", maxDepth)
		return
	}
	outer := d.in
	d.in = name
	d.depth++
	m.decode(d, stop)
	d.depth--
	d.in = outer
}

// other skips a field that the message does not have and appends it to unknown. known is the mask of
// the field numbers that the message does have: one of those has the wrong wire type.
func (d *decoder) other(unknown []byte, key uint64, end int, known uint32) []byte {
	number, wire := key>>3, key&7
	if d.err != nil {
		return unknown
	}
	if number < 32 && known>>number&1 != 0 {
		d.fail("field %d has wire type %d", number, wire)
		return unknown
	}
	start := d.at
	switch wire {
	case 0:
		d.varint(end)
	case 1:
		d.fixed(end, 8)
	case 2:
		d.bytes(end)
	case 5:
		d.fixed(end, 4)
	default:
		d.fail("field %d has wire type %d, which ONNX does not use", number, wire)
	}
	if d.err != nil {
		return unknown
	}
	field := d.buf[start:d.pos:d.pos]
	if unknown == nil {
		return field
	}
	return append(unknown, field...)
}

type integer interface {
	~int32 | ~int64 | ~uint64
}

// packedVarint appends a packed list. It counts the elements first, so that the list holds what is
// there and no more.
func packedVarint[T integer](d *decoder, end int, list []T) []T {
	stop := d.length(end)
	if d.err != nil {
		return list
	}
	n := 0
	for _, b := range d.buf[d.pos:stop] {
		if b < 0x80 {
			n++
		}
	}
	list = grow(list, n)
	for d.pos < stop {
		list = append(list, T(d.varint(stop)))
	}
	return list
}

func packedFloat32(d *decoder, end int, list []float32) []float32 {
	b := d.packed(end, 4)
	list = grow(list, len(b)/4)
	for ; len(b) >= 4; b = b[4:] {
		list = append(list, math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return list
}

func packedFloat64(d *decoder, end int, list []float64) []float64 {
	b := d.packed(end, 8)
	list = grow(list, len(b)/8)
	for ; len(b) >= 8; b = b[8:] {
		list = append(list, math.Float64frombits(binary.LittleEndian.Uint64(b)))
	}
	return list
}

// packed returns the bytes of a packed list of size-byte elements.
func (d *decoder) packed(end, size int) []byte {
	b := d.bytes(end)
	if len(b)%size != 0 {
		d.fail("a list of %d-byte numbers is %d bytes long", size, len(b))
		return nil
	}
	return b
}

// grow makes room for n more elements: exactly n in a new list, amortized in one that many
// packed runs extend.
func grow[T any](list []T, n int) []T {
	if list == nil && n > 0 {
		return make([]T, 0, n)
	}
	return list
}
