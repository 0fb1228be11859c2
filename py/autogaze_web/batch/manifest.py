"""The manifest of a batch: JSON lines that say what was made of which video with which settings.

The first line is a head. Each further line is the entry of one video; of several with one name the last one
counts. A line that is cut off, as a kill can leave one, counts for nothing; nor does one that names a file
outside of the batch's folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from ..limits import is_finite, is_whole

NAME = "manifest.jsonl"
FORMAT, VERSION = "autogaze-batch", 1
DONE, DAMAGED, FAILED = "done", "damaged", "failed"


class ManifestError(ValueError):
    """A file that is no manifest of a batch."""


@dataclass(frozen=True)
class FileState:
    """What a file was when it was read or written.

    Attributes:
        size: in bytes.
        version: what changes whenever the file is written: its times, or a store's version of it.
        sha256: digest of its contents, hexadecimal.
    """

    size: int
    version: str
    sha256: str


@dataclass(frozen=True)
class Entry:
    """What was made of one video.

    Attributes:
        name: of the video in the batch; its outputs begin with it.
        address: where the video was.
        settings: fingerprint of the settings.
        status: ``done``; ``damaged`` if only a part of the frames could be decoded; ``failed``.
        source: the video; None if it could not be read.
        outputs: by kind.
        message: why it failed, or what is damaged; one sentence.
        frames, tokens: processed and chosen.
        seconds: of work.
    """

    name: str
    address: str
    settings: str
    status: str
    source: FileState | None = None
    outputs: Mapping[str, FileState] = field(default_factory=dict)
    message: str = ""
    frames: int = 0
    tokens: int = 0
    seconds: float = 0.0


def head_line() -> str:
    """The first line of a manifest."""
    return json.dumps({"format": FORMAT, "version": VERSION}) + "\n"


def entry_line(entry: Entry) -> str:
    """An entry as a line.

    >>> entry = Entry("clip.mp4", "videos/clip.mp4", "f00d", FAILED, message="it is empty")
    >>> parse_manifest(head_line() + entry_line(entry)) == {"clip.mp4": entry}
    True
    """
    document = {
        "name": entry.name,
        "address": entry.address,
        "settings": entry.settings,
        "status": entry.status,
        "source": None if entry.source is None else vars(entry.source),
        "outputs": {kind: vars(state) for kind, state in entry.outputs.items()},
        "message": entry.message,
        "frames": entry.frames,
        "tokens": entry.tokens,
        "seconds": round(entry.seconds, 3),
    }
    return json.dumps(document) + "\n"


def manifest_text(entries: Iterable[Entry]) -> str:
    """A whole manifest."""
    return head_line() + "".join(entry_line(entry) for entry in entries)


def parse_manifest(text: str) -> dict[str, Entry]:
    """The entries of a manifest by name.

    Raises:
        ManifestError: if its first line is not a manifest's head.
    """
    head, *lines = text.split("\n")
    try:
        document = json.loads(head)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ManifestError(f'it does not begin with {{"format": "{FORMAT}"}}')
    if document.get("version") != VERSION:
        raise ManifestError(f"it has another version than {VERSION}")
    entries = {}
    for line in lines:
        entry = _entry(line)
        if entry is not None:
            entries[entry.name] = entry
    return entries


def _entry(line: str) -> Entry | None:
    try:
        document: dict[str, Any] = json.loads(line)
        source = document["source"]
        entry = Entry(
            **{
                **document,
                "source": None if source is None else FileState(**source),
                "outputs": {kind: FileState(**state) for kind, state in document["outputs"].items()},
            }
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    states = [state for state in (entry.source, *entry.outputs.values()) if state is not None]
    texts = [entry.name, entry.address, entry.settings, entry.status, entry.message]
    texts += [text for state in states for text in (state.version, state.sha256)]
    counts = [entry.frames, entry.tokens, *(state.size for state in states)]
    if not (all(isinstance(text, str) for text in texts) and all(map(is_whole, counts))):
        return None
    if not (is_finite(entry.seconds) and _is_inside(entry.name)):
        return None
    # As it is written.
    return replace(entry, seconds=round(entry.seconds, 3))


def _is_inside(name: str) -> bool:
    """Whether outputs of this name lie in the folder of the batch, on every system."""
    path = PurePosixPath(name)
    return (
        bool(path.parts)
        and not path.is_absolute()
        and ".." not in path.parts
        and not set("\\:\0") & set(name)
    )
