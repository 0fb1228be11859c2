"""Prepares a video's next frames and chooses their cells in threads, while this one is measured and written.

ONNX Runtime, the decoder and NumPy release Python's lock while they compute, so where a core is idle the rest
of a frame's work takes no time of its own. Frames are chosen from in their order: the choices are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from threading import Event
from typing import Any, Protocol, runtime_checkable

from ..frames.rgba import Rgba
from ..frames.timed_frame import TimedFrame
from ..live.sources import MaskSource
from ..masks.choice import Choice, Description
from ..native.gathering import StoppedError
from .ahead import ahead


@runtime_checkable
class InTwoSteps(Protocol):
    """A mask source a part of whose work on a frame can be done before its turn has come."""

    def processed(self, frame: Rgba) -> Any:
        """The part that depends on the frame alone."""

    def choose_from(self, image: Any) -> Choice:
        """The rest of `MaskSource.choose`, given what `processed` returned."""


class ChoosingAhead:
    """A mask source that is one frame ahead of the frames that it gives.

    Another thread is one more frame ahead: it decodes them and does what depends on no other frame.

    Args:
        make_source: makes the source that chooses, for frames (H, W, 3) as decoded; what it is given raises
            once the work is to be stopped.
        leave: called after the last choice, in whatever way the work ends.
    """

    def __init__(
        self,
        make_source: Callable[[Callable[[object], None]], MaskSource],
        leave: Callable[[], object] = lambda: None,
    ) -> None:
        self._stop = Event()
        self._source = make_source(self._check)
        self._leave = leave
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
        with closing(ahead(self._chosen(frames), "choosing", self._stop.set)) as chosen:
            for timed, self._choice in chosen:
                yield timed

    def _chosen(self, frames: Iterator[TimedFrame]) -> Generator[tuple[TimedFrame, Choice], None, None]:
        source = self._source
        prepare: Callable[[Rgba], Any] = _unchanged
        choose: Callable[[Any], Choice] = source.choose
        if isinstance(source, InTwoSteps):
            prepare, choose = source.processed, source.choose_from
        prepared = ((timed, prepare(timed.image)) for timed in frames)
        try:
            with closing(ahead(prepared, "preparing")) as following:
                for timed, image in following:
                    yield timed, choose(image)
        finally:
            self._leave()

    def _check(self, _progress: object) -> None:
        if self._stop.is_set():
            raise StoppedError


def _unchanged(frame: Rgba) -> Rgba:
    return frame
