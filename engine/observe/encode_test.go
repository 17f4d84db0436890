package observe

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

func FuzzDecodeStat(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{version, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{version, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f})
	r := rand.New(rand.NewPCG(1, 1))
	for range 4 {
		var s Stat
		for i, x := range randomImages(r)[:1] {
			s.Observe(i, uint32(i), x[:min(len(x), 20)])
		}
		f.Add(s.AppendBinary(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, rest, err := DecodeStat(b)
		if err != nil {
			return
		}
		if again := s.AppendBinary(nil); !bytes.Equal(again, b[:len(b)-len(rest)]) {
			t.Fatalf("read %x, wrote %x", b, again)
		}
		var sum Stat
		sum.Merge(s)
		if !bytes.Equal(sum.AppendBinary(nil), s.AppendBinary(nil)) {
			t.Fatal("merging into an empty Stat changed it")
		}
		sum.Merge(s)
		sum.Observe(0, 0, []float32{1e30, -1e-30})
		sum.Histogram()
	})
}

func TestDecodeStatRefuses(t *testing.T) {
	var s Stat
	s.Observe(2, 2, []float32{1, -2, 0})
	s.Observe(5, 5, []float32{0.5})
	good := s.AppendBinary(nil)
	if _, rest, err := DecodeStat(append(good[:len(good):len(good)], 9)); err != nil || len(rest) != 1 {
		t.Fatalf("%v, %d bytes left", err, len(rest))
	}
	for n := range good {
		if _, _, err := DecodeStat(good[:n]); err == nil {
			t.Errorf("the first %d of %d bytes decode", n, len(good))
		}
	}
	// Some single changes give another sound Stat (a count, an image's number); extremes at
	// odds with the bins, and anything in the header, do not.
	for _, c := range []struct {
		at   int
		to   byte
		what string
	}{
		{0, 2, "another version"},
		{3, 200, "more images than bytes"},
		{8, 0xff, "lo is NaN or far off"},
		{12, 0xff, "hi is NaN"},
		{3, 0, "bins without extremes"},
	} {
		bad := bytes.Clone(good)
		bad[c.at] = c.to
		if _, _, err := DecodeStat(bad); err == nil {
			t.Errorf("decodes although %s", c.what)
		}
	}
}
