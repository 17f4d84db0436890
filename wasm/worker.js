// The engine's side of a worker: waits for the compiled modules, starts Go on them, and says so when Go stops.
// It shares one script with the page (see build/), so that the single-file page can start it from a Blob.
"use strict";

// dropquantWatch lets report(text) know when a Go program ends that should not end: with the last lines it wrote.
// It wraps the Go class, because that is where the exit code arrives whoever starts the program.
globalThis.dropquantWatch = (report) => {
	const lines = [];
	const decoder = new TextDecoder();
	const write = globalThis.fs.writeSync;
	globalThis.fs.writeSync = function (fd, bytes) {
		lines.push(...decoder.decode(bytes).split("\n").filter(Boolean));
		lines.splice(0, lines.length - 40);
		return write.call(this, fd, bytes);
	};
	let dead = false;
	const die = (text) => {
		if (!dead) {
			dead = true;
			report([text, ...lines].join("\n"));
		}
	};
	const Base = globalThis.Go;
	globalThis.Go = class extends Base {
		constructor() {
			super();
			this.exit = (code) => die("the program ended with code " + code);
		}
	};
	globalThis.addEventListener("error", (e) => die(String(e.message)));
	globalThis.addEventListener("unhandledrejection", (e) => die(String(e.reason)));
	return die;
};

if (typeof document === "undefined" && typeof WorkerGlobalScope !== "undefined") {
	const die = globalThis.dropquantWatch((text) => postMessage({ m: JSON.stringify({ kind: "dead", text }), b: [] }));
	addEventListener("message", ({ data }) => {
		dropquantStart({ goModule: data.goModule, kernelModules: data.kernelModules, argv: ["dropquant", "engine"] }).catch((e) => die(String(e)));
	}, { once: true });
}
