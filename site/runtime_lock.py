"""The pinned runtime: the third-party files that the site ships, their origin and their sha256.

`runtime.lock.json` lists these files in four groups: `start` is loaded when the page opens, `packages` by
pages that install Python packages, `model` when a model is requested, `recording` when a recording starts.
A file comes either from an npm package (installed from wasm_bridge/package-lock.json) or is the wheel of a
package in the Pyodide distribution.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

LOCK_PATH = Path(__file__).with_name("runtime.lock.json")


class RuntimeFileError(ValueError):
    """A runtime file or its entry in the lock is missing or wrong."""


@dataclass(frozen=True)
class RuntimeFile:
    """One file of the runtime.

    Attributes:
        path: its path in the site, with forward slashes.
        npm: its path under node_modules; None for the wheel of a Pyodide package.
        package: the name of its Pyodide package; None for a file of an npm package.
        bytes: its size.
        sha256: its digest as 64 lower-case hexadecimal digits.
    """

    path: str
    npm: str | None
    package: str | None
    bytes: int
    sha256: str

    @property
    def name(self) -> str:
        """The file's name without folders."""
        return PurePosixPath(self.path).name


@dataclass(frozen=True)
class RuntimeLock:
    """The contents of runtime.lock.json.

    Attributes:
        pyodide_version: the version of Pyodide in wasm_bridge/package.json.
        cdn: the address of that version's folder on Pyodide's CDN, ending in a slash.
        fallback_requirement: the Python distribution whose wheel contains copies of the Pyodide wheels.
        fallback_folder: the folder of the copies inside that wheel, ending in a slash.
        pyodide_lock: Pyodide's own pyodide-lock.json, which lists the sha256 of all its packages.
        start: files that the page loads at once.
        packages: files with which other pages install Python packages.
        model: files that the page loads when a model is requested.
        recording: files that the page loads to write videos and GIFs.
    """

    pyodide_version: str
    cdn: str
    fallback_requirement: str
    fallback_folder: str
    pyodide_lock: RuntimeFile
    start: tuple[RuntimeFile, ...]
    packages: tuple[RuntimeFile, ...]
    model: tuple[RuntimeFile, ...]
    recording: tuple[RuntimeFile, ...]

    @property
    def files(self) -> tuple[RuntimeFile, ...]:
        """All files."""
        return self.start + self.packages + self.model + self.recording


def read_lock(path: Path = LOCK_PATH) -> RuntimeLock:
    """Read runtime.lock.json.

    Raises:
        RuntimeFileError: if an entry lacks a field, or has both or neither of `npm` and `package`.
    """
    return parse_lock(json.loads(path.read_text(encoding="utf-8")))


def parse_lock(data: dict[str, Any]) -> RuntimeLock:
    """The lock from the decoded runtime.lock.json.

    Raises:
        RuntimeFileError: see `read_lock`.
    """
    try:
        pyodide = data["pyodide"]
        return RuntimeLock(
            pyodide_version=pyodide["version"],
            cdn=pyodide["cdn"],
            fallback_requirement=pyodide["fallback"]["requirement"],
            fallback_folder=pyodide["fallback"]["folder"],
            pyodide_lock=_entry(pyodide["lock"]),
            start=tuple(_entry(entry) for entry in data["start"]),
            packages=tuple(_entry(entry) for entry in data["packages"]),
            model=tuple(_entry(entry) for entry in data["model"]),
            recording=tuple(_entry(entry) for entry in data["recording"]),
        )
    except KeyError as error:
        raise RuntimeFileError(f"runtime.lock.json: the field {error} is missing") from None


def _entry(entry: dict[str, Any]) -> RuntimeFile:
    if ("npm" in entry) == ("package" in entry):
        raise RuntimeFileError(f"{entry['path']}: give either 'npm' or 'package' as the file's origin")
    return RuntimeFile(
        entry["path"], entry.get("npm"), entry.get("package"), int(entry["bytes"]), entry["sha256"]
    )


def check(file: RuntimeFile, content: bytes, source: str) -> bytes:
    """Returns `content` if it matches the lock.

    Raises:
        RuntimeFileError: if it does not; the message has the file, the expected and the actual sha256.
    """
    actual = hashlib.sha256(content).hexdigest()
    if actual != file.sha256:
        raise RuntimeFileError(
            f"{file.name} from {source} has the wrong sha256 and was discarded: expected {file.sha256} "
            f"({file.bytes} bytes), got {actual} ({len(content)} bytes)"
        )
    return content


def check_against_pyodide(files: tuple[RuntimeFile, ...], pyodide_lock: dict[str, Any]) -> None:
    """Check that our entries for Pyodide's packages agree with Pyodide's own lock.

    Raises:
        RuntimeFileError: if Pyodide does not know a package, its file name or sha256 differs, or it has a
            dependency that the site does not ship.
    """
    shipped = {file.package for file in files if file.package}
    for file in files:
        if not file.package:
            continue
        known = pyodide_lock["packages"].get(file.package)
        if known is None:
            raise RuntimeFileError(
                f"{file.package} is not a package of this Pyodide version; its pyodide-lock.json lists them"
            )
        for what, ours, theirs in (
            ("file name", file.name, known["file_name"]),
            ("sha256", file.sha256, known["sha256"]),
        ):
            if ours != theirs:
                raise RuntimeFileError(
                    f"{file.package}: the {what} in runtime.lock.json is {ours}, but {theirs} in "
                    "Pyodide's own lock; run 'make pin' after a change of version"
                )
        missing = sorted(set(known["depends"]) - shipped)
        if missing:
            raise RuntimeFileError(
                f"{file.package} depends on {', '.join(missing)}: add it to runtime.lock.json"
            )


def trim_pyodide_lock(pyodide_lock: dict[str, Any], packages: set[str]) -> dict[str, Any]:
    """Pyodide's lock with only the given packages, so that others are unknown instead of failed requests."""
    shipped = {name: entry for name, entry in pyodide_lock["packages"].items() if name in packages}
    return {**pyodide_lock, "packages": shipped}
