package op

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"dropquant/engine/graph"
	"dropquant/engine/kernel"
	"dropquant/engine/tensor"
)

// bytes8 returns codes that lie at the ends of their range often.
func bytes8(r *rand.Rand, dt tensor.DType, shape ...int) *tensor.Tensor {
	t := tensor.New(dt, shape...)
	for i := range tensor.Bytes(t) {
		tensor.Bytes(t)[i] = uint8(r.IntN(256))
		if r.IntN(3) == 0 {
			tensor.Bytes(t)[i] = []uint8{0, 127, 128, 255}[r.IntN(4)]
		}
	}
	return t
}

// evaluate runs one node on constants in an arithmetic.
func evaluate(t *testing.T, a Arithmetic, domain, name string, attrs []graph.Attr, in ...*tensor.Tensor) *tensor.Tensor {
	t.Helper()
	g := graph.New("test", 21)
	g.Opset[domain] = max(g.Opset[domain], 1)
	var values []*graph.Value
	for i, x := range in {
		switch {
		case x == nil:
			values = append(values, nil)
		case i == 0:
			values = append(values, g.AddInput("x", x.DType, x.Shape...))
		default:
			values = append(values, g.AddConst("c", x))
		}
	}
	n := g.AddNode(name, "n", values, attrs, "y")
	n.Domain = domain
	g.AddOutput(n.Outputs[0])
	r, err := ResolveIn(a, g, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out []*tensor.Tensor
	for range 2 { // the second run uses what the first prepared
		if out, err = r.Calls[0].Eval(in); err != nil {
			t.Fatal(err)
		}
	}
	return out[0]
}

// TestIntConv compares the integer convolution with its definition: types of codes, zero points of the weights, groups,
// and pairs that saturate by tap and then by channel.
func TestIntConv(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	paired := Adding{Sums: kernel.Paired, Block: 1}
	for _, c := range []struct {
		name             string
		x, w             tensor.DType
		zero             bool // of the weights, by channel
		inC, outC, group int
		a                Arithmetic
		pairs, block     int // 0: exact
	}{
		{"u8 s8", tensor.Uint8, tensor.Int8, false, 5, 4, 1, Arithmetic{}, 0, 1},
		{"s8 s8", tensor.Int8, tensor.Int8, false, 5, 4, 1, Arithmetic{}, 0, 1},
		{"u8 u8", tensor.Uint8, tensor.Uint8, true, 4, 6, 2, Arithmetic{Conv: paired}, 0, 1},
		{"weights with zero points", tensor.Int8, tensor.Int8, true, 4, 6, 2, Arithmetic{}, 0, 1},
		{"pairs across taps", tensor.Uint8, tensor.Int8, false, 3, 4, 1, Arithmetic{Conv: paired}, 1, 1},
		{"pairs with zero points", tensor.Uint8, tensor.Int8, true, 3, 4, 1, Arithmetic{Conv: paired}, 1, 1},
		{"pairs in blocks", tensor.Uint8, tensor.Int8, false, 3, 4, 1, Arithmetic{Conv: Adding{Sums: kernel.Paired, Block: 4}}, 1, 4},
		{"signed pairs", tensor.Int8, tensor.Int8, false, 6, 4, 2, Arithmetic{Grouped: paired}, 1, 1},
		{"depthwise", tensor.Uint8, tensor.Int8, false, 4, 4, 4, Arithmetic{Conv: paired}, 0, 1},
		{"depthwise pairs", tensor.Uint8, tensor.Int8, false, 4, 4, 4, Arithmetic{Depthwise: paired}, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			x, w := bytes8(r, c.x, 2, c.inC, 5, 4), bytes8(r, c.w, c.outC, c.inC/c.group, 3, 2)
			xz := bytes8(r, c.x)
			var wz *tensor.Tensor
			if c.zero {
				wz = bytes8(r, c.w, c.outC)
			}
			scale, bias := tensor.New(tensor.Float32, c.outC), tensor.New(tensor.Float32, c.outC)
			for i := range c.outC {
				scale.F32()[i], bias.F32()[i] = r.Float32()/100, r.Float32()
			}
			attrs := []graph.Attr{{Name: "group", Value: int64(c.group)}, {Name: "pads", Value: []int64{1, 0, 2, 1}}, {Name: "strides", Value: []int64{2, 1}}}
			got := evaluate(t, c.a, "dropquant", "IntConv", attrs, x, xz, w, wz, scale, bias)
			per, outPer := c.inC/c.group, c.outC/c.group
			outH, outW := (5+3-3)/2+1, (4+1-2)+1
			if !slices.Equal(got.Shape, []int{2, c.outC, outH, outW}) {
				t.Fatalf("shape %v", got.Shape)
			}
			for i, y := range got.F32() {
				b, o, oy, ox := i/(c.outC*outH*outW), i/(outH*outW)%c.outC, i/outW%outH, i%outW
				sum, inputs, terms := int32(0), int32(0), []int32{}
				for ky := range 3 {
					for kx := range 2 {
						for ch := range (per + c.block - 1) / c.block * c.block {
							if ch >= per {
								terms = append(terms, 0)
								continue
							}
							code := codeAt(xz, 0)
							if iy, ix := oy*2-1+ky, ox+kx; iy >= 0 && iy < 5 && ix < 4 {
								code = codeAt(x, ((b*c.inC+o/outPer*per+ch)*5+iy)*4+ix)
							}
							weight := codeAt(w, ((o*per+ch)*3+ky)*2+kx)
							real := code - codeAt(xz, 0)
							inputs += real
							if c.pairs == 1 { // the saturating instruction sees unsigned codes
								if c.x == tensor.Int8 {
									code += 128
								}
								terms = append(terms, code*weight)
								sum -= (code - real) * weight
							} else {
								sum += real * weight
							}
						}
					}
				}
				for k := 0; k < len(terms); k += 2 {
					two := terms[k]
					if k+1 < len(terms) {
						two += terms[k+1]
					}
					sum += min(max(two, -32768), 32767)
				}
				if wz != nil {
					sum -= inputs * codeAt(wz, o)
				}
				want := float32(float32(sum)*scale.F32()[o]) + bias.F32()[o]
				if y != want {
					t.Fatalf("element %d is %v, want %v", i, y, want)
				}
			}
		})
	}
}

// TestIntMatMul compares the integer product of several rows, and of batches, with its definition.
func TestIntMatMul(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct{ a, b []int }{{[]int{1, 7}, []int{7, 3}}, {[]int{2, 3, 7}, []int{7, 5}}, {[]int{2, 3, 7}, []int{2, 7, 5}}, {[]int{7}, []int{7, 5}}} {
		t.Run(fmt.Sprint(c.a, c.b), func(t *testing.T) {
			a, b := bytes8(r, tensor.Int8, c.a...), bytes8(r, tensor.Uint8, c.b...)
			az, bz := bytes8(r, tensor.Int8), bytes8(r, tensor.Uint8)
			n, k := c.b[len(c.b)-1], 7
			got := evaluate(t, Arithmetic{}, "dropquant", "IntMatMul", nil, a, az, b, bz, tensor.Scalar[float32](0.5), nil)
			rows := a.Len() / k
			for i, y := range got.F32() {
				row, col := i/n, i%n
				from := row / (rows / (b.Len() / (k * n))) * k * n
				sum := int32(0)
				for p := range k {
					sum += (codeAt(a, row*k+p) - codeAt(az, 0)) * (codeAt(b, from+p*n+col) - codeAt(bz, 0))
				}
				if want := float32(sum) * 0.5; y != want {
					t.Fatalf("element %d is %v, want %v", i, y, want)
				}
			}
		})
	}
}

// TestFMA wants one rounding, which a sum in float64 rounded to float32 does not give: the last case is a tie only after the first rounding.
func TestFMA(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	cases := [][3]float32{{0, 0, 0}, {1, -1, 1}, {3, 5, -15}, {1 + 0x1p-23, 1, 0x1p-24 + 0x1p-80}, {1, 1 + 0x1p-23, -0x1p-77}, {0x1p-100, 0x1p-100, 1 + 0x1p-23}, {1 + 0x1p-12, 1 + 0x1p-12, 0x1p-80}}
	for range 20000 {
		cases = append(cases, [3]float32{r.Float32() - 0.5, float32(r.IntN(512) - 256), (r.Float32() - 0.5) * float32(math.Exp(20*r.Float64()-15))})
	}
	twice := 0
	for _, c := range cases {
		exact := new(big.Float).SetPrec(300).Mul(big.NewFloat(float64(c[0])), big.NewFloat(float64(c[1])))
		exact.Add(exact, big.NewFloat(float64(c[2])))
		want, _ := exact.Float32()
		if got := fma32(c[0], c[1], c[2]); got != want {
			t.Errorf("%v: %v, want %v", c, got, want)
		}
		if float32(float64(c[0])*float64(c[1])+float64(c[2])) != want {
			twice++
		}
	}
	if twice == 0 {
		t.Error("no case tells one rounding from two")
	}
}

// TestLongSums cuts the inner dimension where oneDNN does: 257 elements are 129 and 128, so that the second half begins with a
// pair of its own.
func TestLongSums(t *testing.T) {
	for _, c := range []struct{ k, first, slots int }{{256, 256, 256}, {257, 129, 258}, {258, 129, 260}, {385, 193, 386}, {511, 256, 512}, {512, 256, 512}, {513, 256, 514}} {
		order := make([]int32, c.k)
		for i := range order {
			order[i] = int32(i)
		}
		got := Adding{Sums: kernel.Paired, Long: 256}.Cut(order)
		if len(got) != c.slots {
			t.Errorf("%d elements take %d slots, want %d", c.k, len(got), c.slots)
		}
		if c.first%2 != 0 && (got[c.first] != -1 || got[c.first+1] != int32(c.first)) {
			t.Errorf("%d elements: slots %v around the cut at %d", c.k, got[c.first-1:c.first+2], c.first)
		}
	}
}
