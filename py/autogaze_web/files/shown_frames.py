"""From frames with times to the frames of a rendering, each shown until the next one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from ..frames.timed_frame import Rgb, TimedFrame

# Shown for this long if neither the file nor an earlier frame says for how long.
LAST_FRAME_SECONDS = Fraction(1, 25)
# For files that state no times at all, such as raw H.264.
ASSUMED_RATE = 25


@dataclass(frozen=True)
class ShownFrame:
    """A frame of a rendering: shown from `start` to `end`, in seconds from the rendering's start."""

    image: Rgb
    start: Fraction
    end: Fraction


def shown_frames(frames: Iterable[TimedFrame]) -> Iterator[ShownFrame]:
    """The same frames with times from 0 on, each shown until the next one.

    The last one is shown for its own duration, else for as long as the one before it. Frames without times
    follow one another at 25 a second; a frame that is not later than the one before it is shown for no time.

    >>> import numpy as np
    >>> image = np.zeros((2, 2, 3), np.uint8)
    >>> shown = shown_frames([TimedFrame(image, Fraction(1)), TimedFrame(image, Fraction(3))])
    >>> [(float(frame.start), float(frame.end)) for frame in shown]
    [(0.0, 2.0), (2.0, 4.0)]
    """
    pending: TimedFrame | None = None
    origin: Fraction | None = None
    start = Fraction(0)
    step = Fraction(0)
    for index, frame in enumerate(frames):
        time = Fraction(index, ASSUMED_RATE) if frame.time is None else frame.time
        if origin is None:
            origin = time
        if pending is not None:
            end = max(start, time - origin)
            step = end - start or step
            yield ShownFrame(pending.image, start, end)
            start = end
        pending = frame
    if pending is not None:
        last = pending.duration or step or LAST_FRAME_SECONDS
        yield ShownFrame(pending.image, start, start + last)


def at_rate(images: Iterable[Rgb], frames_per_second: float) -> Iterator[TimedFrame]:
    """Images at a constant rate, from 0 on."""
    step = 1 / Fraction(frames_per_second).limit_denominator(1001)
    for index, image in enumerate(images):
        yield TimedFrame(image, index * step, step)
