/**
 * A browser's storage and a server for the modules that download and store files: an origin private file
 * system in memory, its locks, and a `fetch` that answers from a table.
 * @module
 */

/** @typedef {Map<string, Uint8Array | FakeFolder>} Entries */

/** As many bytes as all files together may have. */
const quota = { bytes: Number.POSITIVE_INFINITY };

/** A directory handle of the origin private file system. */
export class FakeFolder {
  kind = "directory";
  /** @type {Entries} */
  entries = new Map();

  /**
   * @param {string} name
   * @param {{ create?: boolean }} [how]
   */
  async getDirectoryHandle(name, { create = false } = {}) {
    const folder = this.entries.get(name) ?? (create ? new FakeFolder() : notFound());
    this.entries.set(name, folder);
    return folder;
  }

  /**
   * @param {string} name
   * @param {{ create?: boolean }} [how]
   */
  async getFileHandle(name, { create = false } = {}) {
    if (!this.entries.has(name)) this.entries.set(name, create ? new Uint8Array() : notFound());
    return new FakeFile(this, name);
  }

  /** @param {string} name */
  async removeEntry(name) {
    if (!this.entries.delete(name)) notFound();
  }

  async *keys() {
    yield* [...this.entries.keys()];
  }

  async *values() {
    for (const [name, entry] of this.entries) {
      yield entry instanceof FakeFolder ? entry : new FakeFile(this, name);
    }
  }

  /**
   * All files below this folder by their names.
   * @returns {[FakeFolder, string, Uint8Array][]}
   */
  files() {
    return [...this.entries].flatMap(([name, entry]) =>
      entry instanceof FakeFolder
        ? entry.files()
        : [/** @type {[FakeFolder, string, Uint8Array]} */ ([this, name, entry])],
    );
  }
}

class FakeFile {
  kind = "file";

  /**
   * @param {FakeFolder} folder
   * @param {string} name
   */
  constructor(folder, name) {
    this.folder = folder;
    this.name = name;
  }

  get #bytes() {
    return /** @type {Uint8Array<ArrayBuffer>} */ (this.folder.entries.get(this.name));
  }

  async getFile() {
    return new File([this.#bytes], this.name);
  }

  async createSyncAccessHandle() {
    const { folder, name } = this;
    const read = () => this.#bytes;
    return {
      /** @param {number} size */
      truncate(size) {
        const bytes = new Uint8Array(size);
        bytes.set(read().subarray(0, size));
        folder.entries.set(name, bytes);
      },
      /**
       * @param {Uint8Array} chunk
       * @param {{ at: number }} where
       */
      write(chunk, { at }) {
        if (at + chunk.length > quota.bytes) throw new DOMException("full", "QuotaExceededError");
        const bytes = new Uint8Array(Math.max(read().length, at + chunk.length));
        bytes.set(read());
        bytes.set(chunk, at);
        folder.entries.set(name, bytes);
        return chunk.length;
      },
      flush() {},
      close() {},
    };
  }
}

/** @returns {never} */
function notFound() {
  throw new DOMException("There is no such entry.", "NotFoundError");
}

/** Locks that are handed on in order, as `navigator.locks` does within one origin. */
class FakeLocks {
  /** @type {Map<string, Promise<unknown>>} */
  #held = new Map();

  get heldCount() {
    return this.#held.size;
  }

  /**
   * @param {string} name
   * @param {{ signal?: AbortSignal, ifAvailable?: boolean }} how
   * @param {(lock: object | null) => Promise<unknown>} use
   */
  async request(name, { signal, ifAvailable }, use) {
    if (ifAvailable && this.#held.has(name)) return use(null);
    const before = this.#held.get(name);
    const turn = (async () => {
      await before?.catch(() => {});
      signal?.throwIfAborted();
      return use({ name });
    })();
    this.#held.set(name, turn);
    turn.catch(() => {}).finally(() => this.#held.get(name) === turn && this.#held.delete(name));
    if (!signal) return turn;
    return Promise.race([
      turn,
      new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason), { once: true }),
      ),
    ]);
  }
}

/**
 * What a server answers for one address.
 * @typedef {object} Served
 * @property {Uint8Array | string} body
 * @property {number} [status]
 * @property {string | null} [etag]
 * @property {string | null} [lastModified]
 * @property {boolean} [ranges] whether ranges are understood; true by default
 * @property {boolean} [showsRange] whether the page may read Content-Range
 * @property {boolean} [length] whether the length is sent
 * @property {number} [claims] the length that is sent, if it is not that of the body
 * @property {boolean} [compressed] the length is that of the compressed bytes
 * @property {number} [breakAfter] bytes of the body after which the connection breaks
 * @property {number} [silentAfter] bytes of the body after which nothing more comes
 * @property {boolean} [silent] no answer at all
 * @property {boolean} [unreachable] the request fails
 * @property {Promise<unknown>} [ready] what the answer waits for
 */

/** A server, with the requests that it has seen. */
export class FakeServer {
  /** @type {Map<string, Served>} by address */
  files = new Map();
  /** @type {{ url: string, range: string | null, sent: number, cancelled: boolean }[]} */
  requests = [];

  /** @type {typeof fetch} */
  fetch = async (url, { headers, signal } = {}) => {
    const served = this.files.get(String(url)) ?? { body: "no such file", status: 404 };
    const range = new Headers(headers).get("Range");
    const request = { url: String(url), range, sent: 0, cancelled: false };
    this.requests.push(request);
    request.cancelled = signal?.aborted ?? false;
    signal?.throwIfAborted();
    await served.ready;
    if (served.unreachable) throw new TypeError("Failed to fetch");
    if (served.silent) {
      await new Promise((_, reject) =>
        signal?.addEventListener("abort", () => {
          request.cancelled = true;
          reject(signal.reason);
        }),
      );
    }
    const whole = typeof served.body === "string" ? new TextEncoder().encode(served.body) : served.body;
    let { status = 200 } = served;
    let body = whole;
    const answer = new Headers();
    const start = range && status === 200 && served.ranges !== false ? Number(/\d+/.exec(range)?.[0]) : null;
    if (start !== null) {
      status = start < whole.length ? 206 : 416;
      const last = Number(/-(\d+)/.exec(range ?? "")?.[1] ?? Number.POSITIVE_INFINITY);
      body = whole.subarray(start, Math.min(last + 1, whole.length));
      if (served.showsRange !== false && status === 206)
        answer.set("Content-Range", `bytes ${start}-${start + body.length - 1}/${whole.length}`);
    }
    const { etag = '"1"', lastModified = null } = served;
    if (etag !== null) answer.set("ETag", etag);
    if (lastModified !== null) answer.set("Last-Modified", lastModified);
    if (served.length !== false)
      answer.set("Content-Length", String(served.claims ?? (served.compressed ? 7 : body.length)));
    if (served.compressed) answer.set("Content-Encoding", "gzip");
    const hasBody = status !== 204;
    return new Response(hasBody ? streamOf(body, served, request, signal) : null, {
      status,
      headers: answer,
    });
  };

  /** @param {string} url */
  of(url) {
    return this.requests.filter((request) => request.url === url);
  }
}

/**
 * @param {Uint8Array} body
 * @param {Served} served
 * @param {FakeServer["requests"][number]} request
 * @param {AbortSignal | null | undefined} signal
 */
function streamOf(body, { breakAfter, silentAfter }, request, signal) {
  const chunk = Math.max(1, Math.ceil(body.length / 7));
  const end = Math.min(breakAfter ?? body.length, silentAfter ?? body.length);
  return new ReadableStream({
    start(controller) {
      signal?.addEventListener("abort", () => {
        request.cancelled = true;
        controller.error(signal.reason);
      });
    },
    pull(controller) {
      if (request.sent < end) {
        const part = body.slice(request.sent, Math.min(request.sent + chunk, end));
        request.sent += part.length;
        controller.enqueue(part);
      } else if (silentAfter !== undefined) return new Promise(() => {});
      else if (breakAfter !== undefined) controller.error(new TypeError("network error"));
      else controller.close();
      return undefined;
    },
    cancel() {
      request.cancelled = true;
    },
  });
}

/** Gives the modules an empty origin: `navigator.storage`, `navigator.locks` and `fetch`. */
export function newOrigin() {
  const root = new FakeFolder();
  const server = new FakeServer();
  const locks = new FakeLocks();
  const { navigator } = globalThis;
  quota.bytes = Number.POSITIVE_INFINITY;
  Object.defineProperty(globalThis, "FileSystemFileHandle", { value: FakeFile, configurable: true });
  Object.defineProperty(navigator, "storage", {
    value: { getDirectory: async () => root },
    configurable: true,
  });
  Object.defineProperty(navigator, "locks", { value: locks, configurable: true });
  globalThis.fetch = server.fetch;
  return { root, server, quota, locks };
}
