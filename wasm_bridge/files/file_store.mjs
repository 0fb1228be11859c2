/**
 * Stores downloaded files, complete and partial ones, in the browser's origin private file system, for use in a
 * worker.
 *
 * One folder per address holds `record.json` and the files that it names. A complete file replaces an older one
 * at the moment when the record names it, so an interrupted download never damages the older file. An unreadable
 * record counts as none. Downloads of the same address wait for each other, also across tabs.
 * @module
 */

/** @import { Version } from "./download.mjs" */

/**
 * @typedef {object} WholeFile
 * @property {string} file its name in the folder
 * @property {number} bytes
 * @property {string} sha256 in hexadecimal
 * @property {string} when it was stored, as an ISO date
 * @property {Version} version
 *
 * @typedef {object} PartialFile
 * @property {string} file
 * @property {number} total bytes of the whole file
 * @property {string} when
 * @property {Version} version
 *
 * The digest of a complete copy.
 * @typedef {Pick<WholeFile, "sha256" | "version">} KnownFile
 *
 * The content of `record.json`: files in users' browsers have these names. `known` remains of a complete copy that was
 * damaged.
 * @typedef {{ url: string, whole?: WholeFile, beginning?: PartialFile, known?: KnownFile }} StoreRecord
 */

/**
 * A stored file. For a partial file, `bytes` is the stored size and `sha256` is null.
 * @typedef {object} StoredFile
 * @property {string} url
 * @property {number} bytes
 * @property {string | null} etag
 * @property {string | null} sha256
 * @property {string} when
 * @property {boolean} complete
 */

const FOLDER = "model-files";
const RECORD = "record.json";

export class FileStore {
  #root;

  /** @param {FileSystemDirectoryHandle} root */
  constructor(root) {
    this.#root = root;
  }

  /**
   * @returns {Promise<FileStore | null>} null where the browser stores nothing: on pages opened neither by
   *   https nor on localhost, and in some private windows
   */
  static async open() {
    try {
      const top = await navigator.storage.getDirectory();
      if (!("createSyncAccessHandle" in FileSystemFileHandle.prototype && navigator.locks)) return null;
      return new FileStore(await top.getDirectoryHandle(FOLDER, { create: true }));
    } catch {
      return null;
    }
  }

  /**
   * Calls `use` with the slot of an address while holding that address's lock.
   * @template T
   * @param {string} url
   * @param {AbortSignal} signal stops waiting for the lock
   * @param {(slot: Slot | null) => Promise<T>} use gets null if nothing can be stored
   * @returns {Promise<T>}
   */
  async withLock(url, signal, use) {
    const name = await sha256Of(new TextEncoder().encode(url));
    return navigator.locks.request(lockOf(name), { signal }, async () =>
      use(await this.#slot(name, url).catch(() => null)),
    );
  }

  /**
   * @param {string} name
   * @param {string} url
   */
  async #slot(name, url) {
    const folder = await this.#root.getDirectoryHandle(name, { create: true });
    const record = (await readRecord(folder)) ?? { url };
    await deleteUnreferenced(folder, record);
    return new Slot(folder, record);
  }

  /** @returns {Promise<StoredFile[]>} sorted by address */
  async list() {
    /** @type {StoredFile[]} */
    const stored = [];
    for await (const folder of this.#root.values()) {
      const record = folder.kind === "directory" ? await readRecord(folder) : null;
      if (!record) continue;
      const { url, whole, beginning: partial } = record;
      if (whole) {
        const { bytes, sha256, when, version } = whole;
        stored.push({ url, bytes, etag: version.etag, sha256, when, complete: true });
      }
      if (partial) {
        const { file, when, version } = partial;
        const bytes = await sizeOf(/** @type {FileSystemDirectoryHandle} */ (folder), file);
        stored.push({ url, bytes, etag: version.etag, sha256: null, when, complete: false });
      }
    }
    return stored.sort((one, other) => one.url.localeCompare(other.url));
  }

  /**
   * Deletes all stored files.
   * @throws {Error} with a sentence for the user if a file is being downloaded; all other files are deleted
   */
  async deleteAll() {
    let busy = false;
    for (const name of await namesIn(this.#root)) {
      await navigator.locks.request(lockOf(name), { ifAvailable: true }, async (lock) => {
        if (lock) await this.#root.removeEntry(name, { recursive: true });
        else busy = true;
      });
    }
    if (busy)
      throw new Error("A model is being loaded, here or in another tab: cancel that, then delete it again.");
  }
}

/** The stored files of one address. */
export class Slot {
  #folder;
  #record;

  /**
   * @param {FileSystemDirectoryHandle} folder
   * @param {StoreRecord} record
   */
  constructor(folder, record) {
    this.#folder = folder;
    this.#record = record;
  }

  get whole() {
    return this.#record.whole ?? null;
  }

  /** The digest of the last complete copy, even if that was damaged since. */
  get known() {
    return this.#record.whole ?? this.#record.known ?? null;
  }

  /**
   * Reads the complete file and checks its digest; a damaged file is deleted, and its digest remains.
   * @returns {Promise<Uint8Array<ArrayBuffer> | null>} null if it was damaged
   */
  async readWhole() {
    const { whole, url } = this.#record;
    if (!whole) return null;
    const { file, sha256, version } = whole;
    const bytes = await readFile(this.#folder, file);
    if (bytes?.length === whole.bytes && (await sha256Of(bytes)) === sha256) return bytes;
    await this.#write({ url, known: { sha256, version } });
    return null;
  }

  /** @returns {Promise<{ bytes: Uint8Array<ArrayBuffer>, total: number, version: Version } | null>} */
  async readPartial() {
    const { beginning: partial } = this.#record;
    const bytes = partial && (await readFile(this.#folder, partial.file));
    if (!partial || !bytes?.length || bytes.length >= partial.total) return null;
    return { bytes, total: partial.total, version: partial.version };
  }

  /**
   * Opens a writer for a download, either for a new file or to resume the partial one.
   * @param {{ offset: number, total: number | null, version: Version }} answer `offset` 0 starts a new file
   * @returns {Promise<FileWriter>}
   */
  async openWriter({ offset, total, version }) {
    const { beginning: partial } = this.#record;
    if (offset > 0 && partial) return FileWriter.open(this.#folder, partial.file, offset);
    const file = `${crypto.randomUUID()}.data`;
    const when = new Date().toISOString();
    // Recorded only if it can be resumed, which needs its size and its version.
    const resumable = total !== null && (version.etag !== null || version.lastModified !== null);
    await this.#write({ ...this.#record, beginning: resumable ? { file, total, when, version } : undefined });
    return FileWriter.open(this.#folder, file, 0);
  }

  /**
   * Records a finished download as the complete file.
   * @param {FileWriter} writer closed
   * @param {Omit<WholeFile, "file" | "when">} facts
   */
  async complete({ file }, { bytes, sha256, version }) {
    const when = new Date().toISOString();
    await this.#write({ url: this.#record.url, whole: { file, bytes, sha256, when, version } });
  }

  /** Deletes the partial download. */
  async deletePartial() {
    await this.#write({ ...this.#record, beginning: undefined });
  }

  /** @param {StoreRecord} record */
  async #write(record) {
    if (record.whole || record.beginning || record.known) {
      const writer = await FileWriter.open(this.#folder, RECORD, 0);
      try {
        writer.append(new TextEncoder().encode(JSON.stringify(record)));
      } finally {
        writer.close();
      }
    } else {
      await this.#folder.removeEntry(RECORD).catch(ignoreMissing);
    }
    this.#record = record;
    await deleteUnreferenced(this.#folder, record);
  }
}

/** Appends to a file. */
export class FileWriter {
  #handle;
  #position;

  /**
   * @param {string} file
   * @param {FileSystemSyncAccessHandle} handle
   * @param {number} position
   */
  constructor(file, handle, position) {
    this.file = file;
    this.#handle = handle;
    this.#position = position;
  }

  /**
   * @param {FileSystemDirectoryHandle} folder
   * @param {string} file
   * @param {number} position at which writing starts; anything after it is cut off
   */
  static async open(folder, file, position) {
    const handle = await folder.getFileHandle(file, { create: true });
    const access = await handle.createSyncAccessHandle();
    try {
      access.truncate(position);
    } catch (error) {
      access.close();
      throw error;
    }
    return new FileWriter(file, access, position);
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} bytes
   * @throws {DOMException} QuotaExceededError if there is no room
   */
  append(bytes) {
    const written = this.#handle.write(bytes, { at: this.#position });
    if (written !== bytes.length) throw new DOMException("The file was cut short.", "QuotaExceededError");
    this.#position += written;
  }

  close() {
    try {
      this.#handle.flush();
    } finally {
      this.#handle.close();
    }
  }
}

/**
 * @param {FileSystemDirectoryHandle} folder
 * @returns {Promise<StoreRecord | null>}
 */
async function readRecord(folder) {
  const bytes = await readFile(folder, RECORD);
  try {
    return bytes && JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

/**
 * @param {FileSystemDirectoryHandle} folder
 * @param {string} name
 * @returns {Promise<Uint8Array<ArrayBuffer> | null>} null if there is no such file
 */
async function readFile(folder, name) {
  try {
    const file = await (await folder.getFileHandle(name)).getFile();
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    return null;
  }
}

/**
 * @param {FileSystemDirectoryHandle} folder
 * @param {string} name
 */
async function sizeOf(folder, name) {
  try {
    return (await (await folder.getFileHandle(name)).getFile()).size;
  } catch {
    return 0;
  }
}

/**
 * Deletes the files that a record does not name: an older version, or leftovers of a crash.
 * @param {FileSystemDirectoryHandle} folder
 * @param {StoreRecord} record
 */
async function deleteUnreferenced(folder, { whole, beginning }) {
  const named = [RECORD, whole?.file, beginning?.file];
  for (const name of await namesIn(folder)) {
    if (!named.includes(name)) await folder.removeEntry(name).catch(ignoreMissing);
  }
}

/** @param {FileSystemDirectoryHandle} folder */
async function namesIn(folder) {
  const names = [];
  for await (const name of folder.keys()) names.push(name);
  return names;
}

/** @param {unknown} error */
function ignoreMissing(error) {
  if (!(error instanceof DOMException && error.name === "NotFoundError")) throw error;
}

/** @param {string} name */
function lockOf(name) {
  return `autogaze-web ${FOLDER} ${name}`;
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Promise<string>} in hexadecimal
 */
export async function sha256Of(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
