package target

import (
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"dropquant/engine/graph"
	"dropquant/engine/internal/testdata"
	"dropquant/engine/onnx"
	"dropquant/engine/op"
	"dropquant/engine/pass"
)

var models = []string{"mobilenet_v2", "mobilenet_v1_075", "squeezenet1_1", "cifar10_resnet20", "resnet50_v15", "yolox_nano", "nanodet_m_320"}

// model reads and prepares a model as the pipeline does.
func model(t testing.TB, name string) *graph.Graph {
	t.Helper()
	m, err := onnx.Parse(testdata.Read(t, "models/"+name+".onnx"))
	if err != nil {
		t.Fatal(err)
	}
	g, err := graph.FromONNX(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := pass.Concat(pass.Float, pass.RaiseOpset(13))(g); err != nil {
		t.Fatal(err)
	}
	if err := op.Infer(g, oneSample(g)); err != nil {
		t.Fatal(err)
	}
	return g
}

// oneSample returns the shapes of the inputs with a batch of one.
func oneSample(g *graph.Graph) map[string][]int {
	shapes := map[string][]int{}
	for _, v := range g.Inputs {
		s := slices.Clone(v.Shape)
		s[0] = max(s[0], 1)
		shapes[v.Name] = s
	}
	return shapes
}

// TestModels holds the plan of every model and target.
func TestModels(t *testing.T) {
	for _, name := range models {
		t.Run(name, func(t *testing.T) {
			g := model(t, name)
			for _, target := range Targets {
				path := "testdata/golden/" + name + "." + target.Name + ".txt"
				want, err := os.ReadFile(path)
				if err != nil && !*update {
					t.Fatal(err)
				}
				golden(t, path, Place(g, target).String(), string(want))
			}
		})
	}
}

// TestBatchNormFolds: a model whose BatchNormalizations were kept gets the plan of the same model
// without them, and weights with the same scales.
func TestBatchNormFolds(t *testing.T) {
	for _, name := range []string{"mobilenet_v2", "cifar10_resnet20"} {
		a, b := model(t, name), model(t, name+"_bn")
		for _, target := range Targets {
			p, q := Place(a, target), Place(b, target)
			if x, y := shapeOf(p), shapeOf(q); x != y {
				t.Errorf("%s: the plans differ:\n%s\nand\n%s", name, x, y)
				continue
			}
			for i := range p.Weights {
				x, y := p.Weights[i].Params().Scale, q.Weights[i].Params().Scale
				for c := range x {
					if d := math.Abs(float64(x[c]-y[c])) / float64(x[c]); !(d <= 1e-6) {
						t.Errorf("%s: channel %d of %s has the scale %g, and %g in the folded model", name, c, q.Weights[i].Value.Name, y[c], x[c])
					}
				}
			}
		}
	}
}

// shapeOf is a plan without names: for every node what becomes of it, and the readers of each pair by number.
func shapeOf(p *Plan) string {
	number := map[*graph.Node]int{}
	var b strings.Builder
	for i, d := range p.Nodes {
		number[d.Node] = i
		b.WriteString(d.Node.Op + " " + d.State.String() + " " + d.Why + "\n")
	}
	for _, pair := range p.Pairs {
		for _, u := range pair.Readers {
			b.WriteString(strconv.Itoa(number[u.Node]) + ":" + strconv.Itoa(u.Index) + " ")
		}
		b.WriteString((limits{pair.Group.Min, pair.Group.Max}).String() + "\n")
	}
	return b.String()
}
