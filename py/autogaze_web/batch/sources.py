"""Finds the videos that a batch is given: files, folders, patterns, lists of them, and remote addresses."""

from __future__ import annotations

import glob
import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import remote
from .manifest import FileState
from .planning import Source

VIDEO_SUFFIXES = frozenset(
    (
        *(".mp4", ".m4v", ".mov", ".qt", ".webm", ".mkv", ".avi", ".wmv", ".flv", ".f4v", ".ogv", ".3gp"),
        *(".3g2", ".mpg", ".mpeg", ".m2v", ".ts", ".mts", ".m2ts", ".vob", ".mxf", ".y4m", ".h264", ".hevc"),
        *(".264", ".265", ".h265", ".ivf", ".mjpeg", ".mjpg", ".gif"),
    )
)
"""What is taken from folders; a file that is named itself may have any suffix."""

LIST_SUFFIXES = (".txt", ".lst")
_UNSAFE = re.compile(r'[<>:"|?*\\\x00-\x1f]')
_BLOCK = 1 << 20


def find_sources(words: Sequence[str], exclude: str | Path | None = None) -> list[Source]:
    """The videos that the words name, in order.

    A word is a file, a folder (all videos in it and beneath), a pattern such as ``clips/**/*.mp4``, an
    address such as ``s3://bucket/clips/*.mp4``, or a list: a ``.txt`` file with one of these on each line.
    Lines that are empty or begin with ``#`` are left out; relative paths in a list count from the current
    folder or, where that leads nowhere, from the list's.

    Args:
        exclude: a folder that is not searched: the one with the outputs.

    Raises:
        ValueError: if a word leads to no video, in a sentence. A file that a list names may be missing: it
            fails by itself.
    """
    skipped = None if exclude is None else Path(os.path.realpath(exclude))
    return [source for word in words for source in _found(word, skipped)]


def state_of(path: Path) -> FileState:
    """The state of a file.

    Raises:
        OSError: if it cannot be read.
    """
    version = _version(path)
    return FileState(path.stat().st_size, version, digest_of(path))


def source_state(address: str, path: Path) -> FileState:
    """The state of a video, given its address and the file that was opened or downloaded.

    Raises:
        ValueError: if it cannot be read.
    """
    if remote.is_remote(address):
        return FileState(*remote.version_of(address), digest_of(path))
    try:
        if path.is_dir():
            raise ValueError(f"{path} is a folder: give a video file in it")
        return state_of(path)
    except FileNotFoundError:
        raise ValueError(f"there is no file {path}: check its name") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}): check that you may open it") from None


def is_unchanged(address: str, state: FileState) -> bool:
    """Whether a file is what it was: by its size and times or, where the times differ, by its contents."""
    try:
        if remote.is_remote(address):
            return remote.version_of(address) == (state.size, state.version)
        path = Path(address)
        if path.stat().st_size != state.size:
            return False
        return _version(path) == state.version or digest_of(path) == state.sha256
    except (OSError, ValueError, ImportError):
        return False


def digest_of(path: Path) -> str:
    """The SHA-256 of a file's contents."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _version(path: Path) -> str:
    state = path.stat()
    return f"{state.st_mtime_ns}-{state.st_ctime_ns}"


def _found(word: str, skipped: Path | None) -> Iterator[Source]:
    if remote.is_remote(word):
        for address in remote.expand(word, VIDEO_SUFFIXES):
            yield Source(address, _safe(address.rstrip("/").rsplit("/", 1)[-1].partition("?")[0]))
        return
    path = Path(os.path.expanduser(word))  # noqa: PTH111 (Path's own raises for unknown users)
    if path.is_dir():
        yield from _in_folder(path, skipped)
    elif path.exists():
        if path.suffix.lower() in LIST_SUFFIXES:
            yield from _in_list(path, skipped)
        else:
            yield _file(path)
    elif glob.has_magic(word):
        matches = _matches(path)
        if not matches:
            raise ValueError(f"no file matches {word}: check the pattern")
        for match in matches:
            if Path(match).is_dir():
                if "**" not in word:
                    yield from _in_folder(Path(match), skipped)
            elif len(matches) == 1 or _is_video(Path(match)):
                yield _file(Path(match))
    else:
        raise ValueError(f"there is no file or folder {word}: check its name")


def _in_folder(folder: Path, skipped: Path | None) -> Iterator[Source]:
    found = False
    for parent, folders, files in os.walk(folder, onerror=_raise):
        here = Path(parent)
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and (skipped is None or Path(os.path.realpath(here / name)) != skipped)
        )
        for name in sorted(files):
            if not name.startswith(".") and _is_video(here / name):
                found = True
                yield Source(
                    os.path.realpath(here / name), _safe((here / name).relative_to(folder).as_posix())
                )
    if not found:
        raise ValueError(f"the folder {folder} has no video: give a folder with files such as .mp4 or .webm")


def _in_list(path: Path, skipped: Path | None) -> Iterator[Source]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not a list of videos in UTF-8: give one path on each line") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}): check that you may open it") from None
    words = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not words:
        raise ValueError(f"the list {path} names no video: give one path on each line")
    for word in words:
        beside = path.parent / word
        if remote.is_remote(word) or Path(word).exists():
            yield from _found(word, skipped)
        elif beside.exists() or (glob.has_magic(word) and _matches(beside)):
            yield from _found(os.fspath(beside), skipped)
        elif glob.has_magic(word):
            yield from _found(word, skipped)
        else:
            yield _file(Path(word))


def _file(path: Path) -> Source:
    return Source(os.path.realpath(path), _safe(path.name))


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEO_SUFFIXES


def _safe(name: str) -> str:
    """A name that files can have on every system."""
    return _UNSAFE.sub("_", name) or "video"


def _raise(error: OSError) -> None:
    why = f"the folder {error.filename} cannot be read ({error.strerror}): check that you may open it"
    raise ValueError(why) from None


def _matches(pattern: Path) -> list[str]:
    # Path.glob takes no absolute patterns.
    return sorted(glob.glob(os.fspath(pattern), recursive=True))  # noqa: PTH207
