package intsim_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"dropquant/engine/exec"
	"dropquant/engine/graph"
	"dropquant/engine/intsim"
	"dropquant/engine/tensor"
)

// A brick adds to a graph of values of shape [1,4,3,3], in forms that lowering looks at. spice varies it.
type brick func(g *graph.Graph, a, b *graph.Value, spice byte) *graph.Value

var bricks = []brick{
	one("Relu"), one("Sigmoid"), one("LeakyRelu"), one("Identity"), one("Softmax"),
	two("Add"), two("Mul"), two("Add"),
	pair, pair, pair, pair, pair, pair,
	conv, conv, conv,
	func(g *graph.Graph, a, _ *graph.Value, spice byte) *graph.Value {
		lo, hi := g.AddConst("k", tensor.Scalar(float32(0))), g.AddConst("k", tensor.Scalar(float32(spice)/20))
		return g.AddNode("Clip", "n", []*graph.Value{a, lo, hi}, nil, "v").Outputs[0]
	},
	func(g *graph.Graph, a, _ *graph.Value, spice byte) *graph.Value {
		attrs := []graph.Attr{{Name: "kernel_shape", Value: []int64{3, 3}}, {Name: "pads", Value: []int64{1, 1, 1, 1}}}
		return g.AddNode([]string{"MaxPool", "AveragePool"}[spice%2], "n", []*graph.Value{a}, attrs, "v").Outputs[0]
	},
	func(g *graph.Graph, a, b *graph.Value, _ byte) *graph.Value { // an operand that broadcasts
		p := g.AddNode("GlobalAveragePool", "n", []*graph.Value{b}, nil, "v").Outputs[0]
		return g.AddNode("Mul", "n", []*graph.Value{a, pair(g, p, nil, 0)}, nil, "v").Outputs[0]
	},
	func(g *graph.Graph, a, b *graph.Value, _ byte) *graph.Value { // join and split
		c := g.AddNode("Concat", "n", []*graph.Value{a, b}, []graph.Attr{{Name: "axis", Value: int64(1)}}, "v").Outputs[0]
		return g.AddNode("Split", "n", []*graph.Value{pair(g, c, nil, 0)}, []graph.Attr{{Name: "axis", Value: int64(1)}, {Name: "num_outputs", Value: int64(2)}}, "v", "v").Outputs[1]
	},
	func(g *graph.Graph, a, _ *graph.Value, _ byte) *graph.Value { // another order and back
		perm := []graph.Attr{{Name: "perm", Value: []int64{0, 1, 3, 2}}}
		return g.AddNode("Transpose", "n", []*graph.Value{a}, perm, "v").Outputs[0]
	},
	func(g *graph.Graph, a, _ *graph.Value, spice byte) *graph.Value { // codes that another pair reads too
		if p := a.Producer; p != nil && p.Op == "DequantizeLinear" {
			return g.AddNode("DequantizeLinear", "n", p.Inputs, p.Attrs, "v").Outputs[0]
		}
		return pair(g, a, nil, spice)
	},
}

func one(op string) brick {
	return func(g *graph.Graph, a, _ *graph.Value, _ byte) *graph.Value {
		return g.AddNode(op, "n", []*graph.Value{a}, nil, "v").Outputs[0]
	}
}

func two(op string) brick {
	return func(g *graph.Graph, a, b *graph.Value, _ byte) *graph.Value {
		return g.AddNode(op, "n", []*graph.Value{a, b}, nil, "v").Outputs[0]
	}
}

// strange are parameters that files have and should not.
var strange = []func(scale, zero **tensor.Tensor){
	func(s, _ **tensor.Tensor) { *s = tensor.Scalar(float32(0)) },
	func(s, _ **tensor.Tensor) { *s = tensor.Scalar(float32(-0.1)) },
	func(s, _ **tensor.Tensor) { *s = tensor.Scalar(float32(math.NaN())) },
	func(s, _ **tensor.Tensor) { *s = tensor.Scalar(float32(math.Inf(1))) },
	func(s, _ **tensor.Tensor) { *s = tensor.Scalar(float32(1e-44)) },
	func(_, z **tensor.Tensor) { *z = nil },
	func(s, z **tensor.Tensor) {
		*s, *z = tensor.Of([]float32{0.1, 0.2, 0.3, 0.4}, 4), tensor.Of([]int8{0, 1, 2, 3}, 4)
	},
	func(_, z **tensor.Tensor) { *z = tensor.Scalar(int16(5)) },
	func(s, z **tensor.Tensor) { *s, *z = tensor.Of([]float32{0.05}, 1), tensor.Of([]uint8{7}, 1) },
}

// pair adds QuantizeLinear and DequantizeLinear.
func pair(g *graph.Graph, a, _ *graph.Value, spice byte) *graph.Value {
	scale, zero := tensor.Scalar([]float32{0.02, 0.05, 0.03125}[spice%3]), tensor.Scalar([]uint8{0, 128, 100}[spice/3%3])
	if spice&64 != 0 {
		zero = tensor.Scalar([]int8{0, -128, 3}[spice/3%3])
	}
	if spice >= 200 {
		strange[int(spice)%len(strange)](&scale, &zero)
	}
	s := g.AddConst("k", scale)
	params := []*graph.Value{s}
	if zero != nil {
		params = append(params, g.AddConst("k", zero))
	}
	q := g.AddNode("QuantizeLinear", "n", append([]*graph.Value{a}, params...), nil, "v").Outputs[0]
	return g.AddNode("DequantizeLinear", "n", append([]*graph.Value{q}, params...), nil, "v").Outputs[0]
}

// conv adds a convolution with weights and a bias in the forms that tools write.
func conv(g *graph.Graph, a, _ *graph.Value, spice byte) *graph.Value {
	in, group := 4, int64(1)
	if spice&1 != 0 {
		in, group = 1, 4
	}
	codes := tensor.New(tensor.Int8, 4, in, 3, 3)
	for i := range codes.Len() {
		tensor.Data[int8](codes)[i] = int8((i*37+int(spice))%255 - 127)
	}
	scale, zero := g.AddConst("k", tensor.Of([]float32{0.002, 0.003, 0.001, 0.002}, 4)), g.AddConst("k", tensor.New(tensor.Int8, 4))
	axis := []graph.Attr{{Name: "axis", Value: int64(0)}}
	w := g.AddNode("DequantizeLinear", "n", []*graph.Value{g.AddConst("k", codes), scale, zero}, axis, "v").Outputs[0]
	inputs := []*graph.Value{a, w}
	switch spice / 2 % 4 {
	case 0:
		bias := []*graph.Value{g.AddConst("k", tensor.Of([]int32{100, -5000, 0, 1 << 30}, 4)), g.AddConst("k", tensor.Of([]float32{1e-4, 1e-5, 1e-4, 1e-9}, 4))}
		inputs = append(inputs, g.AddNode("DequantizeLinear", "n", bias, axis, "v").Outputs[0])
	case 1:
		inputs = append(inputs, g.AddConst("k", tensor.Of([]float32{0.5, -0.5, 20, 0}, 4)))
	case 2: // float weights
		float := tensor.New(tensor.Float32, codes.Shape...)
		for i := range float.F32() {
			float.F32()[i] = float32(tensor.Data[int8](codes)[i]) / 400
		}
		inputs[1] = g.AddConst("k", float)
		if spice&16 != 0 { // quantized in the file
			q := g.AddNode("QuantizeLinear", "n", []*graph.Value{inputs[1], scale, zero}, axis, "v").Outputs[0]
			inputs[1] = g.AddNode("DequantizeLinear", "n", []*graph.Value{q, scale, zero}, axis, "v").Outputs[0]
		}
	}
	attrs := []graph.Attr{{Name: "pads", Value: []int64{1, 1, 1, 1}}, {Name: "group", Value: group}}
	return g.AddNode("Conv", "n", inputs, attrs, "v").Outputs[0]
}

// FuzzCompile builds a graph of bricks. Whatever its pairs are, compiling it gives a program or a sentence about a node, and never panics; two
// programs give the same bits; and where the pairs are sound, the result stays near that of plain Q/DQ.
func FuzzCompile(f *testing.F) {
	f.Add([]byte{8, 0, 0, 0, 14, 1, 0, 0, 8, 2, 0, 0})
	f.Add([]byte{8, 0, 0, 64, 14, 1, 0, 4, 0, 2, 0, 0, 8, 3, 0, 0, 5, 4, 1, 0, 8, 5, 0, 1})
	f.Add([]byte{8, 0, 0, 0, 20, 1, 1, 0, 8, 2, 0, 3, 22, 3, 0, 0, 14, 4, 0, 2, 9, 5, 0, 67})
	for i := range strange {
		f.Add([]byte{8, 0, 0, byte(200 + i), 14, 1, 0, byte(i), 8, 2, 0, 0, 18, 3, 0, byte(i), 8, 4, 0, byte(210 + i)})
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		g := graph.New("fuzz", 21)
		made := []*graph.Value{g.AddInput("x", tensor.Float32, 1, 4, 3, 3)}
		sound := true
		for ; len(data) >= 4 && len(made) < 16; data = data[4:] {
			a, b := made[int(data[1]%64)%len(made)], made[int(data[2])%len(made)]
			made = append(made, bricks[int(data[0])%len(bricks)](g, a, b, data[3]))
			sound = sound && data[3] < 200
			if data[1] >= 192 && !g.IsOutput(made[len(made)-1]) {
				g.AddOutput(made[len(made)-1])
			}
		}
		if last := made[len(made)-1]; !g.IsOutput(last) {
			g.AddOutput(last)
		}
		text := fmt.Sprint(g)
		x := tensor.New(tensor.Float32, 1, 4, 3, 3)
		for i := range x.F32() {
			x.F32()[i] = float32(i%11)/4 - 1
		}
		in := map[string]*tensor.Tensor{"x": x}
		plain, plainErr := exec.Compile(g, nil, exec.Options{})
		for _, b := range intsim.Backends {
			p, err := intsim.Compile(g, b, nil, intsim.Options{Watch: map[*graph.Value]bool{made[len(made)/2]: true}})
			if err != nil {
				if plainErr == nil && sound || strings.Contains(err.Error(), "bug") || !strings.Contains(err.Error(), "node \"") {
					t.Fatalf("%s: %v in\n%s", b.Name(), err, g)
				}
				continue
			}
			got, err := p.Run(in, func(*graph.Value, *tensor.Tensor) {})
			if err != nil {
				t.Fatalf("%s: %v in\n%s", b.Name(), err, g)
			}
			again, err := intsim.Compile(g, b, nil, intsim.Options{})
			if err != nil {
				t.Fatal(err)
			}
			second, err := again.Run(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			for name, y := range got {
				if n, first := differing(second[name], y); n > 0 {
					t.Fatalf("%s: two programs differ: %s in\n%s", b.Name(), first, g)
				}
			}
			if fmt.Sprint(g) != text {
				t.Fatalf("%s: the graph was changed", b.Name())
			}
			if !sound || plainErr != nil || b.ISA == "avx2" {
				continue
			}
			want, err := plain.Run(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			for name, y := range want {
				peak, most := 0.0, 0.0
				for i, v := range y.F32() {
					peak, most = max(peak, math.Abs(float64(v))), max(most, math.Abs(float64(v-got[name].F32()[i])))
				}
				if most > 1+peak/2 && !slices.ContainsFunc(g.Nodes, offScale) {
					t.Fatalf("%s: output %s is off by %g of %g in\n%s", b.Name(), name, most, peak, g)
				}
			}
		}
	})
}

// offScale reports an int32 bias, which the bricks give a scale that is not the product of the others: runtimes read it at the product.
func offScale(n *graph.Node) bool {
	return n.Op == "DequantizeLinear" && n.Inputs[0].Const != nil && n.Inputs[0].Const.DType == tensor.Int32
}
