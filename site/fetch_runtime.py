"""Collects the files of the pinned runtime and verifies each against its sha256, whatever its source.

Most files come from npm packages in node_modules. The wheels of Pyodide's packages come from the first
available of these sources: the local cache, Pyodide's CDN, and the wheel of another Python distribution that
contains copies of them. That wheel is read with range requests or, as a last resort, downloaded whole.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

from runtime_lock import RuntimeFile, RuntimeFileError, RuntimeLock, check, check_against_pyodide
from steps import Step, step

CDN_TIMEOUT_SECONDS = 5.0
_CHUNK = 1 << 18

Fetched = dict[str, bytes]
Source = tuple[str, Callable[[list[RuntimeFile]], Fetched]]


def obtain(lock: RuntimeLock, node_modules: Path, cache: Path) -> dict[str, bytes]:
    """The verified content of every file of the runtime, by its path in the site.

    Args:
        lock: the files to collect.
        node_modules: the folder that `npm ci` filled.
        cache: folder of downloaded files, named by their sha256; damaged files are downloaded again.

    Raises:
        RuntimeFileError: if no source has a file, or a file does not match the lock.
    """
    pyodide_lock = json.loads(_from_npm(lock.pyodide_lock, node_modules))
    check_against_pyodide(lock.files, pyodide_lock)
    contents = {file.path: _from_npm(file, node_modules) for file in lock.files if file.npm}
    wheels = [file for file in lock.files if file.package]
    contents |= obtain_wheels(wheels, cache, default_sources(lock))
    return contents


def _from_npm(file: RuntimeFile, node_modules: Path) -> bytes:
    path = node_modules / str(file.npm)
    if not path.is_file():
        raise RuntimeFileError(f"{path} is missing: run 'make setup', which runs npm ci")
    return check(file, path.read_bytes(), f"npm ({file.npm})")


def default_sources(lock: RuntimeLock) -> list[Source]:
    """The sources of Pyodide's wheels, in the order in which to try them."""
    wheel = lock.fallback_requirement
    return [
        ("Pyodide's CDN", lambda files: fetch_from_cdn(lock.cdn, files)),
        (f"the wheel of {wheel}, read in part", lambda files: fetch_from_remote_wheel(lock, files)),
        (f"the wheel of {wheel}, downloaded whole", lambda files: fetch_from_downloaded_wheel(lock, files)),
    ]


def obtain_wheels(files: Iterable[RuntimeFile], cache: Path, sources: list[Source]) -> Fetched:
    """The verified content of each of `files`, by path: from the cache, else from the first available source.

    An unreachable source is skipped. A source whose bytes do not match the lock is an error, because somebody
    should look into it.

    Raises:
        RuntimeFileError: if a source gave wrong bytes, or no source could be reached.
    """
    found: Fetched = {}
    missing: list[RuntimeFile] = []
    for file in files:
        content = _from_cache(file, cache)
        if content is None:
            missing.append(file)
        else:
            found[file.path] = content
    if not missing:
        return found
    names = ", ".join(file.package or file.name for file in missing)
    failures = []
    for source, fetch in sources:
        try:
            fetched = fetch(missing)
        except (OSError, zipfile.BadZipFile, KeyError, subprocess.SubprocessError) as error:
            reason = " ".join(str(error).split())[:200]
            print(f"  {names}: {source} is unavailable: {reason}", flush=True)
            failures.append(f"{source}: {reason}")
            continue
        for file in missing:
            found[file.path] = _store(file, check(file, fetched[file.path], source), cache)
        return found
    raise RuntimeFileError(
        f"Pyodide's wheels of {names} could not be downloaded; check the network and run the same command "
        f"again. Tried: {'; '.join(failures)}"
    )


def _from_cache(file: RuntimeFile, cache: Path) -> bytes | None:
    path = cache / file.sha256
    if not path.is_file():
        return None
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() == file.sha256:
        return content
    path.unlink()
    print(f"  {file.name} is damaged in the cache: downloading it again", flush=True)
    return None


def _store(file: RuntimeFile, content: bytes, cache: Path) -> bytes:
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=cache, delete=False) as partial:
        partial.write(content)
    Path(partial.name).replace(cache / file.sha256)
    return content


def fetch_from_cdn(cdn: str, files: list[RuntimeFile]) -> Fetched:
    """Downloads the files from `cdn`, an address that ends in a slash.

    Raises:
        OSError: if the CDN does not respond within a few seconds or lacks a file.
    """
    fetched: Fetched = {}
    for file in files:
        with (
            step(f"{file.name} from Pyodide's CDN") as running,
            urllib.request.urlopen(cdn + file.name, timeout=CDN_TIMEOUT_SECONDS) as reply,
        ):
            fetched[file.path] = _read(reply, file.bytes, running)
    return fetched


def _read(stream: IO[bytes], total: int, running: Step) -> bytes:
    """Reads `stream`, but stops soon after the expected `total` bytes."""
    content = bytearray()
    while len(content) <= total and (chunk := stream.read(_CHUNK)):
        content += chunk
        running.progress(len(content), total)
    return bytes(content)


def fetch_from_remote_wheel(lock: RuntimeLock, files: list[RuntimeFile]) -> Fetched:
    """Reads the files from the fallback distribution's wheel with range requests: 3 MB instead of 100.

    Raises:
        OSError, zipfile.BadZipFile, KeyError: if the wheel cannot be found or reached, lacks a file, or its
            server does not support range requests.
    """
    # Imported here because only the first build needs it.
    import remotezip

    with step(f"looking up {lock.fallback_requirement}"):
        url = _resolve(lock.fallback_requirement)
    try:
        with remotezip.RemoteZip(url, timeout=30) as wheel:
            return _members(wheel, lock.fallback_folder, files, lock.fallback_requirement)
    except remotezip.RemoteZipError as error:
        raise OSError(str(error)) from error


def fetch_from_downloaded_wheel(lock: RuntimeLock, files: list[RuntimeFile]) -> Fetched:
    """Has pip download the whole wheel of the fallback distribution (about 100 MB) and reads the files.

    Raises:
        OSError, zipfile.BadZipFile, KeyError: if pip cannot download it or it lacks a file.
    """
    with tempfile.TemporaryDirectory() as folder:
        with step(f"downloading the whole wheel of {lock.fallback_requirement}"):
            _pip("download", "--dest", folder, lock.fallback_requirement)
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            return _members(wheel, lock.fallback_folder, files, lock.fallback_requirement)


def _members(wheel: zipfile.ZipFile, folder: str, files: list[RuntimeFile], source: str) -> Fetched:
    fetched: Fetched = {}
    for file in files:
        with (
            step(f"{file.name} from the wheel of {source}") as running,
            wheel.open(folder + file.name) as member,
        ):
            fetched[file.path] = _read(member, file.bytes, running)
    return fetched


def _resolve(requirement: str) -> str:
    """The address of the wheel on the package index that pip is configured to use."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        _pip("install", "--dry-run", "--ignore-installed", "--report", str(report), requirement)
        found: str = json.loads(report.read_text(encoding="utf-8"))["install"][0]["download_info"]["url"]
    return found


def _pip(command: str, *arguments: str) -> None:
    # The wheel is only read, never installed, so its dependencies and Python version do not matter.
    fixed = ["--quiet", "--no-deps", "--ignore-requires-python", "--only-binary=:all:"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", command, *fixed, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise OSError(f"pip {command} failed: {' '.join(lines) or done.stderr.strip()[-200:]}")
