package exec_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	engine "dropquant/engine/exec"
	"dropquant/engine/graph"
	"dropquant/engine/internal/testdata"
	"dropquant/engine/onnx"
	"dropquant/engine/tensor"
)

// models are all models of the data folder with the shape of their input.
var models = []struct {
	name  string
	shape []int
}{
	{"cifar10_resnet20", []int{1, 3, 32, 32}},
	{"cifar10_resnet20_bn", []int{1, 3, 32, 32}},
	{"mobilenet_v1_075", []int{1, 3, 224, 224}},
	{"mobilenet_v2", []int{1, 3, 224, 224}},
	{"mobilenet_v2_bn", []int{1, 3, 224, 224}},
	{"nanodet_m_320", []int{1, 3, 320, 320}},
	{"resnet50_v15", []int{1, 3, 224, 224}},
	{"squeezenet1_1", []int{1, 3, 224, 224}},
	{"yolox_nano", []int{1, 3, 416, 416}},
}

// The largest difference to ONNX Runtime, relative to the largest magnitude of a tensor: of an output,
// and of a value on the way, where a gate in the depths of a detector that works on pixels of 0 to 255
// magnifies rounding.
const (
	tolerance      = 1e-4
	innerTolerance = 3e-4
)

func load(t testing.TB, name string) *graph.Graph {
	t.Helper()
	m, err := onnx.Parse(testdata.Read(t, "models/"+name+".onnx"))
	if err != nil {
		t.Fatal(err)
	}
	g, err := graph.FromONNX(m)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func compile(t testing.TB, g *graph.Graph, shape []int, o engine.Options) *engine.Program {
	t.Helper()
	p, err := engine.Compile(g, map[string][]int{g.Inputs[0].Name: shape}, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestModels compares what every node of every model computes on real images with ONNX Runtime,
// twice: each value watched, so that nothing is fused, and only the outputs.
func TestModels(t *testing.T) {
	python := os.Getenv("DROPQUANT_PYTHON")
	if python == "" {
		t.Skip("set DROPQUANT_PYTHON to a Python with testdata/requirements.txt to compare with ONNX Runtime")
	}
	for _, m := range models {
		t.Run(m.name, func(t *testing.T) {
			images := 2
			want := reference(t, python, m.name, images)
			g := load(t, m.name)
			watch := map[*graph.Value]bool{}
			for _, n := range g.Nodes {
				for _, v := range n.Outputs {
					watch[v] = true
				}
			}
			open, closed := compile(t, g, m.shape, engine.Options{Watch: watch}), compile(t, g, m.shape, engine.Options{})
			for k := range images {
				in := map[string]*tensor.Tensor{g.Inputs[0].Name: want(k, "")}
				_, err := open.Run(in, func(v *graph.Value, got *tensor.Tensor) {
					if d := difference(got, want(k, v.Name)); !(d < innerTolerance) {
						t.Errorf("image %d, %s of node %q (%s): off by %.2g", k, v.Name, v.Producer.Name, v.Producer.Op, d)
					}
				})
				if err != nil {
					t.Fatal(err)
				}
				out, err := closed.Run(in, nil)
				if err != nil {
					t.Fatal(err)
				}
				for name, got := range out {
					d := difference(got, want(k, name))
					t.Logf("image %d, output %s: off by %.2g", k, name, d)
					if !(d < tolerance) {
						t.Errorf("image %d, output %s: off by %.2g", k, name, d)
					}
				}
			}
		})
	}
}

// reference runs the script and returns a reader of its values; the name "" is the input.
func reference(t *testing.T, python, model string, images int) func(image int, name string) *tensor.Tensor {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.Command(python, "testdata/reference.py", testdata.Dir(t), model+".onnx", dir, strconv.Itoa(images), "all").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	list, err := os.Open(filepath.Join(dir, "values.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	index := map[string]string{"": "input"}
	for s := bufio.NewScanner(list); s.Scan(); {
		index[s.Text()] = strconv.Itoa(len(index) - 1)
	}
	return func(image int, name string) *tensor.Tensor {
		t.Helper()
		x, err := readNumpy(filepath.Join(dir, fmt.Sprintf("%d.%s.npy", image, index[name])))
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
}

// difference is the largest difference relative to the largest magnitude; it is infinite when type or
// shape differ.
func difference(got, want *tensor.Tensor) float64 {
	if got.DType != want.DType || tensor.FormatShape(got.Shape) != tensor.FormatShape(want.Shape) {
		return math.Inf(1)
	}
	if got.DType != tensor.Float32 {
		if fmt.Sprint(got) != fmt.Sprint(want) {
			return math.Inf(1)
		}
		return 0
	}
	most, top := 0.0, 0.0
	for i, w := range want.F32() {
		d := math.Abs(float64(got.F32()[i]) - float64(w))
		if !(d <= most) {
			most = d
		}
		top = max(top, math.Abs(float64(w)))
	}
	return most / max(top, 1e-20)
}

var header = regexp.MustCompile(`'descr': '([^']+)', 'fortran_order': False, 'shape': \(([^)]*)\)`)

// readNumpy reads a .npy file of float32, int64 or bool.
func readNumpy(path string) (*tensor.Tensor, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(data) < 10 {
		return nil, fmt.Errorf("%s is cut short", path)
	}
	end := 10 + int(binary.LittleEndian.Uint16(data[8:]))
	m := header.FindSubmatch(data[:end])
	if m == nil {
		return nil, fmt.Errorf("%s: header %q", path, data[:end])
	}
	shape := []int{}
	for _, d := range strings.Split(string(m[2]), ",") {
		if d = strings.TrimSpace(d); d != "" {
			n, err := strconv.Atoi(d)
			if err != nil {
				return nil, err
			}
			shape = append(shape, n)
		}
	}
	types := map[string]tensor.DType{"<f4": tensor.Float32, "<i8": tensor.Int64, "|b1": tensor.Bool}
	dt, ok := types[string(m[1])]
	if !ok {
		return nil, fmt.Errorf("%s holds %s", path, m[1])
	}
	x := tensor.New(dt, shape...)
	r := bytes.NewReader(data[end:])
	switch dt {
	case tensor.Float32:
		err = binary.Read(r, binary.LittleEndian, x.F32())
	case tensor.Int64:
		err = binary.Read(r, binary.LittleEndian, x.I64())
	default:
		err = binary.Read(r, binary.LittleEndian, tensor.Data[bool](x))
	}
	return x, err
}
