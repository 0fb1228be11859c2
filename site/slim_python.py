"""Makes Python smaller and faster to start: rewrites the standard library and NumPy for the site.

Both archives have been verified before. Files that cannot work in a browser or that no user of the page can
reach are removed, such as tests, headers, type stubs and code that needs processes or terminals. Licences
stay. Modules imported at start-up are compiled (`compile_python.mjs`). Parts of NumPy that the page does not
need but a hook may import, such as `numpy.random`, go into a separate archive, which is loaded when a hook
first runs.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import subprocess
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

STDLIB = "runtime/pyodide/python_stdlib.zip"
MORE_NUMPY = "runtime/pyodide/more_numpy.zip"

_COMPILER = Path(__file__).with_name("compile_python.mjs")
_COMPILE_SECONDS = 180
# A fixed time makes the archives reproducible.
_TIME = (2026, 1, 1, 0, 0, 0)

# Removed from the standard library: processes, terminals, network protocols that no page can use, and tools
# for tests and debugging. The encodings that programs use stay; those of documents are removed.
_NO_STDLIB = re.compile(
    r"(_pyrepl|ensurepip|idlelib|multiprocessing|pydoc_data|test|tkinter|turtledemo|unittest|venv|wsgiref"
    r"|xmlrpc)/"
    r"|(_aix_support|_android_support|_apple_support|_ios_support|_osx_support|bdb|cProfile|cgi|cmd|doctest"
    r"|ftplib|imaplib|mailbox|nntplib|pdb|poplib|profile|pstats|pty|pydoc|smtplib|socketserver|tabnanny"
    r"|telnetlib|this|trace|tracemalloc|tty|turtle)\.py$"
    r"|encodings/(?!(__init__|aliases|ascii|base64_codec|charmap|cp1252|cp437|hex_codec|idna|latin_1|punycode"
    r"|raw_unicode_escape|undefined|unicode_escape|utf_\w+)\.py$)"
)
_MORE_NUMPY = re.compile(r"numpy/(fft|polynomial|random)/")
# Removed from NumPy: files that cannot be imported (headers, stubs, static libraries), tests, and tools to
# compile extensions.
_NO_NUMPY = re.compile(
    r".*/tests/|.*\.(pyi|pxd|pyx|h|a|c|cpp|f90|ini|pc|typed)$|.*/include/|numpy/random/(_examples|lib)/"
    r"|numpy/(_pyinstaller|doc|f2py|testing)/|numpy/(_configtool|conftest)\.py$"
    r"|numpy/_core/_(multiarray_tests|operand_flag_tests|rational_tests|struct_ufunc_tests|umath_tests)\."
    r"|numpy/linalg/lapack_lite\.|.*\.dist-info/(RECORD|entry_points\.txt)$"
)

Files = dict[str, bytes]


class SlimError(ValueError):
    """Python's archives cannot be rewritten; the message is one sentence for the user."""


def slim(runtime: Files, pyodide: Path, cache: Path) -> Files:
    """`runtime` with a smaller standard library and NumPy, and the archive of NumPy's optional parts.

    Args:
        runtime: verified files by their path in the site, including the standard library and NumPy's wheel.
        pyodide: the folder of the npm package.
        cache: folder for the results.

    Raises:
        SlimError: if node cannot compile the modules.
    """
    wheel = next(path for path in runtime if PurePosixPath(path).name.startswith("numpy-"))
    digest = hashlib.sha256()
    for content in (runtime[STDLIB], runtime[wheel], _COMPILER.read_bytes(), Path(__file__).read_bytes()):
        digest.update(hashlib.sha256(content).digest())
    cached = cache / digest.hexdigest()[:16]
    paths = (STDLIB, repacked_name(wheel), MORE_NUMPY)
    if not all((cached / PurePosixPath(path).name).is_file() for path in paths):
        archives = _make(runtime[STDLIB], wheel, runtime[wheel], pyodide)
        cached.mkdir(parents=True, exist_ok=True)
        for path, content in zip(paths, archives, strict=True):
            (cached / PurePosixPath(path).name).write_bytes(content)
    others = {path: content for path, content in runtime.items() if path != wheel}
    return others | {path: (cached / PurePosixPath(path).name).read_bytes() for path in paths}


def repacked_name(wheel: str) -> str:
    """The path of a wheel with a build tag that distinguishes it from the published wheel."""
    name, version, rest = wheel.split("-", 2)
    return f"{name}-{version}-1slim-{rest}"


def _make(stdlib: bytes, name: str, wheel: bytes, pyodide: Path) -> tuple[bytes, bytes, bytes]:
    members = unzip(wheel)
    more = {name: content for name, content in members.items() if _MORE_NUMPY.match(name)}
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / "python_stdlib.zip", Path(folder) / PurePosixPath(name).name]
        # Complete archives, because compiling needs modules that are removed afterwards.
        for path, content in zip(paths, (stdlib, wheel), strict=True):
            path.write_bytes(content)
        _compile(pyodide, paths)
        compiled_stdlib, compiled = (unzip(path.read_bytes()) for path in paths)
    slim_stdlib = _without(compiled_stdlib, _NO_STDLIB)
    slim_numpy = _without(_without(compiled, _NO_NUMPY), _MORE_NUMPY)
    return rezip(slim_stdlib), rezip(with_record(slim_numpy)), rezip(_without(more, _NO_NUMPY))


def _without(members: Files, pattern: re.Pattern[str]) -> Files:
    # The patterns match the names of source modules, so .pyc becomes .py.
    return {
        name: content
        for name, content in members.items()
        if not pattern.match(name.removesuffix("c") if name.endswith(".pyc") else name)
    }


def _compile(pyodide: Path, archives: Iterable[Path]) -> None:
    try:
        done = subprocess.run(
            ["node", str(_COMPILER), str(pyodide), *map(str, archives)],
            capture_output=True,
            text=True,
            check=False,
            timeout=_COMPILE_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SlimError(f"Python's modules could not be compiled with node: {error}") from error
    if done.returncode:
        reasons = [line for line in done.stderr.splitlines() if "Error" in line] or ["node gave no reason"]
        raise SlimError(f"Python's modules could not be compiled with node: {reasons[0][:300]}")


def unzip(archive: bytes) -> Files:
    """The members of a zip file by name, without folders."""
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        return {name: file.read(name) for name in file.namelist() if not name.endswith("/")}


def rezip(members: Files) -> bytes:
    """A reproducible zip file of the members, sorted by name."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.external_attr = 0o644 << 16
            file.writestr(entry, members[name], zipfile.ZIP_DEFLATED, compresslevel=9)
    return target.getvalue()


def with_record(members: Files) -> Files:
    """The members of a wheel with a RECORD of exactly these members, as the wheel format requires."""
    folder = next(name.split("/")[0] for name in members if name.split("/")[0].endswith(".dist-info"))
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    for name in sorted(members):
        digest = base64.urlsafe_b64encode(hashlib.sha256(members[name]).digest()).rstrip(b"=").decode()
        writer.writerow([name, f"sha256={digest}", len(members[name])])
    writer.writerow([f"{folder}/RECORD", "", ""])
    return members | {f"{folder}/RECORD": lines.getvalue().encode()}


def lock_with(pyodide_lock: dict[str, object], runtime: Files) -> dict[str, object]:
    """Pyodide's lock with the names and digests of the wheels that the site ships.

    Pyodide verifies each wheel against the digest in its lock when it loads the wheel.
    """
    names: dict[str, str] = {PurePosixPath(path).name: path for path in runtime}
    packages = {}
    for package, entry in dict(pyodide_lock["packages"]).items():  # type: ignore[call-overload]
        name = entry["file_name"]
        if name not in names:
            name = repacked_name(name)
        digest = hashlib.sha256(runtime[names[name]]).hexdigest()
        packages[package] = {**entry, "file_name": name, "sha256": digest}
    return {**pyodide_lock, "packages": packages}
