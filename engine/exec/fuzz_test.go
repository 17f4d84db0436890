package exec_test

import (
	"fmt"
	"testing"

	engine "dropquant/engine/exec"
	"dropquant/engine/graph"
	"dropquant/engine/tensor"
)

// bricks are operators that keep the shape [1,4,3,3], or lead to [1,9,2,2] and back, in the forms that
// fusion, views and sharing of memory look at.
var bricks = []func(g *graph.Graph, a, b *graph.Value) *graph.Value{
	brickOf1("Relu"), brickOf1("Sigmoid"), brickOf1("Neg"), brickOf1("Identity"), brickOf1("HardSigmoid", graph.Attr{Name: "alpha", Value: float32(1) / 6}, graph.Attr{Name: "beta", Value: float32(0.5)}),
	brickOf2("Add"), brickOf2("Mul"), brickOf2("Sub"), brickOf2("Add"), brickOf2("Mul"),
	func(g *graph.Graph, a, b *graph.Value) *graph.Value { // convolution
		return g.AddNode("Conv", "n", []*graph.Value{a, weights(g, 4, 4, 3, 3)}, []graph.Attr{{Name: "pads", Value: []int64{1, 1, 1, 1}}}, "v").Outputs[0]
	},
	func(g *graph.Graph, a, b *graph.Value) *graph.Value { // depthwise
		return g.AddNode("Conv", "n", []*graph.Value{a, weights(g, 4, 1, 1, 1), weights(g, 4)}, []graph.Attr{{Name: "group", Value: int64(4)}}, "v").Outputs[0]
	},
	func(g *graph.Graph, a, b *graph.Value) *graph.Value { // batch normalization
		w := g.AddConst("k", tensor.Of([]float32{0.5, 1, 2, 0.1}, 4))
		return g.AddNode("BatchNormalization", "n", []*graph.Value{a, w, w, w, w}, nil, "v").Outputs[0]
	},
	func(g *graph.Graph, a, b *graph.Value) *graph.Value { // a view and its way back through another order
		flat := g.AddConst("k", tensor.Of([]int64{1, 3, 3, 4}, 4))
		r := g.AddNode("Reshape", "n", []*graph.Value{a, flat}, nil, "v").Outputs[0]
		return g.AddNode("Transpose", "n", []*graph.Value{r}, []graph.Attr{{Name: "perm", Value: []int64{0, 3, 1, 2}}}, "v").Outputs[0]
	},
	func(g *graph.Graph, a, b *graph.Value) *graph.Value { // a view that only renames
		same := g.AddConst("k", tensor.Of([]int64{1, 4, 3, 3}, 4))
		return g.AddNode("Reshape", "n", []*graph.Value{a, same}, nil, "v").Outputs[0]
	},
	func(g *graph.Graph, a, b *graph.Value) *graph.Value { // split and join the other way around
		s := g.AddNode("Split", "n", []*graph.Value{a}, []graph.Attr{{Name: "axis", Value: int64(1)}}, "v", "v")
		return g.AddNode("Concat", "n", []*graph.Value{s.Outputs[1], s.Outputs[0]}, []graph.Attr{{Name: "axis", Value: int64(1)}}, "v").Outputs[0]
	},
	func(g *graph.Graph, a, b *graph.Value) *graph.Value { // quantize and dequantize
		s, z := g.AddConst("k", tensor.Scalar[float32](0.05)), g.AddConst("k", tensor.Scalar[int8](3))
		q := g.AddNode("QuantizeLinear", "n", []*graph.Value{a, s, z}, nil, "v").Outputs[0]
		return g.AddNode("DequantizeLinear", "n", []*graph.Value{q, s, z}, nil, "v").Outputs[0]
	},
	func(g *graph.Graph, a, b *graph.Value) *graph.Value { // pool
		return g.AddNode("MaxPool", "n", []*graph.Value{a}, []graph.Attr{{Name: "kernel_shape", Value: []int64{3, 3}}, {Name: "pads", Value: []int64{1, 1, 1, 1}}}, "v").Outputs[0]
	},
	func(g *graph.Graph, a, b *graph.Value) *graph.Value { // an operand that broadcasts
		p := g.AddNode("GlobalAveragePool", "n", []*graph.Value{b}, nil, "v").Outputs[0]
		return g.AddNode("Mul", "n", []*graph.Value{a, p}, nil, "v").Outputs[0]
	},
}

func brickOf1(op string, attrs ...graph.Attr) func(g *graph.Graph, a, b *graph.Value) *graph.Value {
	return func(g *graph.Graph, a, _ *graph.Value) *graph.Value {
		return g.AddNode(op, "n", []*graph.Value{a}, attrs, "v").Outputs[0]
	}
}

func brickOf2(op string) func(g *graph.Graph, a, b *graph.Value) *graph.Value {
	return func(g *graph.Graph, a, b *graph.Value) *graph.Value {
		return g.AddNode(op, "n", []*graph.Value{a, b}, nil, "v").Outputs[0]
	}
}

func weights(g *graph.Graph, shape ...int) *graph.Value {
	w := tensor.New(tensor.Float32, shape...)
	for i := range w.F32() {
		w.F32()[i] = float32(i%7-3) / 16
	}
	return g.AddConst("k", w)
}

// FuzzRun builds a graph of bricks and wants the compiled program, with some values watched, to agree
// with evaluation node by node, twice in a row.
func FuzzRun(f *testing.F) {
	f.Add([]byte{10, 0, 0, 0, 1, 0})
	f.Add([]byte{10, 0, 0, 5, 1, 0, 0, 2, 0})
	f.Add([]byte{10, 0, 0, 1, 1, 0, 6, 1, 2, 16, 3, 0})
	f.Add([]byte{13, 0, 0, 6, 0, 1, 15, 2, 0, 18, 3, 1, 8, 4, 4})
	f.Fuzz(func(t *testing.T, data []byte) {
		g := graph.New("fuzz", 13)
		made := []*graph.Value{g.AddInput("x", tensor.Float32, 1, 4, 3, 3)}
		watch := map[*graph.Value]bool{}
		for ; len(data) >= 3 && len(made) < 24; data = data[3:] {
			a, b := made[int(data[1]%64)%len(made)], made[int(data[2])%len(made)]
			v := bricks[int(data[0])%len(bricks)](g, a, b)
			made = append(made, v)
			if data[1] >= 192 {
				watch[v] = true
			}
			if data[1]&64 != 0 && !g.IsOutput(v) {
				g.AddOutput(v)
			}
		}
		if last := made[len(made)-1]; !g.IsOutput(last) {
			g.AddOutput(last)
		}
		compare(t, g, watch)
	})
}

func compare(t *testing.T, g *graph.Graph, watch map[*graph.Value]bool) {
	p, err := engine.Compile(g, nil, engine.Options{Watch: watch})
	if err != nil {
		t.Fatal(err)
	}
	for seed := range 2 {
		in := inputs(g, seed)
		want := direct(t, g, in)
		seen := map[*graph.Value]bool{}
		check := func(what string, v *graph.Value, got *tensor.Tensor) {
			// A number beside a rounding boundary may quantize to the next code, so the tolerance is a few steps.
			limit := 1e-4
			if quantizes(g) {
				limit = 0.5
			}
			if d := difference(got, want[v]); !(d <= limit) && peak(want[v]) < 1e6 {
				t.Fatalf("%s %s is off by %g in\n%s", what, v.Name, d, g)
			}
		}
		out, err := p.Run(in, func(v *graph.Value, got *tensor.Tensor) {
			seen[v] = true
			check("watched", v, got)
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range g.Outputs {
			check("output", v, out[v.Name])
		}
		for v := range watch {
			if !seen[v] {
				t.Fatalf("%s was not seen in\n%s", v.Name, g)
			}
		}
		if d := fmt.Sprint(in["x"].F32()); d != fmt.Sprint(inputs(g, seed)["x"].F32()) {
			t.Fatalf("the input was written to by\n%s", g)
		}
	}
}

func quantizes(g *graph.Graph) bool {
	for _, n := range g.Nodes {
		if n.Op == "QuantizeLinear" {
			return true
		}
	}
	return false
}

func peak(t *tensor.Tensor) float64 {
	top := 0.0
	for _, v := range t.F32() {
		top = max(top, float64(v), -float64(v))
	}
	return top
}
