/**
 * Caches the built site for offline use, and isolates the page so that WebAssembly may use threads.
 *
 * The build copies this file to the site's root, so that its scope covers the page, and writes the site's
 * digest into BUILD: another site has another service worker. One cache holds one build, every file verified
 * by the sha256 in build.json, so that files of two builds never mix. What a start needs is cached at once,
 * everything else when it is first used. A new build waits until the page activates it.
 *
 * Scripts of this origin, a user's function among them, can write into the cache. Documents, scripts and Python are
 * therefore verified whenever they are read, and build.json by BUILD; WebAssembly and large data once in the life of
 * this worker, while they are delivered.
 *
 * A classic script: not every browser has service workers that are modules.
 * @module
 */

const BUILD = "development";
// Written by the build: the Content-Security-Policy of documents that have their own, and, under "", that of all other
// files, workers' scripts among them.
/** @type {Record<string, string>} */
const POLICIES = {};
const PREFIX = "autogaze-site ";
const CACHE = PREFIX + BUILD;
const MANIFEST = "build.json";
// Not a file of the site: which clients were loaded from an earlier build than this one.
const OLD_CLIENTS = "old-clients";
const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};
const FETCHES_AT_ONCE = 6;
// Verified only after it was delivered: browsers compile WebAssembly while it arrives, and cache the machine code.
const LARGE_DATA = /\.(wasm|onnx|safetensors|webm|mp4|png)$/;

/**
 * @typedef {{ id: string, start: string[], files: Record<string, { bytes: number, sha256: string }> }} Manifest
 */

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (globalThis));
/** @type {Manifest | undefined} */
let known;
/** @type {string[] | undefined} */
let oldClients;
/** Paths of large data that was verified. @type {Set<string>} */
const verified = new Set();

worker.addEventListener("install", (event) => event.waitUntil(install()));
worker.addEventListener("activate", (event) => event.waitUntil(activate()));
worker.addEventListener("message", (event) => {
  if (event.data === "take-over") event.waitUntil(takeOver(event.source));
  else if (event.data?.cache) event.waitUntil(cacheForPage(event.data.cache, event.ports[0]));
});
worker.addEventListener("fetch", (event) => {
  const path = pathOf(event.request);
  if (path !== null) event.respondWith(answer(event, path));
});

async function install() {
  const response = await fetch(urlOf(MANIFEST), { cache: "no-cache" });
  /** @type {Manifest} */
  const manifest = await response.clone().json();
  if (manifest.id !== BUILD) throw new Error("The site is being replaced: the next visit installs it.");
  const cache = await caches.open(CACHE);
  const wasComplete = await cache.match(urlOf(MANIFEST));
  try {
    await cacheAll(cache, manifest, manifest.start);
    // Last, so that a cache without it is known to be incomplete.
    await cache.put(urlOf(MANIFEST), await withHeaders(response, MANIFEST));
  } catch (error) {
    // A build that could not be stored must not take space.
    if (!wasComplete) await caches.delete(CACHE);
    throw error;
  }
}

async function activate() {
  for (const name of await caches.keys()) {
    if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
  }
  await worker.clients.claim();
}

/**
 * The page that offers the new version asks for this and reloads itself; the other open pages are noted as old.
 * @param {Client | ServiceWorker | MessagePort | null} requester
 */
async function takeOver(requester) {
  const requesterId = requester && "id" in requester ? requester.id : "";
  const clients = await worker.clients.matchAll({ includeUncontrolled: true, type: "all" });
  const others = clients.map(({ id }) => id).filter((id) => id !== requesterId);
  const cache = await caches.open(CACHE);
  await cache.put(urlOf(OLD_CLIENTS), Response.json(others));
  oldClients = others;
  await worker.skipWaiting();
}

/**
 * @param {FetchEvent} event
 * @param {string} path of a file of the site
 * @returns {Promise<Response>}
 */
async function answer(event, path) {
  const { request, clientId } = event;
  const manifest = await manifestOfThis();
  const file = manifest?.files[path];
  if (!manifest) return passOn(request);
  if (!file && path !== MANIFEST) return fetch(request);
  // A navigation comes from the page that is being left.
  if (request.mode !== "navigate" && (await isOld(clientId)))
    return refusal("This page was replaced by a new version: reload it.");
  const response = (await cachedAndVerified(event, path, manifest)) ?? (await fetchAndCache(path, manifest));
  const range = request.headers.get("range");
  return range ? partOf(response, range) : response;
}

/**
 * For a page whose cache was deleted: an isolated one still needs its headers.
 * @param {Request} request
 */
async function passOn(request) {
  const response = await fetch(request);
  return response.type === "basic" ? withHeaders(response, pathOf(request) ?? "", response.body) : response;
}

/**
 * A file from the cache; one that was changed there is deleted.
 * @param {FetchEvent} event
 * @param {string} path
 * @param {Manifest} manifest
 * @returns {Promise<Response | undefined>}
 */
async function cachedAndVerified(event, path, manifest) {
  if (path === MANIFEST) return withHeaders(Response.json(manifest), path);
  const response = await cached(path);
  if (!response) return undefined;
  if (!LARGE_DATA.test(path)) {
    const bytes = await response.arrayBuffer();
    return (await isIntact(bytes, path, manifest)) ? withHeaders(response, path, bytes) : undefined;
  }
  if (!verified.has(path)) {
    verified.add(path);
    const copy = response.clone();
    event.waitUntil(copy.arrayBuffer().then((bytes) => isIntact(bytes, path, manifest)));
  }
  return response;
}

/**
 * Whether a cached file is the build's; otherwise it is deleted from the cache.
 * @param {ArrayBuffer} bytes
 * @param {string} path
 * @param {Manifest} manifest
 */
async function isIntact(bytes, path, { files }) {
  if ((await sha256Of(bytes)) === files[path]?.sha256) return true;
  await (await openCache())?.delete(urlOf(path));
  return false;
}

/**
 * Looks in all caches, because opening one would create it again after the page has deleted it.
 * @param {string} path
 */
function cached(path) {
  return caches.match(urlOf(path), { cacheName: CACHE });
}

async function openCache() {
  return (await caches.has(CACHE)) ? caches.open(CACHE) : undefined;
}

/**
 * Fetches a file and caches it; if storage is full the page works without the cached file.
 * @param {string} path
 * @param {Manifest} manifest
 * @returns {Promise<Response>} a refusal if the server has another build by now
 */
async function fetchAndCache(path, manifest) {
  const response = await fetchVerified(path, manifest);
  if (response.ok) await (await openCache())?.put(urlOf(path), response.clone()).catch(() => {});
  return response;
}

/**
 * @param {string} path
 * @param {Manifest} manifest
 * @returns {Promise<Response>} a refusal if the server has another build by now
 */
async function fetchVerified(path, { files }) {
  // The browser's own cache costs nothing; the digest tells whether it is stale.
  for (const mode of /** @type {RequestCache[]} */ (["force-cache", "reload"])) {
    const response = await fetch(urlOf(path), { cache: mode });
    if (!response.ok) return response;
    const bytes = await response.arrayBuffer();
    if ((await sha256Of(bytes)) === files[path]?.sha256) return withHeaders(response, path, bytes);
  }
  return refusal(`${path} belongs to a newer version of this page: reload it.`);
}

/**
 * Caches files that are not cached yet, taking unchanged ones from an earlier build.
 * @param {Cache} cache
 * @param {Manifest} manifest
 * @param {string[]} paths
 * @param {(bytes: number) => void} [onBytes] called with the bytes cached up to here
 * @throws {Error} if one of them is unavailable, or if storage is full
 */
async function cacheAll(cache, manifest, paths, onBytes = () => {}) {
  const waiting = [...paths];
  let bytes = 0;
  const work = async () => {
    for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
      if (!(await cache.match(urlOf(path))) && !(await adopt(cache, path, manifest))) {
        const response = await fetchVerified(path, manifest);
        if (!response.ok) throw new Error(`${path} could not be stored (${response.status}).`);
        await cache.put(urlOf(path), response);
      }
      bytes += manifest.files[path]?.bytes ?? 0;
      onBytes(bytes);
    }
  };
  await Promise.all(Array.from({ length: FETCHES_AT_ONCE }, work));
}

/**
 * Copies a file from an earlier build's cache if it is the same.
 * @param {Cache} cache
 * @param {string} path
 * @param {Manifest} manifest
 */
async function adopt(cache, path, { files }) {
  for (const name of await caches.keys()) {
    if (!name.startsWith(PREFIX) || name === CACHE) continue;
    const old = await caches.open(name);
    const isSame = (await manifestIn(old))?.files[path]?.sha256 === files[path]?.sha256;
    const response = isSame ? await old.match(urlOf(path)) : undefined;
    const bytes = await response?.arrayBuffer();
    if (!response || !bytes || (await sha256Of(bytes)) !== files[path]?.sha256) continue;
    await cache.put(urlOf(path), await withHeaders(response, path, bytes));
    return true;
  }
  return false;
}

/**
 * Caches the files that the page names, and reports the progress to it.
 * @param {string[]} paths
 * @param {MessagePort | undefined} port
 */
async function cacheForPage(paths, port) {
  try {
    const cache = await openCache();
    const manifest = await manifestOfThis();
    if (!manifest || !cache) throw new Error("Nothing is stored any more: reload the page.");
    await cacheAll(cache, manifest, paths, (bytes) => port?.postMessage({ bytes }));
    port?.postMessage({ done: true });
  } catch (error) {
    const isFull = error instanceof DOMException && error.name === "QuotaExceededError";
    const problem =
      error instanceof Error && !isFull ? error.message : "This browser has no space left for it.";
    port?.postMessage({ problem, isFull });
  }
}

/** @returns {Promise<Manifest | undefined>} of this build, undefined if it is not cached */
async function manifestOfThis() {
  const response = known ? undefined : await cached(MANIFEST);
  if (response) {
    known = await manifestOf(response);
    // Changed by a script.
    if (!known) {
      const fresh = await fetch(urlOf(MANIFEST), { cache: "no-cache" });
      known = await manifestOf(fresh.clone());
      if (known) await (await openCache())?.put(urlOf(MANIFEST), await withHeaders(fresh, MANIFEST));
    }
  }
  return known;
}

/**
 * @param {Response} response
 * @returns {Promise<Manifest | undefined>} undefined if it is not that of this build
 */
async function manifestOf(response) {
  const manifest = await response.json().catch(() => ({}));
  return (await idOf(manifest)) === BUILD ? manifest : undefined;
}

/**
 * The digest of all files, as `site/build_site.py` computes it.
 * @param {Partial<Manifest> | null} manifest
 */
async function idOf(manifest) {
  const text = Object.entries(manifest?.files ?? {}).map(([path, file]) => `${path} ${file?.sha256} `);
  return (await sha256Of(new TextEncoder().encode(text.join("")).buffer)).slice(0, BUILD.length);
}

/**
 * @param {Cache} cache
 * @returns {Promise<Manifest | undefined>}
 */
async function manifestIn(cache) {
  return (await cache.match(urlOf(MANIFEST)))?.json();
}

/** @param {string} id of a client */
async function isOld(id) {
  oldClients ??= /** @type {string[]} */ ((await (await cached(OLD_CLIENTS))?.json()) ?? []);
  return oldClients.includes(id);
}

/**
 * The response with the headers of isolation and the Content-Security-Policy.
 * @param {Response} response
 * @param {string} path of the file
 * @param {BodyInit | null} [body] of the response, if it was read already
 */
async function withHeaders(response, path, body) {
  const headers = new Headers(response.headers);
  const policy = POLICIES[path] ?? POLICIES[""];
  if (policy) headers.set("Content-Security-Policy", policy);
  // The body is decoded already, and every request gets the same one.
  for (const name of ["Content-Encoding", "Vary"]) headers.delete(name);
  for (const [name, value] of Object.entries(ISOLATION)) headers.set(name, value);
  const { status, statusText } = response;
  return new Response(body ?? (await response.arrayBuffer()), { status, statusText, headers });
}

/**
 * A range of a response, which media players request.
 * @param {Response} response
 * @param {string} range
 */
async function partOf(response, range) {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(range) ?? [];
  if (first === undefined || !response.ok) return response;
  const bytes = await response.arrayBuffer();
  const end = Math.min(last ? Number(last) + 1 : bytes.byteLength, bytes.byteLength);
  const headers = new Headers(response.headers);
  headers.set("Content-Range", `bytes ${first}-${end - 1}/${bytes.byteLength}`);
  headers.delete("Content-Length");
  return new Response(bytes.slice(Number(first), end), { status: 206, headers });
}

/** @param {string} sentence */
function refusal(sentence) {
  return new Response(sentence, { status: 409, statusText: "Another version", headers: ISOLATION });
}

/**
 * @param {Request} request
 * @returns {string | null} relative to the site, null for other addresses
 */
function pathOf({ method, url }) {
  const { scope } = worker.registration;
  const [address = ""] = url.split(/[?#]/, 1);
  if (method !== "GET" || !address.startsWith(scope)) return null;
  return decodeURI(address.slice(scope.length)) || "index.html";
}

/** @param {string} path */
function urlOf(path) {
  return new URL(path === "index.html" ? "./" : path, worker.registration.scope).href;
}

/** @param {ArrayBuffer} bytes */
async function sha256Of(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
