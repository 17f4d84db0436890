package eval

import (
	"bytes"
	"math"
	"slices"
	"testing"
)

var (
	nan = float32(math.NaN())
	inf = float32(math.Inf(1))
)

// numpy 2, all in float64:
//
//	r = ((np.arange(10) - 4.5).astype('f4') * np.float32(.3)).astype('f8'); o = np.round(r * 2) / 2
//	(r*r).sum(), ((r-o)**2).sum(), (r*o).sum(), abs(r-o).max(), 10*np.log10((r*r).sum() / ((r-o)**2).sum()),
//	(r*o).sum() / np.sqrt((r*r).sum() * (o*o).sum())
const (
	numpySignal = 7.4250004649162413
	numpyNoise  = 0.22500000000001208
	numpyDot    = 8.1000002324581146
	numpyMax    = 0.25
	numpySQNR   = 15.185139670712044
	numpyCosine = 0.99086738602859337
)

func TestCompareEqualsNumPy(t *testing.T) {
	var r, o []float32
	for i := range 10 {
		v := (float32(i) - 4.5) * 0.3
		r, o = append(r, v), append(o, float32(math.RoundToEven(float64(v)*2)/2))
	}
	s := Compare(r, o)
	for name, c := range map[string][2]float64{
		"signal": {s.Signal, numpySignal}, "noise": {s.Noise, numpyNoise}, "dot": {s.Dot, numpyDot}, "max": {s.MaxAbs, numpyMax},
		"sqnr": {s.SQNR(), numpySQNR}, "cosine": {s.Cosine(), numpyCosine}, "mse": {s.MSE(), numpyNoise / 10},
	} {
		if math.Abs(c[0]-c[1]) > 1e-12 {
			t.Errorf("%s: %.17g, numpy has %.17g", name, c[0], c[1])
		}
	}
}

func TestEdges(t *testing.T) {
	for _, c := range []struct {
		name         string
		ref, out     []float32
		sqnr, cosine float64
		bad          int64
	}{
		{"equal", []float32{1, -2}, []float32{1, -2}, Limit, 1, 0},
		{"zeros", []float32{0, 0}, []float32{0, 0}, Limit, 1, 0},
		{"dead output", []float32{3, 4}, []float32{0, 0}, 0, 0, 0},
		{"from nothing", []float32{0, 0}, []float32{3, 4}, -Limit, 0, 0},
		{"opposite", []float32{3, 4}, []float32{-3, -4}, 10 * math.Log10(.25), -1, 0},
		{"empty", nil, nil, -Limit, 0, 0},
		{"bad values are left out", []float32{nan, 1, inf, 2, inf}, []float32{0, 1, inf, 2, 0}, Limit, 1, 3},
		{"only bad", []float32{nan}, []float32{1}, -Limit, 0, 1},
		{"huge", []float32{math.MaxFloat32}, []float32{-math.MaxFloat32}, 10 * math.Log10(.25), -1, 0},
	} {
		s := Compare(c.ref, c.out)
		if math.Abs(s.SQNR()-c.sqnr) > 1e-12 || math.Abs(s.Cosine()-c.cosine) > 1e-12 || s.Bad != c.bad {
			t.Errorf("%s: %g dB, cosine %g, %d bad", c.name, s.SQNR(), s.Cosine(), s.Bad)
		}
	}
}

func TestArgmax(t *testing.T) {
	for _, c := range []struct {
		x    []float32
		want int
		top  []int
	}{
		{[]float32{1, 3, 2}, 1, []int{1, 2}},
		{[]float32{2, 2, 1}, 0, []int{0, 1}},
		{[]float32{nan, -5, nan, -5}, 1, []int{1, 3}},
		{[]float32{-inf, -inf}, 0, []int{0, 1}},
		{[]float32{nan}, -1, []int{0}},
		{nil, -1, []int{}},
	} {
		if got := Argmax(c.x); got != c.want {
			t.Errorf("Argmax(%v) = %d", c.x, got)
		}
		if got := TopK(c.x, 2); !slices.Equal(got, c.top) {
			t.Errorf("TopK(%v) = %v", c.x, got)
		}
	}
	if Agree([]float32{nan}, []float32{nan}) || !Agree([]float32{0, 1}, []float32{5, 9}) || Agree([]float32{1, 1}, []float32{0, 1}) {
		t.Error("Agree")
	}
}

// Shards in any order give the same bytes and the same bits.
func TestTallyMerge(t *testing.T) {
	vector := func(seed int) (ref, out []float32) {
		for i := range 50 {
			v := float32(math.Sin(float64(seed*50+i))) * float32(math.Exp(float64(seed%7)))
			ref, out = append(ref, v), append(out, v+float32(i%5)*1e-3)
		}
		return ref, out
	}
	tally := func(indices ...int) *Tally {
		var t Tally
		for _, i := range indices {
			ref, out := vector(i)
			t.Add(i, ref, out)
		}
		return &t
	}
	whole := tally(0, 1, 2, 3, 4, 5, 6, 7, 8)
	want := whole.AppendBinary(nil)
	for _, shards := range [][]*Tally{
		{tally(8, 7, 6, 5, 4, 3, 2, 1, 0)},
		{tally(1, 4, 7), tally(0, 3, 6), tally(2, 5, 8)},
		{tally(), tally(5), tally(0, 1, 2, 3, 4, 8, 7, 6)},
	} {
		var all Tally
		for _, s := range shards {
			b := s.AppendBinary([]byte("before"))
			back, rest, err := DecodeTally(append(b[6:], "after"...))
			if err != nil || string(rest) != "after" {
				t.Fatal(err, rest)
			}
			all.Merge(back)
		}
		got := all.AppendBinary(nil)
		if !bytes.Equal(got, want) || all.Sums() != whole.Sums() || all.Agreement() != whole.Agreement() {
			t.Error("the order of the shards matters")
		}
	}
	whole.AddSums(100, false, Sums{})
	if d := whole.Disagreements(); whole.Images() != 10 || !slices.Contains(d, 100) {
		t.Errorf("%d images, %v disagree", whole.Images(), d)
	}
}

func FuzzDecodeTally(f *testing.F) {
	var t Tally
	t.Add(3, []float32{1, 2}, []float32{1, 3})
	b := t.AppendBinary(nil)
	f.Add(b)
	f.Fuzz(func(t *testing.T, data []byte) {
		if tally, rest, err := DecodeTally(data); err == nil && tally.Images()*record+8+len(rest) != len(data) {
			t.Error("bytes are missing")
		}
	})
}
