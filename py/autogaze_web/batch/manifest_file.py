"""Reads the manifest in a batch's folder, and keeps it up to date while the batch runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ..files.atomic_file import write_atomically
from .manifest import NAME, Entry, ManifestError, entry_line, manifest_text, parse_manifest
from .outputs import sync_names


def read_manifest(folder: Path) -> dict[str, Entry]:
    """The entries of a folder's manifest by name; none if there is none.

    Raises:
        ManifestError: if the file is none.
    """
    path = folder / NAME
    if not path.exists():
        return {}
    try:
        return parse_manifest(path.read_text("utf-8", errors="replace"))
    except OSError as error:
        raise ManifestError(f"{path} cannot be read ({error.strerror}): check that you may open it") from None
    except ManifestError as error:
        raise ManifestError(
            f"{path} is not the manifest of a batch ({error}): choose another folder"
        ) from None


class ManifestFile:
    """The manifest of a running batch, open at its end; made by `open_manifest`."""

    def __init__(self, folder: Path, entries: dict[str, Entry], file: IO[bytes]) -> None:
        self._folder, self._entries, self._file = folder, entries, file
        self._unsynced: list[Entry] = []

    def add(self, entry: Entry) -> None:
        """Writes what came of a video: from now on no kill of this process loses it."""
        # First: an interrupt during the next lines rewrites the manifest from the entries.
        self._entries[entry.name] = entry
        self._file.write(entry_line(entry).encode())
        self._file.flush()
        self._unsynced.append(entry)

    def sync(self) -> None:
        """Flushes what was added to the disk: from now on no power cut loses it."""
        if self._unsynced:
            sync_names(self._folder, self._unsynced)
            os.fsync(self._file.fileno())
            self._unsynced.clear()


@contextmanager
def open_manifest(folder: Path, entries: dict[str, Entry]) -> Iterator[ManifestFile]:
    """A folder's manifest with these entries, to which more can be added; each name has one line in the end.

    Args:
        entries: by name; those that are added come in.

    Raises:
        OutputError: if it cannot be written.
    """
    path = folder / NAME
    write_atomically(path, manifest_text(entries.values()).encode())
    try:
        with path.open("ab") as file:
            manifest = ManifestFile(folder, entries, file)
            try:
                yield manifest
            finally:
                manifest.sync()
    finally:
        write_atomically(path, manifest_text(entries.values()).encode())
