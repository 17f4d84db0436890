// The page's side of the start: finds out whether this browser can run Dropquant, gets the modules (over http, or out of
// the page itself when it is one file), compiles them once, and starts the user interface, which is Go.
"use strict";

if (typeof document !== "undefined") {
	const say = (text) => { document.getElementById("starting").textContent = text; };
	const config = JSON.parse(document.getElementById("config").textContent);

	// decode turns the build's base 85 into bytes.
	const decode = (text, length) => {
		const bytes = new Uint8Array(Math.ceil(length / 4) * 4);
		const view = new DataView(bytes.buffer);
		for (let at = 0, from = 0; at < bytes.length; at += 4) {
			let value = 0;
			for (let k = 0; k < 5; k++) {
				const c = text.charCodeAt(from++);
				value = value * 85 + (c === 126 ? 20 : c - 40);
			}
			view.setUint32(at, value);
		}
		return bytes.subarray(0, length);
	};

	// interleave undoes what the build does to weights, which holds every fourth byte together.
	const interleave = (planes) => {
		const bytes = new Uint8Array(planes.length);
		for (let first = 0, from = 0; first < 4; first++) {
			for (let i = first; i < bytes.length; i += 4) bytes[i] = planes[from++];
		}
		return bytes;
	};

	// open returns a Response with the file of that name: a data block of this page, packed there, or a file beside it.
	const open = async (name) => {
		const block = document.getElementById("file:" + name);
		if (block) {
			const { gzip, planes, bytes: length } = block.dataset;
			const bytes = new Blob([decode(block.textContent, Number(length))]);
			const file = new Response(gzip === undefined ? bytes : bytes.stream().pipeThrough(new DecompressionStream("gzip")));
			return planes === undefined ? file : new Response(interleave(new Uint8Array(await file.arrayBuffer())));
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

	const missing = () => {
		if (typeof WebAssembly !== "object" || !WebAssembly.compileStreaming) return "This browser has no WebAssembly, or it is switched off. Dropquant needs it: a Chrome, Edge, Firefox or Safari of the last three years has it.";
		if (typeof DecompressionStream !== "function" || typeof TransformStream !== "function") return "This browser is too old for Dropquant: it cannot unpack compressed streams. Update it, or use another one.";
		if (!dropquantSIMD.simd) return "This browser's WebAssembly has no SIMD instructions, which Dropquant computes with. Update it, or use another one.";
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
			const names = config.kernels.filter((name) => dropquantSIMD.relaxed || !name.includes("relaxed")); // the others would not compile
			const [goModule, ...kernels] = await Promise.all([compile("dropquant.wasm", progress), ...names.map((name) => compile(name))]);
			const kernelModules = Object.fromEntries(names.map((name, i) => [name.replace(/^kernels_|\.wasm$/g, ""), kernels[i]]));
			// Workers run this script too, from a Blob: a Blob's worker inherits the page's policy, so that it cannot connect
			// to anywhere either, and it works where the page is a file.
			const app = document.getElementById("app");
			const script = app.src ? await (await fetch(app.src)).blob() : app.textContent;
			const workerURL = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
			globalThis.dropquant = { config, open, goModule, kernelModules, workerURL };
			const die = dropquantWatch((text) => {
				const card = document.getElementById("errors");
				card.innerHTML = "<div class=error><h3>The page stopped</h3><p>This is a fault in Dropquant. Reload the page to go on; your files are untouched.</p><pre></pre></div>";
				card.querySelector("pre").textContent = text;
			});
			await dropquantStart({ goModule, kernelModules, argv: ["dropquant", "ui"], onExit: (code) => die("the program ended with code " + code) });
		} catch (e) {
			say(`The quantizer could not be loaded: ${e.message}. Reload the page to try again.`);
		} finally {
			clearTimeout(timer);
		}
	};
	start();
}
