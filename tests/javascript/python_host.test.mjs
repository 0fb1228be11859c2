import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { pathToFileURL } from "node:url";
import { startPython } from "../../wasm_bridge/python/python_host.mjs";

const KERNELS = "wasm_bridge/python/pixel_kernels.wasm";
const [WHEEL, LIBRARY] = ["autogaze_web.whl", "runtime/pyodide/pyodide.asm.wasm"];
// A module that imports the memory "python.memory" and does nothing with it.
const NAMES = "\u0006python\u0006memory";
const MODULE = Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 2, 18, 1, ...Buffer.from(NAMES), 2, 0, 1]);
// "sha256-" and the digests below as base64.
const digestOf = (/** @type {string} */ pair) => ({ bytes: 1, sha256: pair.repeat(32) });
const integrity = (/** @type {number} */ byte) =>
  `sha256-${Buffer.from(new Uint8Array(32).fill(byte)).toString("base64")}`;
const BUILD = {
  wheel: WHEEL,
  start: ["pyodide.mjs", WHEEL, LIBRARY, "index.html"],
  files: { [WHEEL]: digestOf("01"), [LIBRARY]: digestOf("02"), [KERNELS]: digestOf("03") },
};

const scope = /** @type {any} */ (globalThis);
const realFetch = globalThis.fetch;
/** @type {string} */
let folder;
/** @type {string} */
let siteUrl;
/** What was asked for, with what the browser is to verify. @type {Map<string, string | undefined>} */
let asked;
/** @type {Set<string>} */
let missing;
/** @type {any[]} */
let done;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "python-host-"));
  siteUrl = pathToFileURL(`${folder}/`).href;
  await mkdir(join(folder, "runtime", "pyodide"), { recursive: true });
  for (const name of ["pyodide.mjs", "pyodide.asm.mjs"])
    await writeFile(
      join(folder, "runtime", "pyodide", name),
      "export const loadPyodide = (how) => globalThis.fakePyodide(how);",
    );
});

beforeEach(() => {
  [asked, missing, done] = [new Map(), new Set(), []];
  scope.fetch = async (/** @type {string | URL} */ url, /** @type {RequestInit} */ init) => {
    const path = String(url).slice(siteUrl.length);
    asked.set(path, init?.integrity);
    if (missing.has(path)) return new Response("no", { status: 404 });
    if (path === "build.json") return Response.json(BUILD);
    return new Response(path === KERNELS ? MODULE : "x");
  };
  scope.fakePyodide = async (/** @type {any} */ { packages }) => {
    done.push(packages);
    return {
      _module: { memory: new WebAssembly.Memory({ initial: 1 }) },
      pyimport: (/** @type {string} */ name) => ({
        install: () => done.push(`install into ${name}`),
        destroy() {},
      }),
    };
  };
});

after(async () => {
  globalThis.fetch = realFetch;
  await rm(folder, { recursive: true });
});

test("Python has the SIMD kernels before anybody gets it, and a file of another build is refused", async () => {
  await startPython(siteUrl, () => {});
  assert.deepEqual(done, [
    ["numpy", new URL(WHEEL, siteUrl).href],
    "install into autogaze_web.page.simd_kernels",
  ]);
  assert.deepEqual(Object.fromEntries(asked), {
    "build.json": undefined,
    [WHEEL]: integrity(1),
    [LIBRARY]: undefined,
    [KERNELS]: integrity(3),
  });
});

test("Python starts without the kernels where their file is missing, but not without its own", async () => {
  missing.add(KERNELS);
  const pyodide = await startPython(siteUrl, () => {});
  assert(pyodide._module);
  assert.equal(done.length, 1, "nothing is installed");
  missing.add(LIBRARY);
  scope.fakePyodide = () => new Promise(() => {});
  await assert.rejects(
    startPython(siteUrl, () => {}),
    {
      message:
        "Python could not be loaded: pyodide.asm.wasm is missing (404). Reload the page; if that does not help, the site's files are incomplete.",
    },
  );
});
