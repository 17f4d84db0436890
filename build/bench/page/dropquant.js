// Dropquant in a worker: its program calls serve when it runs.
"use strict";

importScripts("serve.js", "wasm_exec.js", "shim.js");

const compile = (name) => WebAssembly.compileStreaming(fetch(name));

(async () => {
	if (!dropquantSIMD.relaxed) throw new Error("this browser has no relaxed SIMD");
	const [goModule, relaxed, simd] = await Promise.all(["forward.wasm", "kernels_relaxed.wasm", "kernels_simd.wasm"].map(compile));
	await dropquantStart({ goModule, kernelModules: { relaxed, simd } });
})().catch((e) => setTimeout(() => { throw e; }));
