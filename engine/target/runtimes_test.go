package target

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dropquant/engine/exec"
	"dropquant/engine/graph"
	"dropquant/engine/internal/testdata"
	"dropquant/engine/quant"
	"dropquant/engine/tensor"
)

// runs is which runtime runs the files of a target. TensorRT needs a GPU: its files are only checked.
var runs = map[string]string{"openvino": "openvino", "onnxruntime": "onnxruntime"}

// TestRuntimes writes files for the small graphs, and has the real runtimes say which nodes they run in integers: exactly
// those of the plan. For models see TestReadsAsRun and TestReadsWhatItPlans.
func TestRuntimes(t *testing.T) {
	python := testdata.Python(t, "have them run what is planned")
	dir := t.TempDir()
	var jobs []map[string]string
	var plans []*Plan
	add := func(name string, g *graph.Graph) {
		float := filepath.Join(dir, name+".onnx")
		write(t, g, float)
		for _, target := range Targets {
			c := g.Clone()
			exact := *target
			exact.AnyCPU = true // so that the outputs say something on a CPU without VNNI too
			p := Place(c, &exact)
			if err := Insert(c, p, observed(t, g, p), nil); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, name+"."+target.Name+".onnx")
			write(t, c, path)
			jobs = append(jobs, map[string]string{"path": path, "float": float, "runtime": runs[target.Name]})
			plans = append(plans, p)
		}
	}
	for name, text := range placeCases(t) {
		if !strings.Contains(text, "# not computable") {
			before, _, _ := strings.Cut(text, "--- ")
			add(name, parse(t, before))
		}
	}
	for i, r := range ask(t, python, jobs) {
		name := filepath.Base(jobs[i]["path"])
		if r.Checker != "" {
			t.Errorf("%s: onnx.checker: %s", name, r.Checker)
		}
		if r.Error != "" {
			t.Errorf("%s: %s", name, r.Error)
		}
		if jobs[i]["runtime"] == "" {
			continue
		}
		if r.SQNR < 20 {
			t.Errorf("%s: %.1f dB", name, r.SQNR)
		}
		for _, d := range plans[i].Nodes {
			got := slices.ContainsFunc(r.Names, func(name string) bool { return bears(d.Node, name) })
			if want := d.State == Int8; d.Weight != nil && got != want || plans[i].Target.Complete && want && !got {
				t.Errorf("%s: node %s (%s) is planned %v, runs in integers: %v", name, d.Node.Name, d.Node.Op, d.State, got)
			}
		}
	}
}

// bears reports whether a runtime calls n so: OpenVINO adds to the name, or takes that of the output of the graph.
func bears(n *graph.Node, name string) bool {
	name, _, _ = strings.Cut(name, "/WithoutBiases")
	return name == n.Name || name == n.Out(0).Name || name == n.Out(0).Name+"_original"
}

type answer struct {
	Checker      string
	Names, Known []string // of nodes that run in integers, and of all that the runtime names
	Error        string
	SQNR         float64
}

// ask has OpenVINO compile for what most processors are: with AMX it leaves signed codes signed, see OpenVINOAMX.
func ask(t *testing.T, python string, jobs []map[string]string) (answers []answer) {
	t.Helper()
	testdata.Ask(t, python, "runtimes.py", jobs, &answers, "ONEDNN_MAX_CPU_ISA=AVX512_CORE_VNNI")
	return answers
}

func write(t *testing.T, g *graph.Graph, path string) {
	t.Helper()
	m, err := g.ToONNX()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, m.Marshal(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// observed runs g on normal noise and returns the parameters of the ranges that were seen, widened a little.
func observed(t *testing.T, g *graph.Graph, p *Plan) map[*Group]quant.Params {
	t.Helper()
	watch := map[*graph.Value]bool{}
	for _, v := range p.Values() {
		watch[g.Value(v.Name)] = true
	}
	program, err := exec.Compile(g, nil, exec.Options{Watch: watch})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]limits{}
	random := rand.New(rand.NewPCG(1, 2))
	for range 8 {
		inputs := map[string]*tensor.Tensor{}
		for _, v := range g.Inputs {
			x := tensor.New(tensor.Float32, v.Shape...)
			for i := range x.F32() {
				x.F32()[i] = float32(random.NormFloat64())
			}
			inputs[v.Name] = x
		}
		if _, err := program.Run(inputs, func(v *graph.Value, x *tensor.Tensor) {
			l := seen[v.Name]
			seen[v.Name] = limits{min(l.lo, slices.Min(x.F32())), max(l.hi, slices.Max(x.F32()))}
		}); err != nil {
			t.Fatal(err)
		}
	}
	acts := map[*Group]quant.Params{}
	for _, group := range p.Groups() {
		l := limits{}
		for _, v := range group.Values {
			l = l.union(seen[v.Name])
		}
		acts[group] = group.Params(1.1*l.lo, 1.1*l.hi)
	}
	return acts
}
