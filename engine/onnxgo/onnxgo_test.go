package onnxgo_test

import (
	"bufio"
	"flag"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/owulveryck/onnx-go"
	"github.com/owulveryck/onnx-go/backend"
	"github.com/owulveryck/onnx-go/backend/testbackend"
	_ "github.com/owulveryck/onnx-go/backend/testbackend/onnx"
	gorgonia "gorgonia.org/tensor"

	"dropquant/engine/internal/testdata"
	"dropquant/engine/onnxgo"
)

var update = flag.Bool("update", false, "write the list of passing cases")

var _ backend.ComputationBackend = (*onnxgo.Graph)(nil)

// TestBackendCases runs onnx-go's conformance suite in a process of its own, because its failures
// fail the test that they run in, and compares what passes with testdata/cases.txt. The others are in
// testdata/cases-skipped.txt, each with its reason.
func TestBackendCases(t *testing.T) {
	if os.Getenv("ONNXGO_CASES") != "" { // the process of its own
		runCases(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestBackendCases$", "-test.v")
	cmd.Env = append(os.Environ(), "ONNXGO_CASES=1")
	out, _ := cmd.CombinedOutput() // it fails where a case does
	var passed, others []string
	for s := bufio.NewScanner(strings.NewReader(string(out))); s.Scan(); {
		m := verdict.FindStringSubmatch(s.Text())
		switch {
		case m == nil:
		case m[1] == "PASS":
			passed = append(passed, m[2])
		default:
			others = append(others, m[2])
		}
	}
	slices.Sort(passed)
	slices.Sort(others)
	t.Logf("%d cases pass, %d do not", len(passed), len(others))
	if *update {
		if err := os.WriteFile("testdata/cases.txt", []byte(strings.Join(passed, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := lines(t, "testdata/cases.txt"); !slices.Equal(passed, want) {
		for _, name := range want {
			if !slices.Contains(passed, name) {
				t.Errorf("%s passed once and does not now", name)
			}
		}
		for _, name := range passed {
			if !slices.Contains(want, name) {
				t.Errorf("%s passes and is not listed: run with -update", name)
			}
		}
	}
	var reasoned []string
	for _, l := range lines(t, "testdata/cases-skipped.txt") {
		name, reason, _ := strings.Cut(l, ": ")
		if reason == "" {
			t.Errorf("no reason: %q", l)
		}
		reasoned = append(reasoned, name)
	}
	if slices.Sort(reasoned); !slices.Equal(reasoned, others) {
		t.Errorf("these do not pass:\n%s\nthese have a reason:\n%s", strings.Join(others, "\n"), strings.Join(reasoned, "\n"))
	}
	if t.Failed() {
		t.Log("for the details: ONNXGO_CASES=1 go test -run TestBackendCases -v")
	}
}

var verdict = regexp.MustCompile(`^\s+--- (PASS|FAIL|SKIP): TestBackendCases/(\S+)`)

// runCases runs every case of the suite.
func runCases(t *testing.T) {
	for _, c := range testbackend.GetAllRegisteredTests() {
		tc := c()
		g := onnxgo.NewGraph()
		t.Run(tc.GetInfo(), tc.RunTest(g, false))
	}
}

func lines(t *testing.T, name string) []string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for s := bufio.NewScanner(strings.NewReader(string(data))); s.Scan(); {
		if l := s.Text(); l != "" && !strings.HasPrefix(l, "#") {
			list = append(list, l)
		}
	}
	return list
}

// TestModel runs a whole model twice on one compiled program.
func TestModel(t *testing.T) {
	data := testdata.Read(t, "models/squeezenet1_1.onnx")
	g := onnxgo.NewGraph()
	g.Opset = 13
	m := onnx.NewModel(g)
	if err := m.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	var first []float32
	for _, scale := range []float32{1, 0.5, 1} {
		x := make([]float32, 3*224*224)
		for i := range x {
			x[i] = float32(i%255)/255*scale - 0.5
		}
		if err := m.SetInput(0, gorgonia.New(gorgonia.WithShape(1, 3, 224, 224), gorgonia.WithBacking(x))); err != nil {
			t.Fatal(err)
		}
		if err := g.Run(); err != nil {
			t.Fatal(err)
		}
		out, err := m.GetOutputTensors()
		if err != nil {
			t.Fatal(err)
		}
		y := out[0].Data().([]float32)
		switch {
		case len(y) != 1000:
			t.Fatalf("%d numbers", len(y))
		case first == nil:
			first = y
		case slices.Equal(y, first) != (scale == 1):
			t.Errorf("scale %g: the results do not follow the input", scale)
		}
	}
}
