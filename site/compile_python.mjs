/**
 * Compiles the modules that Python imports at start-up, with the same Python that the page runs:
 * `node site/compile_python.mjs PYODIDE-FOLDER STDLIB.zip NUMPY.whl`. Both archives are replaced.
 *
 * Without this, compiling takes most of the start-up time (docs/build.md has the numbers). Other modules stay
 * source code, because their bytecode would make the download larger. The bytecode contains no docstrings and no
 * asserts, as with `python -OO`.
 * @module
 */

import { readFileSync, writeFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder = "", ...archives] = process.argv.slice(2).map((path) => resolve(path));
const [stdlib = "", numpy = ""] = archives;
const { loadPyodide } = await import(pathToFileURL(`${folder}/pyodide.mjs`).href);
const pyodide = await loadPyodide({ indexURL: `${folder}/`, stdLibURL: stdlib });
for (const path of archives)
  pyodide.FS.writeFile(`/tmp/${basename(path)}`, new Uint8Array(readFileSync(path)));
await pyodide.loadPackage(pathToFileURL(numpy).href, { messageCallback() {} });
pyodide.globals.set(
  "names",
  archives.map((path) => basename(path)),
);
pyodide.runPython(`
import importlib._bootstrap_external as loader, importlib.util, os, sys, zipfile

import numpy
# Also imported by autogaze_web.page.live_session; tests/browser/test_first_load.py fails if one is missing.
import __future__, dataclasses, decimal, fractions, json, math, numbers, statistics, time, typing
import numpy.ma, numpy.typing, importlib.metadata, importlib.resources
importlib.resources.files("numpy").joinpath("version.py").is_file()

started = {module.__file__ for module in list(sys.modules.values()) if getattr(module, "__file__", None)}
folders = [path + "/" for path in sys.path if path]

for archive in names:
    path = "/tmp/" + archive
    with zipfile.ZipFile(path) as old:
        members = [(name, old.read(name)) for name in old.namelist()]
    with zipfile.ZipFile(path, "w") as new:
        for name, content in members:
            if name.endswith(".py") and not started.isdisjoint(folder + name for folder in folders):
                code = compile(content, name, "exec", dont_inherit=True, optimize=2)
                content = loader._code_to_hash_pyc(code, importlib.util.source_hash(content), checked=False)
                name += "c"
            new.writestr(name, content)
`);
for (const path of archives) writeFileSync(path, pyodide.FS.readFile(`/tmp/${basename(path)}`));
