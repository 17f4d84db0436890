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
	QuantizeU8FMA(got, src, 1, 60, 40, 3, 250)
	for i, want := range []uint8{102, 104, 102, 100, 100, 3, 250, 250, 250, 3, 3} {
		if got[i] != want {
			t.Errorf("%v becomes %d, want %d", src[i], got[i], want)
		}
	}
	x, inv, shift := []float32{0x1.b9d9b2p+0}, float32(0x1.7cde5p+4), float32(0x1.85a84cp+6)
	once, twice := []uint8{0}, []uint8{0}
	QuantizeU8FMA(once, x, inv, shift, 0, 0, 255)
	QuantizeU8Mul(twice, x, inv, shift, 0, 0, 255)
	if once[0] != 139 || twice[0] != 138 {
		t.Errorf("rounded once %d, want 139; twice %d, want 138", once[0], twice[0])
	}
}

// TestMachinesFMA compares every machine with the definition, on sums that lie next to a tie of float32 by less than a
// float64 can say too, and on what is not finite.
func TestMachinesFMA(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	inf := float32(math.Inf(1))
	half := math.Float32frombits(0x3f800001) // 1 + 2^-23
	for _, m := range integerMachines(t) {
		t.Run(m.name, func(t *testing.T) {
			for _, factor := range []float32{0x1p-24, -0x1p-24, 0x1p-60, 1, 0x1.7cde5p+4, 0.1, 0x1.fffffep127} {
				x := []float32{half, -half, 0x1.8p0, 0, inf, -inf, float32(math.NaN()), 0x1p-149, 0x1.fffffep127, 0x1.b9d9b2p+0}
				add := []float32{1, 1, half, 0, -inf, 3, 2, 0x1p-149, -1, 0x1.85a84cp+6}
				for range 3000 {
					x = append(x, float32(math.Ldexp(random.Float64()*2-1, random.IntN(30)-10)))
					add = append(add, float32(math.Ldexp(random.Float64()*2-1, random.IntN(50)-30)))
				}
				for _, n := range append([]int{len(x)}, sizes...) {
					x, add := x[:min(n, len(x))], add[:min(n, len(x))]
					for flags, shift := range map[int]float32{flagAdd: 9, 0: 0x1.85a84cp+6} {
						for _, hi := range []float32{inf, 200} {
							got, want := make([]float32, len(x)), make([]float32, len(x))
							m.fma(got, x, add, len(x), flags, factor, shift, -hi, hi)
							refFMA(want, x, add, len(x), flags, factor, shift, -hi, hi)
							for i := range want {
								if got[i] != want[i] && want[i] == want[i] || (got[i] != got[i]) != (want[i] != want[i]) {
									t.Fatalf("%v·%v + %v or %v is %v, want %v", x[i], factor, add[i], shift, got[i], want[i])
								}
							}
						}
					}
					got, want := make([]uint8, len(x)), make([]uint8, len(x))
					m.quantizeFMA(got, x, len(x), 3, factor, 0x1.85a84cp+6, 0, 252)
					refQuantizeFMA(want, x, len(x), 3, factor, 0x1.85a84cp+6, 0, 252)
					same(t, "codes", got, want)
				}
			}
		})
	}
}

// TestProbeFMA tells rounding once from rounding twice.
func TestProbeFMA(t *testing.T) {
	for _, m := range machines(t) {
		if !probeFMA(m.fma) {
			t.Errorf("%s: its multiply-add is not taken for fused", m.name)
		}
	}
	twice := func(dst, src, add []float32, n, flags int, factor, shift, lo, hi float32) {
		for i, x := range src[:n] {
			dst[i] = float32(x*factor) + add[i]
		}
	}
	if probeFMA(twice) {
		t.Error("a product that is rounded by itself is taken for fused")
	}
}
