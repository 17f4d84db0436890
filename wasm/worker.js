// The engine's side of a worker: waits for the compiled modules, starts Go on them, and says so when Go stops.
// It shares one script with the page (see build/), so that the single-file page can start it from a Blob.
"use strict";

// dropquantWatch returns the function that reports, once, that the Go program has ended: with the last lines that it wrote.
// Exceptions that nobody caught mean the same: after one the program's memory is in doubt.
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
	globalThis.addEventListener("error", (e) => {
		e.preventDefault(); // a worker's would go on to the page, which would take it for its own
		die(String(e.message));
	});
	globalThis.addEventListener("unhandledrejection", (e) => die(String(e.reason)));
	return die;
};

if (typeof document === "undefined" && typeof WorkerGlobalScope !== "undefined") {
	const die = globalThis.dropquantWatch((text) => postMessage({ m: JSON.stringify({ kind: "dead", text }), b: [] }));
	addEventListener("message", ({ data }) => {
		dropquantStart({
			goModule: data.goModule,
			kernelModules: data.kernelModules,
			reproducible: data.reproducible,
			argv: ["dropquant", "engine"],
			onExit: (code) => die("the program ended with code " + code),
		}).catch((e) => die(String(e)));
	}, { once: true });
}
