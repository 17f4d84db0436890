package intsim_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dropquant/engine"
	"dropquant/engine/exec"
	"dropquant/engine/graph"
	"dropquant/engine/internal/randmodel"
	"dropquant/engine/onnx"
	"dropquant/engine/op"
	"dropquant/engine/target"
	"dropquant/engine/tensor"
)

// TestRandomGraphs draws small networks by seeds and compares what the simulator gives with what the runtimes do: of files of the product, and of files
// with pairs at random, as strangers have them, in both. A file that a runtime refuses must be one that the linter says it refuses.
// Set DROPQUANT_SEEDS, as in 100-200 without the last, to draw others.
//
// Known to be off, of strangers' files in OpenVINO among the first 8 seeds only, of the others among the first 80 and some above:
//
//   - without VNNI, OpenVINO adds saturating pairs of a ConvTranspose, which is simulated in float (46, 129), and with AVX-512 it leaves out the padding of a Conv, where
//     pairs of a zero point above 129 are simulated to saturate (0, 105);
//   - with AVX-512 and without VNNI small differences of some padded convolutions are not explained (12, 31, 33, 36, 38, 104, 106);
//   - ONNX Runtime rounds an output of the graph where it has moved a QuantizeLinear over the Transpose that reads it too (22), and its sums of a ConvTranspose
//     have an order that is not simulated: a code behind one goes the other way (10, 12); two more are not looked into (68, 77).
func TestRandomGraphs(t *testing.T) {
	python(t)
	from, to := uint64(1), uint64(9)
	if s := os.Getenv("DROPQUANT_SEEDS"); s != "" {
		if _, err := fmt.Sscanf(s, "%d-%d", &from, &to); err != nil {
			t.Fatal(err)
		}
	}
	var strange, openvino, onnxruntime []deployed
	for seed := from; seed < to; seed++ {
		strange = append(strange, strangers(t, seed))
		openvino = append(openvino, ours(t, seed, "openvino", engine.VNNI))
		onnxruntime = append(onnxruntime, ours(t, seed, "onnxruntime", engine.VNNI))
	}
	inONNXRuntime := slices.Concat(strange, onnxruntime)
	jobs := randomJobs(t, inONNXRuntime)
	compareRandom(t, ort, inONNXRuntime, runScript(t, "run_onnxruntime.py", jobs))
	openvino = slices.Concat(openvino, strange)
	jobs = randomJobs(t, openvino)
	for _, isa := range isas(t) {
		compareRandom(t, isa, openvino, runScript(t, "run_openvino.py", jobs, "ONEDNN_MAX_CPU_ISA="+isa.name))
	}
}

// randomJobs are two for each case: as it is, and with all pairs shown.
func randomJobs(t *testing.T, cases []deployed) (jobs []job) {
	t.Helper()
	dir := t.TempDir()
	for i, d := range cases {
		shown, _ := d.shown()
		var inputs []map[string]array
		for _, x := range d.inputs {
			inputs = append(inputs, write(t, dir, map[string]*tensor.Tensor{"x": x}))
		}
		for k, g := range []*graph.Graph{d.graph, shown} {
			path := filepath.Join(dir, fmt.Sprintf("%d-%d.onnx", i, k))
			writeGraph(t, g, path)
			jobs = append(jobs, job{Model: path, Inputs: inputs, Precise: true, Out: t.TempDir(), Lenient: true})
		}
	}
	return jobs
}

func compareRandom(t *testing.T, isa isa, cases []deployed, real [][]map[string]*tensor.Tensor) {
	t.Helper()
	for i, d := range cases {
		t.Run(d.name+" "+isa.name, func(t *testing.T) {
			shown, _ := d.shown()
			for k, g := range []*graph.Graph{d.graph, shown} {
				found := target.Lint(g, isa.backend().Target)
				if known := slices.ContainsFunc(found.Findings, func(f target.Finding) bool { return f.ID == "negative-factor" && strings.HasPrefix(d.name, "stranger") }); known {
					t.Skip("the linter says that it is wrong in this runtime, and the simulator does not follow")
				}
				if refused := found.Count(target.Refused) > 0; real[2*i+k] == nil && !refused {
					t.Errorf("the runtime refuses it, and the linter does not know")
				} else if real[2*i+k] == nil {
					t.Skip("the runtime refuses it, as the linter says")
				}
			}
			if !t.Failed() {
				d.compare(t, isa, real[2*i], real[2*i+1])
			}
		})
	}
}

// strangers builds the small network of a seed with pairs as a stranger would put them, and inputs for it.
func strangers(t *testing.T, seed uint64) deployed {
	t.Helper()
	g := randmodel.Small(seed)
	if err := op.Infer(g, nil); err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	x := noise(seed, g.Inputs[0].Shape, 3)
	randmodel.Quantize(g, seed, ranges(t, g, x))
	return deployed{name: fmt.Sprint("stranger ", seed), graph: g, inputs: x, byGemm: true}
}

// ours quantizes the small network of a seed as the product does.
func ours(t *testing.T, seed uint64, target, cpu string) deployed {
	t.Helper()
	g := randmodel.Small(seed)
	file, err := g.ToONNX()
	if err != nil {
		t.Fatal(err)
	}
	m, err := engine.Load(engine.File{Name: "small.onnx", Data: file.Marshal()}, nil)
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	x := noise(seed, g.Inputs[0].Shape, 3)
	r, err := engine.Quantize(m, engine.Options{Target: target, CPU: cpu}, engine.Images{Len: len(x), Open: func(i int) (engine.File, error) {
		return engine.File{Name: fmt.Sprintf("%d.npy", i), Data: npy(x[i])}, nil
	}}, 1, nil)
	if err != nil {
		t.Fatalf("seed %d for %s: %v", seed, target, err)
	}
	parsed, err := onnx.Parse(bytes.Join(r.Model, nil))
	if err != nil {
		t.Fatal(err)
	}
	if g, err = graph.FromONNX(parsed); err != nil {
		t.Fatal(err)
	}
	if err := op.Infer(g, nil); err != nil {
		t.Fatal(err)
	}
	return deployed{name: fmt.Sprintf("%s %d", target, seed), graph: g, inputs: x, byGemm: true}
}

// npy writes a tensor as NumPy does.
func npy(x *tensor.Tensor) []byte {
	shape := strings.Trim(strings.ReplaceAll(fmt.Sprint(x.Shape), " ", ", "), "[]")
	header := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }", shape)
	header += strings.Repeat(" ", 63-(len(header)+10)%64) + "\n"
	b := binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(header)))
	b = append(b, header...)
	b, _ = binary.Append(b, binary.LittleEndian, x.F32())
	return b
}

// noise returns inputs of normal noise.
func noise(seed uint64, shape []int, n int) (out []*tensor.Tensor) {
	random := rand.New(rand.NewPCG(seed, 3))
	for range n {
		x := tensor.New(tensor.Float32, shape...)
		for i := range x.F32() {
			x.F32()[i] = float32(random.NormFloat64())
		}
		out = append(out, x)
	}
	return out
}

// ranges returns the least and the greatest element of every float value.
func ranges(t *testing.T, g *graph.Graph, inputs []*tensor.Tensor) map[string][2]float32 {
	t.Helper()
	watch := map[*graph.Value]bool{g.Inputs[0]: true}
	for _, n := range g.Nodes {
		for _, v := range n.Outputs {
			watch[v] = true
		}
	}
	p, err := exec.Compile(g, nil, exec.Options{Watch: watch})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string][2]float32{}
	for _, x := range inputs {
		if _, err := p.Run(map[string]*tensor.Tensor{"x": x}, func(v *graph.Value, y *tensor.Tensor) {
			if y.DType != tensor.Float32 {
				return
			}
			lo, hi := slices.Min(y.F32()), slices.Max(y.F32())
			if r, ok := seen[v.Name]; ok {
				lo, hi = min(lo, r[0]), max(hi, r[1])
			}
			seen[v.Name] = [2]float32{lo, hi}
		}); err != nil {
			t.Fatal(err)
		}
	}
	return seen
}
