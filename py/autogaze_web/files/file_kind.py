"""What a file is by its first bytes, and whether it is all there: names and types can be missing or wrong."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

Kind = Literal["picture", "svg", "video"]

_HEAD = 4096
_PICTURE_STARTS = (b"GIF87a", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"II*\x00", b"MM\x00*")
_RAW_JPEG_SUFFIXES = (".mjpeg", ".mjpg")
_SVG = re.compile(rb"\s*(<\?xml[^>]*>|<!--.*?-->|<!DOCTYPE[^>]*>|\s)*<svg[\s/>]", re.DOTALL | re.IGNORECASE)
_BOX_KINDS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
_EBML, _SEGMENT = b"\x1aE\xdf\xa3", b"\x18S\x80g"


def kind_of(path: str | Path) -> Kind:
    """Whether a file is a picture (still or animated), an SVG drawing, or anything else: perhaps a video.

    A pipe, whose bytes can be read only once, counts as a video.
    """
    path = Path(path)
    if not path.is_file():
        return "video"
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if _SVG.match(head.removeprefix(b"\xef\xbb\xbf")):
        return "svg"
    if _is_picture(head) and path.suffix.lower() not in _RAW_JPEG_SUFFIXES:
        return "picture"
    return "video"


def missing_part(path: str | Path) -> str | None:
    """Says what a file lacks by the sizes that it states itself, or None if it is complete or states none.

    MP4 and MOV state the size of each box, Matroska and WebM that of their segment, AVI and WebP that of
    their list.

    Returns:
        For example ``it states 229,897 bytes and has 137,938``.
    """
    path = Path(path)
    if not path.is_file():
        return None
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_HEAD)
        if head[4:8] in _BOX_KINDS:
            boxes = _boxes(file, size)
            if not {box.kind for box in boxes} & {b"moov", b"meta"}:  # of films, and of still AVIFs
                return "its index (moov) is missing"
            return _shortfall(boxes[-1].end, size)
        if head.startswith(_EBML):
            stated = _end_of_segment(head)
        elif head[:4] == b"RIFF" and len(head) >= 8:
            stated = 8 + struct.unpack("<I", head[4:8])[0]
        else:
            return None
    return _shortfall(stated, size)


def whole_webp(data: bytes) -> bytes:
    """A WebP that was cut off, without the chunk that is not whole (RFC 9649, 2.3)."""
    at = 12
    while at + 8 <= len(data):
        size = struct.unpack("<I", data[at + 4 : at + 8])[0]
        end = at + 8 + size + size % 2
        if end > len(data):
            break
        at = end
    return data[:4] + struct.pack("<I", at - 8) + data[8:at]


def _is_picture(head: bytes) -> bool:
    return (
        head.startswith(_PICTURE_STARTS)
        or head[:3] == b"\xff\xd8\xff"
        or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
        or (head[:2] == b"BM" and head[6:10] == bytes(4))
        or (head[4:8] == b"ftyp" and bool({b"avif", b"avis"} & _brands(head)))
    )


def _brands(head: bytes) -> set[bytes]:
    """The brands of an ISO base media file (ISO/IEC 14496-12, 4.3): the major one and the compatible ones."""
    end = min(len(head), struct.unpack(">I", head[:4])[0])
    return {head[8:12], *(head[at : at + 4] for at in range(16, end, 4))}


@dataclass(frozen=True)
class Box:
    """A box of the top level of an MP4 or MOV; `end` is behind the file's end if the box is not whole."""

    kind: bytes
    start: int
    end: int


def boxes_of(path: str | Path) -> list[Box]:
    """The boxes of the top level of an MP4 or MOV; none if the file is something else."""
    path = Path(path)
    if not path.is_file():
        return []
    with path.open("rb") as file:
        if file.read(8)[4:] not in _BOX_KINDS:
            return []
        return _boxes(file, path.stat().st_size)


def _boxes(file: BinaryIO, size: int) -> list[Box]:
    """Each box starts with its size and its type."""
    at = 0
    boxes: list[Box] = []
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        length, kind = struct.unpack(">I4s", head[:8])
        if length == 1 and len(head) == 16:
            length = struct.unpack(">Q", head[8:])[0]
        elif length == 0:  # to the end of the file
            length = size - at
        if length < 8 or not kind.isalnum():
            break  # no box, but something that was added behind them
        boxes.append(Box(kind, at, at + length))
        at += length
    return boxes


def _end_of_segment(head: bytes) -> int:
    """Where a Matroska file's segment ends (RFC 8794, 4); 0 if it states no size, as in live recordings."""
    at = head.find(_SEGMENT) + len(_SEGMENT)
    if at < len(_SEGMENT) or at >= len(head) or not head[at]:
        return 0
    length = 9 - head[at].bit_length()
    value = int.from_bytes(head[at : at + length], "big") & ((1 << 7 * length) - 1)
    return 0 if value == (1 << 7 * length) - 1 else at + length + value


def _shortfall(stated: int, size: int) -> str | None:
    return f"it states {stated:,} bytes and has {size:,}" if stated > size else None
