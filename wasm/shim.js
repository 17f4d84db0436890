// Starts a Go program whose kernels are a second WebAssembly module on the same memory: a plain script for a page, a
// worker and Node, after Go's wasm_exec.js.
"use strict";

// dropquantSIMD says what this engine has: simd, which everything needs, and relaxed, which is faster.
globalThis.dropquantSIMD = (() => {
	// A module with one function that returns a v128, from the given code.
	const validates = (...code) => typeof WebAssembly === "object" && WebAssembly.validate(new Uint8Array([
		0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, code.length + 4, 1, code.length + 2, 0, ...code, 11,
	]));
	const splat = [65, 0, 253, 15]; // i32.const 0, i8x16.splat
	return { simd: validates(...splat), relaxed: validates(...splat, ...splat, ...splat, 253, 133, 2) }; // f32x4.relaxed_madd
})();

// dropquantStart runs goModule, a compiled GOOS=js program, with its `kernel` imports taken from the best of
// kernelModules (compiled, {simd, relaxed}; relaxed may be absent) that this engine can run. With reproducible it is the
// one that computes the same bits everywhere. It resolves when the program runs, and rejects with a sentence when it
// cannot. onExit(code) replaces what Go does when the program ends.
globalThis.dropquantStart = async ({ goModule, kernelModules, argv, env, onExit, reproducible }) => {
	if (!dropquantSIMD.simd) {
		throw new Error("this browser's WebAssembly has no SIMD instructions, which the quantizer computes with: update the browser or use another one");
	}
	const kernelModule = (dropquantSIMD.relaxed && !reproducible && kernelModules.relaxed) || kernelModules.simd;
	const go = new Go();
	if (argv) go.argv = argv;
	if (env) go.env = env;
	if (onExit) go.exit = onExit;

	// The program imports the kernels and they import its memory, so each import is a closure that finds its kernel
	// late. Kernels take at most 13 numbers; passing more than one takes costs nothing.
	let kernels;
	const imports = {};
	for (const { module, name } of WebAssembly.Module.imports(goModule)) {
		if (module === "kernel") {
			imports[name] = (a, b, c, d, e, f, g, h, i, j, k, l, m) => kernels[name](a, b, c, d, e, f, g, h, i, j, k, l, m);
		}
	}
	const instance = await WebAssembly.instantiate(goModule, { ...go.importObject, kernel: imports });
	kernels = (await WebAssembly.instantiate(kernelModule, { env: { mem: instance.exports.mem } })).exports;
	for (const name in imports) {
		if (!kernels[name]) throw new Error(`the kernel module has no ${name}: the program and its kernels come from different builds`);
	}
	go.run(instance);
};
