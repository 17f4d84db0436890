package engine

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"math"
	"slices"

	"dropquant/engine/eval"
	"dropquant/engine/observe"
	"dropquant/engine/target"
)

// A state is what a job has found and others need: its statistics until Quantize, and its records.
//
//	"dropquant" 1, key, records, statistics?, comparisons, details, probes, predictions, trials, rounded weights
//
// Numbers are varints, strings and lists have their length in front. States travel between workers of one program and
// are never kept; still they are checked, since a stale page may meet a new worker.

const stateMagic = "dropquant\x01"

var errState = errors.New("the state of another worker is damaged or of another job: start again")

// newKey returns what tells jobs apart whose states must not be mixed.
func newKey(m *Model, o Options) string {
	const ends = 64 << 10 // reading all of a large model would take longer than an image, and states do not leave the program
	sum := crc32.ChecksumIEEE(m.data[:min(ends, len(m.data))])
	sum = crc32.Update(sum, crc32.IEEETable, m.data[max(0, len(m.data)-ends):])
	return fmt.Sprintf("%d %08x %+v", len(m.data), sum, o)
}

// State returns what Merge needs. The result depends on the images only, not on the order in which they came.
func (j *Job) State() []byte {
	b := appendString([]byte(stateMagic), j.key)
	b = binary.AppendUvarint(b, uint64(len(j.records)))
	for _, i := range slices.Sorted(maps.Keys(j.records)) {
		r := j.records[i]
		b = binary.AppendUvarint(b, uint64(i))
		b = appendString(appendString(b, r.name), r.skipped)
		b = append(b, flag(r.compared))
	}
	b = binary.AppendUvarint(b, uint64(len(j.stats)))
	for _, s := range j.stats {
		b = s.AppendBinary(b)
	}
	for _, t := range j.tallies {
		b = t.AppendBinary(b)
	}
	b = appendProbed(j.diagnosis.appendBinary(b), j.probed)
	return j.fitted.AppendBinary(appendString(appendString(b, marshal(j.marks)), marshal(j.tries)))
}

// marshal returns sums as JSON, which gives back the very same numbers.
func marshal[T any](found map[int]T) string {
	text, err := json.Marshal(found)
	if err != nil {
		panic("bug: " + err.Error()) // sums are finite
	}
	return string(text)
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// findings are the contents of a state.
type findings struct {
	records map[int]record
	stats   []*observe.Stat
	tallies []*eval.Tally
	details map[int][]detail // by image
	probed  map[int]probed   // by image
	marks   map[int][]mark   // by image
	tries   map[int]map[int]eval.Sums
	fitted  *target.Fitted
}

func (j *Job) parse(state []byte) (*findings, error) {
	d := &stateReader{b: state}
	if !d.literal(stateMagic) || d.string() != j.key {
		return nil, errState
	}
	f := &findings{records: map[int]record{}}
	for n := d.length(4); n > 0 && d.err == nil; n-- {
		i := int(d.uvarint() & math.MaxInt32)
		f.records[i] = record{name: d.string(), skipped: d.string(), compared: d.byte() == 1}
	}
	for n := d.length(1); n > 0 && d.err == nil; n-- {
		f.stats = append(f.stats, decode(d, observe.DecodeStat))
	}
	for range j.layers {
		f.tallies = append(f.tallies, decode(d, eval.DecodeTally))
	}
	f.details = d.details(len(j.layers))
	f.probed = d.probed()
	for _, into := range []any{&f.marks, &f.tries} {
		if text := d.string(); d.err == nil && json.Unmarshal([]byte(text), into) != nil {
			return nil, errState
		}
	}
	f.fitted = decode(d, target.DecodeFitted)
	if d.err != nil || len(d.b) > 0 || j.quantized == nil && len(f.stats) != len(j.stats) {
		return nil, errState
	}
	return f, nil
}

// Merge adds what another job found. A state that this job made itself or has merged already changes nothing.
func (j *Job) Merge(state []byte) error {
	f, err := j.parse(state)
	if err != nil {
		return err
	}
	observed, err := f.fresh(
		func(r record) bool { return r.skipped == "" },
		func(i int) bool { _, known := j.records[i]; return known })
	if err != nil {
		return err
	}
	compared, err := f.fresh(
		func(r record) bool { return r.compared },
		func(i int) bool { return j.records[i].compared })
	if err != nil {
		return err
	}
	if observed && j.quantized != nil {
		return errState // it is too late for more images
	}
	if observed {
		for k, s := range f.stats {
			j.stats[k].Merge(s)
		}
	}
	if compared {
		for k, t := range f.tallies {
			j.tallies[k].Merge(t)
		}
	}
	maps.Copy(j.diagnosis.found, f.details) // of the same image, they are the same
	maps.Copy(j.marks, f.marks)
	if j.quantized == nil {
		maps.Copy(j.probed, f.probed)
		for i, sums := range f.tries {
			if j.tries[i] == nil {
				j.tries[i] = map[int]eval.Sums{}
			}
			maps.Copy(j.tries[i], sums)
		}
		j.fitted.Merge(f.fitted)
	}
	for i, r := range f.records {
		if old, known := j.records[i]; !known || r.compared || r.skipped != "" && !old.compared {
			j.records[i] = r
		}
	}
	return nil
}

// fresh reports whether the images of a state that were counted are new to a job. Some of them being new is an error:
// their numbers cannot be taken apart, and the others' would count twice.
func (f *findings) fresh(counted func(record) bool, known func(i int) bool) (bool, error) {
	fresh, old := 0, 0
	for i, r := range f.records {
		switch {
		case !counted(r):
		case known(i):
			old++
		default:
			fresh++
		}
	}
	if fresh > 0 && old > 0 {
		return false, errState
	}
	return fresh > 0, nil
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// stateReader reads a state. After the first mistake err is set and every read gives zero.
type stateReader struct {
	b   []byte
	err error
}

func (d *stateReader) take(n int) []byte {
	if d.err != nil || n < 0 || n > len(d.b) {
		d.err = errState
		return nil
	}
	out := d.b[:n]
	d.b = d.b[n:]
	return out
}

func (d *stateReader) literal(s string) bool { return string(d.take(len(s))) == s }

func (d *stateReader) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *stateReader) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if d.take(max(n, 0)); n <= 0 {
		d.err = errState
		return 0
	}
	return v
}

// length reads the length of a list whose elements take at least size bytes each.
func (d *stateReader) length(size int) int {
	n := d.uvarint()
	if n > uint64(len(d.b)/size) {
		d.err = errState
		return 0
	}
	return int(n)
}

func (d *stateReader) string() string { return string(d.take(d.length(1))) }

// decode reads one statistic that a package of its own encodes.
func decode[T any](d *stateReader, read func([]byte) (T, []byte, error)) (value T) {
	if d.err == nil {
		value, d.b, d.err = read(d.b)
	}
	return value
}
