"""Runs a model on the newest frame, one gaze at a time, while frames keep being shown.

A model that keeps up is waited for: each frame is masked with its own cells. A slower one is not waited for:
frames are masked with the latest cells available, and whenever the model is free it starts on the newest
frame. Nothing here knows what runs the model.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from statistics import median
from typing import Final, Literal, Protocol, TypeAlias

from ..frames.rgba import Rgba
from ..masks.choice import Choice

Timing = Literal["auto", "own", "newest"]
"""Whether a frame waits for its own cells: always, never, or as long as the model keeps up."""

SLOWEST_OWN_S: Final = 1 / 15
"""A model whose median gaze takes longer than this no longer keeps up."""

FASTEST_NEWEST_S: Final = 1 / 20
"""A model that fell behind keeps up again below this. The gap between the two prevents flutter."""


@dataclass(frozen=True)
class GazeProgress:
    """What has been chosen of a frame up to now.

    Attributes:
        choice: over the whole frame. Tiles that the gaze has not reached may have an earlier frame's cells.
        progress: share of the gaze that is done, above 0; at 1 it is complete.
        stage_ms: time spent in each stage of the gaze up to now, by name.
        tiles: number of tiles that the frame is cut into; 0 if it is processed as a whole.
    """

    choice: Choice
    progress: float = 1.0
    stage_ms: Mapping[str, float] = field(default_factory=dict)
    tiles: int = 0


@dataclass(frozen=True)
class HeldFrame:
    """A frame that what runs the model keeps itself until it is submitted: its pixels are not in memory.

    Attributes:
        shape: (H, W, 4), as of a frame in memory.
        row_pixels: from one of its rows to the next.
    """

    shape: tuple[int, int, int]
    row_pixels: int


Picture: TypeAlias = Rgba | HeldFrame
"""A frame to gaze at: (H, W, 4) uint8, or one that is kept elsewhere."""


class GazeStream(Protocol):
    """A model's gaze at one stream of frames, in order.

    ``submit`` copies all it needs of the frame before it returns. Its generator may be closed between two
    items (``aclose``); unless the gaze was complete, the stream cannot be used any more.
    """

    def submit(
        self, frame: Picture, task_loss_requirement: float | None
    ) -> AsyncGenerator[GazeProgress, None]:
        """Gazes at the next frame; yields one or more states, the last one complete."""


@dataclass(frozen=True)
class LatestGaze:
    """The gaze that was accepted last, and the frame that it belongs to.

    Attributes:
        gaze: the choice and how complete it is.
        requirement: the task-loss requirement that applied.
        index: frames of the stream that came before that frame.
        submitted: when that frame was submitted, in seconds.
        seconds: from the start of its gaze to this state of it.
    """

    gaze: GazeProgress
    requirement: float | None
    index: int
    submitted: float
    seconds: float


@dataclass(frozen=True)
class _Submission:
    frame: Picture
    index: int
    time: float


class Pace:
    """Whether a model keeps up, judged by the median of its last five gazes.

    It does not before three gazes: the first one often takes long, and nobody should wait for it.
    """

    def __init__(self) -> None:
        self.keeps_up: bool = False
        self._seconds: deque[float] = deque(maxlen=5)

    def add(self, seconds: float) -> None:
        """Adds the time of a complete gaze."""
        self._seconds.append(seconds)
        if len(self._seconds) >= 3:
            self.keeps_up = median(self._seconds) <= (SLOWEST_OWN_S if self.keeps_up else FASTEST_NEWEST_S)


class Gazer:
    """Runs one model on the stream of frames that is being shown.

    A gaze that was started for an earlier stream, another frame size or another requirement is stale: it is
    aborted at its next yield, and its cells are not accepted.

    Args:
        open_stream: opens a stream; called again for each new one.
        on_update: called with None when cells were accepted, or with an error message when a gaze failed.
            After a failure the gazer is closed.
        clock: in seconds.

    Attributes:
        timing: whether frames wait for their own cells.
        latest: the gaze accepted last; None until there is one in this stream.
        index: frames of this stream before the last submitted one.
        submitted: when the last frame was submitted, in seconds.
        gazes: number of complete gazes accepted in this stream.
    """

    def __init__(
        self,
        open_stream: Callable[[], GazeStream],
        on_update: Callable[[str | None], object],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.timing: Timing = "auto"
        self._open, self._on_update, self._clock = open_stream, on_update, clock
        self._pace = Pace()
        self._work: asyncio.Task[None] | None = None
        self._closed = False
        self._epoch = 0
        self._requirement: float | None = None
        self.restart()

    @property
    def waits(self) -> bool:
        """Whether the next frame will wait for its own cells."""
        return self.timing == "own" or (self.timing == "auto" and self._pace.keeps_up)

    @property
    def closed(self) -> bool:
        """Whether the gazer was closed or its model failed."""
        return self._closed

    def restart(self) -> None:
        """Starts a new stream of frames."""
        self._epoch += 1
        self._stream: GazeStream | None = None
        self._next: _Submission | None = None
        self._shape: tuple[int, ...] | None = None
        self.latest: LatestGaze | None = None
        self.index: int = -1
        self.submitted: float = 0.0
        self.gazes: int = 0

    def close(self) -> None:
        """Stops for good; frames submitted later are ignored."""
        self.restart()
        self._closed = True

    async def submit(self, frame: Picture, task_loss_requirement: float | None) -> None:
        """Takes the stream's next frame; afterwards ``latest`` is what to show it with.

        Returns at once or, where frames wait for their own cells, with those.

        Args:
            frame: it must not change until the next one is submitted.
            task_loss_requirement: of the gazes that start from now on.
        """
        if self._shape not in (None, frame.shape):
            self.restart()
        if task_loss_requirement != self._requirement:
            self._epoch += 1
        self._shape, self._requirement = frame.shape, task_loss_requirement
        self.index, self.submitted = self.index + 1, self._clock()
        if self._closed:
            return
        self._next = _Submission(frame, self.index, self.submitted)
        if self.waits:
            if self._work is not None:
                await self._work
            await self._run()
        elif self._work is None:
            self._work = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        """Gazes at the newest frame until no newer one was submitted meanwhile."""
        try:
            while self._next is not None:
                submission, self._next = self._next, None
                await self._gaze(submission)
        finally:
            self._work = None

    async def _gaze(self, submission: _Submission) -> None:
        epoch, requirement, start = self._epoch, self._requirement, self._clock()
        stream, progress = self._stream, 0.0
        try:
            if stream is None:
                stream = self._stream = self._open()
            async with aclosing(stream.submit(submission.frame, requirement)) as states:
                async for gaze in states:
                    progress = gaze.progress
                    if epoch != self._epoch:
                        break
                    seconds = self._clock() - start
                    self.latest = LatestGaze(gaze, requirement, submission.index, submission.time, seconds)
                    self.gazes += progress >= 1
                    self._on_update(None)
        except Exception as error:
            if stream is self._stream:
                self.close()
                self._on_update(str(error))
            return
        if progress >= 1:
            self._pace.add(self._clock() - start)
        elif stream is self._stream:
            self._stream = None
