package randmodel

import (
	"dropquant/engine/graph"
	"dropquant/engine/tensor"
)

// ResNet18 is ResNet-18 (He et al., CVPR 2016, table 1) with its batch normalizations folded: [1, 3, 224, 224] → [1, 1000].
func ResNet18(seed uint64) *graph.Graph {
	b := &builder{g: graph.New("resnet18", 13), state: seed, gain: 2} // He et al., ICCV 2015: half of what ReLU gets is lost
	relu := func(x feature) feature { return feature{b.node("Relu", nil, x.v), x.c} }
	x := feature{b.g.AddInput("input", tensor.Float32, 1, 3, 224, 224), 3}
	x = b.maxPool(relu(b.conv(x, 64, 7, 2)), 3, 2)
	for stage := range 4 {
		out := 64 << stage
		for block := range 2 {
			stride, same := 1, x
			if stage > 0 && block == 0 {
				stride = 2
				same = b.conv(x, out, 1, stride)
			}
			y := b.conv(relu(b.conv(x, out, 3, stride)), out, 3, 1)
			x = relu(feature{b.node("Add", nil, y.v, same.v), out})
		}
	}
	flat := b.node("Flatten", []graph.Attr{{Name: "axis", Value: int64(1)}}, b.node("GlobalAveragePool", nil, x.v))
	w, bias := b.weight("fc.weight", x.c, 1000, x.c), b.constant("fc.bias", b.uniform(1000, 0.01), 1000)
	return b.output(b.node("Gemm", []graph.Attr{{Name: "transB", Value: int64(1)}}, flat, w, bias), "output", 1, 1000)
}
