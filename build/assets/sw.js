// Keeps the page for use without a network. The build puts in the version and the list of files; every name but the page's
// own holds a hash, so a kept file is never stale. A new version waits until the page asks for it.
"use strict";

const cacheName = "dropquant-" + "{{version}}";
const keptName = "dropquant-samples"; // larger files, kept when they are first asked for
const files = /* {{files}} */ [];

self.addEventListener("install", (event) => {
	event.waitUntil(caches.open(cacheName).then((cache) => cache.addAll(files.map((f) => new Request(f, { cache: "no-cache" })))));
});

self.addEventListener("activate", (event) => {
	event.waitUntil((async () => {
		for (const name of await caches.keys()) {
			if (name.startsWith("dropquant-") && name !== cacheName && name !== keptName) await caches.delete(name);
		}
		await self.clients.claim();
	})());
});

self.addEventListener("message", (event) => {
	if (event.data === "activate") self.skipWaiting();
});

self.addEventListener("fetch", (event) => {
	const url = new URL(event.request.url);
	if (event.request.method !== "GET" || url.origin !== location.origin) return;
	event.respondWith((async () => {
		const page = event.request.mode === "navigate" && new URL("./", location).pathname === url.pathname;
		const hit = await caches.match(page ? "./" : event.request);
		if (hit) return hit;
		const answer = await fetch(event.request);
		if (answer.ok && url.pathname.includes("/samples/")) {
			const cache = await caches.open(keptName);
			await cache.put(event.request, answer.clone());
		}
		return answer;
	})());
});
