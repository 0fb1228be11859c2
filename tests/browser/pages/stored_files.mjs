/**
 * The files that a page's origin stores.
 * @module
 */

/**
 * @param {FileSystemDirectoryHandle} folder
 * @returns {AsyncGenerator<[FileSystemDirectoryHandle, FileSystemFileHandle]>} each file with its folder
 */
async function* filesIn(folder) {
  for await (const entry of folder.values()) {
    if (entry.kind === "file") yield [folder, /** @type {FileSystemFileHandle} */ (entry)];
    else yield* filesIn(/** @type {FileSystemDirectoryHandle} */ (entry));
  }
}

/** The names of all of them. */
export async function names() {
  const found = [];
  for await (const [, { name }] of filesIn(await navigator.storage.getDirectory())) found.push(name);
  return found;
}

/**
 * Flips a bit of the files of a size, or removes them.
 * @param {"flip" | "remove"} kind
 * @param {number} size
 */
export async function damage(kind, size) {
  for await (const [folder, entry] of filesIn(await navigator.storage.getDirectory())) {
    const file = await entry.getFile();
    if (file.size !== size) continue;
    if (kind === "remove") {
      await folder.removeEntry(entry.name);
      continue;
    }
    const bytes = new Uint8Array(await file.arrayBuffer());
    bytes[size >> 1] = (bytes[size >> 1] ?? 0) ^ 1;
    const writable = await entry.createWritable();
    await writable.write(bytes);
    await writable.close();
  }
}
