// Command gen writes the SIMD modules, run in the folder of the package that
// builds them, into the folder above.
package main

import (
	"log"
	"os"
	"path/filepath"

	"dropquant/engine/kernel/wasmasm/kernels"
)

func main() {
	for _, v := range kernels.Variants {
		if err := os.WriteFile(filepath.Join("..", v.File()), v.Build(), 0o644); err != nil {
			log.Fatal(err)
		}
	}
}
