"""What a file is by its first bytes: names and types can be missing or wrong."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Literal

Kind = Literal["heic", "picture", "svg", "video"]

_HEAD = 4096
_PICTURE_STARTS = (b"GIF87a", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"II*\x00", b"MM\x00*")
_HEIC = (b"heic", b"heix", b"heim", b"heis")
_RAW_JPEG_SUFFIXES = (".mjpeg", ".mjpg")
_SVG = re.compile(rb"\s*(<\?xml[^>]*>|<!--.*?-->|<!DOCTYPE[^>]*>|\s)*<svg[\s/>]", re.DOTALL | re.IGNORECASE)


def kind_of(path: str | Path) -> Kind:
    """Whether a file is a picture, an HEIC photo, an SVG drawing, or anything else: perhaps a video.

    A pipe, whose bytes can be read only once, counts as a video.
    """
    path = Path(path)
    if not path.is_file():
        return "video"
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if _SVG.match(head.removeprefix(b"\xef\xbb\xbf")):
        return "svg"
    if _is_heic(head):
        return "heic"
    if _is_picture(head) and path.suffix.lower() not in _RAW_JPEG_SUFFIXES:
        return "picture"
    return "video"


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
        or (head[:4] == b"\0\0\1\0" and any(head[4:6]) and head[9:10] == b"\0")  # of an icon
        or (head[4:8] == b"ftyp" and bool({b"avif", b"avis"} & _brands(head)))
    )


def _is_heic(head: bytes) -> bool:
    """Whether it is a photo of a phone. Many consist of tiles, which FFmpeg takes for videos."""
    if head[4:8] != b"ftyp":
        return False
    return head[8:12] in _HEIC or (head[8:12] == b"mif1" and b"avif" not in _brands(head))


def _brands(head: bytes) -> set[bytes]:
    """The brands of an ISO base media file (ISO/IEC 14496-12, 4.3): the major one and the compatible ones."""
    end = min(len(head), struct.unpack(">I", head[:4])[0])
    return {head[8:12], *(head[at : at + 4] for at in range(16, end, 4))}
