// Command avogen writes engine/kernel's amd64 assembly and its Go stubs: the
// inner loops in AVX2 and FMA, made with avo. Run it with `go run .` in this
// folder; a test holds that the committed files are what it writes.
//
// It is a module of its own so that avo stays out of the product's
// dependencies. There is one file for each family of kernels; the loops that a
// kernel stands for are the ref_*.go functions of engine/kernel.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
)

// target is the package that the generated files belong to.
const target = "../../engine/kernel"

func main() {
	files, err := generate()
	for name, data := range files {
		if err == nil {
			err = os.WriteFile(filepath.Join(target, name), data, 0o644)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "avogen:", err)
		os.Exit(1)
	}
}

// families are all the kernels, in the order of the output.
var families = []func(*gen){gemmKernels, packKernels, rowKernels, windowKernels, elementwiseKernels, softmaxKernels, quantizeKernels, transposeKernels,
	integerKernels, codeKernels, winogradKernels}

// generate returns the content of the files, by name.
func generate() (map[string][]byte, error) {
	g := &gen{Context: build.NewContext(), constants: map[uint32]bool{}}
	g.ConstraintExpr("!noasm")
	for _, family := range families {
		family(g)
	}
	file, err := g.Result()
	if err != nil {
		return nil, err
	}
	if err := pass.Compile.Execute(file); err != nil {
		return nil, err
	}
	config := printer.Config{Name: "build/avogen", Pkg: "kernel"}
	files := map[string][]byte{}
	for name, p := range map[string]printer.Printer{"avx2_amd64.s": printer.NewGoAsm(config), "avx2_amd64.go": printer.NewStubs(config)} {
		data, err := p.Print(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		files[name] = data
	}
	return files, nil
}
