"""Builds the published site: `python site/build_site.py` (or `make site`) fills site/dist.

What goes in, from where:
    index.html                   web/index.html, with the modules that a browser may fetch at once
    service_worker.mjs           web/offline/service_worker.mjs, with the digest of all of the site in it
    web/, wasm_bridge/           the page's files and the bridge's ES modules, as in the project
    runtime/pyodide/             Pyodide without what no page needs, and a pyodide-lock.json of its wheels
    runtime/onnxruntime/         ONNX Runtime Web, loaded only once a model is asked for
    runtime/recording/           writers of videos and GIFs, loaded only to record
    python/<hash>/*.whl          this project's own wheel; the folder changes whenever its contents do
    graphs/                      the released architecture's ONNX graphs, without weights
    built-in/                    site/model, this project's own small checkpoint, with its graphs
    sample/news.webm             the clip that the page has to show, loaded only when it is chosen
    example/, package.json       a page that uses the JavaScript API, and the API as a package, with its types
    options.json, palettes.json  the options and colours that page and package share
    build.json                   version, commit, the wheel, what a start needs, size and sha256 of all

Addresses inside the site are relative, so that it works under any sub-path. The new site is put together
beside the old one and then takes its place: a failed build leaves the old one as it was.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from api_files import EXAMPLE, TYPES, add_api_files
from fetch_runtime import obtain
from make_graphs import BUILT_IN, GraphsError, obtain_graphs
from module_preloads import add_preloads
from runtime_lock import RuntimeLock, read_lock, trim_pyodide_lock
from slim_python import MORE_NUMPY, lock_with, slim
from steps import step

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "site" / "dist"
CACHE = ROOT / ".cache" / "runtime"
SLIM_CACHE = ROOT / ".cache" / "slim"
GRAPHS_CACHE = ROOT / ".cache" / "graphs"
SAMPLE_CLIP = "sample/news.webm"
NODE_MODULES = ROOT / "wasm_bridge" / "node_modules"

# What the page fetches only when it is asked for: models, and packages of Python beyond the page's own.
_LATER = ("runtime/onnxruntime/", "runtime/recording/", "runtime/pyodide/micropip-", MORE_NUMPY)
_MODELS = ("graphs/", "built-in/")
_FOR_DEVELOPERS = (f"{EXAMPLE}/", "package.json")
_MEDIA = (".webm", ".mp4", ".gif")

_SERVICE_WORKER = "web/offline/service_worker.mjs"

# Any fixed time makes the wheel the same from build to build: 2026-01-01, in seconds since 1970.
_SOURCE_DATE_EPOCH = "1767225600"


class BuildError(Exception):
    """The site cannot be built; the message is one sentence for a person."""


def build(root: Path = ROOT, dist: Path = DIST) -> dict[str, Any]:
    """Build the site of the project at `root` into `dist` and return what build.json says.

    Raises:
        BuildError: if a part of the project is missing or its wheel cannot be built.
        GraphsError: if the graphs cannot be made.
        PreloadError: if a module imports one that is missing.
        RuntimeFileError: if a file of the runtime cannot be had or is not what the lock says.
        SlimError: if Python's modules cannot be compiled.
        TypesError: if the JavaScript API's types cannot be made.
    """
    if not (root / "web" / "index.html").is_file():
        raise BuildError(f"{root / 'web' / 'index.html'} is missing: the site has no page to show")
    lock = read_lock()
    with step("runtime: verifying"):
        runtime = obtain(lock, NODE_MODULES, CACHE)
    with step("Python: leaving out what no page needs"):
        runtime = slim(runtime, NODE_MODULES / "pyodide", SLIM_CACHE)
    with step("graphs: making them"):
        graphs = obtain_graphs(root, GRAPHS_CACHE)
        own_graphs = obtain_graphs(root, GRAPHS_CACHE, BUILT_IN)
    # Beside dist, because only a rename within one file system is atomic.
    dist.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".dist-", dir=dist.parent) as scratch:
        fresh = Path(scratch) / "dist"
        with step("site: putting it together"):
            copy_sources(root, fresh)
            add_preloads(fresh)
            add_api_files(root, NODE_MODULES, fresh)
            shutil.copytree(graphs, fresh / "graphs")
            shutil.copytree(own_graphs, fresh / "built-in")
            shutil.copytree((root / BUILT_IN).parent, fresh / "built-in", dirs_exist_ok=True)
            write_runtime(fresh, runtime, lock)
            wheel = add_wheel(root, fresh)
            description = describe(root, fresh, wheel)
            write_service_worker(root, fresh, str(description["id"]))
            write_json(fresh / "build.json", description)
            (fresh / ".nojekyll").touch()
        swap(fresh, dist)
    return description


def copy_sources(root: Path, target: Path) -> None:
    """Copy what the browser gets unchanged: the page, the bridge's modules and the shared tables."""
    shutil.copytree(root / "web", target / "web", ignore=shutil.ignore_patterns(".*"))
    (target / "web" / "index.html").rename(target / "index.html")
    # Its place is the root; see write_service_worker.
    (target / _SERVICE_WORKER).unlink(missing_ok=True)
    for module in sorted((root / "wasm_bridge").rglob("*.mjs")):
        relative = module.relative_to(root)
        if "node_modules" in relative.parts or module.name.endswith(".test.mjs"):
            continue
        (target / relative).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(module, target / relative)
    for path in ("options.json", "panels/palettes.json"):
        if (table := root / "py" / "autogaze_web" / path).is_file():
            shutil.copyfile(table, target / table.name)
    if (clip := root / "tests" / "data" / "example_input.webm").is_file():
        (target / "sample").mkdir()
        shutil.copyfile(clip, target / SAMPLE_CLIP)


def write_runtime(target: Path, runtime: dict[str, bytes], lock: RuntimeLock) -> None:
    """Write the verified runtime files, and Pyodide's lock with no more packages than those."""
    for path, content in runtime.items():
        file = target / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    pyodide_lock = json.loads((NODE_MODULES / str(lock.pyodide_lock.npm)).read_text(encoding="utf-8"))
    packages = {file.package for file in lock.files if file.package}
    trimmed = trim_pyodide_lock(pyodide_lock, packages)
    write_json(target / lock.pyodide_lock.path, lock_with(trimmed, runtime))


def add_wheel(root: Path, target: Path) -> str:
    """Build the project's wheel into a folder named after its sha256; return its path in the site."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
            cwd=root,
            env={**os.environ, "SOURCE_DATE_EPOCH": _SOURCE_DATE_EPOCH},
            capture_output=True,
            text=True,
            check=False,
        )
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode or len(wheels) != 1:
            lines = (done.stderr or done.stdout).strip().splitlines() or ["hatchling said nothing"]
            raise BuildError(f"the project's wheel could not be built: {lines[-1]}")
        content = wheels[0].read_bytes()
        path = f"python/{hashlib.sha256(content).hexdigest()[:16]}/{wheels[0].name}"
    file = target / path
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    return path


def describe(root: Path, target: Path, wheel: str) -> dict[str, Any]:
    """What build.json says; without git the commit is None.

    `id` stands for the contents of all files.
    `start` names the files without which the page does not run; the others are fetched when asked for.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    files = {}
    for path in sorted(target.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            files[path.relative_to(target).as_posix()] = {
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
    digest = hashlib.sha256("".join(f"{path} {file['sha256']} " for path, file in files.items()).encode())
    return {
        "id": digest.hexdigest()[:16],
        "version": project["version"],
        "commit": commit(root),
        "wheel": wheel,
        "start": [
            path
            for path in files
            if not path.startswith(_LATER + _MODELS + _FOR_DEVELOPERS) and not path.endswith((*_MEDIA, TYPES))
        ],
        "files": files,
    }


def write_service_worker(root: Path, target: Path, build_id: str) -> None:
    """Copy the service worker to the site's root, which is its scope, with the build that it keeps in it.

    It is no file of build.json, because it names the digest of those.

    Raises:
        BuildError: if it has no place for that.
    """
    source = (root / _SERVICE_WORKER).read_text(encoding="utf-8")
    text = source.replace('const BUILD = "development";', f'const BUILD = "{build_id}";')
    if text == source:
        raise BuildError(f"{_SERVICE_WORKER} has no line that names its BUILD")
    (target / Path(_SERVICE_WORKER).name).write_text(text, encoding="utf-8")


def commit(root: Path) -> str | None:
    """The checked-out commit, with "-dirty" behind it if files differ from it, or None without git."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    return done.stdout.strip() or None


def write_json(path: Path, value: object) -> None:
    """Write `value` as indented JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def swap(fresh: Path, dist: Path) -> None:
    """Put the folder `fresh` in the place of `dist`; should that fail, `dist` is put back."""
    old = fresh.with_name("old")
    if dist.exists():
        dist.rename(old)
    try:
        fresh.rename(dist)
    except OSError:
        if old.exists():
            old.rename(dist)
        raise


def main() -> None:
    try:
        description = build()
    except (BuildError, GraphsError, ValueError) as error:
        sys.exit(f"error: {error}")
    total = sum(file["bytes"] for file in description["files"].values())
    print(f"site/dist: {len(description['files'])} files, {total / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
