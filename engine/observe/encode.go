package observe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
)

// version opens an encoded Stat.
const version = 1

// AppendBinary appends the encoding of s to b. Equal Stats encode to equal
// bytes. The layout, all whole numbers as unsigned varints:
//
//	version NaN inf
//	n, then n times: image less the one before and 1, lo, hi as float32, little endian
//	first and one past the last bin in use, then a count for each of them
//
// The bins' exponent is not stored: the extremes give it.
func (s *Stat) AppendBinary(b []byte) []byte {
	b = append(b, version)
	b = binary.AppendUvarint(b, s.nan)
	b = binary.AppendUvarint(b, s.inf)
	b = binary.AppendUvarint(b, uint64(len(s.images)))
	next := 0
	for _, e := range s.images {
		b = binary.AppendUvarint(b, uint64(e.Image-next))
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(e.Lo))
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(e.Hi))
		next = e.Image + 1
	}
	s.settle()
	from, to := 0, 0
	for i, n := range s.counts {
		if n != 0 {
			if to == 0 {
				from = i
			}
			to = i + 1
		}
	}
	b = binary.AppendUvarint(b, uint64(from))
	b = binary.AppendUvarint(b, uint64(to))
	if s.counts != nil {
		for _, n := range s.counts[from:to] {
			b = binary.AppendUvarint(b, n)
		}
	}
	return b
}

var errDamaged = errors.New("the statistics are damaged: calibrate again")

// maxCount bounds every count and their sum, so that sums of many decoded
// Stats do not wrap and all are exact in a float64.
const maxCount = 1 << 48

// DecodeStat reads one Stat from the front of b and returns the rest. It
// accepts exactly what AppendBinary writes: anything else, such as extremes that
// are out of order, not finite or at odds with the bins, is an error. It allocates at
// most the bins and what b itself holds.
func DecodeStat(b []byte) (*Stat, []byte, error) {
	d := decoder{rest: b}
	if d.byte() != version {
		return nil, nil, errDamaged
	}
	s := &Stat{nan: d.count(), inf: d.count()}
	n := d.uvarint(uint64(len(d.rest) / 9)) // at least 9 bytes each
	if n > 0 {
		s.images = make([]Extremes, 0, n)
	}
	next := uint64(0)
	for range n {
		image := next + d.uvarint(math.MaxInt32)
		lo, hi := d.float(), d.float()
		if d.bad || image > math.MaxInt32 || lo > hi {
			return nil, nil, errDamaged
		}
		s.images = append(s.images, Extremes{int(image), lo, hi})
		next = image + 1
	}
	from, to := d.uvarint(Bins), d.uvarint(Bins)
	lo, hi, ok := s.Range()
	if d.bad || from > to || ok != (from < to) {
		return nil, nil, errDamaged
	}
	if ok {
		s.exp, s.counts = exponent(max(-lo, hi)), make([]uint64, Bins)
		total := uint64(0)
		for i := from; i < to; i++ {
			s.counts[i] = d.count()
			total += s.counts[i]
		}
		// The ends must be the bins of the extremes, and hold something.
		if d.bad || total > maxCount || bin(lo, s.exp) != int(from) || bin(hi, s.exp) != int(to-1) ||
			s.counts[from] == 0 || s.counts[to-1] == 0 {
			return nil, nil, errDamaged
		}
	}
	read := b[:len(b)-len(d.rest)]
	if !bytes.Equal(s.AppendBinary(make([]byte, 0, len(read))), read) { // varints longer than needed
		return nil, nil, errDamaged
	}
	return s, d.rest, nil
}

// decoder reads from the front of rest; after the first failure bad is set and
// all it returns is 0.
type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) byte() byte {
	if d.bad || len(d.rest) == 0 {
		d.bad = true
		return 0
	}
	c := d.rest[0]
	d.rest = d.rest[1:]
	return c
}

// uvarint reads a number of at most limit.
func (d *decoder) uvarint(limit uint64) uint64 {
	v, n := binary.Uvarint(d.rest)
	if d.bad || n <= 0 || v > limit {
		d.bad = true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) count() uint64 { return d.uvarint(maxCount) }

// float reads a finite float32 that is not −0.
func (d *decoder) float() float32 {
	if d.bad || len(d.rest) < 4 {
		d.bad = true
		return 0
	}
	x := math.Float32frombits(binary.LittleEndian.Uint32(d.rest))
	d.rest = d.rest[4:]
	if x-x != 0 || math.Float32bits(x) == 1<<31 {
		d.bad = true
		return 0
	}
	return x
}
