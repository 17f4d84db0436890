package target

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dropquant/engine/graph"
	"dropquant/engine/internal/testdata"
	"dropquant/engine/onnx"
	"dropquant/engine/op"
	"dropquant/engine/pass"
)

// TestReadsAsRun has the real runtimes run small graphs with every form of pair, files of every target and of
// ONNX Runtime's tool, and compares which nodes they run in integers with the reading, for all nodes that compute.
func TestReadsAsRun(t *testing.T) {
	python := testdata.Python(t, "have them run what is read")
	dir := t.TempDir()
	var jobs []map[string]string
	var graphs []*graph.Graph
	both := []*Target{OpenVINO, ONNXRuntime}
	add := func(name string, g *graph.Graph, runtimes []*Target) {
		path := filepath.Join(dir, name+".onnx")
		write(t, g, path)
		for _, target := range runtimes {
			jobs = append(jobs, map[string]string{"path": path, "runtime": target.Name})
			graphs = append(graphs, g)
		}
	}
	for name, text := range readCases(t) {
		if !strings.Contains(text, "# not computable") {
			add(name, parse(t, text), both)
		}
	}
	for _, name := range models {
		if testing.Short() && name != "cifar10_resnet20" {
			continue
		}
		g := model(t, name)
		for _, target := range Targets {
			runtimes := both
			if !slices.Contains(crossed, name) {
				runtimes = slices.DeleteFunc(slices.Clone(both), func(t *Target) bool { return t != target })
			}
			if len(runtimes) == 0 {
				continue
			}
			c := g.Clone()
			p := Place(c, target)
			if err := Insert(c, p, plain(p), nil); err != nil {
				t.Fatal(err)
			}
			add(name+"."+target.Name, typed(t, c), runtimes)
		}
	}
	for name, g := range theirs(t, python, dir) {
		add(name, g, both)
	}
	layers := map[string]int{}
	for i, r := range ask(t, python, jobs) {
		name := filepath.Base(jobs[i]["path"])
		if r.Error != "" {
			t.Errorf("%s in %s: %s", name, jobs[i]["runtime"], r.Error)
			continue
		}
		layers[jobs[i]["runtime"]] += compare(t, name, Read(graphs[i], ByName(jobs[i]["runtime"])), r)
	}
	t.Logf("%d files run; nodes compared: %v", len(jobs), layers)
}

// crossed are the models whose files for every target are run in both runtimes; of others each runs in its own, to save time.
var crossed = []string{"cifar10_resnet20", "squeezenet1_1", "nanodet_m_320"}

// typed infers the types of a graph for one sample.
func typed(t *testing.T, g *graph.Graph) *graph.Graph {
	t.Helper()
	if err := op.Infer(g, oneSample(g)); err != nil {
		t.Fatal(err)
	}
	return g
}

// theirs are files of ONNX Runtime's own tool.
func theirs(t *testing.T, python, dir string) map[string]*graph.Graph {
	t.Helper()
	var jobs []map[string]string
	for _, name := range []string{"cifar10_resnet20", "squeezenet1_1", "nanodet_m_320"} {
		for _, kind := range []string{"QUInt8", "QInt8"} {
			jobs = append(jobs, map[string]string{"model": testdata.Path(t, "models/"+name+".onnx"), "type": kind, "path": filepath.Join(dir, name+"."+kind+".onnx")})
		}
	}
	if testing.Short() {
		jobs = jobs[:2]
	}
	testdata.Ask(t, python, "quantize.py", jobs, nil)
	out := map[string]*graph.Graph{}
	for _, job := range jobs {
		data, err := os.ReadFile(job["path"])
		if err != nil {
			t.Fatal(err)
		}
		m, err := onnx.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		g, err := graph.FromONNX(m)
		if err != nil {
			t.Fatal(err)
		}
		if err := pass.Concat(pass.FoldConstants, pass.RemoveIdentity)(g); err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSuffix(filepath.Base(job["path"]), ".onnx")] = typed(t, g)
	}
	return out
}

// compare reports the nodes that do not run as they are read. Of OpenVINO only what has a kernel of its own counts:
// it computes sums and activations of codes in float.
func compare(t *testing.T, name string, r *Reading, run answer) (layers int) {
	t.Helper()
	for _, f := range r.Nodes {
		n := f.Node
		if isPair(n) || f.State == Fused || !r.Target.Complete && !kernels[n.Op] {
			continue
		}
		has := func(names []string) bool {
			return slices.ContainsFunc(names, func(name string) bool {
				y := n.Out(0)
				return bears(n, name) || len(y.Uses) == 1 && y.Uses[0].Node.Op == "BatchNormalization" && bears(y.Uses[0].Node, name)
			})
		}
		got, want := has(run.Names), f.State == Int8 || f.State == Moves || f.State == Coded
		if !got && !has(run.Known) && !weightedOps[n.Op] {
			continue // removed, or merged into another under its name
		}
		if layers++; got != want {
			t.Errorf("%s in %s: %s %q is read %v, runs in integers: %v. %s", name, r.Target.Name, n.Op, n.Name, f.State, got, f.Why)
		}
	}
	return layers
}

// kernels are the operators that OpenVINO runs by a kernel that has forms for integers.
var kernels = map[string]bool{"Conv": true, "ConvTranspose": true, "Gemm": true, "MatMul": true, "MaxPool": true, "AveragePool": true,
	"GlobalAveragePool": true, "Concat": true}
