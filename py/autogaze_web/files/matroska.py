"""What FFmpeg does not say of a Matroska or WebM file: whether its frame rate is stated or a guess."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_SEGMENT, _TRACKS, _TRACK, _CLUSTER = 0x18538067, 0x1654AE6B, 0xAE, 0x1F43B675
_TYPE, _DEFAULT_DURATION = 0x83, 0x23E383
# Of tracks that are streams: video, audio, subtitles, metadata.
_STREAM_TYPES = (1, 2, 17, 33)
_LONGEST_NUMBER = 8


def states_rate(path: Path, stream: int) -> bool:
    """Whether a track says for how long each of its frames is shown (RFC 9559, 5.1.4.1.13).

    Args:
        path: of a Matroska file.
        stream: number of the track among those that FFmpeg takes as streams.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        for kind, start, end in _elements(file, 0, size):
            if kind != _SEGMENT:
                continue
            for part, begin, close in _elements(file, start, end):
                if part == _TRACKS:
                    durations = list(_default_durations(file, begin, close))
                    return stream < len(durations) and durations[stream] > 0
                if part == _CLUSTER:
                    break
    return False


def _default_durations(file: BinaryIO, start: int, end: int) -> Iterator[int]:
    """Nanoseconds for each track that is a stream, 0 where none are stated."""
    for kind, begin, close in _elements(file, start, end):
        if kind != _TRACK:
            continue
        values = {
            name: _number(file, at, stop)
            for name, at, stop in _elements(file, begin, close)
            if name in (_TYPE, _DEFAULT_DURATION)
        }
        if values.get(_TYPE) in _STREAM_TYPES:
            yield values.get(_DEFAULT_DURATION, 0)


def _elements(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The id of each element and where its content starts and ends (RFC 8794, 4)."""
    at = start
    while at < end:
        file.seek(at)
        head = file.read(12)
        id_length = 9 - head[0].bit_length() if head else 9
        size_length = 9 - head[id_length].bit_length() if id_length < len(head) else 9
        if id_length > 4 or size_length > 8 or id_length + size_length > len(head):
            return
        size = int.from_bytes(head[id_length : id_length + size_length], "big") & ((1 << 7 * size_length) - 1)
        content = at + id_length + size_length
        unknown = size == (1 << 7 * size_length) - 1
        at = end if unknown else min(end, content + size)
        yield int.from_bytes(head[:id_length], "big"), content, at


def _number(file: BinaryIO, start: int, end: int) -> int:
    file.seek(start)
    return int.from_bytes(file.read(min(_LONGEST_NUMBER, end - start)), "big")
