package kernels

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/tetratelabs/wazero"
)

// TestCommitted regenerates the modules that lie in the tree.
func TestCommitted(t *testing.T) {
	for _, v := range Variants {
		want, err := os.ReadFile(filepath.Join("..", v.File()))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(v.Build(), want) {
			t.Errorf("%s is not what its source builds: run go generate ./engine/kernel/wasmasm/...", v.File())
		}
	}
}

// TestTiles validates the module for every height of tile, not only the ones
// that were found to be the fastest.
func TestTiles(t *testing.T) {
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer r.Close(ctx)
	for rows := 1; rows <= 8; rows++ {
		if _, err := r.CompileModule(ctx, Variant{Name: "any", Rows: rows, Rows8: rows}.Build()); err != nil {
			t.Errorf("%d rows: %v", rows, err)
		}
	}
}
