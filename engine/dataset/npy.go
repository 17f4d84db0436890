package dataset

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// array is a .npy file: a view of its bytes and how to read them.
type array struct {
	descr   string // without byte order: "f4", "u1", …
	shape   []int
	fortran bool // first index fastest
	order   binary.ByteOrder
	data    []byte // exactly the elements
}

// element reads one number of a type; the sizes are the digit of its name.
var element = map[string]func(order binary.ByteOrder, b []byte) float32{
	"f8": func(o binary.ByteOrder, b []byte) float32 { return float32(math.Float64frombits(o.Uint64(b))) },
	"f4": func(o binary.ByteOrder, b []byte) float32 { return math.Float32frombits(o.Uint32(b)) },
	"f2": func(o binary.ByteOrder, b []byte) float32 { return fromHalf(o.Uint16(b)) },
	"u1": func(o binary.ByteOrder, b []byte) float32 { return float32(b[0]) },
	"u2": func(o binary.ByteOrder, b []byte) float32 { return float32(o.Uint16(b)) },
	"u4": func(o binary.ByteOrder, b []byte) float32 { return float32(o.Uint32(b)) },
	"u8": func(o binary.ByteOrder, b []byte) float32 { return float32(o.Uint64(b)) },
	"i1": func(o binary.ByteOrder, b []byte) float32 { return float32(int8(b[0])) },
	"i2": func(o binary.ByteOrder, b []byte) float32 { return float32(int16(o.Uint16(b))) },
	"i4": func(o binary.ByteOrder, b []byte) float32 { return float32(int32(o.Uint32(b))) },
	"i8": func(o binary.ByteOrder, b []byte) float32 { return float32(int64(o.Uint64(b))) },
	"b1": func(o binary.ByteOrder, b []byte) float32 { return float32(b[0] & 1) },
}

// fromHalf widens an IEEE 754 half.
func fromHalf(h uint16) float32 {
	sign, exp, frac := uint32(h>>15)<<31, uint32(h>>10&31), uint32(h&1023)
	switch exp {
	case 31:
		return math.Float32frombits(sign | 255<<23 | frac<<13)
	case 0:
		v := float32(frac) / (1 << 24)
		return math.Float32frombits(sign | math.Float32bits(v))
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}

// parseNPY reads the header of format versions 1 to 3 and checks that the data
// is there. Source: numpy/lib/format.py.
func parseNPY(data []byte) (*array, error) {
	if len(data) < 10 || string(data[:6]) != "\x93NUMPY" {
		return nil, fmt.Errorf("it does not start as a .npy file")
	}
	at, n := 10, int64(binary.LittleEndian.Uint16(data[8:]))
	if data[6] > 1 && len(data) >= 12 {
		at, n = 12, int64(binary.LittleEndian.Uint32(data[8:]))
	}
	if data[6] < 1 || data[6] > 3 {
		return nil, fmt.Errorf("its format version is %d, and this tool reads 1 to 3", data[6])
	}
	if n > int64(len(data)-at) {
		return nil, fmt.Errorf("it is cut off in its header")
	}
	h, err := parseHeader(string(data[at : at+int(n)]))
	if err != nil {
		return nil, err
	}
	return h, h.take(data[at+int(n):])
}

// take checks that rest holds the elements and keeps them.
func (a *array) take(rest []byte) error {
	if element[a.descr] == nil {
		return fmt.Errorf("its elements are %q, and this tool reads floats, integers and booleans", a.descr)
	}
	need := int(a.descr[1] - '0')
	for _, d := range a.shape {
		if d < 1 {
			return fmt.Errorf("it is empty")
		}
		if need > len(rest)/d {
			return fmt.Errorf("it is cut off: its header promises %v elements of %s, but only %d bytes follow", a.shape, a.descr, len(rest))
		}
		need *= d
	}
	if need > len(rest) {
		return fmt.Errorf("it is cut off: %d bytes follow its header", len(rest))
	}
	a.data = rest[:need]
	return nil
}

// parseHeader reads the Python dictionary of the header, as in
// {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
func parseHeader(s string) (*array, error) {
	bad := fmt.Errorf("its header is damaged")
	descr, ok1 := field(s, "descr")
	fortran, ok2 := field(s, "fortran_order")
	shape, ok3 := field(s, "shape")
	if !ok1 || !ok2 || !ok3 {
		return nil, bad
	}
	a := &array{order: binary.LittleEndian, fortran: strings.HasPrefix(fortran, "True")}
	end := strings.IndexByte(descr[1:], descr[0])
	if (descr[0] != '\'' && descr[0] != '"') || end < 2 {
		return nil, bad
	}
	if descr[1] == '>' {
		a.order = binary.BigEndian
	}
	a.descr = strings.TrimLeft(descr[1:1+end], "<>|=")
	stop := strings.IndexByte(shape, ')')
	if shape[0] != '(' || stop < 0 {
		return nil, bad
	}
	for _, d := range strings.Split(shape[1:stop], ",") {
		if d = strings.TrimSpace(d); d == "" {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSuffix(d, "L"), 10, 31)
		if err != nil {
			return nil, bad
		}
		a.shape = append(a.shape, int(n))
	}
	return a, nil
}

// field returns what follows a key's colon, at least one byte.
func field(s, key string) (string, bool) {
	for _, q := range []string{"'", `"`} {
		if _, v, ok := strings.Cut(s, q+key+q); ok {
			v, ok = strings.CutPrefix(strings.TrimSpace(v), ":")
			v = strings.TrimSpace(v)
			return v, ok && v != ""
		}
	}
	return "", false
}

// values returns the elements in row-major order.
func (a *array) values() []float32 {
	size := int(a.descr[1] - '0')
	read := element[a.descr]
	out := make([]float32, len(a.data)/size)
	index := make([]int, len(a.shape))
	step := make([]int, len(a.shape)) // in elements, per dimension
	n := 1
	for i := range a.shape {
		d := len(a.shape) - 1 - i
		if a.fortran {
			d = i
		}
		step[d] = n
		n *= a.shape[d]
	}
	at := 0
	for i := range out {
		out[i] = read(a.order, a.data[at*size:at*size+size])
		for d := len(index) - 1; d >= 0; d-- {
			index[d]++
			at += step[d]
			if index[d] < a.shape[d] {
				break
			}
			at -= step[d] * a.shape[d]
			index[d] = 0
		}
	}
	return out
}
