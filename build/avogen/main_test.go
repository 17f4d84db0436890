package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestCommittedFiles regenerates the assembly and its stubs and compares them
// with what is committed.
func TestCommittedFiles(t *testing.T) {
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 2 {
		t.Fatalf("%d files, want the assembly and its stubs", len(files))
	}
	for name, got := range files {
		want, err := os.ReadFile(filepath.Join(target, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("engine/kernel/%s is not what avogen writes: run `go run .` here and commit the result", name)
		}
	}
}
