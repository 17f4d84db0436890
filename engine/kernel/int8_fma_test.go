package kernel

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// TestFMA compares with exact arithmetic, among it sums that lie next to a tie of float32 by less than a float64 can say.
func TestFMA(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	exact := func(x, y, z float32) float32 {
		wide := func(v float32) *big.Float { return new(big.Float).SetPrec(400).SetFloat64(float64(v)) }
		f, _ := new(big.Float).SetPrec(400).Add(new(big.Float).SetPrec(400).Mul(wide(x), wide(y)), wide(z)).Float32()
		return f
	}
	half := math.Float32frombits(0x3f800001) // 1 + 2^-23
	cases := [][3]float32{{0, 1, 2}, {1, 1, -1}, {half, 0x1p-24, 1}, {half, 0x1p-24, 1 + 0x1p-23}, {-half, 0x1p-24, 1}, {0x1p-60, 0x1p-60, 1}, {0x1.8p-24, half, 0x1p0}}
	for range 200000 {
		v := func(spread int) float32 {
			return float32(math.Ldexp(random.Float64()*2-1, random.IntN(spread)))
		}
		cases = append(cases, [3]float32{v(8), v(40) / 0x1p20, v(8)})
	}
	for _, c := range cases {
		if got, want := FMA(c[0], c[1], c[2]), exact(c[0], c[1], c[2]); got != want {
			t.Fatalf("FMA%v is %v, want %v", c, got, want)
		}
	}
	if got := FMA(float32(math.Inf(1)), 0, 1); got == got {
		t.Errorf("FMA(∞, 0, 1) is %v", got)
	}
}

// TestQuantizeU8FMA has ties, ends, and a value whose code depends on rounding once.
func TestQuantizeU8FMA(t *testing.T) {
	src := []float32{2.5, 3.5, 2.4999998, -0.5, 0.5, -100.5, 154.5, 155.5, 1e9, float32(math.NaN()), float32(math.Inf(-1))}
	got := make([]uint8, len(src))
	QuantizeU8FMA(got, src, 1, 100, 3, 250)
	for i, want := range []uint8{102, 104, 102, 100, 100, 3, 250, 250, 250, 3, 3} {
		if got[i] != want {
			t.Errorf("%v becomes %d, want %d", src[i], got[i], want)
		}
	}
	x, inv, shift := []float32{0x1.b9d9b2p+0}, float32(0x1.7cde5p+4), float32(0x1.85a84cp+6)
	once, twice := []uint8{0}, []uint8{0}
	QuantizeU8FMA(once, x, inv, shift, 0, 255)
	QuantizeU8Mul(twice, x, inv, shift, 0, 0, 255)
	if once[0] != 139 || twice[0] != 138 {
		t.Errorf("rounded once %d, want 139; twice %d, want 138", once[0], twice[0])
	}
}
