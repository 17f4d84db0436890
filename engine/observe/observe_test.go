package observe

import (
	"bytes"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"dropquant/engine/kernel"
)

func TestObserve(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	var s Stat
	s.Observe(3, 3, []float32{0, 1, -1, nan, float32(math.Copysign(0, -1))})
	s.Observe(1, 1, []float32{0.5, inf, -inf, -0.25})
	s.Observe(2, 2, nil)
	s.Observe(4, 4, []float32{nan})
	s.Observe(3, 3, []float32{-1.5, 0.0001})

	if lo, hi, ok := s.Range(); lo != -1.5 || hi != 1 || !ok {
		t.Errorf("range %v…%v %v", lo, hi, ok)
	}
	if want := []Extremes{{1, -0.25, 0.5}, {3, -1.5, 1}}; !slices.Equal(s.Images(), want) {
		t.Errorf("images %v, want %v", s.Images(), want)
	}
	if nan, inf := s.NotFinite(); nan != 2 || inf != 2 {
		t.Errorf("%d NaN, %d infinite", nan, inf)
	}
	h := s.Histogram()
	if h.Width != 0x1p-11 { // 1.5 lies below 2 = 4096 bins, and above 1
		t.Errorf("width %v", h.Width)
	}
	if h.Total != 8 {
		t.Errorf("%d counted", h.Total)
	}
	for _, c := range []struct {
		side []uint64
		bin  int
		want uint64
	}{{h.Pos, 0, 3}, {h.Pos, 1024, 1}, {h.Pos, 2048, 1}, {h.Neg, 511, 1}, {h.Neg, 2047, 1}, {h.Neg, 3071, 1}} {
		if c.bin >= len(c.side) || c.side[c.bin] != c.want {
			t.Errorf("bin %d of %d does not hold %d", c.bin, len(c.side), c.want)
		}
	}
	if len(h.Pos) != 2049 || len(h.Neg) != 3072 {
		t.Errorf("%d and %d bins in use", len(h.Neg), len(h.Pos))
	}
}

// A value lies in its bin, at every width and down to the smallest float.
func TestBins(t *testing.T) {
	for _, amax := range []float32{1e-45, 1e-39, 1e-30, 0.9999999, 1, 1.0000001, 4095.9998, 4096, 1e30, math.MaxFloat32} {
		for _, x := range []float32{amax, -amax, amax / 3, -amax / 3, 0, 1e-45, -1e-45} {
			var s Stat
			s.Observe(0, 0, []float32{amax, x})
			h := s.Histogram()
			side := h.Pos
			if x < 0 {
				side = h.Neg
			}
			bin := int(math.Floor(float64(x) / h.Width))
			if x < 0 {
				bin = -1 - bin
			}
			if bin >= Half || bin >= len(side) || side[bin] == 0 {
				t.Errorf("%v beside %v: bin %d of %d, width %v", x, amax, bin, len(side), h.Width)
			}
			if used := float64(amax) / h.Width; used < Half/2 && s.exp > minExp {
				t.Errorf("%v spans only %v bins", amax, used)
			}
		}
	}
}

// randomImages returns values of many magnitudes, some of them zero or not finite.
func randomImages(r *rand.Rand) [][]float32 {
	images := make([][]float32, 1+r.IntN(12))
	spread := 60 * r.Float64()
	for i := range images {
		images[i] = make([]float32, r.IntN(300))
		scale := math.Exp(spread * (r.Float64() - 0.5))
		for j := range images[i] {
			x := float32(r.NormFloat64() * scale)
			switch r.IntN(50) {
			case 0:
				x = float32(math.NaN())
			case 1:
				x = float32(math.Inf(1 - 2*r.IntN(2)))
			case 2, 3, 4, 5:
				x = 0
			case 6:
				x = float32(math.Copysign(0, -1))
			case 7:
				x *= 1e-38
			}
			images[i][j] = x
		}
	}
	return images
}

// One stream, any order, any split into parts and over workers, with Stats
// that went through their encoding: all the same bytes.
func TestOrderDoesNotMatter(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 7))
		images := randomImages(r)
		var whole Stat
		for i, x := range images {
			whole.Observe(i, uint32(i), x)
		}
		want := whole.AppendBinary(nil)

		shards := make([]Stat, 1+r.IntN(4))
		for _, i := range r.Perm(len(images)) {
			x := images[i]
			for len(x) > 0 {
				n := 1 + r.IntN(len(x))
				shards[r.IntN(len(shards))].Observe(i, uint32(i), x[:n])
				x = x[n:]
			}
		}
		var merged Stat
		for _, i := range r.Perm(len(shards)) {
			s, rest, err := DecodeStat(shards[i].AppendBinary(nil))
			if err != nil || len(rest) != 0 {
				t.Fatalf("seed %d: %v, %d bytes left", seed, err, len(rest))
			}
			merged.Merge(s)
		}
		if got := merged.AppendBinary(nil); !bytes.Equal(got, want) {
			t.Fatalf("seed %d: %d workers differ from one", seed, len(shards))
		}
		if !reflect.DeepEqual(merged.Histogram(), whole.Histogram()) {
			t.Fatalf("seed %d: histograms differ", seed)
		}
	}
}

func TestMergeLeavesTheOtherAlone(t *testing.T) {
	var a, b Stat
	a.Observe(0, 0, []float32{1000})
	b.Observe(0, 0, []float32{1, -3})
	before := b.AppendBinary(nil)
	a.Merge(&b)
	a.Observe(1, 1, []float32{5000})
	if !bytes.Equal(before, b.AppendBinary(nil)) {
		t.Error("merging changed its operand")
	}
	if lo, hi, _ := a.Range(); lo != -3 || hi != 5000 {
		t.Errorf("range %v…%v", lo, hi)
	}
}

func TestEmpty(t *testing.T) {
	var s, o Stat
	o.Merge(&s)
	if _, _, ok := o.Range(); ok {
		t.Error("an empty Stat has a range")
	}
	if h := o.Histogram(); h.Total != 0 || h.Neg != nil || h.Pos != nil || h.Width <= 0 {
		t.Errorf("%+v", h)
	}
	s.Observe(0, 0, []float32{0, 0})
	if h := s.Histogram(); h.Total != 2 || len(h.Pos) != 1 || len(h.Neg) != 0 {
		t.Errorf("%+v", h)
	}
	got, _, err := DecodeStat(s.AppendBinary(nil))
	if err != nil || !reflect.DeepEqual(got, &s) {
		t.Errorf("%+v, %v", got, err)
	}
}

// A large slice has its extremes, the values of its tails, and the distribution of a sample of the others; a small one is
// counted whole.
func TestSample(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, 1<<18+77)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	for _, c := range []struct {
		name    string
		prepare func()
		tail    float32 // where each value is counted from
	}{
		{"normal", func() {}, 3.4},
		{"an outlier in no block", func() { x[100] = -50 }, 3.4},
		{"after a ReLU", func() {
			for i := range x {
				x[i] = max(x[i], 0)
			}
		}, 3.4},
		{"capped", func() {
			for i := range x {
				x[i] = min(x[i], 2)
			}
		}, 2},
		{"small", func() {
			for i := range x {
				x[i] *= 1e-30
			}
		}, 2e-30},
	} {
		c.prepare()
		whole, sampled := Stat{}, Stat{}
		lo, hi, _ := kernel.MinMax(x)
		whole.count(x, lo, hi)
		whole.extend(Extremes{7, lo, hi})
		sampled.Observe(7, 7, x)
		if !slices.Equal(whole.Images(), sampled.Images()) {
			t.Errorf("%s: extremes %v, exactly %v", c.name, sampled.Images(), whole.Images())
		}
		a, b := whole.Histogram(), sampled.Histogram()
		if share := float64(b.Total) / float64(a.Total); math.Abs(share-1) > 0.03 {
			t.Errorf("%s: the weights add up to %v of the values", c.name, share)
		}
		if a.Width != b.Width || len(a.Neg) != len(b.Neg) || len(a.Pos) != len(b.Pos) {
			t.Errorf("%s: bins of %v, %d and %d; sampled of %v, %d and %d", c.name, a.Width, len(a.Neg), len(a.Pos), b.Width, len(b.Neg), len(b.Pos))
		}
		for _, share := range []float32{0.1, 0.3, 0.7} {
			p, q := a.Outside(-share*c.tail, share*c.tail), b.Outside(-share*c.tail, share*c.tail)
			if sigma := math.Sqrt(p * (1 - p) * float64(int(1)<<weight(len(x))) / float64(len(x))); math.Abs(p-q) > 6*sigma {
				t.Errorf("%s: %v of the values lie beyond %v, sampled %v", c.name, p, share*c.tail, q)
			}
		}
		for i := int(float64(c.tail)/a.Width) + 1; c.tail != 2 && i < len(a.Pos); i++ {
			if a.Pos[i] != b.Pos[i] {
				t.Fatalf("%s: %d values in bin %d of the tail, want %d", c.name, b.Pos[i], i, a.Pos[i])
			}
		}
		if _, _, err := DecodeStat(sampled.AppendBinary(nil)); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// What a slice adds does not depend on what was seen before it.
func TestSampleOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var parts [4][]float32
	for k := range parts {
		parts[k] = make([]float32, sampleFrom+100*k)
		for i := range parts[k] {
			parts[k][i] = float32(r.NormFloat64()) * float32(math.Exp2(float64(5*k%7)))
		}
	}
	var up, down, left, right Stat
	for k := range parts {
		up.Observe(k, uint32(k), parts[k])
		down.Observe(3-k, uint32(3-k), parts[3-k])
		if k%2 == 0 {
			left.Observe(k, uint32(k), parts[k])
		} else {
			right.Observe(k, uint32(k), parts[k])
		}
	}
	right.Merge(&left)
	if a, b, c := up.AppendBinary(nil), down.AppendBinary(nil), right.AppendBinary(nil); !bytes.Equal(a, b) || !bytes.Equal(a, c) {
		t.Error("the order or the split of images changes the statistic")
	}
}

// Recent counts are settled before they overflow, and when bins merge.
func TestSettle(t *testing.T) {
	x := make([]float32, sampleFrom)
	for i := range x {
		x[i] = float32(i % 7)
	}
	var plain, full Stat
	for k := range 4 {
		plain.Observe(k, uint32(k), x)
		if k > 0 {
			full.held = math.MaxUint32 - uint64(k)
		}
		full.Observe(k, uint32(k), x)
	}
	if full.held >= math.MaxUint32-3 {
		t.Error("counts were not settled")
	}
	wide := []float32{100}
	plain.Observe(4, 4, wide)
	full.Observe(4, 4, wide)
	if h := full.Histogram(); h.Total != 4*sampleFrom+1 {
		t.Errorf("%d values are counted, want %d", h.Total, 4*sampleFrom+1)
	}
	if !bytes.Equal(plain.AppendBinary(nil), full.AppendBinary(nil)) {
		t.Error("settling changes the statistic")
	}
}

// A sample that the others are not like is no use: all are counted.
func TestSampleUnlike(t *testing.T) {
	const period = 16
	x := make([]float32, period*sampleLeast)
	for i := range x {
		x[i] = float32(1 + i%100)
	}
	for k := range len(x) / kernel.SampleBlock / period { // the blocks that are taken
		at := (k*period + 3*k%period) * kernel.SampleBlock
		for i := range kernel.SampleBlock {
			x[at+i] = 0.5
		}
	}
	var s, whole Stat
	s.Observe(0, 0, x)
	whole.count(x, 0.5, 100)
	whole.extend(Extremes{0, 0.5, 100})
	if !bytes.Equal(s.AppendBinary(nil), whole.AppendBinary(nil)) {
		t.Error("not all values are counted")
	}
}

// Values that are not finite are counted apart in large slices too.
func TestSampleNotFinite(t *testing.T) {
	x := make([]float32, 2*sampleFrom)
	for i := range x {
		x[i] = float32(i % 100)
	}
	x[5], x[700], x[701] = float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))
	var s Stat
	s.Observe(0, 0, x)
	nan, inf := s.NotFinite()
	if h := s.Histogram(); nan != 1 || inf != 2 || h.Total != uint64(len(x)-3) {
		t.Errorf("%d NaN, %d infinite, %d counted of %d", nan, inf, h.Total, len(x))
	}
}
