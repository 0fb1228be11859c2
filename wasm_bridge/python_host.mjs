/**
 * Starts Python: Pyodide, NumPy and this project's own wheel, all from the site itself.
 * @module
 */

import { watchFetch } from "./watched_fetch.mjs";

const PYODIDE = "runtime/pyodide/";

/**
 * What `build.json` says: the path of the project's wheel, every file of the site, and those that a start of
 * the page fetches.
 * @typedef {{ wheel: string, start: string[], files: Record<string, { bytes: number }> }} Build
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
  const build = await readBuild(siteUrl);
  const indexURL = new URL(PYODIDE, siteUrl).href;
  const total = bytesToFetch(build);
  let step = "Loading Python";
  const fetching = watchFetch((loaded) => onProgress(step, Math.min(loaded, total), total));
  try {
    return await Promise.race([
      fetching.failure,
      load(indexURL, new URL(build.wheel, siteUrl).href, () => {
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
 * @param {string} indexURL of the folder with Pyodide and its wheels
 * @param {string} wheel the project's own
 * @param {() => void} onLoaded called when Pyodide and NumPy are there
 */
async function load(indexURL, wheel, onLoaded) {
  const { loadPyodide } = await import(`${indexURL}pyodide.mjs`);
  const pyodide = await loadPyodide({ indexURL, packageBaseUrl: indexURL, packages: ["numpy", wheel] });
  onLoaded();
  return pyodide;
}

/**
 * Adds the parts of NumPy that the page itself does without: fft, polynomial and random.
 * @param {any} pyodide
 * @param {string} siteUrl
 */
export async function addMoreNumpy(pyodide, siteUrl) {
  const response = await fetch(new URL(`${PYODIDE}more_numpy.zip`, siteUrl));
  if (!response.ok) throw new Error(`more_numpy.zip is missing (${response.status})`);
  const extractDir = pyodide.runPython("import site; site.getsitepackages()[0]");
  pyodide.unpackArchive(await response.arrayBuffer(), "zip", { extractDir });
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
    response = await fetch(url, { cache: "no-cache" });
  } catch {
    throw new Error("The page's own files cannot be reached: check the connection, then reload the page.");
  }
  if (!response.ok)
    throw new Error(`${url.pathname} is missing (${response.status}): build the site with "make site".`);
  return response.json();
}

/**
 * Modules are left out: they are imported, which gives no progress.
 * @param {Build} build
 */
function bytesToFetch({ wheel, start, files }) {
  return start
    .filter((path) => path === wheel || (path.startsWith(PYODIDE) && !path.endsWith(".mjs")))
    .reduce((sum, path) => sum + (files[path]?.bytes ?? 0), 0);
}
