package eval

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// Tally keeps the comparison of each image until it is read, so that shards
// merge to the same bits in any order. It costs 64 bytes an image.
type Tally struct {
	images []image
}

type image struct {
	index int64
	agree bool
	sums  Sums
}

// Add records the outputs of one image under its index in the data set.
func (t *Tally) Add(index int, ref, out []float32) {
	t.images = append(t.images, image{int64(index), Agree(ref, out), Compare(ref, out)})
}

// AddSums records a comparison that was made elsewhere, as of a layer or of
// several outputs together.
func (t *Tally) AddSums(index int, agree bool, s Sums) {
	t.images = append(t.images, image{int64(index), agree, s})
}

// Merge takes over the images of another shard.
func (t *Tally) Merge(u *Tally) { t.images = append(t.images, u.images...) }

// sort puts the images in order of their index; images of the same index by
// their content, since arrival must not matter.
func (t *Tally) sort() {
	slices.SortFunc(t.images, func(a, b image) int {
		return cmp.Or(cmp.Compare(a.index, b.index), cmp.Compare(a.sums.Noise, b.sums.Noise), cmp.Compare(a.sums.Signal, b.sums.Signal),
			cmp.Compare(a.sums.Dot, b.sums.Dot), cmp.Compare(a.sums.Output, b.sums.Output), cmp.Compare(a.sums.Count, b.sums.Count))
	})
}

// Images returns the number of images.
func (t *Tally) Images() int { return len(t.images) }

// Sums returns the sums over all images, added in order of their index.
func (t *Tally) Sums() (s Sums) {
	t.sort()
	for _, m := range t.images {
		s = s.Add(m.sums)
	}
	return s
}

// Agreement returns the share of images whose top class is the same, 0 to 1.
func (t *Tally) Agreement() float64 {
	n := 0
	for _, m := range t.images {
		if m.agree {
			n++
		}
	}
	return float64(n) / float64(max(len(t.images), 1))
}

// Disagreements returns the indices of the images whose top class differs.
func (t *Tally) Disagreements() (indices []int) {
	t.sort()
	for _, m := range t.images {
		if !m.agree {
			indices = append(indices, int(m.index))
		}
	}
	return indices
}

// record is the size of an encoded image: eight numbers of 8 bytes and a flag.
const record = 8*8 + 1

// AppendBinary appends the tally to b: the number of images and one record for
// each, little endian, in order of their index.
func (t *Tally) AppendBinary(b []byte) []byte {
	t.sort()
	o := binary.LittleEndian
	b = o.AppendUint64(b, uint64(len(t.images)))
	for _, m := range t.images {
		s := m.sums
		b = o.AppendUint64(b, uint64(m.index))
		for _, f := range []float64{s.Signal, s.Noise, s.Output, s.Dot, s.MaxAbs} {
			b = o.AppendUint64(b, math.Float64bits(f))
		}
		b = o.AppendUint64(b, uint64(s.Count))
		b = o.AppendUint64(b, uint64(s.Bad))
		if m.agree {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
	}
	return b
}

// DecodeTally reads a tally from the front of b and returns what follows it.
func DecodeTally(b []byte) (t *Tally, rest []byte, err error) {
	o := binary.LittleEndian
	if len(b) < 8 || o.Uint64(b) > uint64(len(b)-8)/record {
		return nil, nil, fmt.Errorf("a comparison's state is cut off at %d bytes", len(b))
	}
	n := int(o.Uint64(b))
	t, b = &Tally{images: make([]image, n)}, b[8:]
	for i := range t.images {
		f := func(k int) float64 { return math.Float64frombits(o.Uint64(b[8*k:])) }
		t.images[i] = image{
			index: int64(o.Uint64(b)), agree: b[64] == 1,
			sums: Sums{Signal: f(1), Noise: f(2), Output: f(3), Dot: f(4), MaxAbs: f(5), Count: int64(o.Uint64(b[48:])), Bad: int64(o.Uint64(b[56:]))},
		}
		b = b[record:]
	}
	return t, b, nil
}
