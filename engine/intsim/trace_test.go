package intsim_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"dropquant/engine/graph"
	"dropquant/engine/intsim"
	"dropquant/engine/target"
	"dropquant/engine/tensor"
)

// traced has every kind of layer that is traced: a padded convolution, strided with an odd number of channels, one in groups, a
// depthwise one, and a product.
const traced = `graph "traced" opset 13
input x float32[1,3,9,9]
const xs float32[] = {0.02}
const xz uint8[] = {7}
const w int8[4,3,3,3] = seq
const ws float32[4] = {0.01 0.02 0.005 0.01}
const wz int8[4] = {0 0 0 0}
const b int32[4] = {100 -2000 30 7}
const bs float32[4] = {0.0002 0.0004 0.0001 0.0002}
const bz int32[4] = {0 0 0 0}
const as float32[] = {0.03}
const az uint8[] = {0}
const d int8[4,1,3,3] = seq
const v int8[6,2,1,1] = {127 127 -128 -128 3 4 5 6 100 100 1 0}
const one float32[] = {0.01}
const zero int8[] = {0}
const f int8[6,5] = seq
const ys float32[] = {0.05}
const yz uint8[] = {128}
qx: xq = QuantizeLinear(x, xs, xz)
dx: xd = DequantizeLinear(xq, xs, xz)
dw: wd = DequantizeLinear(w, ws, wz) {axis=0}
db: bd = DequantizeLinear(b, bs, bz) {axis=0}
conv: c = Conv(xd, wd, bd) {pads=[1,1,1,1], strides=[2,2]}
relu: r = Relu(c)
qr: rq = QuantizeLinear(r, as, az)
dr: rd = DequantizeLinear(rq, as, az)
dd: ddw = DequantizeLinear(d, one, zero)
depthwise: e = Conv(rd, ddw) {group=4, pads=[1,1,1,1]}
qe: eq = QuantizeLinear(e, ys, yz)
de: ed = DequantizeLinear(eq, ys, yz)
dv: vd = DequantizeLinear(v, one, zero)
grouped: h = Conv(ed, vd) {group=2}
qh: hq = QuantizeLinear(h, ys, yz)
dh: hd = DequantizeLinear(hq, ys, yz)
pool: p = GlobalAveragePool(hd)
qp: pq = QuantizeLinear(p, ys, yz)
dp: pd = DequantizeLinear(pq, ys, yz)
flat: t = Flatten(pd)
qt: tq = QuantizeLinear(t, ys, yz)
dt: td = DequantizeLinear(tq, ys, yz)
df: fd = DequantizeLinear(f, one, zero)
fc: y = MatMul(td, fd)
output y float32[1,5]
`

// TestTrace traces elements of all layers, at the borders and inside, and compares where each path ends with what the
// simulator gives there when nothing is traced.
func TestTrace(t *testing.T) {
	g, err := graph.Parse(traced)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	x := tensor.New(tensor.Float32, 1, 3, 9, 9)
	for i := range x.F32() {
		x.F32()[i] = float32(random.Float64()*5 - 0.2)
	}
	in := map[string]*tensor.Tensor{"x": x}
	saturated := 0
	for _, b := range intsim.Backends {
		watch := map[*graph.Value]bool{}
		reals := map[string]string{"rd": "r", "ed": "e", "hd": "h"}
		for name := range reals {
			watch[g.Value(name)] = true
		}
		p, err := intsim.Compile(g, b, map[string][]int{"x": {1, 3, 9, 9}}, intsim.Options{Watch: watch})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]*tensor.Tensor{}
		out, err := p.Run(in, func(v *graph.Value, x *tensor.Tensor) {
			c := tensor.New(x.DType, x.Shape...)
			c.CopyFrom(x)
			got[reals[v.Name]] = c
		})
		if err != nil {
			t.Fatal(err)
		}
		if b.Target == target.OpenVINO || b.Target == target.TensorRT { // there r, e and h are floats before they are rounded, or in a kernel
			clear(got)
		}
		got["y"] = out["y"]
		for name, want := range got {
			dims := append(append([]int{}, want.Shape[1:]...), 1, 1)[:3]
			for c := range dims[0] {
				for i := 0; i < dims[1]*dims[2]; i += 3 {
					path, err := intsim.Trace(g, b, map[string][]int{"x": {1, 3, 9, 9}}, in, name, c, i/dims[2], i%dims[2])
					if err != nil {
						t.Fatalf("%s, %s: %v", b.Name(), name, err)
					}
					if w := want.F32()[c*dims[1]*dims[2]+i]; math.Float32bits(path.Result+0) != math.Float32bits(w+0) {
						t.Errorf("%s: %s [%d, %d] is traced to %v, and the simulator gives %v", b.Name(), name, c, i, path.Result, w)
					}
					checkSum(t, path)
					saturated += len(path.Pairs)
				}
			}
		}
	}
	if saturated == 0 {
		t.Error("no pair saturates: that part is not tested")
	}
}

// checkSum adds the terms of a path by hand.
func checkSum(t *testing.T, p *intsim.Path) {
	t.Helper()
	steps := map[string]float64{}
	for _, s := range p.Steps {
		steps[s.ID] = s.Value
	}
	if !p.Integer {
		return
	}
	raw, lost := int32(0), int32(0)
	for _, term := range p.Terms {
		raw += term.XCode * term.WCode
	}
	for _, pair := range p.Pairs {
		a, b := p.Terms[pair.First], p.Terms[pair.First+1]
		if exact := a.XCode*a.WCode + b.XCode*b.WCode; exact != pair.Exact || exact <= 32767 && exact >= -32768 {
			t.Errorf("%s: the pair %+v of %+v and %+v", p.Backend, pair, a, b)
		}
		lost += pair.Got - pair.Exact
	}
	if steps[intsim.StepProducts] != float64(raw) || steps[intsim.StepSaturation] != float64(lost) ||
		steps[intsim.StepSum] != float64(raw+lost)+steps[intsim.StepZero] {
		t.Errorf("%s: %s: products %d, lost %d by hand; steps %v", p.Backend, p.Kernel, raw, lost, steps)
	}
}

// TestTraceOfWhatIsNone holds what a user is told.
func TestTraceOfWhatIsNone(t *testing.T) {
	g, err := graph.Parse(traced)
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]*tensor.Tensor{"x": tensor.New(tensor.Float32, 1, 3, 9, 9)}
	for _, c := range []struct {
		value   string
		c, y, x int
		want    string
	}{
		{"nothing", 0, 0, 0, `the model has no value "nothing"`},
		{"p", 0, 0, 0, `"p" is computed by QLinearGlobalAveragePool, which adds no products up: choose a layer with weights`},
		{"x", 0, 0, 0, `"x" is computed by QuantizeLinear, which adds no products up`},
		{"r", 4, 0, 0, `"r": channel 4 is not one of 4`},
		{"r", 0, -1, 0, `"r": row -1 is not one of 5`},
		{"r", 0, 0, 5, `"r": column 5 is not one of 5`},
		{"c", 0, 0, 0, `"c" exists only inside a kernel there: name the value that leaves it`},
	} {
		_, err := intsim.Trace(g, intsim.ByName("onnxruntime", "vnni"), map[string][]int{"x": {1, 3, 9, 9}}, in, c.value, c.c, c.y, c.x)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.value, err, c.want)
		}
	}
}

// TestTraceOfFloats traces a sum of two convolutions that ONNX Runtime leaves in float, and wants the terms and what they begin with to give the
// real that its own order gives.
func TestTraceOfFloats(t *testing.T) {
	s := newSketch(3)
	x := s.AddInput("x", tensor.Float32, 1, 24, 6, 6)
	q := s.pair(x, 0.02, 100, false)
	y := s.op("Add", nil, s.conv(q, 0.3, 24, 16, 3, 1, true), s.conv(q, 0.3, 24, 16, 3, 1, true))
	s.AddOutput(y)
	in, random := tensor.New(tensor.Float32, x.Shape...), rand.New(rand.NewPCG(1, 2))
	for i := range in.F32() {
		in.F32()[i] = 4*random.Float32() - 2
	}
	feed, b := map[string]*tensor.Tensor{"x": in}, intsim.ByName("onnxruntime", "vnni")
	p, err := intsim.Compile(s.Graph, b, nil, intsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.Run(feed, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 16 {
		path, err := intsim.Trace(s.Graph, b, nil, feed, y.Name, i, i%6, 5-i%6)
		if err != nil {
			t.Fatal(err)
		}
		want := out[y.Name].F32()[i*36+i%6*6+5-i%6]
		total := 0.0
		for _, step := range path.Steps {
			if step.ID == intsim.StepScaled || step.ID == intsim.StepFloatBias {
				total += step.Value
			}
		}
		if path.Result != want || math.Abs(total-float64(want)) > 1e-4 || path.Kernel != "Conv" {
			t.Errorf("channel %d of %s: traced to %v by steps that add up to %v, and the simulator gives %v", i, path.Kernel, path.Result, total, want)
		}
	}
}
