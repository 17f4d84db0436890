package op

import (
	"math"
	"slices"
	"testing"

	"dropquant/engine/graph"
	"dropquant/engine/tensor"
)

// ownCall evaluates one node of the domain dropquant.
func ownCall(t *testing.T, name string, attrs []graph.Attr, in ...*tensor.Tensor) (*tensor.Tensor, error) {
	t.Helper()
	g := graph.New("g", 21)
	g.SetOpset(own, 1)
	var values []*graph.Value
	for _, x := range in {
		values = append(values, g.AddConst("c", x))
	}
	n := g.AddNode(name, name, values, attrs, "y")
	n.Domain = own
	r, err := Resolve(g, nil)
	if err != nil {
		return nil, err
	}
	out, err := r.Calls[0].Eval(in)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

func attr(name string, value any) graph.Attr { return graph.Attr{Name: name, Value: value} }

func f32s(x ...float32) *tensor.Tensor { return tensor.Of(x, len(x)) }

func TestRequantize(t *testing.T) {
	nan := float32(math.NaN())
	for name, c := range map[string]struct {
		attrs            []graph.Attr
		x, factor, shift *tensor.Tensor
		want             []uint8
	}{
		"ties go to even":      {nil, f32s(0.5, 1.5, 2.5, -0.5, 126.5, 127.5, 254.5, 255.5, -300, nan), tensor.Scalar(float32(1)), tensor.Scalar(float32(0)), []uint8{0, 2, 2, 0, 126, 128, 254, 255, 0, 0}},
		"ends":                 {[]graph.Attr{attr("lo", int64(10)), attr("hi", int64(20))}, f32s(0, 10, 15, 20, 99), tensor.Scalar(float32(1)), tensor.Scalar(float32(0)), []uint8{10, 10, 15, 20, 20}},
		"rounded twice":        {nil, f32s(0x1.b9d9b2p+0), tensor.Scalar(float32(0x1.7cde5p+4)), tensor.Scalar(float32(0x1.85a84cp+6)), []uint8{138}},
		"rounded once":         {[]graph.Attr{attr("fused", int64(1))}, f32s(0x1.b9d9b2p+0), tensor.Scalar(float32(0x1.7cde5p+4)), tensor.Scalar(float32(0x1.85a84cp+6)), []uint8{139}},
		"factors by channel":   {nil, tensor.Of([]float32{1, 2, 3, 4, 5, 6, 7, 8}, 2, 2, 2), f32s(1, 10), tensor.Scalar(float32(1)), []uint8{2, 3, 31, 41, 6, 7, 71, 81}},
		"shifts by channel":    {nil, tensor.Of([]float32{1, 2, 3, 4}, 1, 2, 2), tensor.Scalar(float32(1)), f32s(0, 100), []uint8{1, 2, 103, 104}},
		"both, one image each": {nil, tensor.Of([]float32{1, 2, 3, 4}, 2, 2), f32s(1, 2), f32s(0, 100), []uint8{1, 104, 3, 108}},
	} {
		y, err := ownCall(t, "Requantize", c.attrs, c.x, c.factor, c.shift)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := tensor.Data[uint8](y); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	for name, bad := range map[string][]graph.Attr{"lo above hi": {attr("lo", int64(5)), attr("hi", int64(4))}, "below a byte": {attr("lo", int64(-1))}, "above a byte": {attr("hi", int64(256))}} {
		if _, err := ownCall(t, "Requantize", bad, f32s(1), f32s(1), f32s(0)); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if _, err := ownCall(t, "Requantize", nil, tensor.Of([]float32{1, 2, 3, 4}, 2, 2), f32s(1, 2, 3), f32s(0)); err == nil {
		t.Error("three factors for two channels are accepted")
	}
}

func TestRescale(t *testing.T) {
	x := tensor.Of([]float32{-1, 1, 2, 300}, 1, 2, 2)
	y, err := ownCall(t, "Rescale", []graph.Attr{attr("lo", float32(-2)), attr("hi", float32(100))}, x, f32s(2, 10), f32s(1, 5))
	if want := []float32{-1, 3, 25, 100}; err != nil || !slices.Equal(y.F32(), want) {
		t.Errorf("%v %v, want %v", y.F32(), err, want)
	}
	add := tensor.Of([]float32{10, 20, 30, 40}, 1, 2, 2)
	y, err = ownCall(t, "Rescale", []graph.Attr{attr("fused", int64(1))}, x, f32s(2), f32s(0), add)
	if want := []float32{8, 22, 34, 640}; err != nil || !slices.Equal(y.F32(), want) {
		t.Errorf("%v %v, want %v", y.F32(), err, want)
	}
	if _, err := ownCall(t, "Rescale", nil, x, f32s(2), f32s(0), f32s(1, 2, 3, 4)); err == nil {
		t.Error("a sum of other shape is accepted")
	}
}

func TestRoundBlocks(t *testing.T) {
	x := tensor.Of([]float32{127, 0.5, 1.5, 2, -254, 1, 0, 0, 3, 0.4}, 2, 5)
	y, err := ownCall(t, "RoundBlocks", []graph.Attr{attr("block", int64(3))}, x)
	if want := []float32{127, 0, 2, 2, -254, 1, 0, 0, 3, 51.0 / 127}; err != nil || !slices.EqualFunc(y.F32(), want, func(a, b float32) bool { return math.Abs(float64(a-b)) < 1e-6 }) {
		t.Errorf("%v %v, want %v", y.F32(), err, want)
	}
	if _, err := ownCall(t, "RoundBlocks", nil, x); err == nil {
		t.Error("blocks of nothing are accepted")
	}
}

// TestSigmoidDNN has what convolutions with a Sigmoid and a Swish behind them gave in OpenVINO 2026.4.1 on a CPU with AVX2 and
// FMA, bit for bit, and the ends.
func TestSigmoidDNN(t *testing.T) {
	for _, c := range sigmoidSeen {
		for name, want := range map[string]uint32{"Logistic": c[1], "Swish": c[2]} {
			y, err := ownCall(t, name, nil, f32s(math.Float32frombits(c[0])))
			if err != nil {
				t.Fatal(err)
			}
			if got := math.Float32bits(y.F32()[0]); got != want {
				t.Errorf("%s of %v is %08x, want %08x", name, math.Float32frombits(c[0]), got, want)
			}
		}
	}
	x := []float32{-1e30, -87.4, -20, -1, 0, 1, 20, 1e30, float32(math.NaN())}
	y, err := ownCall(t, "Logistic", nil, f32s(x...))
	if err != nil {
		t.Fatal(err)
	}
	for i, got := range y.F32() {
		want := 1 / (1 + math.Exp(-float64(x[i])))
		if d := math.Abs(float64(got) - want); d > 2e-7 || (got != got) != (want != want) {
			t.Errorf("the logistic function of %v is %v, want %v", x[i], got, want)
		}
	}
}

// input, Logistic, Swish
var sigmoidSeen = [][3]uint32{
	{0x40944699, 0x3f7d8927, 0x4092d936},
	{0x40537e54, 0x3f76ef18, 0x404c00eb},
	{0xc00f9dba, 0x3dc4567e, 0xbe5c4a90},
	{0x4043d29e, 0x3f748809, 0x403b0ccd},
	{0x40d0b442, 0x3f7f9fc2, 0x40d065cc},
	{0xc046bb3a, 0x3d2fb1d3, 0xbe086408},
	{0x3f0dcb8b, 0x3f2291c8, 0x3eb4171a},
	{0xbedfc93f, 0x3ec8ed6d, 0xbe2fa4c6},
	{0xbeeeba38, 0x3ec5605c, 0xbe380f29},
	{0xc084d915, 0x3c7de692, 0xbd83c231},
	{0x3f75759d, 0x3f390f1a, 0x3f317079},
	{0x3f3ecb05, 0x3f2d9b46, 0x3f0162eb},
	{0x3ead90d2, 0x3f157d84, 0x3e4ab4c7},
	{0xc00b570a, 0x3dd085e0, 0xbe62ff2d},
	{0x406a6c6b, 0x3f79987e, 0x40648f18},
	{0xbfaa9496, 0x3e55baa3, 0xbe8e69fd},
	{0xc08acf34, 0x3c534d34, 0xbd652549},
	{0xbf775568, 0x3e8d21e3, 0xbe885ac8},
	{0x40874683, 0x3f7c5186, 0x4085547d},
	{0xc0486bd2, 0x3d2b4ed1, 0xbe061dba},
	{0xc09d2cae, 0x3bef6889, 0xbd12fce5},
	{0xc04cea59, 0x3d202523, 0xbe003032},
	{0x4014f2c4, 0x3f693eca, 0x4007b57d},
	{0xc0ce6e34, 0x3acea37f, 0xbc26a084},
}
