package quant

import (
	"math"
	"math/rand/v2"
	"testing"

	"dropquant/engine/tensor"
)

func TestGridCodes(t *testing.T) {
	for _, c := range []struct {
		grid     Grid
		min, max int32
		name     string
	}{
		{U8, 0, 255, "uint8 affine"},
		{S8, -128, 127, "int8 symmetric"},
		{W8, -127, 127, "int8 symmetric narrow"},
		{W7, -64, 63, "int8 symmetric 7 bits"},
		{U16, 0, 65535, "uint16 affine"},
		{S16, -32767, 32767, "int16 symmetric narrow"},
		{Grid{DType: tensor.Int8, Bits: 2, Symmetric: true, Narrow: true}, -1, 1, "int8 symmetric narrow 2 bits"},
		{Grid{DType: tensor.Uint8, Bits: 4}, 0, 15, "uint8 affine 4 bits"},
		{Grid{DType: tensor.Uint8, Narrow: true}, 1, 255, "uint8 affine narrow"},
	} {
		if err := c.grid.Check(); err != nil {
			t.Errorf("%v: %v", c.grid, err)
		}
		if c.grid.QMin() != c.min || c.grid.QMax() != c.max || c.grid.String() != c.name {
			t.Errorf("%v: codes %d…%d, want %s %d…%d", c.grid, c.grid.QMin(), c.grid.QMax(), c.name, c.min, c.max)
		}
	}
}

func TestGridCheck(t *testing.T) {
	for _, c := range []struct {
		grid Grid
		want string
	}{
		{Grid{DType: tensor.Float32}, "quantization to float32 is not possible: use int8, uint8, int16 or uint16"},
		{Grid{}, "quantization to unknown is not possible: use int8, uint8, int16 or uint16"},
		{Grid{DType: tensor.Int8, Bits: 9}, "9 bits do not fit int8: use 2 to 8"},
		{Grid{DType: tensor.Uint16, Bits: 1}, "1 bits do not fit uint16: use 2 to 16"},
	} {
		if err := c.grid.Check(); err == nil || err.Error() != c.want {
			t.Errorf("%+v: %v, want %s", c.grid, err, c.want)
		}
	}
}

func TestParams(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	u8sym := Grid{DType: tensor.Uint8, Symmetric: true}
	s8aff := Grid{DType: tensor.Int8}
	for _, c := range []struct {
		name   string
		grid   Grid
		lo, hi float32
		scale  float32
		zero   int32
	}{
		{"affine", U8, -1, 1, 2.0 / 255, 127}, // 127.4999988, as 2/255 is rounded up to a float32
		{"affine, signed codes", s8aff, -1, 3, 4.0 / 255, -64},
		{"range widened down to 0", U8, 2, 6, 6.0 / 255, 0},
		{"range widened up to 0", U8, -6, -2, 6.0 / 255, 255},
		{"symmetric signed takes the larger side", S8, -2, 1, 2.0 / 127, 0},
		{"symmetric narrow", W8, -1, 0.5, 1.0 / 127, 0},
		{"seven bits", W7, -1, 1, 1.0 / 63, 0},
		{"symmetric unsigned, no negative real", u8sym, 0, 1, 1.0 / 255, 0},
		{"symmetric unsigned, some negative", u8sym, -1, 0.5, 1.0 / 127, 128},
		{"empty range, affine", U8, 0, 0, 1, 0},
		{"empty range, symmetric", S8, 0, 0, 1, 0},
		{"reversed range is empty", U8, 1, -1, 1, 0},
		{"NaN counts as 0", U8, nan, nan, 1, 0},
		{"NaN counts as 0 at one end", U8, nan, 1, 1.0 / 255, 0},
		{"denormal range", U8, 0, 1e-44, MinScale, 0},
		{"denormal range, symmetric", S8, -1e-44, 0, MinScale, 0},
		{"infinite range", U8, -inf, inf, MaxScale / 127.5, 127},
		{"largest floats", S8, -math.MaxFloat32, math.MaxFloat32, MaxScale / 127, 0},
	} {
		p := c.grid.Params(c.lo, c.hi)
		if p.Scale[0] != c.scale || p.Zero[0] != c.zero {
			t.Errorf("%s: scale %v zero %d, want %v %d", c.name, p.Scale[0], p.Zero[0], c.scale, c.zero)
		}
		if err := p.Check(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// The rows "OpenVINO activation" and "TensorRT activation" of MMRazor's scheme.
func TestTorchParams(t *testing.T) {
	for _, c := range []struct {
		grid   Grid
		lo, hi float32
		scale  float32
		zero   int32
	}{
		{Grid{DType: tensor.Uint8, Symmetric: true}, 0, 6, float32(6 / 127.5), 127},
		{S8, -3, 6, float32(6 / 127.5), 0},
		{W8, -3, 6, 6.0 / 127, 0},
		{W8, 0, 0, 0x1p-23, 0},
		{U8, -1, 3, 4.0 / 255, 64},
	} {
		if p := c.grid.TorchParams(c.lo, c.hi); p.Scale[0] != c.scale || p.Zero[0] != c.zero {
			t.Errorf("%v of %v…%v: scale %v zero %d, want %v %d", c.grid, c.lo, c.hi, p.Scale[0], p.Zero[0], c.scale, c.zero)
		}
	}
}

// Whatever the range: 0 has an exact code, the scale is sane, and no real of
// the range is further than one step from its code's real.
func TestParamsProperties(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	grids := []Grid{U8, S8, W8, W7, U16, S16, {DType: tensor.Int8}, {DType: tensor.Uint8, Symmetric: true}, {DType: tensor.Uint8, Bits: 3}}
	for range 20000 {
		g := grids[r.IntN(len(grids))]
		lo := float32((r.Float64() - 0.5) * math.Exp(80*(r.Float64()-0.5)))
		hi := lo + float32(r.Float64()*math.Exp(80*(r.Float64()-0.5)))
		p := g.Params(lo, hi)
		if err := p.Check(); err != nil {
			t.Fatalf("%v %v…%v: %v", g, lo, hi, err)
		}
		x := []float32{0, min(lo, 0), max(hi, 0)}
		y := make([]float32, 3)
		FakeQuantize(y, x, nil, p)
		if y[0] != 0 {
			t.Fatalf("%v %v…%v: 0 becomes %v", g, lo, hi, y[0])
		}
		for i := range x {
			if d := math.Abs(float64(x[i] - y[i])); d > 1.001*float64(p.Scale[0]) {
				t.Fatalf("%v %v…%v: %v becomes %v with scale %v", g, lo, hi, x[i], y[i], p.Scale[0])
			}
		}
	}
}

func TestParamsCheck(t *testing.T) {
	for _, p := range []Params{
		{Axis: -1},
		{Axis: -1, Scale: []float32{1, 1}, Zero: []int32{0, 0}},
		{Axis: 0, Scale: []float32{1, 1}, Zero: []int32{0}},
		{Axis: -1, Scale: []float32{0}, Zero: []int32{0}},
		{Axis: -1, Scale: []float32{float32(math.Inf(1))}, Zero: []int32{0}},
		{Axis: -1, Scale: []float32{float32(math.NaN())}, Zero: []int32{0}},
		{Axis: -1, Scale: []float32{1}, Zero: []int32{256}, QMax: 255},
	} {
		if p.Check() == nil {
			t.Errorf("%+v passes", p)
		}
	}
}
