"""What is to do, decided from the sources and the manifest; free of I/O."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from .manifest import FAILED, Entry

Segment = tuple[int, int | None]


@dataclass(frozen=True)
class Source:
    """A video to process.

    Attributes:
        address: its absolute path, or its URL.
        name: relative to the folder in which it was found, with ``/`` between its parts.
    """

    address: str
    name: str


def assign_names(
    sources: Iterable[Source], entries: Mapping[str, Entry], is_same: Callable[[Source, Entry], bool]
) -> list[Source]:
    """The sources, each under a name of its own, which stays the same from run to run.

    A source keeps the name that it has in the manifest. A new one takes the name that it was found under;
    if another video has it, a part of its address's digest is added. Names that differ in case alone count as
    equal, as many file systems have it. An address that is given twice counts once.

    Args:
        entries: of the manifest, by name.
        is_same: whether a source at another address has the contents of an entry: a video that was moved.

    >>> found = [Source("a/clip.mp4", "clip.mp4"), Source("b/clip.mp4", "clip.mp4")]
    >>> [source.name for source in assign_names(found, {}, lambda *_: False)]
    ['clip.mp4', 'clip-2cff0d93.mp4']
    """
    first: dict[str, Source] = {}
    for source in sources:
        first.setdefault(source.address, source)
    unique = list(first.values())
    known = {entry.address: entry.name for entry in entries.values()}
    owners = {_folded(entry.name): entry for entry in entries.values()}
    taken = {_folded(known[source.address]) for source in unique if source.address in known}
    named = []
    for source in unique:
        name = known.get(source.address)
        if name is None:
            name, owner = source.name, owners.get(_folded(source.name))
            if _folded(name) in taken or (owner is not None and not is_same(source, owner)):
                name = _distinct(source)
            taken.add(_folded(name))
        named.append(Source(source.address, name))
    return named


def reason_to_run(
    entry: Entry | None,
    settings: str,
    outputs: Sequence[str],
    is_source_same: Callable[[Entry], bool],
    is_output_same: Callable[[Entry, str], bool],
) -> str | None:
    """Why a video is to be processed; None if everything that is wanted of it is there.

    Args:
        entry: of the manifest, if there is one.
        settings: fingerprint of the settings.
        outputs: the kinds that are wanted.
        is_source_same: whether the video is the one that the entry is about.
        is_output_same: whether an output is there as it was written.
    """
    if entry is None:
        return "new"
    if entry.status == FAILED:
        return "failed before"
    if entry.settings != settings:
        return "other settings"
    if any(kind not in entry.outputs or not is_output_same(entry, kind) for kind in outputs):
        return "an output is missing or changed"
    return None if is_source_same(entry) else "the video changed"


def segments(frames: int, length: int) -> list[Segment]:
    """The parts of a video, first frame and end of each; the last one is open, since counts can be wrong.

    A video that is barely longer than whole segments has no short one at its end.

    >>> segments(100, 40), segments(50, 40)
    ([(0, 40), (40, None)], [(0, None)])
    """
    starts = list(range(0, max(frames - length // 2, 1), length))
    return list(zip(starts, [*starts[1:], None], strict=True))


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _distinct(source: Source) -> str:
    digest = hashlib.sha256(source.address.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    stem, dot, suffix = source.name.rpartition(".")
    return f"{stem}-{digest}.{suffix}" if dot and "/" not in suffix and stem else f"{source.name}-{digest}"
