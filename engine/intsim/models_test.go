package intsim_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"dropquant/engine"
	"dropquant/engine/graph"
	"dropquant/engine/internal/testdata"
	"dropquant/engine/intsim"
	"dropquant/engine/tensor"
)

// realModels are the models beside the checkout. Bits says that all between the input and the output runs in integers or in float layers whose
// order is simulated, so that the outputs must be the same bits; the others end in Sigmoids.
var realModels = []struct {
	name, calibration, images, preset string
	side                              int
	bits                              bool
}{
	{"cifar10_resnet20", "cifar10/test200", "cifar10/test200", "cifar", 32, true},
	{"mobilenet_v2", "imagenet/calib", "imagenet/eval", "torchvision", 224, true},
	{"mobilenet_v1_075", "imagenet/calib", "imagenet/eval", "keras", 224, true},
	{"squeezenet1_1", "imagenet/calib", "imagenet/eval", "torchvision", 224, true},
	{"resnet50_v15", "imagenet/calib", "imagenet/eval", "torchvision", 224, true},
	{"nanodet_m_320", "coco/images/calib", "coco/images/val2017", "nanodet", 320, false},
	{"yolox_nano", "coco/images/calib", "coco/images/val2017", "yolox", 416, false},
}

// arithmetics are the ways in which ONNX Runtime can be made to add here.
func arithmetics(t *testing.T) map[string]bool {
	list := map[string]bool{"vnni": true}
	if !testdata.Exact(t, python(t)) {
		list["avx2"] = false
	}
	return list
}

// TestModels quantizes every real model for ONNX Runtime with weights of the full range, so that pairs do saturate, and wants every
// quantized tensor to be the same codes as in the runtime itself, in every arithmetic that the processor has.
func TestModels(t *testing.T) {
	python(t)
	for _, m := range realModels {
		t.Run(m.name, func(t *testing.T) {
			if testing.Short() && m.side > 32 {
				t.Skip("with -short only the small model")
			}
			path := filepath.Join(t.TempDir(), m.name+".onnx")
			if err := os.WriteFile(path, quantized(t, m.name, "onnxruntime", m.calibration, 3), 0o600); err != nil {
				t.Fatal(err)
			}
			g, shape := readGraph(t, path), []int{1, 3, m.side, m.side}
			in, pictures := g.Inputs[0].Name, images(t, m.images, m.preset, shape, 2)
			var inputs []map[string]array
			for _, x := range pictures {
				inputs = append(inputs, write(t, t.TempDir(), map[string]*tensor.Tensor{in: x}))
			}
			saturate := map[string]*tensor.Tensor{}
			for isa, precise := range arithmetics(t) {
				b := intsim.ByName("onnxruntime", isa)
				real := runReal(t, []job{{Model: path, Inputs: inputs, Precise: precise, Inside: true, Out: t.TempDir()}, {Model: path, Inputs: inputs, Precise: precise, Out: t.TempDir()}})
				c := newComparison(t, g, b, shape)
				p, err := intsim.Compile(g, b, map[string][]int{in: shape}, intsim.Options{})
				if err != nil {
					t.Fatal(err)
				}
				for i, x := range pictures {
					compared, differ := c.against(t, x, real[0][i])
					if want := len(c.seen) - len(c.cuts); compared < want || compared < 25 {
						t.Errorf("%s: %d tensors compared, want %d", isa, compared, want)
					}
					for _, d := range differ {
						t.Errorf("%s, image %d: %s", isa, i, d)
					}
					out, err := p.Run(map[string]*tensor.Tensor{in: x}, nil)
					if err != nil {
						t.Fatal(err)
					}
					for _, v := range g.Outputs {
						if n, first := differing(out[v.Name], real[1][i][v.Name]); n > 0 && m.bits {
							t.Errorf("%s, image %d: %d elements of the output %s differ: %s", isa, i, n, v.Name, first)
						}
					}
					if v := g.Outputs[0]; i == 0 {
						saturate[isa] = tensor.New(v.DType, out[v.Name].Shape...)
						saturate[isa].CopyFrom(out[v.Name])
					}
				}
				t.Logf("%s: %d tensors of %d nodes equal, %d fed", isa, len(c.seen)-len(c.cuts), len(g.Nodes), len(c.cuts))
			}
			if a, b := saturate["avx2"], saturate["vnni"]; a != nil && m.name == "mobilenet_v2" {
				if n, _ := differing(a, b); n == 0 {
					t.Error("no pair saturates: the two arithmetics are not told apart")
				}
			}
		})
	}
}

// TestFilesOfONNXRuntime quantizes MobileNetV2 with ONNX Runtime's own tool, whose weights take no care of CPUs without VNNI, and wants
// every tensor and output to be what both runtimes give on this one. In the two arithmetics the file is not the same model: 84.2 % of 500
// images are right with exact sums and 66.2 % with those that saturate, for 128 images of calibration.
func TestFilesOfONNXRuntime(t *testing.T) {
	if testing.Short() {
		t.Skip("with -short only the small models")
	}
	shape, dir := []int{1, 3, 224, 224}, t.TempDir()
	type quantization struct {
		Model  string  `json:"model"`
		Path   string  `json:"path"`
		Type   string  `json:"type"`
		Inputs []array `json:"inputs"`
	}
	var jobs []quantization
	var calibration []array
	for _, x := range images(t, "imagenet/calib", "torchvision", shape, 4) {
		calibration = append(calibration, write(t, dir, map[string]*tensor.Tensor{"x": x})["x"])
	}
	for _, kind := range []string{"QUInt8", "QInt8"} {
		jobs = append(jobs, quantization{testdata.Path(t, "models/mobilenet_v2.onnx"), filepath.Join(dir, kind+".onnx"), kind, calibration})
	}
	testdata.Ask(t, python(t), "../../target/testdata/quantize.py", jobs, nil)
	for _, j := range jobs {
		t.Run(j.Type, func(t *testing.T) {
			g, pictures := readGraph(t, j.Path), images(t, "imagenet/eval", "torchvision", shape, 4)
			real := compareBits(t, j.Path, g, pictures)
			for isa, outputs := range real {
				other := map[string]string{"avx2": "vnni", "vnni": "avx2"}[isa]
				p, err := intsim.Compile(g, intsim.ByName("onnxruntime", other), map[string][]int{g.Inputs[0].Name: shape}, intsim.Options{})
				if err != nil {
					t.Fatal(err)
				}
				for i, x := range pictures {
					out, err := p.Run(map[string]*tensor.Tensor{g.Inputs[0].Name: x}, nil)
					if err != nil {
						t.Fatal(err)
					}
					name := g.Outputs[0].Name
					if db := sqnr(outputs[i][name].F32(), out[name].F32()); db > 20 {
						t.Errorf("image %d: %s and %s agree to %.1f dB: nothing tells saturating sums from exact ones", i, isa, other, db)
					}
				}
			}
			compareOpenVINO(t, []deployed{{name: j.Type, graph: g, inputs: pictures, deep: true, signed: j.Type == "QInt8"}})
		})
	}
}

// compareBits wants the outputs of a file to be the bits of ONNX Runtime, in every arithmetic that the processor has, and returns them.
func compareBits(t *testing.T, path string, g *graph.Graph, pictures []*tensor.Tensor) map[string][]map[string]*tensor.Tensor {
	t.Helper()
	in, all := g.Inputs[0].Name, map[string][]map[string]*tensor.Tensor{}
	var inputs []map[string]array
	for _, x := range pictures {
		inputs = append(inputs, write(t, t.TempDir(), map[string]*tensor.Tensor{in: x}))
	}
	for isa, precise := range arithmetics(t) {
		real := runReal(t, []job{{Model: path, Inputs: inputs, Precise: precise, Out: t.TempDir()}})[0]
		p, err := intsim.Compile(g, intsim.ByName("onnxruntime", isa), map[string][]int{in: pictures[0].Shape}, intsim.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i, x := range pictures {
			out, err := p.Run(map[string]*tensor.Tensor{in: x}, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range g.Outputs {
				if n, first := differing(out[v.Name], real[i][v.Name]); n > 0 {
					t.Errorf("%s, image %d: %d elements of the output %s differ: %s", isa, i, n, v.Name, first)
				}
			}
		}
		all[isa] = real
	}
	return all
}

// quantized makes a file for a target on n images, with weights of the full range.
func quantized(t *testing.T, name, target, folder string, n int) []byte {
	t.Helper()
	m, err := engine.Load(engine.File{Name: name + ".onnx", Data: testdata.Read(t, "models/"+name+".onnx")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(testdata.Path(t, folder))
	if err != nil {
		t.Fatal(err)
	}
	r, err := engine.Quantize(m, engine.Options{Target: target, CPU: engine.VNNI}, engine.Images{Len: n, Open: func(i int) (engine.File, error) {
		name := entries[i*len(entries)/n].Name()
		return engine.File{Name: name, Data: testdata.Read(t, folder+"/"+name)}, nil
	}}, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Join(r.Model, nil)
}

// TestHook wants the hook to see each watched value once, in the reals of its codes, and the inputs and outputs as they are.
func TestHook(t *testing.T) {
	g := parse(t, `
		input x float32[1,3,4,4]
		const s float32[] = {0.02}
		const z uint8[] = {120}
		const w int8[4,3,1,1] = {1 2 3 4 5 6 -7 -8 -9 10 11 127}
		const ws float32[4] = {0.01 0.02 0.03 0.04}
		const wz int8[4] = {0 0 0 0}
		const ys float32[] = {0.05}
		const yz uint8[] = {0}
		xq = QuantizeLinear(x, s, z)
		xd = DequantizeLinear(xq, s, z)
		wd = DequantizeLinear(w, ws, wz) {axis=0}
		c = Conv(xd, wd)
		r = Relu(c)
		rq = QuantizeLinear(r, ys, yz)
		rd = DequantizeLinear(rq, ys, yz)
		y = Softmax(rd)
		output y`)
	watch := map[*graph.Value]bool{}
	for _, n := range g.Nodes {
		watch[n.Outputs[0]] = true
	}
	p, err := intsim.Compile(g, intsim.ByName("onnxruntime", "avx2"), nil, intsim.Options{Watch: watch})
	if err != nil {
		t.Fatal(err)
	}
	x := tensor.New(tensor.Float32, 1, 3, 4, 4)
	for i := range x.F32() {
		x.F32()[i] = float32(i)/16 - 1.5
	}
	seen := map[string]int{}
	if _, err := p.Run(map[string]*tensor.Tensor{"x": x}, func(v *graph.Value, got *tensor.Tensor) {
		seen[v.Name]++
		if got.DType != tensor.Float32 {
			t.Errorf("%s is seen as %v", v.Name, got.DType)
		}
		if v.Name == "r" || v.Name == "rq" || v.Name == "rd" {
			for _, f := range got.F32() {
				if code := f / 0.05; code != float32(int(code+0.5)) && f != float32(int(code+0.5))*float32(0.05) {
					t.Fatalf("%s holds %v, which no code stands for", v.Name, f)
				}
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"xq", "xd", "r", "rq", "rd", "y"} {
		if seen[name] != 1 {
			t.Errorf("%s is seen %d times", name, seen[name])
		}
	}
	if seen["c"] != 0 {
		t.Error("what exists only inside a kernel is seen")
	}
}
