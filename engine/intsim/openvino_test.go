package intsim_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"dropquant/engine/graph"
	"dropquant/engine/intsim"
	"dropquant/engine/tensor"
)

// TestOpenVINOModels quantizes every real model for OpenVINO with weights of the full range, so that pairs do saturate, and compares
// every quantized tensor, and the outputs of the file as it is: what is read besides changes what the runtime fuses.
func TestOpenVINOModels(t *testing.T) {
	python(t)
	for _, m := range realModels {
		t.Run(m.name, func(t *testing.T) {
			if testing.Short() && m.side > 32 {
				t.Skip("with -short only the small model")
			}
			path := filepath.Join(t.TempDir(), m.name+".onnx")
			if err := os.WriteFile(path, quantized(t, m.name, "openvino", m.calibration, 3), 0o600); err != nil {
				t.Fatal(err)
			}
			shape := []int{1, 3, m.side, m.side}
			compareOpenVINO(t, []deployed{{name: m.name, graph: readGraph(t, path), inputs: images(t, m.images, m.preset, shape, 2), deep: true}})
		})
	}
}

// deployed is a graph to be run in OpenVINO on some inputs.
type deployed struct {
	name   string
	graph  *graph.Graph
	inputs []*tensor.Tensor
	deep   bool
	signed bool // a deep graph of signed codes with zero points, which AMX leaves in float
	byGemm bool // oneDNN makes matrix products of a convolution
}

// shown returns the graph with an output for what each pair on an activation gives, and the distance of two of its codes.
func (d *deployed) shown() (*graph.Graph, map[string]float64) {
	g, steps := d.graph.Clone(), map[string]float64{}
	for _, n := range d.graph.Nodes {
		if n.Op != "DequantizeLinear" || n.Inputs[0].Producer == nil || n.Inputs[0].Producer.Op != "QuantizeLinear" || n.Inputs[0].Producer.Inputs[0].Const != nil {
			continue
		}
		v := n.Outputs[0]
		steps[v.Name] = float64(slices.Min(n.Inputs[1].Const.F32()))
		if !d.graph.IsOutput(v) {
			g.AddOutput(g.Value(v.Name))
		}
	}
	return g, steps
}

// compareOpenVINO wants the graph to give in the simulator what it gives in OpenVINO: of the codes of every pair at most 0.5 % may be off:
// a float operator between two layers, computed in another order, can bring an element of one tensor a step off, and what is made of it two
// steps. The outputs of the whole must agree to 60 dB where no code
// differs, else to 40. That is what the bound on codes lets through: the outputs lie about 20 dB over their
// quantization noise, which is 1/12 of a step squared, and 0.5 % of codes off by a step are a sixteenth of it. Where no code differs they agree
// to over 100 dB; NanoDet, with 0.1 % of codes off by a step, to 54 dB.
func compareOpenVINO(t *testing.T, cases []deployed) {
	t.Helper()
	dir := t.TempDir()
	var jobs []job
	for i, d := range cases {
		shown, _ := d.shown()
		var inputs []map[string]array
		for _, x := range d.inputs {
			inputs = append(inputs, write(t, dir, map[string]*tensor.Tensor{d.graph.Inputs[0].Name: x}))
		}
		for k, g := range []*graph.Graph{d.graph, shown} {
			path := filepath.Join(dir, fmt.Sprintf("%d-%d.onnx", i, k))
			writeGraph(t, g, path)
			jobs = append(jobs, job{Model: path, Inputs: inputs, Out: t.TempDir()})
		}
	}
	for _, isa := range isas(t) {
		real := runScript(t, "run_openvino.py", jobs, "ONEDNN_MAX_CPU_ISA="+isa.name)
		for i, d := range cases {
			t.Run(d.name+" "+isa.name, func(t *testing.T) { d.compare(t, isa, real[2*i], real[2*i+1]) })
		}
	}
}

// compare runs the graph as it is and with all pairs shown.
//
// One code that goes the other way at a tie makes another image of everything behind it. Without AVX-512
// oneDNN has no matrix product for VNNI, of which it makes some grouped convolutions: there their pairs saturate.
func (d *deployed) compare(t *testing.T, isa isa, plain, all []map[string]*tensor.Tensor) {
	shown, steps := d.shown()
	backend := isa.backend()
	if d.byGemm && isa.byGemm {
		mixed := *backend
		mixed.Arithmetic.Grouped = intsim.ByName("openvino", "avx2").Arithmetic.Grouped
		backend = &mixed
	}
	compared, worst := 0, 0.0
	least, at := math.Inf(1), "" // of the float outputs, dB
	for k, real := range [][]map[string]*tensor.Tensor{plain, all} {
		g, in := []*graph.Graph{d.graph, shown}[k], d.graph.Inputs[0].Name
		p, err := intsim.Compile(g, backend, map[string][]int{in: d.inputs[0].Shape}, intsim.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i, x := range d.inputs {
			out, err := p.Run(map[string]*tensor.Tensor{in: x}, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range g.Outputs {
				want := real[i][v.Name]
				if want == nil {
					t.Fatalf("the runtime does not give %q", v.Name)
				}
				step, pair := steps[v.Name]
				if d.deep && d.signed && isa.kind == "amx" { // its convolutions compute in float there: one code that goes the other way at a tie makes another image
					if k == 0 && v == g.Outputs[0] && largest(want.F32()) != largest(out[v.Name].F32()) {
						t.Errorf("image %d: another element of %s is the largest", i, v.Name)
					}
					compared++
					continue
				}
				if !pair {
					if db := sqnr(want.F32(), out[v.Name].F32()); db < least {
						least, at = db, fmt.Sprintf("image %d: the output %s", i, v.Name)
					}
					continue
				}
				share, most := apart(want.F32(), out[v.Name].F32(), step)
				worst, compared = max(worst, share), compared+1
				if share > 0.005 || most > 2 {
					t.Errorf("image %d: %.3f %% of %s differ, by up to %v steps", i, 100*share, v.Name, most)
				}
			}
		}
	}
	bound := 60.0
	if worst > 0 {
		bound = 40
	}
	if least < bound {
		t.Errorf("%s agrees to %.1f dB, want %v", at, least, bound)
	}
	if compared < len(d.inputs)*len(steps) {
		t.Errorf("%d tensors compared, want %d", compared, len(d.inputs)*len(steps))
	}
	t.Logf("%d quantized tensors, at most %.4f %% of the codes differ", len(steps), 100*worst)
}

func largest(x []float32) int { return slices.Index(x, slices.Max(x)) }

func sqnr(want, got []float32) float64 {
	signal, noise := 0.0, 1e-30
	for i, w := range want {
		d := float64(w) - float64(got[i])
		signal, noise = signal+float64(w)*float64(w), noise+d*d
	}
	return 10 * math.Log10(signal/noise)
}

// apart returns which share of elements differs by half a step or more, and by how many steps at most.
func apart(want, got []float32, step float64) (share, most float64) {
	for i, w := range want {
		if d := math.Round(math.Abs(float64(w)-float64(got[i])) / step); !(d < 1) {
			share++
			most = max(most, d)
		}
	}
	return share / float64(max(len(want), 1)), most
}
