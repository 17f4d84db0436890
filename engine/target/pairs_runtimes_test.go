package target

import (
	"path/filepath"
	"testing"

	"dropquant/engine/internal/testdata"
	"dropquant/engine/quant"
)

// TestPairsInRuntimes has the real runtimes run the operators with full-range weights on inputs that make their products
// as large as they can be. Files for any CPU give the exact result on this one; those for CPUs with VNNI do not when it has none,
// which shows that the first half can fail.
func TestPairsInRuntimes(t *testing.T) {
	python := testdata.Python(t, "have them multiply the largest codes")
	dir := t.TempDir()
	var jobs []map[string]string
	var anyCPU, overflows []bool
	for _, c := range fullRange {
		for _, base := range []*Target{OpenVINO, ONNXRuntime} {
			for _, any := range []bool{false, true} {
				target := *base
				target.AnyCPU = any
				g := parseFull(t, c.name, c.text)
				p := Place(g, &target)
				acts := map[*Group]quant.Params{}
				for _, group := range p.Groups() {
					acts[group] = group.Params(0, 255)
				}
				if v := p.GroupOf(node(g, "layer").Out(0)); v != nil {
					acts[v] = v.Params(-2000, 20000)
				}
				n := node(g, "layer")
				r := p.Round(p.Weights[0], acts)
				can := p.Decision(n).State == Int8 && Saturating(n, r.Codes) != nil
				if err := Insert(g, p, acts, nil); err != nil {
					t.Fatal(err)
				}
				path := filepath.Join(dir, c.name+"."+base.Name+map[bool]string{true: ".any", false: ".vnni"}[any]+".onnx")
				write(t, g, path)
				jobs = append(jobs, map[string]string{"path": path, "runtime": base.Name})
				anyCPU, overflows = append(anyCPU, any), append(overflows, can)
			}
		}
	}
	var offs []float64
	testdata.Ask(t, python, "pairs.py", jobs, &offs)
	exact := testdata.Exact(t, python)
	if exact {
		t.Log("on this CPU nothing overflows: only exactness is tested")
	}
	// A step of an output in ONNX Runtime, where a tie may round the other way; overflows cost tens of percent.
	const step = 1.0 / 254
	for i, off := range offs {
		name := filepath.Base(jobs[i]["path"])
		switch {
		case overflows[i] && !exact:
			if anyCPU[i] || off < 5*step {
				t.Errorf("%s should overflow here, and is off by %.2f %% of the largest output", name, 100*off)
			}
		case off > 1.01*step:
			t.Errorf("%s is off by %.2f %% of the largest output", name, 100*off)
		}
	}
}
