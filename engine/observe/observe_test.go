package observe

import (
	"bytes"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

func TestObserve(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	var s Stat
	s.Observe(3, []float32{0, 1, -1, nan, float32(math.Copysign(0, -1))})
	s.Observe(1, []float32{0.5, inf, -inf, -0.25})
	s.Observe(2, nil)
	s.Observe(4, []float32{nan})
	s.Observe(3, []float32{-1.5, 0.0001})

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
			s.Observe(0, []float32{amax, x})
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
			whole.Observe(i, x)
		}
		want := whole.AppendBinary(nil)

		shards := make([]Stat, 1+r.IntN(4))
		for _, i := range r.Perm(len(images)) {
			x := images[i]
			for len(x) > 0 {
				n := 1 + r.IntN(len(x))
				shards[r.IntN(len(shards))].Observe(i, x[:n])
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
	a.Observe(0, []float32{1000})
	b.Observe(0, []float32{1, -3})
	before := b.AppendBinary(nil)
	a.Merge(&b)
	a.Observe(1, []float32{5000})
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
	s.Observe(0, []float32{0, 0})
	if h := s.Histogram(); h.Total != 2 || len(h.Pos) != 1 || len(h.Neg) != 0 {
		t.Errorf("%+v", h)
	}
	got, _, err := DecodeStat(s.AppendBinary(nil))
	if err != nil || !reflect.DeepEqual(got, &s) {
		t.Errorf("%+v, %v", got, err)
	}
}

// A sparse Stat has the extremes, an eighth of the values, and their distribution;
// small slices it counts whole.
func TestSparse(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, 1<<20)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	x[100] = -50 // in no block
	whole, sparse := Stat{}, Stat{Sparse: true}
	whole.Observe(0, x)
	sparse.Observe(0, x)
	if !slices.Equal(whole.Images(), sparse.Images()) {
		t.Errorf("extremes %v, exactly %v", sparse.Images(), whole.Images())
	}
	a, b := whole.Histogram(), sparse.Histogram()
	if share := float64(b.Total) / float64(a.Total); math.Abs(share-float64(block)/period) > 0.001 {
		t.Errorf("%v of the values are counted", share)
	}
	if a.Width != b.Width || len(a.Neg) != len(b.Neg) || len(a.Pos) != len(b.Pos) {
		t.Errorf("bins of %v, %d and %d; sparse of %v, %d and %d", a.Width, len(a.Neg), len(a.Pos), b.Width, len(b.Neg), len(b.Pos))
	}
	for _, end := range []float32{0.5, 1, 2, 3} {
		p, q := a.Outside(-end, end), b.Outside(-end, end)
		if sigma := math.Sqrt(p * (1 - p) / float64(b.Total)); math.Abs(p-q) > 5*sigma {
			t.Errorf("outside ±%v lie %v, sparse %v", end, p, q)
		}
	}
	if _, _, err := DecodeStat(sparse.AppendBinary(nil)); err != nil {
		t.Error(err)
	}
	small := Stat{Sparse: true}
	small.Observe(0, x[:sparseFrom-1])
	if h := small.Histogram(); h.Total != sparseFrom-1 {
		t.Errorf("%d of a small slice", h.Total)
	}
}
