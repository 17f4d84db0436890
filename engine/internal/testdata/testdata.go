// Package testdata finds the models and images that lie beside the checkout.
package testdata

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Dir returns the data folder: the environment variable DROPQUANT_DATA, or
// shared/data beside the checkout. The test is skipped when it is absent.
func Dir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("DROPQUANT_DATA")
	if dir == "" {
		_, file, _, _ := runtime.Caller(0)
		dir = filepath.Join(filepath.Dir(file), "..", "..", "..", "..", "shared", "data")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the models and images are not here: set DROPQUANT_DATA to their folder (%v)", err)
	}
	return dir
}

// Path returns the path of one file of the data folder.
func Path(t testing.TB, name string) string {
	t.Helper()
	return filepath.Join(Dir(t), filepath.FromSlash(name))
}

// Read returns the bytes of one file of the data folder.
func Read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(Path(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
