"""Builds the published site: `python site/build_site.py` (or `make site`) fills site/dist.

Contents of the site and where they come from:
    index.html                   web/index.html with the features' HTML and preload links for the modules
    service_worker.mjs           web/offline/service_worker.mjs, with the digest of the whole site
    web/, wasm_bridge/           the page's files and the bridge's ES modules, unchanged; its *.wat assembled
    runtime/pyodide/             Pyodide without what pages cannot use, and a pyodide-lock.json of its wheels
    runtime/onnxruntime/         ONNX Runtime Web, loaded when a model is requested
    runtime/recording/           writers of videos and GIFs, loaded to record
    python/<hash>/*.whl          this project's wheel, in a folder named after its contents
    graphs/                      the released architecture's ONNX graphs, without weights
    encoder/                     site/encoder, this project's small vision encoder, with its graphs
    siglip/                      the graph of SigLIP base, patches of 16 at 224 pixels, for AutoGaze's scales
    built-in/                    site/model, this project's small checkpoint, with its graphs
    preview.jpg                  the preview card: what other sites show beside a link to the page
    check/                       NVIDIA's example clip and what its QUICK_START expects of a model
    sample/                      the sample clips and their stills; a first visit starts with bunny.webm
    docs/                        the documentation, if it is asked for: site/build_docs.py
    example/, package.json       an example of the JavaScript API, and the API as a package with types
    options.json, palettes.json  the options and colours that the page and the package share
    build.json                   version, commit, wheel, files needed at start, size and sha256 of all files

Addresses inside the site are relative, so the site works under any sub-path. A new site is built next to the
old one and then replaces it, so a failed build leaves the old site unchanged.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

from api_files import EXAMPLE, TYPES, add_api_files
from assemble_kernels import KernelsError, add_kernels
from build_docs import DocsError, build_docs
from fetch_runtime import obtain
from make_graphs import BUILT_IN, ENCODER, ENCODER_GRAPHS, SIGLIP, GraphsError, obtain_graphs
from module_preloads import add_preloads
from page_parts import join_parts
from runtime_lock import RuntimeLock, read_lock, trim_pyodide_lock
from serve_site import FRAME_ANCESTORS, policy_of, policy_of_files
from slim_python import MORE_NUMPY, lock_with, slim
from steps import step

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "site" / "dist"
CACHE = ROOT / ".cache" / "runtime"
SLIM_CACHE = ROOT / ".cache" / "slim"
GRAPHS_CACHE = ROOT / ".cache" / "graphs"
DOCS_CACHE = ROOT / ".cache" / "docs"
DOCS = "docs"
# The page's link to the documentation stays hidden in a site without it.
_HIDDEN_LINK = f'href="{DOCS}/" hidden'
# The clip with which a first visit starts: the default of the option `sample`.
SAMPLE_CLIP = "sample/bunny.webm"
# The picture that other sites show beside a link to the page.
PREVIEW = "preview.jpg"
NODE_MODULES = ROOT / "wasm_bridge" / "node_modules"

# Files that are loaded on demand: runtimes of models and recordings, Python packages for other pages, clips.
_LATER = (
    "check/",
    "runtime/onnxruntime/",
    "runtime/recording/",
    "runtime/pyodide/micropip-",
    "sample/",
    MORE_NUMPY,
)
_MODELS = ("graphs/", "built-in/", "encoder/", "siglip/")
_FOR_OTHERS = (f"{EXAMPLE}/", "package.json", PREVIEW)
# A model that somebody has put beside the page belongs to no build, nor does the documentation.
_BESIDE = ("model", DOCS)
_MEDIA = (".webm", ".mp4", ".gif")
_EXAMPLE_CLIP = "autogaze_web/native/example_input."

_SERVICE_WORKER = "web/offline/service_worker.mjs"

# A fixed time makes the wheel reproducible: 2026-01-01, in seconds since 1970.
_SOURCE_DATE_EPOCH = "1767225600"


class BuildError(Exception):
    """The site cannot be built; the message is one sentence for the user."""


def build(root: Path = ROOT, dist: Path = DIST, docs: Path | None = None) -> dict[str, Any]:
    """Build the site of the project at `root` into `dist` and return the contents of build.json.

    Args:
        root: the project's folder.
        dist: the folder of the site, which is replaced as a whole.
        docs: the folder of the built documentation, for a site with it.

    Raises:
        BuildError: if a part of the project is missing or its wheel cannot be built.
        GraphsError: if the graphs cannot be built.
        KernelsError: if the WebAssembly of the bridge cannot be assembled.
        PartError: if a part of the page is missing.
        PreloadError: if a module imports a missing module.
        RuntimeFileError: if a file of the runtime is unavailable or does not match the lock.
        SlimError: if Python's modules cannot be compiled.
        TypesError: if the JavaScript API's types cannot be generated.
    """
    if not (root / "web" / "index.html").is_file():
        raise BuildError(f"{root / 'web' / 'index.html'} is missing: the site has no page to show")
    lock = read_lock()
    with step("runtime: verifying"):
        runtime = obtain(lock, NODE_MODULES, CACHE)
    with step("Python: removing unused files and compiling"):
        runtime = slim(runtime, NODE_MODULES / "pyodide", SLIM_CACHE)
    with step("graphs: building"):
        graphs = obtain_graphs(root, GRAPHS_CACHE)
        own_graphs = obtain_graphs(root, GRAPHS_CACHE, BUILT_IN)
        encoder_graphs = obtain_graphs(root, GRAPHS_CACHE, ENCODER, ENCODER_GRAPHS)
        siglip_graphs = obtain_graphs(root, GRAPHS_CACHE, SIGLIP, ENCODER_GRAPHS)
    # Next to dist, because only a rename within one file system is atomic.
    dist.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".dist-", dir=dist.parent) as scratch:
        fresh = Path(scratch) / "dist"
        with step("site: assembling"):
            copy_sources(root, fresh)
            join_parts(fresh)
            address_preview(fresh, os.environ.get("SITE_URL", ""))
            if docs:
                show_link_to_docs(fresh)
            add_preloads(fresh)
            add_api_files(root, NODE_MODULES, fresh)
            add_kernels(root, NODE_MODULES, fresh)
            shutil.copytree(graphs, fresh / "graphs")
            shutil.copytree(own_graphs, fresh / "built-in")
            shutil.copytree((root / BUILT_IN).parent, fresh / "built-in", dirs_exist_ok=True)
            shutil.copytree(encoder_graphs, fresh / "encoder")
            shutil.copytree(siglip_graphs, fresh / "siglip")
            shutil.copytree((root / ENCODER).parent, fresh / "encoder", dirs_exist_ok=True)
            write_runtime(fresh, runtime, lock)
            wheel = add_wheel(root, fresh)
            description = describe(root, fresh, wheel)
            write_service_worker(root, fresh, str(description["id"]))
            write_json(fresh / "build.json", description)
            if docs:
                shutil.copytree(docs, fresh / DOCS, ignore=shutil.ignore_patterns(".*"))
            (fresh / ".nojekyll").touch()
        swap(fresh, dist)
    return description


def copy_sources(root: Path, target: Path) -> None:
    """Copy the files that are shipped unchanged: the page, the bridge's modules and the shared tables."""
    shutil.copytree(root / "web", target / "web", ignore=shutil.ignore_patterns(".*"))
    (target / "web" / "index.html").rename(target / "index.html")
    # write_service_worker puts it at the root.
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
    (target / "sample").mkdir()
    for file in (root / "tests" / "data" / "example_input.webm", *(root / "site" / "samples").glob("*.web*")):
        if file.is_file():
            name = "news.webm" if file.stem == "example_input" else file.name
            shutil.copyfile(file, target / "sample" / name)
    (target / "check").mkdir()
    for part in (root / "py").glob(f"{_EXAMPLE_CLIP}*"):
        shutil.copyfile(part, target / "check" / part.name)
    if (picture := root / "docs" / "pictures" / PREVIEW).is_file():
        shutil.copyfile(picture, target / PREVIEW)


def address_preview(target: Path, site_url: str) -> None:
    """Write the absolute address of the preview card into the page: other sites accept no relative one."""
    page = target / "index.html"
    if site_url and page.is_file():
        text = page.read_text(encoding="utf-8")
        base = site_url.rstrip("/")
        page.write_text(text.replace(f'content="{PREVIEW}"', f'content="{base}/{PREVIEW}"'), encoding="utf-8")


def show_link_to_docs(target: Path) -> None:
    """Show the page's link to the documentation."""
    page = target / "index.html"
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace(_HIDDEN_LINK, _HIDDEN_LINK.removesuffix(" hidden")), encoding="utf-8")


def write_runtime(target: Path, runtime: dict[str, bytes], lock: RuntimeLock) -> None:
    """Write the verified runtime files, and Pyodide's lock reduced to the shipped packages."""
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
            lines = (done.stderr or done.stdout).strip().splitlines() or ["hatchling printed nothing"]
            raise BuildError(f"the project's wheel could not be built: {lines[-1]}")
        content = without_example(wheels[0].read_bytes())
        path = f"python/{hashlib.sha256(content).hexdigest()[:16]}/{wheels[0].name}"
    file = target / path
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    return path


def without_example(wheel: bytes) -> bytes:
    """A wheel without the example clip, which the page fetches only when it checks a model."""
    shorter = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(wheel)) as source, zipfile.ZipFile(shorter, "w") as target:
        for file in source.infolist():
            content = source.read(file)
            if file.filename.startswith(_EXAMPLE_CLIP):
                continue
            if file.filename.endswith(".dist-info/RECORD"):
                lines = content.decode().splitlines(keepends=True)
                content = "".join(line for line in lines if not line.startswith(_EXAMPLE_CLIP)).encode()
            target.writestr(file, content, zipfile.ZIP_DEFLATED, 9)
    return shorter.getvalue()


def describe(root: Path, target: Path, wheel: str) -> dict[str, Any]:
    """The contents of build.json; the commit is None without git.

    `id` identifies the contents of all `files`: the service worker verifies the list by it.
    `start` lists the files that the page needs to run; all others are loaded on demand.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    files = {}
    for path in sorted(target.rglob("*")):
        if path.is_file() and path.relative_to(target).parts[0] not in _BESIDE:
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
            if path == SAMPLE_CLIP
            or not (path.startswith(_LATER + _MODELS + _FOR_OTHERS) or path.endswith((*_MEDIA, TYPES)))
        ],
        "files": files,
    }


def write_service_worker(root: Path, target: Path, build_id: str) -> None:
    """Copy the service worker to the site's root, which sets its scope, and insert the id and the policies.

    build.json does not list this file, because the file contains the digest of those that it lists.

    Raises:
        BuildError: if the service worker has no lines for them.
    """
    text = (root / _SERVICE_WORKER).read_text(encoding="utf-8")
    policies = {
        document.relative_to(target).as_posix(): f"{policy}; {FRAME_ANCESTORS}"
        for document in sorted(target.rglob("*.html"))
        if (policy := policy_of(document))
    }
    policies[""] = policy_of_files(policies.get("index.html", ""))
    for name, before, value in (("BUILD", "development", build_id), ("POLICIES", {}, policies)):
        line = f"const {name} = {json.dumps(before)};"
        if line not in text:
            raise BuildError(f"{_SERVICE_WORKER} has no line that defines {name}")
        text = text.replace(line, f"const {name} = {json.dumps(value)};")
    (target / Path(_SERVICE_WORKER).name).write_text(text, encoding="utf-8")


def commit(root: Path) -> str | None:
    """The checked-out commit, followed by "-dirty" if files were modified; None without git."""
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
    """Replace `dist` by the folder `fresh`; if that fails, restore `dist`."""
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
    parser = argparse.ArgumentParser(description="Builds the page into site/dist.")
    parser.add_argument("--docs", action="store_true", help="with the documentation, in site/dist/docs")
    options = parser.parse_args()
    try:
        docs = None
        if options.docs:
            with step("documentation: building"):
                docs = build_docs(ROOT, DOCS_CACHE)
        description = build(docs=docs)
    except (BuildError, DocsError, GraphsError, KernelsError, ValueError) as error:
        sys.exit(f"error: {error}")
    total = sum(file["bytes"] for file in description["files"].values())
    print(f"site/dist: {len(description['files'])} files, {total / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
