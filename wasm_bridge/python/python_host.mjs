/**
 * Starts Python: Pyodide, NumPy and this project's own wheel, all from the site itself.
 * @module
 */

import { STALL_MS, withTimeLimit } from "../calls/time_limit.mjs";
import { fetchKernels, installKernels } from "./pixel_kernels.mjs";
import { watchFetch } from "./watched_fetch.mjs";

const PYODIDE = "runtime/pyodide/";
const KERNELS = "wasm_bridge/python/pixel_kernels.wasm";
const IMPORT_TIMEOUT_MS = 120_000;

/**
 * What `build.json` says: the path of the project's wheel, every file of the site, and those that a start of
 * the page fetches.
 * @typedef {{ wheel: string, start: string[], files: Record<string, { bytes: number, sha256: string }> }} Build
 */

/**
 * Loads Python and installs the package.
 *
 * @param {string} siteUrl of the folder that holds `build.json`, with a slash at its end
 * @param {(step: string, loaded: number, total: number) => void} onProgress bytes so far and in all
 * @returns {Promise<any>} Pyodide's API, with `autogaze_web` importable
 * @throws {Error} with a sentence for the user if something cannot be loaded
 */
export async function startPython(siteUrl, onProgress) {
  const indexURL = new URL(PYODIDE, siteUrl).href;
  // The loader imports the second one too, later.
  const arrival = (/** @type {string} */ name) =>
    withTimeLimit(import(`${indexURL}${name}`), IMPORT_TIMEOUT_MS, `${name} did not arrive`);
  const [loader, program] = [arrival("pyodide.mjs"), arrival("pyodide.asm.mjs")];
  for (const module of [loader, program]) module.catch(() => {}); // the race below throws it
  const build = await readBuild(siteUrl);
  // Not watched: Python starts without them, too.
  const kernels = fetchKernels(new URL(KERNELS, siteUrl), integrityOf(KERNELS, build));
  const paths = pathsToFetch(build);
  const total = paths.reduce((sum, path) => sum + (build.files[path]?.bytes ?? 0), 0);
  let step = "Loading Python";
  const fetching = watchFetch((loaded) => onProgress(step, Math.min(loaded, total), total));
  // Pyodide asks for one thing after the other.
  for (const path of paths) {
    // Pyodide verifies packages by the sha256 in its lock file, which is that of build.json. Nothing else is
    // verified so: WebAssembly would be compiled only when all of it is there.
    const init = path.endsWith(".whl") ? integrityOf(path, build) : {};
    fetching.ahead(new URL(path, siteUrl).href, init);
  }
  try {
    return await Promise.race([
      fetching.failure,
      Promise.all([loader, program]).then(() => new Promise(() => {})),
      load(loader, indexURL, new URL(build.wheel, siteUrl).href, kernels, () => {
        step = "Starting Python";
      }),
    ]);
  } catch (error) {
    const reason = error instanceof Error ? error.message.trim().split("\n").at(-1) : error;
    throw new Error(
      `Python could not be loaded: ${reason}. Reload the page; if that does not help, the site's files are incomplete.`,
    );
  } finally {
    fetching.stop();
  }
}

/**
 * @param {Promise<any>} loader Pyodide's module
 * @param {string} indexURL of the folder with Pyodide and its wheels
 * @param {string} wheel the project's own
 * @param {Promise<ArrayBuffer | undefined>} kernels see `fetchKernels`
 * @param {() => void} onLoaded called when Pyodide and NumPy are there
 */
async function load(loader, indexURL, wheel, kernels, onLoaded) {
  const { loadPyodide } = await loader;
  const pyodide = await loadPyodide({ indexURL, packageBaseUrl: indexURL, packages: ["numpy", wheel] });
  onLoaded();
  await installKernels(pyodide, kernels);
  return pyodide;
}

/** The parts of NumPy that only hooks import: fft, polynomial and random. */
export class NumpyExtras {
  #pyodide;
  #siteUrl;
  /** @type {Promise<void> | undefined} */
  #loading;

  /**
   * @param {any} pyodide
   * @param {string} siteUrl
   */
  constructor(pyodide, siteUrl) {
    this.#pyodide = pyodide;
    this.#siteUrl = siteUrl;
  }

  /** Makes them importable. If that fails, importing them does, too, and the next call tries again. */
  load() {
    this.#loading ??= withTimeLimit(this.#unpack(), IMPORT_TIMEOUT_MS, "").catch(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #unpack() {
    const response = await fetch(new URL(`${PYODIDE}more_numpy.zip`, this.#siteUrl));
    if (!response.ok) throw new Error(`more_numpy.zip is missing (${response.status})`);
    const extractDir = this.#pyodide.runPython("import site; site.getsitepackages()[0]");
    this.#pyodide.unpackArchive(await response.arrayBuffer(), "zip", { extractDir });
  }
}

/**
 * @param {string} siteUrl
 * @returns {Promise<Build>}
 */
async function readBuild(siteUrl) {
  const url = new URL("build.json", siteUrl);
  let response;
  try {
    // Not from the cache: after a new release an old copy would name files that are gone.
    response = await withTimeLimit(fetch(url, { cache: "no-cache" }), STALL_MS, "");
  } catch {
    throw new Error("The page's own files cannot be reached: check the connection, then reload the page.");
  }
  if (!response.ok)
    throw new Error(`${url.pathname} is missing (${response.status}): build the site with "make site".`);
  try {
    return await withTimeLimit(response.json(), STALL_MS, "");
  } catch {
    throw new Error(`${url.pathname} did not arrive whole: reload the page.`);
  }
}

/**
 * Modules are left out: they are imported, which gives no progress.
 * @param {Build} build
 */
function pathsToFetch({ wheel, start }) {
  return start.filter((path) => path === wheel || (path.startsWith(PYODIDE) && !path.endsWith(".mjs")));
}

/**
 * Lets the browser refuse a file of another build.
 * @param {string} path
 * @param {Build} build
 * @returns {RequestInit}
 */
function integrityOf(path, { files }) {
  const digest = files[path]?.sha256;
  if (!digest) return {};
  const bytes = digest.match(/../g)?.map((pair) => Number.parseInt(pair, 16)) ?? [];
  return { integrity: `sha256-${btoa(String.fromCharCode(...bytes))}` };
}
