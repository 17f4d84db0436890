// Put into the product's page before it starts: notes when it says what, and how large the memory of its workers gets.
"use strict";

globalThis.marks = [];
globalThis.memory = 0;

const note = (says) => {
	if (says && says !== marks.at(-1)?.says) marks.push({ says, at: performance.now() });
};

// says is what the page says, and once the file is there what is known of it.
const says = () => {
	const last = marks.at(-1)?.says, numbers = document.getElementById("result-numbers");
	if (last === undefined) return "ready";
	if (last.startsWith("Done") && numbers && !numbers.textContent.includes("…")) return "Compared";
	if (last === "Compared" || last === "Predicted") return document.getElementById("check-progress") ? last : "Predicted";
	return document.getElementById("run-title").textContent;
};
// on calls see whenever the page changes, until that returns true.
const on = (see) => {
	const observer = new MutationObserver(() => { if (see()) observer.disconnect(); });
	observer.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
};
on(() => {
	if (document.documentElement?.hasAttribute("data-ready")) note(says());
});

// until resolves with the moment at which what is tested becomes true. Asking from outside again and again would take the time of
// the page's thread.
globalThis.until = (test) => new Promise((resolve, reject) => {
	setTimeout(() => reject(new Error("after ten minutes the page says: " + document.body.innerText)), 600_000);
	const see = () => test() && (resolve(performance.now()), true);
	if (!see()) on(see);
});

// quantize starts a run.
globalThis.quantize = (workers, images) => {
	for (const [id, value] of [["workers", workers], ["limit", images]]) {
		const field = document.getElementById(id);
		field.value = value;
		field.dispatchEvent(new Event("change", { bubbles: true }));
	}
	note("click");
	document.getElementById("run").click();
};

// The page's workers are made from a Blob; this comes before their script. A worker's memory never shrinks, so it is enough
// to look at it when it says something.
const prelude = `{
	const channel = new BroadcastChannel("memory"), instantiate = WebAssembly.instantiate, post = postMessage;
	let memory, told = 0;
	WebAssembly.instantiate = async (...args) => {
		const instance = await instantiate(...args);
		memory ??= instance.exports.mem;
		return instance;
	};
	globalThis.postMessage = (...args) => {
		const bytes = memory?.buffer.byteLength ?? 0;
		if (bytes > told) channel.postMessage(told = bytes);
		post.apply(globalThis, args);
	};
}
`;
new BroadcastChannel("memory").onmessage = ({ data }) => { memory = Math.max(memory, data); };
const create = URL.createObjectURL;
URL.createObjectURL = (blob) => create.call(URL, blob.type === "text/javascript" ? new Blob([prelude, blob], { type: blob.type }) : blob);
