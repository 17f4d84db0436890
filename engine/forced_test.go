package engine

import (
	"strings"
	"testing"

	"dropquant/engine/graph"
)

// TestForce shows the forced form of a graph with a pair, a pair whose value is read unrounded too, and an output.
func TestForce(t *testing.T) {
	g, err := graph.Parse(`graph "g" opset 13
input x float32[1,2,2,2]
const s float32[] = {0.5}
const z uint8[] = {0}
qx: xq = QuantizeLinear(x, s, z)
dx: xd = DequantizeLinear(xq, s, z)
relu: a = Relu(xd)
q: aq = QuantizeLinear(a, s, z)
d: ad = DequantizeLinear(aq, s, z)
neg: b = Neg(ad)
q2: bq = QuantizeLinear(b, s, z)
d2: bd = DequantizeLinear(bq, s, z)
sum: y = Add(bd, b)
output y
`)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []string{"a", "b", "y"} {
		g.Value(v).DType, g.Value(v).Shape = 1, []int{1, 2, 2, 2}
	}
	f := force(g, []string{"x", "a", "b", "y"})
	if err := f.graph.Check(); err != nil {
		t.Fatal(err)
	}
	want := `qx: xq = QuantizeLinear(x, s, z)
dx: xd = DequantizeLinear(xq, s, z)
relu: a = Relu(xd)
q: aq = QuantizeLinear(a, s, z)
d: ad = DequantizeLinear(aq, s, z)
q_forced: aq_forced = QuantizeLinear(a_float, s, z)
d_forced: ad_forced = DequantizeLinear(aq_forced, s, z)
neg: b = Neg(ad_forced)
q2: bq = QuantizeLinear(b, s, z)
d2: bd = DequantizeLinear(bq, s, z)
q2_forced: bq_forced = QuantizeLinear(b_float, s, z)
d2_forced: bd_forced = DequantizeLinear(bq_forced, s, z)
sum: y = Add(bd_forced, b_float)
`
	var got strings.Builder
	for _, line := range strings.SplitAfter(f.graph.String(), "\n") {
		if strings.Contains(line, "(") {
			got.WriteString(line)
		}
	}
	if sorted(got.String()) != sorted(want) {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
	if f.inputs["a_float"] != "a" || f.inputs["b_float"] != "b" || len(f.inputs) != 2 || f.gives["a"] != "ad" || f.gives["b"] != "bd" || f.gives["y"] != "y" || f.gives["x"] != "xd" || len(f.gives) != 4 {
		t.Errorf("inputs %v, outputs %v", f.inputs, f.gives)
	}
}

func sorted(lines string) string {
	list := strings.Split(lines, "\n")
	// the order of independent nodes is not what is tested
	for i := range list {
		for k := i; k > 0 && list[k] < list[k-1]; k-- {
			list[k], list[k-1] = list[k-1], list[k]
		}
	}
	return strings.Join(list, "\n")
}
