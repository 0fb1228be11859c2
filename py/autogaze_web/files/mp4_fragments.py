"""The frames of a fragmented MP4, of which FFmpeg makes the times and the rate wrong in some files.

FFmpeg shows frames later by the most negative composition offset that it has read, and guesses the rate of
files with a segment index (`mov_read_trun` of its mov.c). By ISO/IEC 14496-12, 8.8, both are stated exactly.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .file_layout import Box, FileLayout

_MAX_BYTES = 100_000_000
_MAX_FRAMES = 10_000_000
# Flags of `tfhd` and `trun`, 8.8.7 and 8.8.8: which fields there are.
_BASE_OFFSET, _DESCRIPTION, _DURATION, _SIZE, _BASE_IS_MOOF = 0x01, 0x02, 0x08, 0x10, 0x020000
_DATA_OFFSET, _FIRST_FLAGS = 0x001, 0x004
_COLUMNS = {"duration": 0x100, "size": 0x200, "flags": 0x400, "offset": 0x800}


@dataclass(frozen=True)
class Fragments:
    """The frames of one track.

    Attributes:
        count: how many there are, those of the main index included.
        rate: frames per second on average; None if it is not stated.
        times: of frames by the position of their bytes, in units of the track; only where FFmpeg's are wrong.
    """

    count: int
    rate: Fraction | None
    times: dict[int, int]


def fragments_of(path: Path, layout: FileLayout, track: int) -> Fragments | None:
    """Reads the index of each fragment; None if there are none or they are damaged.

    Args:
        track: id of the track.
    """
    if not layout.is_fragmented:
        return None
    try:
        with path.open("rb") as file:
            indices = []
            for box in layout.boxes:
                if box.kind in (b"moov", b"moof") and box.end <= layout.size:
                    if box.end - box.start > _MAX_BYTES:
                        return None
                    file.seek(box.start)
                    indices.append((box, file.read(box.end - box.start)))
        return _Track(track).read(indices)
    except (struct.error, ValueError, LookupError):
        return None


@dataclass
class _Track:
    id: int
    scale: int = 0
    #: Duration and size of frames that do not state them.
    defaults: tuple[int, int] = (0, 0)
    #: The time of the media at which its presentation begins.
    origin: int = 0
    count: int = 0
    end: int = 0
    total: int = 0
    is_early: bool = False
    positions: list[NDArray[np.int64]] = field(default_factory=list)
    times: list[NDArray[np.int64]] = field(default_factory=list)

    def read(self, indices: list[tuple[Box, bytes]]) -> Fragments | None:
        for box, data in indices:
            if box.kind == b"moov":
                self._read_movie(data)
            elif self.scale:
                self._read_fragment(data, box.start)
        if not self.scale or not self.count:
            return None
        rate = Fraction(self.count * self.scale, self.total) if self.total else None
        if not self.is_early:
            return Fragments(self.count, rate, {})
        positions, times = np.concatenate(self.positions).tolist(), np.concatenate(self.times).tolist()
        return Fragments(self.count, rate, dict(zip(positions, times, strict=True)))

    def _read_movie(self, data: bytes) -> None:
        movie = _children(data, 8, len(data))
        movie_scale = _clock(data, movie["mvhd"][0][0])
        for start, end in movie.get("trak", []):
            trak = _children(data, start, end)
            header = trak["tkhd"][0][0]
            if struct.unpack_from(">I", data, header + (20 if data[header] == 1 else 12))[0] != self.id:
                continue
            media = _children(data, *trak["mdia"][0])
            self.scale = _clock(data, media["mdhd"][0][0])
            table = _children(data, *_children(data, *media["minf"][0])["stbl"][0])
            for at, _ in table.get("stts", []):
                runs = np.frombuffer(data, ">u4", 2 * _entries(data, at), at + 8).astype(np.int64)
                self.count, self.total = int(runs[::2].sum()), int((runs[::2] * runs[1::2]).sum())
                self.end = self.total
            for at, _ in _children(data, *trak["edts"][0]).get("elst", []) if "edts" in trak else []:
                self.origin = _edit_origin(data, at, Fraction(self.scale, movie_scale))
        for start, end in movie.get("mvex", []):
            for at, _ in _children(data, start, end).get("trex", []):
                track, _, duration, size = struct.unpack_from(">IIII", data, at + 4)
                if track == self.id:
                    self.defaults = (duration, size)

    def _read_fragment(self, data: bytes, moof: int) -> None:
        behind = moof
        for start, end in _children(data, 8, len(data)).get("traf", []):
            traf = _children(data, start, end)
            header = traf["tfhd"][0][0]
            flags, track = struct.unpack_from(">II", data, header)
            at = header + 8
            base = moof if flags & _BASE_IS_MOOF else behind
            if flags & _BASE_OFFSET:
                base = struct.unpack_from(">Q", data, at)[0]
                at += 8
            at += 4 * bool(flags & _DESCRIPTION)
            duration, size = self.defaults if track == self.id else (0, 0)
            if flags & _DURATION:
                duration = struct.unpack_from(">I", data, at)[0]
                at += 4
            if flags & _SIZE:
                size = struct.unpack_from(">I", data, at)[0]
            if track == self.id:
                for at, _ in traf.get("tfdt", []):
                    self.end = struct.unpack_from(">Q" if data[at] == 1 else ">I", data, at + 4)[0]
            behind = base
            for at, _ in traf.get("trun", []):
                behind = self._read_run(data, at, base, behind, (duration, size), track == self.id)

    def _read_run(
        self, data: bytes, at: int, base: int, position: int, defaults: tuple[int, int], is_ours: bool
    ) -> int:
        """Adds the frames of a run; returns where their bytes end."""
        flags, count = struct.unpack_from(">II", data, at)
        if self.count + count > _MAX_FRAMES:
            raise ValueError("too many frames")
        at += 8
        if flags & _DATA_OFFSET:
            position = base + struct.unpack_from(">i", data, at)[0]
            at += 4
        at += 4 * bool(flags & _FIRST_FLAGS)
        names = [name for name, flag in _COLUMNS.items() if flags & flag]
        cells = np.frombuffer(data, ">i4", count * len(names), at).reshape(count, len(names))
        columns = dict(zip(names, cells.T.astype(np.int64), strict=True))
        sizes = columns.get("size", np.full(count, defaults[1]))
        if is_ours:
            durations = columns.get("duration", np.full(count, defaults[0]))
            offsets = columns.get("offset", np.zeros(count, np.int64))
            lasting = int(durations.sum())
            self.positions.append(position + np.cumsum(sizes) - sizes)
            self.times.append(self.end + np.cumsum(durations) - durations + offsets - self.origin)
            self.is_early |= bool((offsets < 0).any())
            self.count, self.total, self.end = self.count + count, self.total + lasting, self.end + lasting
        return position + int(sizes.sum())


def _children(data: bytes, start: int, end: int) -> dict[str, list[tuple[int, int]]]:
    """Where the contents of the boxes in a box start and end, by their types."""
    found: dict[str, list[tuple[int, int]]] = {}
    for kind, at, stop in _walk(data, start, end):
        found.setdefault(kind, []).append((at, stop))
    return found


def _walk(data: bytes, start: int, end: int) -> Iterator[tuple[str, int, int]]:
    at = start
    while at + 8 <= min(end, len(data)):
        size, kind = struct.unpack_from(">I4s", data, at)
        content = at + 8
        if size == 1:
            size = struct.unpack_from(">Q", data, content)[0]
            content += 8
        elif size == 0:
            size = end - at
        if size < content - at:
            return
        yield kind.decode("latin-1"), content, min(at + size, end)
        at += size


def _clock(data: bytes, header: int) -> int:
    """Units in a second by `mvhd` or `mdhd`, whose times are twice as wide in version 1."""
    return int(struct.unpack_from(">I", data, header + (20 if data[header] == 1 else 12))[0])


def _entries(data: bytes, at: int) -> int:
    return int(struct.unpack_from(">I", data, at + 4)[0])


def _edit_origin(data: bytes, at: int, factor: Fraction) -> int:
    """Where the first edit begins in the media, less for how long nothing is shown before it."""
    empty = 0
    is_long = data[at] == 1
    for entry in range(_entries(data, at)):
        layout, width = (">Qq", 20) if is_long else (">Ii", 12)
        duration, media_time = struct.unpack_from(layout, data, at + 8 + width * entry)
        if media_time >= 0:
            return int(media_time) - round(empty * factor)
        empty += duration
    return 0
