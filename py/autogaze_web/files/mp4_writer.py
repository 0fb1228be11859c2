"""H.264 in MP4, each frame at its own time, written with PyAV. Needs the extra ``[video]``."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..frames.timed_frame import Rgb
from .atomic_file import atomic_file
from .clip import VideoError
from .pyav import pyav
from .shown_frames import ShownFrame, at_rate, shown_frames

# Finer clocks than this one gain nothing that can be seen; coarser ones are made finer, as FFmpeg does.
_FINEST_CLOCK, _COARSEST_CLOCK = 90_000, 10_000
# A frame's duration has 31 bits in FFmpeg's MP4 writer.
_LONGEST_TICKS = 2**31 - 1
# For the encoder's planning alone; times are those of the frames.
_TYPICAL_RATE = 30
# BT.709 in limited range, as numbers of ITU-T H.273 and FFmpeg. Where a file does not say, players guess by
# the height.
_BT709, _LIMITED = 1, 1


def write_mp4(path: str | Path, images: Iterable[Rgb], frames_per_second: float) -> None:
    """Writes images of one size, (H,W,3) uint8 RGB, at a constant rate.

    Raises:
        ValueError: if the file cannot be written.
    """
    with atomic_file(path) as file:
        encode_mp4(file, shown_frames(at_rate(images, frames_per_second)))


def encode_mp4(file: IO[bytes], frames: Iterable[ShownFrame], time_base: Fraction | None = None) -> None:
    """Writes frames of one size as H.264, 4:2:0 in BT.709, to a file that can seek.

    Odd sides lose a row or a column, or are doubled if they have just one.

    Args:
        time_base: unit of the times in seconds; times are rounded to it. By default 1/90000.

    Raises:
        VideoError: if a frame lasts longer than the format can say.
    """
    sink = _Sink(file)
    try:
        _encode(sink, frames, _clock(time_base))
    except Exception:
        if sink.error is not None:
            raise sink.error from None
        raise


def _encode(sink: _Sink, frames: Iterable[ShownFrame], clock: int) -> None:
    av = pyav()
    with av.open(sink, "w", format="mp4") as container:
        stream: Any = None
        durations: dict[int, int] = {}
        start = -1
        for frame in frames:
            image = _even(frame.image)
            if stream is None:
                stream = _added_stream(container, image, clock)
            start = max(start + 1, round(frame.start * clock))
            durations[start] = max(1, round(frame.end * clock) - start)
            if durations[start] > _LONGEST_TICKS:
                raise VideoError(
                    f"a frame is shown for {float(frame.end - frame.start):,.0f} seconds, "
                    f"but an .mp4 can show it for {_LONGEST_TICKS // clock:,} at most: write a .png"
                )
            _mux(container, stream.encode(_picture(image, start, clock)), durations)
        if stream is not None:
            _mux(container, stream.encode(), durations)


class _Sink:
    """A file for FFmpeg that records why it could not be written; PyAV may hide that behind its own error."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.error: BaseException | None = None

    def write(self, data: bytes) -> int:
        try:
            return self._file.write(data)
        except BaseException as error:
            self.error = self.error or error
            raise

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def _clock(time_base: Fraction | None) -> int:
    """Ticks per second in which the times of a source are whole numbers, as far as the format allows."""
    ticks = time_base.denominator if time_base and time_base.numerator == 1 else _FINEST_CLOCK
    while ticks < _COARSEST_CLOCK:
        ticks *= 2
    return ticks if ticks <= _FINEST_CLOCK else _FINEST_CLOCK


def _added_stream(container: Any, image: Rgb, clock: int) -> Any:
    # Without B-frames the order of decoding is that of showing: the file needs no edit list, and its duration
    # is right whatever the times are.
    stream = container.add_stream("libx264", rate=_TYPICAL_RATE, options={"bf": "0"})
    stream.height, stream.width = image.shape[:2]
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.time_base = Fraction(1, clock)
    context.color_primaries = context.color_trc = context.colorspace = _BT709
    context.color_range = _LIMITED
    return stream


def _picture(image: Rgb, start: int, clock: int) -> Any:
    picture = (
        pyav()
        .VideoFrame.from_ndarray(image, format="rgb24")
        .reformat(format="yuv420p", dst_colorspace=_BT709, dst_color_range=_LIMITED)
    )
    picture.colorspace, picture.color_range = _BT709, _LIMITED
    picture.pts, picture.time_base = start, Fraction(1, clock)
    return picture


def _mux(container: Any, packets: Iterable[Any], durations: dict[int, int]) -> None:
    for packet in packets:
        packet.duration = durations.pop(packet.pts)
        container.mux(packet)


def _even(image: Rgb) -> Rgb:
    for axis in (0, 1):
        if image.shape[axis] == 1:
            image = np.repeat(image, 2, axis=axis)
    return np.ascontiguousarray(image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2])
