package intsim_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"dropquant/engine/dataset"
	"dropquant/engine/graph"
	"dropquant/engine/internal/testdata"
	"dropquant/engine/onnx"
	"dropquant/engine/tensor"
)

// array is a tensor in a file of the scripts of testdata.
type array struct {
	File  string `json:"file"`
	Type  string `json:"type"`
	Shape []int  `json:"shape"`
}

// job is a model to run there.
type job struct {
	Model   string             `json:"model"`
	Inputs  []map[string]array `json:"inputs"`
	Precise bool               `json:"precise"`
	Inside  bool               `json:"inside"`
	Out     string             `json:"out"`
	Lenient bool               `json:"lenient"` // the runtime may refuse the model: it then has no outputs
}

// python returns the interpreter that has ONNX Runtime, or skips the test.
func python(t testing.TB) string {
	t.Helper()
	return testdata.Python(t, "compare with ONNX Runtime and OpenVINO")
}

// runReal runs jobs in ONNX Runtime and returns the outputs by name, of each job and each of its inputs.
func runReal(t testing.TB, jobs []job) (out [][]map[string]*tensor.Tensor) {
	t.Helper()
	return runScript(t, "run_onnxruntime.py", jobs)
}

// runScript runs jobs in a script of testdata, with more variables in its environment.
func runScript(t testing.TB, script string, jobs []job, env ...string) (out [][]map[string]*tensor.Tensor) {
	t.Helper()
	var results [][]map[string]array
	testdata.Ask(t, python(t), script, jobs, &results, env...)
	for _, of := range results {
		var list []map[string]*tensor.Tensor
		for _, arrays := range of {
			m := map[string]*tensor.Tensor{}
			for name, a := range arrays {
				m[name] = a.read(t)
			}
			list = append(list, m)
		}
		out = append(out, list)
	}
	return out
}

var elementTypes = []tensor.DType{tensor.Float32, tensor.Uint8, tensor.Int8, tensor.Int32, tensor.Int64, tensor.Bool, tensor.Float64, tensor.Uint16, tensor.Int16}

func (a array) read(t testing.TB) *tensor.Tensor {
	t.Helper()
	data, err := os.ReadFile(a.File)
	if err != nil {
		t.Fatal(err)
	}
	for _, dt := range elementTypes {
		if dt.String() != a.Type {
			continue
		}
		x := tensor.New(dt, a.Shape...)
		if _, err := binary.Decode(data, binary.LittleEndian, elements(x)); err != nil {
			t.Fatal(err)
		}
		return x
	}
	t.Fatalf("a tensor of %s", a.Type)
	return nil
}

// elements returns the slice that a tensor holds.
func elements(x *tensor.Tensor) any {
	switch x.DType {
	case tensor.Float32:
		return x.F32()
	case tensor.Float64:
		return tensor.Data[float64](x)
	case tensor.Uint8:
		return tensor.Data[uint8](x)
	case tensor.Int8:
		return tensor.Data[int8](x)
	case tensor.Uint16:
		return tensor.Data[uint16](x)
	case tensor.Int16:
		return tensor.Data[int16](x)
	case tensor.Int32:
		return tensor.Data[int32](x)
	case tensor.Int64:
		return x.I64()
	}
	return tensor.Data[bool](x)
}

// write stores inputs for the script.
func write(t testing.TB, dir string, inputs map[string]*tensor.Tensor) map[string]array {
	t.Helper()
	out := map[string]array{}
	for name, x := range inputs {
		f, err := os.CreateTemp(dir, "in-*.bin")
		if err != nil {
			t.Fatal(err)
		}
		if err := binary.Write(f, binary.LittleEndian, elements(x)); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		out[name] = array{f.Name(), x.DType.String(), append([]int{}, x.Shape...)}
	}
	return out
}

// readGraph reads a model file.
func readGraph(t testing.TB, path string) *graph.Graph {
	t.Helper()
	data, err := os.ReadFile(path)
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
	return g
}

// writeGraph stores a graph as a model file.
func writeGraph(t testing.TB, g *graph.Graph, path string) {
	t.Helper()
	m, err := g.ToONNX()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, m.Marshal(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// differing counts the elements of two tensors that are not the same bits, and names the first.
func differing(got, want *tensor.Tensor) (n int, first string) {
	if got.DType != want.DType || tensor.FormatShape(got.Shape) != tensor.FormatShape(want.Shape) {
		return max(got.Len(), 1), fmt.Sprintf("%v where %v is expected", got, want)
	}
	at := func(x *tensor.Tensor, i int) float64 {
		switch x.DType {
		case tensor.Float32:
			return float64(x.F32()[i])
		case tensor.Uint8:
			return float64(tensor.Data[uint8](x)[i])
		case tensor.Int8:
			return float64(tensor.Data[int8](x)[i])
		case tensor.Int32:
			return float64(tensor.Data[int32](x)[i])
		}
		panic("bug: elements of " + x.DType.String())
	}
	for i := range want.Len() {
		if a, b := at(got, i), at(want, i); a != b && !(a != a && b != b) {
			if n++; n == 1 {
				first = fmt.Sprintf("element %d is %v, want %v", i, a, b)
			}
		}
	}
	return n, first
}

// images returns n images of a folder of the data, as a preset makes them for inputs of that shape.
func images(t testing.TB, folder, preset string, shape []int, n int) (out []*tensor.Tensor) {
	t.Helper()
	dir := testdata.Path(t, folder)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	p, ok := dataset.FindPreset(preset)
	if !ok {
		t.Fatalf("no preset %q", preset)
	}
	in, err := dataset.InputOf(shape, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries[:n] {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		x, err := dataset.Samples(e.Name(), data, p, in)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, x[0])
	}
	return out
}
