"""Output files that appear only when they are complete.

A file is written beside its target under a temporary name, flushed to the disk and renamed. Whatever
interrupts the work (an error, Ctrl-C, a full disk) leaves an earlier file of that name as it was.
"""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO

_PREFIX, _SUFFIX = ".autogaze-web-", ".part"


class OutputError(ValueError):
    """A file that cannot be written; the message says why and what to do."""


def check_outputs(outputs: Iterable[str | Path], inputs: Iterable[str | Path] = ()) -> None:
    """Checks that files can be written before the work on their contents begins.

    Two paths are the same file if they lead to one by any spelling, link or hard link, or differ in case
    alone, which many file systems ignore.

    Raises:
        OutputError: if a folder is missing or not writable, an output is a folder, or it is also an input or
            another output.
    """
    taken = [Path(path) for path in inputs]
    for output in map(Path, outputs):
        _check_place(output)
        for other in taken:
            if _same_file(output, other):
                raise OutputError(
                    f"cannot write {output}: it is the same file as {other}; choose another name"
                )
        taken.append(output)


@contextmanager
def atomic_file(path: str | Path, sync_name: bool = True) -> Iterator[IO[bytes]]:
    """Opens a binary file that replaces `path` when the block ends without an error.

    A device or a pipe is written directly. An existing file keeps its permissions; a link keeps pointing at
    its file, which is replaced.

    Args:
        sync_name: False leaves it to the caller to flush the file's new name with `sync_folder`, once for
            several files; until then a power cut can bring the earlier file back, but never half of one.

    Raises:
        OutputError: if the file cannot be written.
    """
    with _errors_of(path):
        if Path(path).exists() and not Path(path).is_file():
            with Path(path).open("wb") as file:
                yield file
            return
        target = Path(os.path.realpath(path))
        # Named before it exists, so that an interrupt at any point finds it.
        temporary = target.parent / f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}"
        mode = _mode(target)
        try:
            # As private as the target from the beginning.
            with open(temporary, "x+b", opener=partial(os.open, mode=mode)) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.chmod(mode)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        if sync_name:
            sync_folder(target.parent)


def write_atomically(path: str | Path, data: bytes) -> None:
    """Replaces a file's contents, all or nothing.

    Raises:
        OutputError: if the file cannot be written.
    """
    with atomic_file(path) as file:
        file.write(data)


def sync_folder(folder: Path) -> None:
    """Flushes the names in a folder to the disk, so that renames last; not every system can."""
    if os.name != "posix":
        return
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def atomic_folder(folder: str | Path) -> Iterator[Path]:
    """Gives a temporary folder whose files replace those of `folder` when the block ends without an error.

    Other files of the folder stay. It is made if it is missing.

    Raises:
        OutputError: if the files cannot be written.
    """
    target = Path(os.path.realpath(folder))
    if target.exists() and not target.is_dir():
        raise OutputError(f"cannot write to {folder}: it is a file; name a folder")
    with _errors_of(folder):
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=_PREFIX, suffix=_SUFFIX, dir=target) as name:
            yield Path(name)
            # In the order in which they were written: what lists the others is last.
            files = sorted(Path(name).iterdir(), key=lambda file: file.stat().st_mtime_ns)
            for file in files:
                with file.open("rb") as written:
                    os.fsync(written.fileno())
            for file in files:
                file.replace(target / file.name)
        sync_folder(target)


def _check_place(output: Path) -> None:
    if output.is_dir():
        raise OutputError(f"cannot write {output}: it is a folder; name a file in it")
    if output.exists() and not output.is_file():
        return
    folder = Path(os.path.realpath(output)).parent
    if not folder.is_dir():
        raise OutputError(f"cannot write {output}: there is no folder {output.parent}; make it first")
    try:
        with tempfile.TemporaryFile(prefix=_PREFIX, suffix=_SUFFIX, dir=folder):
            pass
    except OSError as error:
        raise OutputError(
            f"cannot write {output}: the folder {output.parent} takes no new files ({error.strerror}); "
            "choose another one"
        ) from None


def _same_file(first: Path, second: Path) -> bool:
    try:
        if first.samefile(second):
            return True
    except OSError:
        pass  # one of them does not exist
    return _folded(first) == _folded(second)


def _folded(path: Path) -> str:
    return unicodedata.normalize("NFC", os.path.realpath(path)).casefold()


def _mode(target: Path) -> int:
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


@contextmanager
def _errors_of(path: str | Path) -> Iterator[None]:
    """Turns the system's errors into one sentence with the name that the user gave."""
    try:
        yield
    except OSError as error:
        # Errors of the block about other files keep their own message.
        if error.filename is not None and not _is_about(error, path):
            raise
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from None


def _is_about(error: OSError, path: str | Path) -> bool:
    target = Path(os.path.realpath(path))
    return Path(str(error.filename)).parent in (target.parent, target)
