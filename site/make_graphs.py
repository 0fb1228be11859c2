"""The ONNX graphs that the site ships: the output of `autogaze-web export` for one architecture.

Building them takes seconds, so they are cached in .cache until their config, onnx or a module they depend on
changes.
"""

from __future__ import annotations

import ast
import hashlib
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

RELEASED = Path("site") / "released_config.json"
BUILT_IN = Path("site") / "model" / "config.json"
ENCODER = Path("site") / "encoder" / "config.json"
SIGLIP = Path("site") / "siglip_config.json"
ENCODER_GRAPHS = "encoder_graphs.json"
PACKAGE = Path("py") / "autogaze_web"


class GraphsError(Exception):
    """The graphs could not be built; the message is one sentence for the user."""


def obtain_graphs(root: Path, cache: Path, config: Path = RELEASED, manifest: str = "graphs.json") -> Path:
    """The folder with a config's graphs and their manifest, built unless it is cached.

    Args:
        root: the checkout.
        cache: parent folder of the cached graphs.
        config: the architecture's config.json, relative to the checkout; of an encoder with the decoder.json
            beside it, if there is one.
        manifest: the file that lists the graphs.

    Raises:
        GraphsError: if the graphs cannot be built.
    """
    digest = hashlib.sha256(version("onnx").encode())
    decoder = (root / config).with_name("decoder.json")
    for path in (root / config, *([decoder] if decoder.exists() else []), *graph_sources(root)):
        digest.update(path.read_bytes())
    folder = cache / digest.hexdigest()[:16]
    if not (folder / manifest).is_file():
        command = [sys.executable, "-m", "autogaze_web", "export"]
        command += ["--config", str(root / config), "--out", str(folder)]
        done = subprocess.run(
            command, cwd=root / "py", capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        if done.returncode:
            lines = (done.stderr or done.stdout).strip().splitlines() or ["no error message"]
            raise GraphsError(f"the model's graphs could not be built: {lines[-1]}")
    return folder


def graph_sources(root: Path) -> list[Path]:
    """The modules that determine the graphs: those of `graph/`, and all modules of the package they import.

    A package's `__init__.py` counts only where something is imported from the package itself.
    """
    package = root / PACKAGE
    needed: set[Path] = set()
    waiting = set((package / "graph").glob("*.py"))
    while waiting:
        path = waiting.pop()
        needed.add(path)
        waiting |= set(_imports(path, package)) - needed
    return sorted(needed)


def _imports(path: Path, package: Path) -> Iterator[Path]:
    """The files of the package that a module imports, also inside functions."""
    here = (package.name, *path.relative_to(package).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else ()
            module = (*base, *(node.module.split(".") if node.module else ()))
            targets = [(*module, each.name) for each in node.names]
        elif isinstance(node, ast.Import):
            targets = [tuple(each.name.split(".")) for each in node.names]
        else:
            continue
        for target in targets:
            if target[0] == package.name:
                yield _file_of(package.joinpath(*target[1:]))


def _file_of(target: Path) -> Path:
    """The file that an imported name is in: the module of that name, or the one above, which defines it."""
    for candidate in (target.with_suffix(".py"), target.parent.with_suffix(".py")):
        if candidate.is_file():
            return candidate
    return (target if target.is_dir() else target.parent) / "__init__.py"
