package exec_test

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	engine "dropquant/engine/exec"
	"dropquant/engine/graph"
	"dropquant/engine/internal/testdata"
	"dropquant/engine/onnx"
	"dropquant/engine/tensor"
)

var update = flag.Bool("update", false, "write the list of passing vectors")

// Elements agree when they differ by no more than these, absolutely or relative to the expected one.
// Integers, booleans and strings agree exactly.
const (
	absolute = 2e-6
	relative = 2e-5
)

// TestVectors runs ONNX's own operator tests. testdata/vectors.txt is the exact list of those that
// pass; every other must be covered by a line of testdata/vectors-skipped.txt, which gives the reason.
func TestVectors(t *testing.T) {
	cases := readVectors(t)
	var passed []string
	failed := map[string]error{}
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		if err := cases[name].run(); err != nil {
			failed[name] = err
		} else {
			passed = append(passed, name)
		}
	}
	t.Logf("%d of %d vectors pass", len(passed), len(cases))
	if *update {
		if err := os.WriteFile("testdata/vectors.txt", []byte(strings.Join(passed, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := readLines(t, "testdata/vectors.txt")
	for _, name := range want {
		if failed[name] != nil {
			t.Errorf("%s passed once and fails now: %v", name, failed[name])
		} else if cases[name] == nil {
			t.Errorf("%s is listed and not there", name)
		}
	}
	for _, name := range passed {
		if !slices.Contains(want, name) {
			t.Errorf("%s passes and is not listed: run with -update", name)
		}
	}
	checkSkipped(t, failed, passed)
}

// checkSkipped wants a reason for every failure, and a failure for every reason. A line is a glob
// pattern, a colon and the reason.
func checkSkipped(t *testing.T, failed map[string]error, passed []string) {
	reasons := map[string]int{}
	lines := readLines(t, "testdata/vectors-skipped.txt")
	for _, name := range slices.Sorted(maps.Keys(failed)) {
		found := false
		for _, l := range lines {
			pattern, reason, _ := strings.Cut(l, ": ")
			if ok, _ := path.Match(pattern, name); ok && reason != "" {
				reasons[l]++
				found = true
				break
			}
		}
		if !found {
			t.Errorf("%s fails and has no reason: %v", name, failed[name])
		}
	}
	for _, l := range lines {
		if reasons[l] == 0 {
			t.Errorf("nothing fails for the reason %q", l)
		}
	}
}

func readLines(t *testing.T, name string) []string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for s := bufio.NewScanner(strings.NewReader(string(data))); s.Scan(); {
		if l := s.Text(); l != "" && !strings.HasPrefix(l, "#") {
			lines = append(lines, l)
		}
	}
	return lines
}

// vector is one test: a model and data sets of inputs and outputs by file name.
type vector struct {
	model []byte
	sets  map[string]map[string][]byte
}

func readVectors(t *testing.T) map[string]*vector {
	t.Helper()
	f, err := os.Open(testdata.Path(t, "onnx-node-tests.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]*vector{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return cases
		}
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(strings.Trim(h.Name, "/"), "/")
		if len(parts) < 4 || h.Typeflag != tar.TypeReg {
			continue
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(parts[2], "test_")
		if cases[name] == nil {
			cases[name] = &vector{sets: map[string]map[string][]byte{}}
		}
		switch v := cases[name]; {
		case parts[3] == "model.onnx":
			v.model = data
		case len(parts) == 5:
			if v.sets[parts[3]] == nil {
				v.sets[parts[3]] = map[string][]byte{}
			}
			v.sets[parts[3]][parts[4]] = data
		}
	}
}

func (v *vector) run() error {
	if len(v.sets) == 0 {
		return errors.New("it has no data")
	}
	for _, set := range v.sets {
		// What decides a shape must be constant, and only some tests need that: first as given.
		err := v.runSet(set, func(int) bool { return false })
		if err != nil && strings.Contains(err.Error(), "constant") {
			err = v.runSet(set, func(i int) bool { return i > 0 })
		}
		if err != nil && strings.Contains(err.Error(), "constant") {
			err = v.runSet(set, func(i int) bool { return true })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (v *vector) runSet(set map[string][]byte, constant func(input int) bool) error {
	m, err := onnx.Parse(v.model)
	if err != nil {
		return err
	}
	g, err := graph.FromONNX(m)
	if err != nil {
		return err
	}
	inputs, shapes := map[string]*tensor.Tensor{}, map[string][]int{}
	var open []*graph.Value
	for i, in := range g.Inputs {
		data, ok := set[fmt.Sprintf("input_%d.pb", i)]
		if !ok {
			return fmt.Errorf("no data for input %d", i)
		}
		x, err := readTensor(data)
		if err != nil {
			return err
		}
		if constant(i) {
			in.Const = x
			continue
		}
		open = append(open, in)
		inputs[in.Name], shapes[in.Name] = x, x.Shape
	}
	g.Inputs = open
	p, err := engine.Compile(g, shapes, engine.Options{})
	if err != nil {
		return err
	}
	got, err := p.Run(inputs, nil)
	if err != nil {
		return err
	}
	for i, o := range g.Outputs {
		want, err := readTensor(set[fmt.Sprintf("output_%d.pb", i)])
		if err != nil {
			return err
		}
		if err := agree(got[o.Name], want); err != nil {
			return fmt.Errorf("output %d: %w", i, err)
		}
	}
	return nil
}

func readTensor(data []byte) (*tensor.Tensor, error) {
	p, err := onnx.ParseTensor(data)
	if err != nil {
		return nil, err
	}
	return p.Decode()
}

// agree compares two tensors within the tolerance.
func agree(got, want *tensor.Tensor) error {
	if got.DType != want.DType || tensor.FormatShape(got.Shape) != tensor.FormatShape(want.Shape) {
		return fmt.Errorf("%v where %v is expected", got, want)
	}
	var a, b []float64
	switch got.DType {
	case tensor.Float32:
		for i, x := range got.F32() {
			a, b = append(a, float64(x)), append(b, float64(want.F32()[i]))
		}
	case tensor.Float64:
		a, b = tensor.Data[float64](got), tensor.Data[float64](want)
	default:
		if x, y := elements(got), elements(want); x != y {
			return fmt.Errorf("%s where %s is expected", x, y)
		}
		return nil
	}
	for i, x := range a {
		if d := math.Abs(x - b[i]); x != b[i] && !(d <= absolute+relative*math.Abs(b[i])) && !(x != x && b[i] != b[i]) {
			return fmt.Errorf("element %d is %g where %g is expected", i, x, b[i])
		}
	}
	return nil
}

// elements prints the elements of a tensor that is not of floats.
func elements(t *tensor.Tensor) string {
	switch t.DType {
	case tensor.Int8:
		return fmt.Sprint(tensor.Data[int8](t))
	case tensor.Uint8:
		return fmt.Sprint(tensor.Data[uint8](t))
	case tensor.Int16:
		return fmt.Sprint(tensor.Data[int16](t))
	case tensor.Uint16, tensor.Float16, tensor.BFloat16:
		return fmt.Sprint(tensor.Data[uint16](t))
	case tensor.Int32:
		return fmt.Sprint(tensor.Data[int32](t))
	case tensor.Uint32:
		return fmt.Sprint(tensor.Data[uint32](t))
	case tensor.Int64:
		return fmt.Sprint(t.I64())
	case tensor.Uint64:
		return fmt.Sprint(tensor.Data[uint64](t))
	case tensor.Bool:
		return fmt.Sprint(tensor.Data[bool](t))
	}
	return fmt.Sprint(tensor.Data[string](t))
}
