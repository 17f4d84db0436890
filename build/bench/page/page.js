// The page of the benchmark: two workers, one with Dropquant's kernels and one with ONNX Runtime Web, that the Go program
// has run in turn.
"use strict";

// start starts a worker and returns the function that calls it: call(name, ...arguments).
const start = (url, options) => new Promise((resolve, reject) => {
	const worker = new Worker(url, options);
	const waiting = [];
	const call = (name, ...args) => new Promise((resolve, reject) => {
		waiting.push({ resolve, reject });
		worker.postMessage({ name, args });
	});
	worker.onerror = (e) => reject(new Error(`${url}: ${e.message}`));
	worker.onmessage = ({ data }) => {
		if (data.ready) return resolve(call);
		const { resolve: done, reject: fail } = waiting.shift();
		data.error === undefined ? done(data.value) : fail(new Error(data.error));
	};
});

const started = {};
const side = (name) => started[name] ??= name === "ort" ? start("ort.mjs", { type: "module" }) : start("dropquant.js");

// ask calls one side: "dropquant", "second", which is the same again, or "ort".
const ask = async (name, ...call) => (await side(name))(...call);

// random returns n numbers in [-1, 1), the same each time (mulberry32).
const random = (n) => {
	let state = 1;
	return Float32Array.from({ length: n }, () => {
		state = (state + 0x6d2b79f5) | 0;
		let t = Math.imul(state ^ (state >>> 15), 1 | state);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
	});
};

// load has both sides read a model, or Dropquant alone, and gives them the same input.
const load = async (name, both) => {
	const model = async () => new Uint8Array(await (await fetch("models/" + name)).arrayBuffer());
	const info = await ask("dropquant", "load", await model());
	const input = random(info.shape.reduce((a, b) => a * b, 1));
	await ask("dropquant", "feed", new Uint8Array(input.buffer));
	if (both) await ask("ort", "load", await model(), info.input, info.shape, input);
	return info;
};

// second has another worker read the model that Dropquant's has loaded, with the same input.
const second = async (name) => {
	const info = await ask("second", "load", new Uint8Array(await (await fetch("models/" + name)).arrayBuffer()));
	await ask("second", "feed", new Uint8Array(random(info.shape.reduce((a, b) => a * b, 1)).buffer));
};

// together runs both at the same time, n times each, and returns the milliseconds of a pass in the slower one.
const together = async (n) => Math.max(...await Promise.all(["dropquant", "second"].map((name) => ask(name, "run", n))));

// pairs calls two functions in turn, beginning with the one and then with the other, and returns what each gave.
const pairs = async (rounds, first, second) => {
	const out = [[], []];
	for (let i = 0; i < rounds; i++) {
		for (const k of i % 2 ? [1, 0] : [0, 1]) out[k].push(await [first, second][k]());
	}
	return out;
};

// quantized has Dropquant read the loaded model once more, quantized for a target, to run as on a kind of processor.
const quantized = async (name, target, isa) => {
	const file = new Uint8Array(await (await fetch(`quantized/${name}.${target}`)).arrayBuffer());
	await ask("dropquant", "quantized", file, target, isa);
};

// photos gives Dropquant the files that decode takes in turn, and the preset that makes them inputs.
const photos = async (paths, preset) => {
	for (const path of paths) await ask("dropquant", "photo", new Uint8Array(await (await fetch("photos/" + path)).arrayBuffer()), preset);
};

// difference returns the largest difference of the outputs of both sides, relative to the largest magnitude of its tensor.
const difference = async () => {
	const ours = await ask("dropquant", "outputs");
	const theirs = await ask("ort", "outputs");
	const names = Object.keys(theirs);
	if (names.length === 0) throw new Error("the model has no float output to compare");
	return Math.max(...names.map((name) => {
		const a = ours[name], b = theirs[name];
		if (!a || a.length !== b.length) throw new Error(`the sides disagree about the output ${name}`);
		let most = 0, largest = 0;
		for (let i = 0; i < a.length; i++) {
			if (!Number.isFinite(a[i]) || !Number.isFinite(b[i])) throw new Error(`the output ${name} is not finite`);
			most = Math.max(most, Math.abs(a[i] - b[i]));
			largest = Math.max(largest, Math.abs(b[i]));
		}
		return largest === 0 ? most : most / largest;
	}));
};
