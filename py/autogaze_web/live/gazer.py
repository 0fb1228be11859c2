"""Gazes at the newest frame, one at a time, while frames go on being shown.

A model that keeps up is waited for: each frame is masked with the cells chosen for itself. One that does not
keep up is not waited for: frames are masked with the newest cells there are, and whenever the model is free
it gazes at the newest frame. Nothing here knows what runs the model.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from statistics import median
from typing import Final, Literal, Protocol

from ..frames.rgba import Rgba
from .record import Chosen

Timing = Literal["auto", "own", "newest"]
"""Whether a frame waits for its own cells: always, never, or while the model keeps up."""

SLOWEST_OWN_S: Final = 1 / 15
"""A model whose median gaze takes longer than this no longer keeps up."""

FASTEST_NEWEST_S: Final = 1 / 20
"""One that did not keep up does so again from here on. In between nothing changes: it must not flutter."""


@dataclass(frozen=True)
class GazePart:
    """What has been chosen of a frame so far.

    Attributes:
        chosen: over the whole frame. Where the gaze has not come to yet this may be an earlier frame's.
        progress: share of the gaze that is done, above 0; at 1 it is complete.
        stage_ms: time spent so far in each stage of the gaze, by name.
        tiles: into how many tiles the frame is cut; 0 if it is seen as a whole.
    """

    chosen: Chosen
    progress: float = 1.0
    stage_ms: Mapping[str, float] = field(default_factory=dict)
    tiles: int = 0


class GazeStream(Protocol):
    """What a model sees of one stream of frames, in order.

    ``look`` copies all it needs of the frame before it returns. Its parts may be abandoned between two of
    them (``aclose``); unless the last one was complete the stream is then of no more use.
    """

    def require(self, task_loss_requirement: float | None) -> None:
        """Sets the requirement of the frames to come."""

    def look(self, frame: Rgba) -> AsyncGenerator[GazePart, None]:
        """The gaze of the next frame, (H, W, 4) uint8, in one or several parts."""


@dataclass(frozen=True)
class Seen:
    """What was accepted, and the frame that it was chosen of.

    Attributes:
        chosen, progress, stage_ms, tiles: see `GazePart`.
        requirement: the task-loss requirement under which it was chosen.
        index: frames of the stream that came before that frame.
        came: when that frame came, in seconds.
        seconds: from the start of its gaze to this part.
    """

    chosen: Chosen
    progress: float
    requirement: float | None
    index: int
    came: float
    seconds: float
    stage_ms: Mapping[str, float] = field(default_factory=dict)
    tiles: int = 0


@dataclass(frozen=True)
class _Offered:
    frame: Rgba
    index: int
    came: float


class Pace:
    """Whether a model keeps up, judged by the median of its last five gazes, and not before there were three.

    Until then it does not: a first gaze often takes long, and nobody should wait for it.
    """

    def __init__(self) -> None:
        self.keeps_up = False
        self._seconds: deque[float] = deque(maxlen=5)

    def add(self, seconds: float) -> None:
        """Takes the time of a complete gaze into account."""
        self._seconds.append(seconds)
        if len(self._seconds) >= 3:
            self.keeps_up = median(self._seconds) <= (SLOWEST_OWN_S if self.keeps_up else FASTEST_NEWEST_S)


class Gazer:
    """One model's gaze at the stream of frames that is being shown.

    What is begun for an earlier stream, another size or another requirement is stale: it is abandoned as soon
    as it comes to the end of a part, and its cells are not accepted.

    Args:
        open_stream: makes a stream; called again when another begins.
        on_news: called when cells were accepted, with None, or with what is wrong when a gaze failed. After a
            failure nothing is gazed at any more.
        clock: in seconds.

    Attributes:
        timing: whether frames wait for their own cells.
        newest: the cells accepted last; None until there are some for this stream.
        index: frames of this stream that came before the last one.
        came: when the last one came, in seconds.
        gazes: complete ones that were accepted in this stream.
    """

    def __init__(
        self,
        open_stream: Callable[[], GazeStream],
        on_news: Callable[[str | None], object],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.timing: Timing = "auto"
        self._open, self._on_news, self._clock = open_stream, on_news, clock
        self._pace = Pace()
        self._work: asyncio.Task[None] | None = None
        self._closed = False
        self._epoch = 0
        self._requirement: float | None = None
        self.restart()

    @property
    def waits(self) -> bool:
        """Whether the next frame will be given its own cells."""
        return self.timing == "own" or (self.timing == "auto" and self._pace.keeps_up)

    @property
    def closed(self) -> bool:
        """Whether nothing is gazed at any more."""
        return self._closed

    def restart(self) -> None:
        """Begins another stream of frames."""
        self._epoch += 1
        self._stream: GazeStream | None = None
        self._offered: _Offered | None = None
        self._shape: tuple[int, ...] | None = None
        self.newest: Seen | None = None
        self.index, self.came, self.gazes = -1, 0.0, 0

    def close(self) -> None:
        """Gazes no more."""
        self.restart()
        self._closed = True

    async def see(self, frame: Rgba, task_loss_requirement: float | None) -> None:
        """Takes the stream's next frame; afterwards ``newest`` is what to show it with.

        Returns at once or, where frames wait for their own cells, with those.

        Args:
            frame: (H, W, 4) uint8; it must stay as it is until the next one is given.
            task_loss_requirement: of the gazes begun from now on.
        """
        if self._shape not in (None, frame.shape):
            self.restart()
        if task_loss_requirement != self._requirement:
            self._epoch += 1
        self._shape, self._requirement = frame.shape, task_loss_requirement
        self.index, self.came = self.index + 1, self._clock()
        if self._closed:
            return
        self._offered = _Offered(frame, self.index, self.came)
        if self.waits:
            if self._work is not None:
                await self._work
            await self._follow()
        elif self._work is None:
            self._work = asyncio.ensure_future(self._follow())

    async def _follow(self) -> None:
        """Gazes at the newest frame until there is none that it has not gazed at."""
        try:
            while self._offered is not None:
                offered, self._offered = self._offered, None
                await self._gaze(offered)
        finally:
            self._work = None

    async def _gaze(self, offered: _Offered) -> None:
        epoch, requirement, begun = self._epoch, self._requirement, self._clock()
        stream, progress = self._stream, 0.0
        try:
            if stream is None:
                stream = self._stream = self._open()
            stream.require(requirement)
            async with aclosing(stream.look(offered.frame)) as parts:
                async for part in parts:
                    progress = part.progress
                    if epoch != self._epoch:
                        break
                    seconds = self._clock() - begun
                    self.newest = Seen(
                        part.chosen,
                        progress,
                        requirement,
                        offered.index,
                        offered.came,
                        seconds,
                        part.stage_ms,
                        part.tiles,
                    )
                    self.gazes += progress >= 1
                    self._on_news(None)
        except Exception as error:
            if stream is self._stream:
                self.close()
                self._on_news(str(error))
            return
        if progress >= 1:
            self._pace.add(self._clock() - begun)
        elif stream is self._stream:
            self._stream = None
