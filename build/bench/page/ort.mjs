// ONNX Runtime Web in a worker, on one thread.
import "./serve.js";
import * as ort from "./ort/ort.wasm.min.mjs";

ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = new URL("./ort/", import.meta.url).href;

let session, feeds;

serve({
	async load(model, name, shape, input) {
		await session?.release();
		session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"], graphOptimizationLevel: "all" });
		feeds = { [name]: new ort.Tensor("float32", input, shape) };
	},
	async run(times) {
		const began = performance.now();
		for (let i = 0; i < times; i++) await session.run(feeds);
		return (performance.now() - began) / times;
	},
	async outputs() {
		const out = await session.run(feeds);
		return Object.fromEntries(Object.entries(out).filter(([, t]) => t.type === "float32").map(([name, t]) => [name, t.data]));
	},
});
