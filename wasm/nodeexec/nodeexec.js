// Runs a GOOS=js GOARCH=wasm program under Node with the kernel module, for
//
//	GOOS=js GOARCH=wasm go test -exec="$PWD/wasm/nodeexec/nodeexec" ./engine/...
//
// The baseline kernels run, which compute the same bits everywhere; DROPQUANT_KERNEL=relaxed asks for the relaxed ones.
"use strict";
const fs = require("fs");
const path = require("path");
const { execFileSync } = require("child_process");

globalThis.require = require;
globalThis.fs = fs;
globalThis.path = path;
const root = path.join(__dirname, "..", "..");
const goroot = process.env.GOROOT || execFileSync("go", ["env", "GOROOT"], { encoding: "utf8" }).trim();
require(path.join(goroot, "lib", "wasm", "wasm_exec.js"));
require(path.join(root, "wasm", "shim.js"));

const compile = (file) => new WebAssembly.Module(fs.readFileSync(file));
const kernel = (variant) => compile(path.join(root, "engine", "kernel", "wasmasm", `kernels_${variant}.wasm`));
const relaxed = process.env.DROPQUANT_KERNEL === "relaxed";
const fail = (err) => {
	console.error(err);
	process.exit(1);
};
if (relaxed && !dropquantSIMD.relaxed) fail("this Node has no relaxed SIMD: run it with --experimental-wasm-relaxed-simd, or a newer one");

let exited = false;
process.on("exit", (code) => {
	if (code === 0 && !exited) {
		console.error("the program waits for something that cannot happen");
		process.exitCode = 2;
	}
});
process.on("unhandledRejection", fail);
dropquantStart({
	goModule: compile(process.argv[2]),
	kernelModules: { simd: kernel("simd"), relaxed: relaxed && kernel("relaxed") },
	argv: process.argv.slice(2),
	env: { TMPDIR: require("os").tmpdir(), ...process.env },
	onExit: (code) => {
		exited = true;
		process.exit(code);
	},
	reproducible: !relaxed,
}).catch(fail);
