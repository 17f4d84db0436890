// A worker's side of the calls: serve(api) answers {name, args} with what api[name](...args) gives, one after the other.
"use strict";

globalThis.serve = (api) => {
	let last = Promise.resolve();
	onmessage = ({ data: { name, args } }) => {
		last = last.then(() => api[name](...args)).then((value) => postMessage({ value }), (e) => postMessage({ error: String(e) }));
	};
	postMessage({ ready: true });
};
