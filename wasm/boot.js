// The page's side of the start: finds out whether this browser can run Dropquant, gets the modules (over http, or out of
// the page itself when it is one file), compiles them once, and starts the user interface, which is Go.
"use strict";

if (typeof document !== "undefined") {
	const say = (text) => { document.getElementById("starting").textContent = text; };
	const config = JSON.parse(document.getElementById("config").textContent);

	// decode turns base64 into bytes. Where the browser has no native decoder, atob does it slice by slice.
	const decode = (text) => {
		if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
		const chars = atob(text);
		const bytes = new Uint8Array(chars.length);
		for (let i = 0; i < bytes.length; i++) bytes[i] = chars.charCodeAt(i);
		return bytes;
	};

	// open returns a Response with the file of that name: a data block of this page, gzipped there, or a file beside it.
	const open = async (name) => {
		const block = document.getElementById("file:" + name);
		if (block) {
			const bytes = new Blob([decode(block.textContent)]);
			return new Response(block.dataset.gzip === undefined ? bytes : bytes.stream().pipeThrough(new DecompressionStream("gzip")));
		}
		const answer = await fetch(config.files[name] ?? name);
		if (!answer.ok) throw new Error(`the server answered ${answer.status} for ${name}`);
		return answer;
	};

	// counted passes a body on and reports how much of it has come. The length is the built one: the header would
	// give the compressed length.
	const counted = (body, total, progress) => {
		let got = 0;
		return body.pipeThrough(new TransformStream({
			transform(chunk, out) {
				got += chunk.length;
				progress(Math.min(1, got / total));
				out.enqueue(chunk);
			},
		}));
	};

	const compile = async (name, progress) => {
		const answer = await open(name);
		const body = counted(answer.body, config.sizes[name], progress ?? (() => {}));
		return WebAssembly.compileStreaming(new Response(body, { headers: { "Content-Type": "application/wasm" } }));
	};

	// (module (func (result v128) i32.const 0 i8x16.splat))
	const simd = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11]);
	const missing = () => {
		if (typeof WebAssembly !== "object" || !WebAssembly.compileStreaming) return "This browser has no WebAssembly, or it is switched off. Dropquant needs it: a Chrome, Edge, Firefox or Safari of the last three years has it.";
		if (typeof DecompressionStream !== "function" || typeof TransformStream !== "function") return "This browser is too old for Dropquant: it cannot unpack compressed streams. Update it, or use another one.";
		if (!WebAssembly.validate(simd)) return "This browser's WebAssembly has no SIMD instructions, which Dropquant computes with. Update it, or use another one.";
		return "";
	};

	const start = async () => {
		const why = missing();
		if (why) return say(why);
		// Nothing is said for the first moment: on a fast machine a progress bar would only flicker.
		let late = false;
		const timer = setTimeout(() => { late = true; }, 400);
		const progress = (share) => { if (late) say(`Loading the quantizer, ${Math.round(share * 100)} %`); };
		try {
			const [goModule, ...kernels] = await Promise.all([compile("dropquant.wasm", progress), ...config.kernels.map((name) => compile(name))]);
			const kernelModules = Object.fromEntries(config.kernels.map((name, i) => [name.replace(/^kernels_|\.wasm$/g, ""), kernels[i]]));
			const app = document.getElementById("app");
			const workerURL = config.app ?? URL.createObjectURL(new Blob([app.textContent], { type: "text/javascript" }));
			globalThis.dropquant = { config, open, goModule, kernelModules, workerURL };
			globalThis.dropquantWatch((text) => {
				const card = document.getElementById("errors");
				card.innerHTML = "<div class=error><h3>The page stopped</h3><p>This is a fault in Dropquant. Reload the page to go on; your files are untouched.</p><pre></pre></div>";
				card.querySelector("pre").textContent = text;
			});
			await dropquantStart({ goModule, kernelModules, argv: ["dropquant", "ui"] });
		} catch (e) {
			say(`The quantizer could not be loaded: ${e.message}. Reload the page to try again.`);
		} finally {
			clearTimeout(timer);
		}
	};
	start();
}
