package testdata

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// Models calls f with every model of the data folder: models/*.onnx, then each model.onnx of the
// operator vectors, in the archive's order.
func Models(t testing.TB, f func(name string, data []byte)) {
	t.Helper()
	names, err := filepath.Glob(Path(t, "models/*.onnx"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no models: %v", err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f(filepath.Base(name), data)
	}
	Nodes(t, func(name string, data []byte) {
		if path.Ext(name) == ".onnx" {
			f(name, data)
		}
	})
}

// Nodes calls f with every file of the operator vectors, in the archive's order.
func Nodes(t testing.TB, f func(name string, data []byte)) {
	t.Helper()
	file, err := os.Open(Path(t, "onnx-node-tests.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzip, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(unzip); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		f(strings.TrimPrefix(h.Name, "onnx-node-tests/"), data)
	}
}
