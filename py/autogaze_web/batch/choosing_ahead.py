"""Chooses the cells of a video's next frame in a thread, while numbers and files are made of this one.

ONNX Runtime, the decoder and NumPy release Python's lock while they compute, so where a core is idle the rest
of a frame's work takes no time of its own. Frames are chosen from in their order: the choices are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from ..frames.rgba import Rgba
from ..frames.timed_frame import TimedFrame
from ..live.sources import MaskSource
from ..masks.choice import Choice, Description


class StoppedError(Exception):
    """What ends the thread's work on a frame that nobody waits for."""


class ChoosingAhead:
    """A mask source that is one frame ahead of the frames that it gives.

    Args:
        make_source: makes the source that chooses, for frames (H, W, 3) as decoded; what it is given raises
            once the work is to be stopped.
    """

    def __init__(self, make_source: Callable[[Callable[[object], None]], MaskSource]) -> None:
        self._stop = Event()
        self._source = make_source(self._check)
        self._choice = Choice.none()

    def describe(self) -> Description:
        """See `live.sources.MaskSource`."""
        return self._source.describe()

    def choose(self, _frame: Rgba) -> Choice:
        """What was chosen of the frame that `frames` yielded last."""
        return self._choice

    def stoppable(self, frames: Iterator[TimedFrame]) -> Iterator[TimedFrame]:
        """The same frames, for `frames` to pick from: the work can be stopped at those left out too."""
        for timed in frames:
            self._check(None)
            yield timed

    def frames(self, frames: Iterator[TimedFrame]) -> Generator[TimedFrame, None, None]:
        """The frames of one video, each after its cells were chosen. Close it to stop the work.

        Raises:
            Exception: what reading or choosing raised, in the place of that frame.
        """
        with ThreadPoolExecutor(1, "autogaze-choosing") as thread:
            try:
                following = thread.submit(self._next, frames)
                while (chosen := following.result()) is not None:
                    following = thread.submit(self._next, frames)
                    timed, self._choice = chosen
                    yield timed
            finally:
                self._stop.set()

    def _next(self, frames: Iterator[TimedFrame]) -> tuple[TimedFrame, Choice] | None:
        timed = next(frames, None)
        return None if timed is None else (timed, self._source.choose(timed.image))

    def _check(self, _progress: object) -> None:
        if self._stop.is_set():
            raise StoppedError
