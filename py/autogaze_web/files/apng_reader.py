"""The frames of an animated PNG (PNG, third edition), put together as browsers do.

Pillow decodes the pixels, but where the picture before a frame returns after it, Pillow does not always
restore that one.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from ..limits import MAX_PIXELS

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CLEAR, _RESTORE_PREVIOUS = 1, 2
_BLEND_OVER = 1
_DEFAULT_DENOMINATOR = 100
_LEAST_BYTES = {b"acTL": 8, b"fcTL": 26, b"fdAT": 4, b"IHDR": 13}


@dataclass(frozen=True)
class PngFrame:
    """One frame of an APNG.

    Attributes:
        left, top, width, height: where it is shown.
        delay: in milliseconds, as stated.
        disposal: afterwards its pixels stay (0), are cleared (1), or those before it return (2).
        blending: 0 if it replaces the picture below, 1 if it is laid over it.
        data: its compressed pixels.
    """

    left: int
    top: int
    width: int
    height: int
    delay: float
    disposal: int
    blending: int
    data: bytes


@dataclass(frozen=True)
class Apng:
    """An animated PNG.

    Attributes:
        head: the bytes that all frames share: header, colours and transparency.
        frames: those whose data are all there.
        stated: how many frames there should be.
    """

    head: tuple[tuple[bytes, bytes], ...]
    frames: tuple[PngFrame, ...]
    stated: int


def read_apng(data: bytes) -> Apng | None:
    """The frames of an APNG; None if it is no animation."""
    head: list[tuple[bytes, bytes]] = []
    frames: list[PngFrame] = []
    stated = 0
    control: tuple[int, ...] | None = None
    parts: list[bytes] = []
    at = len(_SIGNATURE)

    def finish() -> None:
        if control and parts:
            width, height, left, top, numerator, denominator, disposal, blending = control
            delay = 1000 * numerator / (denominator or _DEFAULT_DENOMINATOR)
            pixels = b"".join(parts)
            frames.append(PngFrame(left, top, width, height, delay, disposal, blending, pixels))

    is_cut = False
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        content = data[at + 8 : at + 8 + length]
        at += 12 + length
        if at > len(data):
            is_cut = kind in (b"IDAT", b"fdAT")  # not all of the frame is there
            break
        if length < _LEAST_BYTES.get(kind, 0):
            break
        if kind == b"acTL":
            stated = struct.unpack_from(">I", content)[0]
        elif kind in (b"fcTL", b"IEND"):
            finish()
            control, parts = None, []
            if kind == b"IEND":
                break
            control = struct.unpack_from(">4x4I2H2B", content)
        elif kind == b"IDAT":
            parts.append(content)
        elif kind == b"fdAT":
            parts.append(content[4:])
        elif not frames and not control and kind in (b"IHDR", b"PLTE", b"tRNS", b"gAMA", b"sBIT"):
            head.append((kind, content))
    if not is_cut:
        finish()  # the file ends behind the data of a frame
    return Apng(tuple(head), tuple(frames), stated) if stated and head else None


def composed_apng(apng: Apng, height: int, width: int) -> Iterator[NDArray[np.uint8]]:
    """The pictures that an APNG shows one after the other, (height, width, 3) on black.

    Raises:
        OSError, ValueError: if a frame's pixels cannot be decoded.
    """
    canvas = np.zeros((height, width, 4), np.uint8)
    for index, frame in enumerate(apng.frames):
        pixels = _decoded(apng, frame)
        place = canvas[frame.top : frame.top + frame.height, frame.left : frame.left + frame.width]
        pixels = pixels[: place.shape[0], : place.shape[1]]
        before = place.copy()
        place[:] = _over(pixels, before) if frame.blending == _BLEND_OVER else pixels
        alpha = canvas[..., 3:].astype(np.uint16)
        yield ((canvas[..., :3] * alpha + 127) // 255).astype(np.uint8)
        # Before the first frame there is nothing to restore.
        if frame.disposal == _CLEAR or (frame.disposal == _RESTORE_PREVIOUS and index == 0):
            place[:] = 0
        elif frame.disposal == _RESTORE_PREVIOUS:
            place[:] = before


def _over(above: NDArray[np.uint8], below: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGBA pixels laid over others."""
    from PIL import Image

    return np.asarray(Image.alpha_composite(Image.fromarray(below), Image.fromarray(above)))


def _decoded(apng: Apng, frame: PngFrame) -> NDArray[np.uint8]:
    """A frame's RGBA pixels, decoded as if it were a file of its own."""
    from PIL import Image

    if frame.width * frame.height > MAX_PIXELS:
        raise ValueError(f"a frame has {frame.width}x{frame.height} pixels")
    size = struct.pack(">II", frame.width, frame.height)
    chunks = [(kind, size + content[8:] if kind == b"IHDR" else content) for kind, content in apng.head]
    file = _SIGNATURE + b"".join(_chunk(*each) for each in [*chunks, (b"IDAT", frame.data), (b"IEND", b"")])
    with Image.open(BytesIO(file), formats=["PNG"]) as picture:
        if picture.mode.startswith("I"):  # 16 bits, which Pillow would clip to 8
            grey = (np.asarray(picture).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
            return np.dstack([grey, grey, grey, np.full_like(grey, 255)])
        return np.asarray(picture.convert("RGBA"))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
