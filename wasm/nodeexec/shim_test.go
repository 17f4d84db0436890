//go:build !js

// Package nodeexec_test checks how wasm/shim.js chooses kernels, in Node.
package nodeexec_test

import (
	"os/exec"
	"strings"
	"testing"
)

// prelude stands in for Go's loader: a program that imports one kernel, and
// two kernel modules, of which only the engine's choice is asked for.
const prelude = `
const wasm = (...bytes) => new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, ...bytes]);
// imports kernel.f as a function, exports a memory as mem
const program = wasm(1, 4, 1, 96, 0, 0, 2, 12, 1, 6, 107, 101, 114, 110, 101, 108, 1, 102, 0, 0, 5, 3, 1, 0, 1, 7, 7, 1, 3, 109, 101, 109, 2, 0);
// imports env.mem, exports a function named by one letter
const kernels = (name) => wasm(1, 4, 1, 96, 0, 0, 2, 12, 1, 3, 101, 110, 118, 3, 109, 101, 109, 2, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, name.charCodeAt(0), 0, 0, 10, 4, 1, 2, 0, 11);
globalThis.Go = class { importObject = {}; run() { console.log("runs"); } };
const start = (relaxed, simd, options) => {
	require("../shim.js");
	const compile = (bytes) => bytes && new WebAssembly.Module(bytes);
	dropquantSIMD.relaxed = true;
	return dropquantStart({ goModule: compile(program), kernelModules: { relaxed: compile(relaxed), simd: compile(simd) }, ...options }).catch((e) => console.log(e.message));
};
`

func TestShim(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("Node is not installed: the shim is not checked")
	}
	const mismatch = "the kernel module has no f: the program and its kernels come from different builds"
	for _, c := range []struct{ name, script, want string }{
		{"relaxed where there is", `start(kernels("f"), kernels("g"))`, "runs"},
		{"baseline where there is no relaxed", `start(undefined, kernels("f"))`, "runs"},
		{"baseline when reproducible", `start(kernels("g"), kernels("f"), { reproducible: true })`, "runs"},
		{"kernels of another build", `start(kernels("f"), kernels("g"), { reproducible: true })`, mismatch},
		{"no SIMD", `WebAssembly.validate = () => false; start(kernels("f"), kernels("f"))`,
			"this browser's WebAssembly has no SIMD instructions, which the quantizer computes with: update the browser or use another one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := exec.Command("node", "-e", prelude+c.script).CombinedOutput()
			if got := strings.TrimSpace(string(out)); err != nil || got != c.want {
				t.Errorf("Node says %q (%v), want %q", got, err, c.want)
			}
		})
	}
}
