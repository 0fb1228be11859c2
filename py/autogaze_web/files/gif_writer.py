"""Animated GIFs, written frame by frame so that memory does not grow with the clip.

Pillow's own writer keeps all frames until the end; here it quantizes and compresses one at a time.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import IO, TYPE_CHECKING

import numpy as np

from ..frames.timed_frame import Rgb
from .clip import VideoError
from .shown_frames import ShownFrame

if TYPE_CHECKING:
    from PIL import Image

# A GIF counts hundredths of a second in 16 bits; players show less than two of them as ten.
_TICKS_PER_SECOND, _SHORTEST, _LONGEST = 100, 2, 65535
# Delays of one frame: longer ones are refused. Four days.
_MOST_DELAYS = 500
_LOOP_FOREVER = b"!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"


@dataclass(frozen=True)
class _Delayed:
    image: Rgb
    ticks: int


def encode_gif(file: IO[bytes], frames: Iterable[ShownFrame]) -> int:
    """Writes frames of one size as a GIF that loops.

    Delays are rounded so that every frame starts at the nearest hundredth and the total is right. A frame
    that would be shown for less than two hundredths is left out, and one of more than 655 seconds is written
    as several.

    Returns:
        How many frames were left out.

    Raises:
        VideoError: if a frame is shown for more than four days.
    """
    from PIL import Image

    left_out = _LeftOut()
    previous: Rgb | None = None
    for frame in left_out.delayed(frames):
        if previous is None:
            height, width = frame.image.shape[:2]
            file.write(b"GIF89a" + struct.pack("<HHBBB", width, height, 0, 0, 0) + _LOOP_FOREVER)
        delays = _split(frame.ticks)
        top, left, bottom, right = _changed_box(previous, frame.image)
        for number, ticks in enumerate(delays):
            if number:  # the same picture goes on
                top, left, bottom, right = 0, 0, 1, 1
            part = Image.fromarray(frame.image[top:bottom, left:right])
            quantized = part.quantize(dither=Image.Dither.NONE)
            file.write(struct.pack("<4sHBB", b"!\xf9\x04\x04", ticks, 0, 0))
            for block in _image_blocks(quantized, left, top):
                file.write(block)
        previous = frame.image
    file.write(b";")
    return left_out.count


class _LeftOut:
    """Frames with delays in hundredths; counts those that are too short to be shown."""

    def __init__(self) -> None:
        self.count = 0

    def delayed(self, frames: Iterable[ShownFrame]) -> Iterator[_Delayed]:
        pending: ShownFrame | None = None
        start = 0
        end = Fraction(0)
        for frame in frames:
            tick = round(frame.start * _TICKS_PER_SECOND)
            if pending is not None and tick - start < _SHORTEST:
                self.count += 1  # the newer picture takes the place of the one before it
            elif pending is not None:
                yield _Delayed(pending.image, tick - start)
                start = tick
            pending = frame
            end = frame.end
        if pending is not None:
            yield _Delayed(pending.image, max(_SHORTEST, round(end * _TICKS_PER_SECOND) - start))


def _split(ticks: int) -> list[int]:
    """A delay as delays that the format can say."""
    if ticks > _LONGEST * _MOST_DELAYS:
        raise VideoError(
            f"a frame is shown for {ticks // _TICKS_PER_SECOND:,} seconds, but a .gif can show it for "
            f"{_LONGEST * _MOST_DELAYS // _TICKS_PER_SECOND:,} at most: write an .mp4"
        )
    count = -(-ticks // _LONGEST)
    return [ticks * (i + 1) // count - ticks * i // count for i in range(count)]


def _changed_box(previous: Rgb | None, image: Rgb) -> tuple[int, int, int, int]:
    """Top, left, bottom, right around all pixels that differ; one pixel if none do."""
    if previous is None:
        return 0, 0, *image.shape[:2]
    changed = (previous != image).any(axis=2)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    if not len(rows):
        return 0, 0, 1, 1
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def _image_blocks(picture: Image.Image, left: int, top: int) -> Iterator[bytes]:
    """A picture's descriptor, colours and compressed pixels."""
    from PIL.GifImagePlugin import getdata

    yield from getdata(picture, (left, top), include_color_table=True)
