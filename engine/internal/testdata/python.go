package testdata

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// Python returns the interpreter with .ci/requirements.txt, that is with the real runtimes: the environment variable
// DROPQUANT_PYTHON. The test is skipped without it; why completes the sentence "… to".
func Python(t testing.TB, why string) string {
	t.Helper()
	python := os.Getenv("DROPQUANT_PYTHON")
	if python == "" {
		t.Skip("set DROPQUANT_PYTHON to a Python with .ci/requirements.txt to " + why)
	}
	return python
}

//go:embed exact.py
var exactScript []byte

var exact struct {
	once sync.Once
	said []byte
	err  error
}

// Exact reports whether the processor that python runs on adds the products of int8 exactly, as those with VNNI and those that are not
// x86 do: ONNX Runtime is asked for a sum of which the others would lose half.
func Exact(t testing.TB, python string) (sums bool) {
	t.Helper()
	exact.once.Do(func() {
		cmd := exec.Command(python, "-")
		cmd.Stdin = bytes.NewReader(exactScript)
		exact.said, exact.err = cmd.Output()
	})
	if exact.err != nil {
		t.Fatalf("exact.py: %v", exact.err)
	}
	if err := json.Unmarshal(exact.said, &sums); err != nil {
		t.Fatalf("exact.py: %v", err)
	}
	return sums
}

// Ask runs a script of the package's testdata folder on a job, written as JSON to a file, and reads the JSON that it
// prints into answer, a pointer, or nothing when that is nil. env is added to the environment. What the script says besides is shown when it fails.
func Ask(t testing.TB, python, script string, job, answer any, env ...string) {
	t.Helper()
	text, err := json.Marshal(job)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "job.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, filepath.Join("testdata", script), path)
	cmd.Env = append(os.Environ(), env...)
	var log bytes.Buffer
	cmd.Stderr = &log
	printed, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, log.Bytes())
	}
	if answer == nil {
		return
	}
	if err := json.Unmarshal(printed, answer); err != nil {
		t.Fatalf("%s: %v", script, err)
	}
}
