/**
 * The index of weights that are split into several files, `model.safetensors.index.json`. Its `weight_map` gives the
 * file, or shard, of each tensor. Python checks that the shards contain these tensors.
 *
 * @example
 * const { names } = readIndex('{"weight_map": {"a": "1.safetensors", "b": "2.safetensors"}}', "index.json");
 * names;                                                        // ["1.safetensors", "2.safetensors"]
 * shardUrl(names[0], "https://example.org/model/index.json");   // "https://example.org/model/1.safetensors"
 * findShards(names, [...fileInput.files]);                      // Map of names to Files
 * @module
 */

/** The released weights are one file of 13 MB; this many would be those of another model. */
const MAX_SHARDS = 100;

/**
 * The names of the shards in the order of their first occurrence, and the bytes of all tensors together; null if the
 * index does not give them.
 * @typedef {{ names: string[], tensorBytes: number | null }} ShardIndex
 */

/**
 * @param {string} text
 * @param {string} where the index is from, for error messages: an address or a file's name
 * @returns {ShardIndex}
 * @throws {Error} with a sentence for the user if it is not an index, or names a file outside its folder
 */
export function readIndex(text, where) {
  const index = parsed(text);
  const map = index?.weight_map;
  const files = typeof map === "object" && !Array.isArray(map) ? Object.values(map ?? {}) : [];
  if (files.length === 0 || !files.every((file) => typeof file === "string"))
    throw new Error(
      `${where} is not an index of shards, which has a weight_map with the file of each tensor: use the model.safetensors.index.json of the model.`,
    );
  const names = [...new Set(files)];
  const outside = names.find((name) => !staysInFolder(name));
  if (outside !== undefined)
    throw new Error(
      `${where} names the file ${JSON.stringify(outside)}, but shards must lie in the index's own folder: use another copy of the model.`,
    );
  if (names.length > MAX_SHARDS)
    throw new Error(
      `${where} names ${names.length} files, but the weights of AutoGaze have at most ${MAX_SHARDS}: use another copy of the model.`,
    );
  const bytes = index.metadata?.total_size;
  return { names, tensorBytes: Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : null };
}

/**
 * The address of a shard.
 * @param {string} name from `readIndex`
 * @param {string} indexUrl
 */
export function shardUrl(name, indexUrl) {
  return new URL(name.split("/").map(encodeURIComponent).join("/"), indexUrl).href;
}

/**
 * Finds the shards among files that the user chose, by their names; browsers rename downloads
 * ("model-00001-of-00002 (1).safetensors").
 *
 * @param {string[]} names from `readIndex`
 * @param {File[]} files
 * @returns {Map<string, File>} in the order of the names
 * @throws {Error} with a sentence for the user if files are missing, or if there are others
 */
export function findShards(names, files) {
  /** @type {Map<string, File>} */
  const found = new Map();
  for (const file of files) {
    const name =
      names.find((each) => baseName(each) === file.name) ??
      names.find((each) => baseName(each) === file.name.replace(/ \(\d+\)(?=\.[^.]*$)/, ""));
    if (name === undefined)
      throw new Error(
        `"${file.name}" is not a file that the model's index names: choose only the files of one model.`,
      );
    const other = found.get(name);
    if (other) throw new Error(`"${other.name}" and "${file.name}" are both ${name}: choose one of them.`);
    found.set(name, file);
  }
  const [missing, ...more] = names.filter((name) => !found.has(name));
  if (missing !== undefined)
    throw new Error(
      `${missing}${more.length > 0 ? ` and ${more.length} more` : ""} of the model is missing: choose all its files together.`,
    );
  return new Map(names.map((name) => [name, /** @type {File} */ (found.get(name))]));
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** @param {string} name */
function staysInFolder(name) {
  if (/[\\:\p{Control}\p{Surrogate}]/u.test(name)) return false;
  return name.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

/** @param {string} name */
function baseName(name) {
  return name.slice(name.lastIndexOf("/") + 1);
}
