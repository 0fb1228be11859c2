"""The frames of an animated GIF (GIF89a), put together as browsers do.

Pillow decodes the pixels, but does not put them together: where a frame states no disposal it uses that of
the frame before, and like FFmpeg it disposes of opaque frames to the background colour, where browsers leave
them transparent.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from ..limits import MAX_PIXELS

_EXTENSION, _IMAGE, _GRAPHIC_CONTROL = 0x21, 0x2C, 0xF9
_RESTORE_BACKGROUND, _RESTORE_PREVIOUS = 2, 3


@dataclass(frozen=True)
class GifFrame:
    """One image of a GIF: where its bytes are, and how it is shown.

    Attributes:
        start, end: of its descriptor, colours and pixels in the file.
        delay: in milliseconds, as stated.
        disposal: what happens to its pixels afterwards, 0 .. 7.
        transparent: index of the colour that lets the picture below show; None for none.
    """

    start: int
    end: int
    delay: int
    disposal: int
    transparent: int | None


def whole_frames(data: bytes) -> tuple[list[GifFrame], bool]:
    """The images of a GIF whose data are all there, and whether these are all of its images."""
    found: list[GifFrame] = []
    if len(data) < 13:
        return found, False
    at = 13 + _table_size(data[10])
    control: tuple[int, int, int | None] = (0, 0, None)
    while at + 1 < len(data):
        kind = data[at]
        if kind == _EXTENSION and data[at + 1] == _GRAPHIC_CONTROL and at + 8 <= len(data):
            flags, delay, colour = struct.unpack_from("<BHB", data, at + 3)
            control = (10 * delay, flags >> 2 & 7, colour if flags & 1 else None)
        if kind not in (_EXTENSION, _IMAGE):
            break  # the trailer, which many writers leave out
        if kind == _IMAGE and at + 10 > len(data):
            return found, False
        end = at + (11 + _table_size(data[at + 9]) if kind == _IMAGE else 2)
        while end < len(data) and data[end]:
            end += data[end] + 1
        if end >= len(data):
            return found, False
        if kind == _IMAGE:
            found.append(GifFrame(at, end + 1, *control))
            control = (0, 0, None)
        at = end + 1
    return found, True


def composed_frames(
    data: bytes, frames: list[GifFrame], height: int, width: int
) -> Iterator[NDArray[np.uint8]]:
    """The pictures that a GIF shows one after the other, (height, width, 3) on black.

    Raises:
        OSError, ValueError: if a frame's pixels cannot be decoded.
    """
    canvas = np.zeros((height, width, 4), np.uint8)
    for frame in frames:
        left, top, pixels = _decoded(data, frame)
        place = canvas[top : top + pixels.shape[0], left : left + pixels.shape[1]]
        pixels = pixels[: place.shape[0], : place.shape[1]]
        before = place.copy()
        np.copyto(place, pixels, where=pixels[..., 3:] > 0)
        yield canvas[..., :3].copy()  # transparent pixels are black
        if frame.disposal == _RESTORE_BACKGROUND:
            place[:] = 0
        elif frame.disposal == _RESTORE_PREVIOUS:
            place[:] = before


def _decoded(data: bytes, frame: GifFrame) -> tuple[int, int, NDArray[np.uint8]]:
    """A frame's left, top and RGBA pixels, decoded as if it were a file of its own."""
    from PIL import Image

    left, top, width, height = struct.unpack_from("<HHHH", data, frame.start + 1)
    if width * height > MAX_PIXELS:
        raise ValueError(f"a frame has {width}x{height} pixels")
    head = data[:6] + struct.pack("<HH", width, height) + data[10 : 13 + _table_size(data[10])]
    image = b"," + struct.pack("<HHHH", 0, 0, width, height) + data[frame.start + 9 : frame.end]
    with Image.open(BytesIO(head + image + b";"), formats=["GIF"]) as picture:
        indices = np.asarray(picture)
        colours = np.asarray(picture.convert("RGB"))
    shown = np.ones(indices.shape, bool) if frame.transparent is None else indices != frame.transparent
    return left, top, np.dstack([colours * shown[..., None], shown * np.uint8(255)]).astype(np.uint8)


def _table_size(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0
