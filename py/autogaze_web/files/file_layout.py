"""Of which parts a file consists by its own words, and whether they are all there."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .container_check import stated_asf_size

_HEAD = 4096
_BOX_KINDS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
# Of the top level; what was added behind an MP4 has no such kind.
_TOP_KINDS = {
    *_BOX_KINDS,
    *(b"moof mfra meta sidx ssix styp prft emsg pdin meco idat uuid udta pnot".split()),
}
_INDEX_KINDS = {b"moov", b"meta"}  # of films, and of still AVIFs
_TS_PACKET = 188
# A recording of days in fragments has fewer.
_MAX_BOXES = 1_000_000
_ICON = b"\0\0\1\0"
_EBML, _SEGMENT = b"\x1aE\xdf\xa3", b"\x18S\x80g"


@dataclass(frozen=True)
class Box:
    """A box of the top level of an MP4 or MOV; `end` is behind the file's end if the box is not whole."""

    kind: bytes
    start: int
    end: int


@dataclass(frozen=True)
class FileLayout:
    """What a file states of its size and parts, read once.

    Attributes:
        size: of the file in bytes.
        boxes: of the top level of an MP4, MOV or AVIF; none of other files.
        missing: what the file lacks by the sizes that it states, such as ``it states 229,897 bytes and has
            137,938``; None if it is complete or states none.
    """

    size: int = 0
    boxes: tuple[Box, ...] = ()
    missing: str | None = None

    @property
    def is_fragmented(self) -> bool:
        """Whether it has fragments, each with an index of its own."""
        return any(box.kind == b"moof" for box in self.boxes)

    @property
    def ends_within_frames(self) -> bool:
        """Whether it is an MP4 or MOV that was cut off within its frames."""
        return bool(self.boxes) and self.boxes[-1].kind == b"mdat" and self.boxes[-1].end > self.size

    @property
    def readable_bytes(self) -> int | None:
        """Where a last box that is not whole begins, since readers refuse it; None to read to the end.

        Frames are read as far as they go.
        """
        if not self.boxes:
            return None
        last = self.boxes[-1]
        if last.end > self.size:
            return None if last.kind == b"mdat" else last.start
        return last.end if last.end < self.size < last.end + 8 else None


def layout_of(path: Path) -> FileLayout:
    """Reads the sizes that a file states.

    MP4 and MOV state the size of each box, Matroska and WebM that of their segment, AVI and WebP that of
    their list, ASF that of the file, icons those of their pictures, broadcast streams that of their packets.
    """
    if not path.is_file():
        return FileLayout()
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_HEAD)
        if head[4:8] in _BOX_KINDS:
            boxes = _boxes(file, size)
            has_index = not _INDEX_KINDS.isdisjoint(box.kind for box in boxes)
            missing = _shortfall(boxes[-1].end, size) if has_index else "its index (moov) is missing"
            return FileLayout(size, boxes, missing)
    if head[: 3 * _TS_PACKET : _TS_PACKET] == b"GGG" and size % _TS_PACKET:
        return FileLayout(size, (), "its last packet is not whole")
    if head.startswith(_EBML):
        stated = _end_of_segment(head)
    elif head[:4] == b"RIFF" and len(head) >= 8:
        stated = 8 + struct.unpack("<I", head[4:8])[0]
    elif head[:4] == _ICON:
        stated = _end_of_icon(head)
    else:
        stated = stated_asf_size(head)
    return FileLayout(size, (), _shortfall(stated, size))


def _boxes(file: BinaryIO, size: int) -> tuple[Box, ...]:
    """Each box starts with its size and its type."""
    at = 0
    boxes: list[Box] = []
    while at + 8 <= size and len(boxes) < _MAX_BOXES:
        file.seek(at)
        head = file.read(16)
        length, kind = struct.unpack(">I4s", head[:8])
        if length == 1 and len(head) == 16:
            length = struct.unpack(">Q", head[8:])[0]
        elif length == 0:  # to the end of the file
            length = size - at
        if length < 8 or not kind.isalnum() or (at + length > size and kind not in _TOP_KINDS):
            break  # no box, but something that was added behind them
        boxes.append(Box(kind, at, at + length))
        at += length
    return tuple(boxes)


def _end_of_segment(head: bytes) -> int:
    """Where a Matroska file's segment ends (RFC 8794, 4); 0 if it states no size, as in live recordings."""
    at = head.find(_SEGMENT) + len(_SEGMENT)
    if at < len(_SEGMENT) or at >= len(head) or not head[at]:
        return 0
    length = 9 - head[at].bit_length()
    value = int.from_bytes(head[at : at + length], "big") & ((1 << 7 * length) - 1)
    return 0 if value == (1 << 7 * length) - 1 else at + length + value


def _end_of_icon(head: bytes) -> int:
    """Where the last picture of an icon ends: its directory has the size and the offset of each."""
    count = min(struct.unpack_from("<H", head, 4)[0] if len(head) > 5 else 0, (len(head) - 6) // 16)
    return max((sum(struct.unpack_from("<II", head, 14 + 16 * index)) for index in range(count)), default=0)


def _shortfall(stated: int, size: int) -> str | None:
    return f"it states {stated:,} bytes and has {size:,}" if stated > size else None
