"""The pinned runtime: which third-party files the site ships, where they come from and their sha256.

`runtime.lock.json` lists every such file in four groups: `start` is loaded as soon as the page opens,
`packages` by pages that install packages of Python, `model` only once a visitor asks for a model,
`recording` when one records. A file comes either out of an npm package (already installed from
wasm_bridge/package-lock.json) or it is the wheel of a package of the Pyodide distribution.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

LOCK_PATH = Path(__file__).with_name("runtime.lock.json")


class RuntimeFileError(ValueError):
    """A runtime file or its entry in a lock is missing, or is not what the lock says."""


@dataclass(frozen=True)
class RuntimeFile:
    """One file of the runtime.

    Attributes:
        path: where it goes, relative to the site's root, with forward slashes.
        npm: where it is under node_modules, or None if it is the wheel of a Pyodide package.
        package: name of that Pyodide package, or None.
        bytes: size of the file.
        sha256: its digest, 64 lower-case hexadecimal digits.
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
        pyodide_version: version of Pyodide, as in wasm_bridge/package.json.
        cdn: address of the folder of that version on Pyodide's CDN, ending in a slash.
        fallback_requirement: the Python distribution whose wheel also holds the Pyodide wheels.
        fallback_folder: their folder inside that wheel, ending in a slash.
        pyodide_lock: Pyodide's own pyodide-lock.json, which has the sha256 of all of its packages.
        start: the files that the page loads at once.
        packages: the files that install packages of Python, for other pages.
        model: the files that it loads when a model is asked for.
        recording: the files that it loads to write videos and GIFs.
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
        """Every file that ends up in the site, unchanged."""
        return self.start + self.packages + self.model + self.recording


def read_lock(path: Path = LOCK_PATH) -> RuntimeLock:
    """Read runtime.lock.json.

    Raises:
        RuntimeFileError: if an entry lacks a field or names both or neither of its two possible origins.
    """
    return parse_lock(json.loads(path.read_text(encoding="utf-8")))


def parse_lock(data: dict[str, Any]) -> RuntimeLock:
    """The lock out of the decoded runtime.lock.json.

    Raises:
        RuntimeFileError: as `read_lock`.
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
    """`content`, if it is what the lock says.

    Raises:
        RuntimeFileError: if it is not; the message names the file, the expected and the actual sha256.
    """
    actual = hashlib.sha256(content).hexdigest()
    if actual != file.sha256:
        raise RuntimeFileError(
            f"{file.name} from {source} has the wrong sha256, so it was not kept: expected {file.sha256} "
            f"({file.bytes} bytes), got {actual} ({len(content)} bytes)"
        )
    return content


def check_against_pyodide(files: tuple[RuntimeFile, ...], pyodide_lock: dict[str, Any]) -> None:
    """Check that our entries for Pyodide's packages say what Pyodide's own lock says.

    Raises:
        RuntimeFileError: if a package is unknown to Pyodide, or has another file name, sha256 or a
            dependency that the site does not ship.
    """
    shipped = {file.package for file in files if file.package}
    for file in files:
        if not file.package:
            continue
        known = pyodide_lock["packages"].get(file.package)
        if known is None:
            raise RuntimeFileError(
                f"{file.package} is not a package of this Pyodide; its pyodide-lock.json lists them"
            )
        for what, ours, theirs in (
            ("file name", file.name, known["file_name"]),
            ("sha256", file.sha256, known["sha256"]),
        ):
            if ours != theirs:
                raise RuntimeFileError(
                    f"{file.package}: the {what} in runtime.lock.json is {ours}, but Pyodide's own lock says "
                    f"{theirs}; run 'make pin' after a change of version"
                )
        missing = sorted(set(known["depends"]) - shipped)
        if missing:
            raise RuntimeFileError(
                f"{file.package} depends on {', '.join(missing)}: add that to runtime.lock.json"
            )


def trim_pyodide_lock(pyodide_lock: dict[str, Any], packages: set[str]) -> dict[str, Any]:
    """Pyodide's lock with only the given packages: any other is then unknown instead of a failed request."""
    kept = {name: entry for name, entry in pyodide_lock["packages"].items() if name in packages}
    return {**pyodide_lock, "packages": kept}
