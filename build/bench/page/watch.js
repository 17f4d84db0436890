// Put into the product's page before it starts: notes when it says what, and how large the memory of its workers gets.
"use strict";

globalThis.marks = [];
globalThis.memory = 0;

const note = (says) => {
	if (says && says !== marks.at(-1)?.says) marks.push({ says, at: performance.now() });
};
new MutationObserver(() => {
	if (document.documentElement?.hasAttribute("data-ready")) note(marks.length === 0 ? "ready" : document.getElementById("run-title").textContent);
}).observe(document, { subtree: true, childList: true, characterData: true, attributes: true });

// quantize starts a run.
globalThis.quantize = (workers) => {
	const field = document.getElementById("workers");
	field.value = workers;
	field.dispatchEvent(new Event("change", { bubbles: true }));
	note("click");
	document.getElementById("run").click();
};

// The page's workers are made from a Blob; this comes before their script. A worker's memory never shrinks, so it is enough
// to look at it when it says something.
const prelude = `{
	const channel = new BroadcastChannel("memory"), instantiate = WebAssembly.instantiate, post = postMessage;
	let memory;
	WebAssembly.instantiate = async (...args) => {
		const instance = await instantiate(...args);
		memory ??= instance.exports.mem;
		return instance;
	};
	globalThis.postMessage = (...args) => {
		channel.postMessage(memory?.buffer.byteLength ?? 0);
		post.apply(globalThis, args);
	};
}
`;
new BroadcastChannel("memory").onmessage = ({ data }) => { memory = Math.max(memory, data); };
const create = URL.createObjectURL;
URL.createObjectURL = (blob) => create.call(URL, blob.type === "text/javascript" ? new Blob([prelude, blob], { type: blob.type }) : blob);
