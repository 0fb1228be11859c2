"""Videos at addresses such as ``s3://`` and ``https://``, through fsspec where it is installed."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from ..limits import MAX_REMOTE_BYTES, MIN_FREE_BYTES
from ..native.gathering import StoppedError

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_MAGIC = re.compile(r"[*?\[]")
_BLOCK = 1 << 20


def is_remote(address: str) -> bool:
    """Whether an address has a scheme, such as ``s3://bucket/clip.mp4``."""
    return _ADDRESS.match(address) is not None


def expand(address: str, suffixes: Collection[str]) -> list[str]:
    """The videos at an address: itself, or what its pattern matches.

    Raises:
        ValueError: if a pattern matches nothing.
        ImportError: if what reads such addresses is not installed.
    """
    system, path = _opened(address)
    web = address.lower().startswith("http")
    with _errors_of(address):
        if _MAGIC.search(path) and not web:
            paths = sorted(
                each for each in system.glob(path) if PurePosixPath(each).suffix.lower() in suffixes
            )
        elif not web and system.isdir(path):
            paths = sorted(
                each for each in system.find(path) if PurePosixPath(each).suffix.lower() in suffixes
            )
        else:
            return [address]
    if not paths:
        raise ValueError(f"there is no video at {address}: check the address")
    return [system.unstrip_protocol(each) for each in paths]


def version_of(address: str) -> tuple[int, str]:
    """Size and version of a remote file, without reading it.

    Raises:
        ValueError: if it cannot be reached.
    """
    system, path = _opened(address)
    with _errors_of(address):
        info = system.info(path)
        marks = [info.get(key) for key in ("ETag", "etag", "md5Hash", "generation", "LastModified", "mtime")]
        version = "-".join(str(mark) for mark in marks if mark is not None)
        return int(info.get("size") or 0), hashlib.sha256(version.encode()).hexdigest()[:16]


@contextmanager
def local_copy(address: str, check: Callable[[], object] = lambda: None) -> Iterator[Path]:
    """The path of a file: a remote one is downloaded to a temporary folder for as long as the block lasts.

    Args:
        check: called again and again while it is downloaded; may raise `StoppedError`.

    Raises:
        ValueError: if it cannot be downloaded, or exceeds `limits.MAX_REMOTE_BYTES` or the space there is.
    """
    if not is_remote(address):
        yield Path(address)
        return
    system, path = _opened(address)
    with tempfile.TemporaryDirectory(prefix="autogaze-web-") as folder:
        target = Path(folder) / (PurePosixPath(path.partition("?")[0]).name or "video")
        with _errors_of(address), system.open(path, "rb") as remote, target.open("wb") as file:
            _copy(address, remote, file, check)
        yield target


def _copy(address: str, remote: BinaryIO, file: BinaryIO, check: Callable[[], object]) -> None:
    """Copies a remote file up to a bound: a server decides how much it sends, and where its file ends."""
    copied = 0
    while block := remote.read(_BLOCK):
        check()
        copied += len(block)
        if copied > MAX_REMOTE_BYTES:
            size = f"{MAX_REMOTE_BYTES // 1_000_000_000} GB"
            raise _TooLargeError(f"{address} has more than {size}: download it, and give the file")
        if shutil.disk_usage(tempfile.gettempdir()).free < MIN_FREE_BYTES + len(block):
            free = f"{MIN_FREE_BYTES // 1_000_000_000} GB"
            raise _TooLargeError(
                f"{address} does not fit the folder for temporary files ({tempfile.gettempdir()}), of which "
                f"{free} stay free: make room, or set TMPDIR to a larger one"
            )
        file.write(block)


class _TooLargeError(ValueError):
    """A remote file is larger than what may be stored; the message is a sentence."""


def _opened(address: str) -> tuple[Any, str]:
    """The file system of an address, and the path in it."""
    try:
        core: Any = import_module("fsspec.core")
    except ModuleNotFoundError:
        raise ImportError(
            f"reading {address} needs fsspec: pip install 'autogaze-web[remote]', or download the video first"
        ) from None
    try:
        system, path = core.url_to_fs(address)
    except ImportError as error:
        raise ImportError(f"reading {address} needs another package: {error}") from None
    except ValueError as error:
        raise ValueError(f"{address} cannot be read: {error}") from None
    return system, str(path)


@contextmanager
def _errors_of(address: str) -> Iterator[None]:
    """Turns any error of a store, each of which has its own, into one sentence."""
    try:
        yield
    except FileNotFoundError:
        raise ValueError(f"there is no file {address}: check the address") from None
    except (ImportError, StoppedError, _TooLargeError):
        raise
    except Exception as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ValueError(
            f"{address} cannot be read ({reason}): check the address and the connection"
        ) from None
