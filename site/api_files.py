"""Adds what users of the JavaScript API need to the site: types, a package description, an example."""

from __future__ import annotations

import json
import shutil
import subprocess
import tomllib
from pathlib import Path

MODULE = "wasm_bridge/autogaze"
EXAMPLE = "example"
TYPES = ".d.mts"


class TypesError(ValueError):
    """The types cannot be generated; the message is one sentence for the user."""


def add_api_files(root: Path, node_modules: Path, target: Path) -> None:
    """Adds the files to the site in `target`; parts that the project lacks are skipped.

    Types are written next to the modules. `package.json` makes the whole site installable as a package that
    includes the runtime. The example is a page of its own.

    Raises:
        TypesError: if TypeScript finds an error.
    """
    if (root / f"{MODULE}.mjs").is_file():
        write_types(root, node_modules, target / "wasm_bridge")
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        package = package_description(project["name"], project["version"])
        (target / "package.json").write_text(json.dumps(package, indent=2) + "\n", encoding="utf-8")
    if (example := root / "examples" / "page").is_dir():
        shutil.copytree(example, target / EXAMPLE, ignore=shutil.ignore_patterns(".*"))


def write_types(root: Path, node_modules: Path, target: Path) -> None:
    """Writes the types of the API's module and of every module that it refers to."""
    program = node_modules / ".bin" / "tsc"
    project = root / "wasm_bridge" / "tsconfig.types.json"
    command = [str(program), "--project", str(project), "--outDir", str(target)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise TypesError(f"TypeScript could not be run ({error}): run npm ci in wasm_bridge") from None
    if done.returncode:
        raise TypesError(f"the API's types could not be generated: {done.stdout.strip().splitlines()[0]}")


def package_description(name: str, version: str) -> dict[str, object]:
    """The contents of `package.json`, which describes the site as a package."""
    return {
        "name": name,
        "version": version,
        "description": "AutoGaze in the browser: the few patches that matter in each frame of a video.",
        "license": "Apache-2.0",
        "type": "module",
        "exports": {".": {"types": f"./{MODULE}{TYPES}", "default": f"./{MODULE}.mjs"}, "./*": "./*"},
    }
