// Package randmodel builds networks of published architectures with random weights. Their weights are nobody's, and they
// take as long to compute as real ones: they are for benchmarks and for tests of size, not of accuracy.
package randmodel

import (
	"fmt"
	"math"

	"dropquant/engine/graph"
	"dropquant/engine/tensor"
)

// Model is an architecture.
type Model struct {
	Name  string
	Build func(seed uint64) *graph.Graph // the same graph for the same seed, on every machine
}

// Models are the architectures.
var Models = []Model{
	{"resnet18", ResNet18},
	{"yolox_s", YOLOXS},
}

// feature is an image of c channels on its way through the network.
type feature struct {
	v *graph.Value
	c int
}

// builder appends layers to a graph.
type builder struct {
	g     *graph.Graph
	state uint64 // of the generator
	gain  float64
}

// next returns the next number of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
func (b *builder) next() uint64 {
	b.state += 0x9e3779b97f4a7c15
	z := b.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// uniform returns n numbers of mean 0 and the given variance.
func (b *builder) uniform(n int, variance float64) []float32 {
	half := math.Sqrt(3 * variance)
	out := make([]float32, n)
	for i := range out {
		out[i] = float32((float64(b.next()>>40)/(1<<23) - 1) * half)
	}
	return out
}

// weight adds a constant whose products with fan inputs of unit power have the power gain.
func (b *builder) weight(name string, fan int, shape ...int) *graph.Value {
	return b.constant(name, b.uniform(tensor.Size(shape), b.gain/float64(fan)), shape...)
}

func (b *builder) constant(name string, data []float32, shape ...int) *graph.Value {
	return b.g.AddConst(name, tensor.Of(data, shape...))
}

func (b *builder) integers(name string, data ...int64) *graph.Value {
	return b.g.AddConst(name, tensor.Of(data, len(data)))
}

// node appends an operator of one output.
func (b *builder) node(op string, attrs []graph.Attr, inputs ...*graph.Value) *graph.Value {
	name := b.name(op)
	return b.g.AddNode(op, name, inputs, attrs, name).Outputs[0]
}

// name is that of the next node.
func (b *builder) name(op string) string { return fmt.Sprintf("%s_%d", op, len(b.g.Nodes)) }

// conv is a k×k convolution with a bias, padded so that a stride of 1 keeps the size.
func (b *builder) conv(x feature, out, k, stride int) feature {
	w := b.weight("weight", x.c*k*k, out, x.c, k, k)
	bias := b.constant("bias", b.uniform(out, 0.01), out)
	p := int64(k / 2)
	attrs := []graph.Attr{
		{Name: "dilations", Value: []int64{1, 1}}, {Name: "group", Value: int64(1)}, {Name: "kernel_shape", Value: []int64{int64(k), int64(k)}},
		{Name: "pads", Value: []int64{p, p, p, p}}, {Name: "strides", Value: []int64{int64(stride), int64(stride)}},
	}
	return feature{b.node("Conv", attrs, x.v, w, bias), out}
}

func (b *builder) maxPool(x feature, k, stride int) feature {
	p := int64(k / 2)
	return feature{b.node("MaxPool", []graph.Attr{
		{Name: "kernel_shape", Value: []int64{int64(k), int64(k)}}, {Name: "pads", Value: []int64{p, p, p, p}},
		{Name: "strides", Value: []int64{int64(stride), int64(stride)}},
	}, x.v), x.c}
}

func (b *builder) concat(parts ...feature) feature {
	var (
		values []*graph.Value
		c      int
	)
	for _, p := range parts {
		values = append(values, p.v)
		c += p.c
	}
	return feature{b.node("Concat", []graph.Attr{{Name: "axis", Value: int64(1)}}, values...), c}
}

// output ends the network under a name.
func (b *builder) output(v *graph.Value, name string, shape ...int) *graph.Graph {
	out := b.g.AddNode("Identity", name, []*graph.Value{v}, nil, name).Outputs[0]
	out.DType, out.Shape = tensor.Float32, shape
	b.g.AddOutput(out)
	return b.g
}
