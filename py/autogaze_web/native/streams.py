"""Streams on native ONNX Runtime: one video frame by frame, or several side by side as one batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..frames.arrays import widened
from ..limits import is_whole, shown
from ..model.clips import Graphs, StreamGeneration, check_frame, context_capacity
from ..model.controls import StreamControls
from ..model.gaze import Gaze
from ..model.lockstep import lockstep
from ..model.run import Decisions, Run
from .batch import NativeBatch
from .runtime import FRAME_STEPS, MORE_STEPS, Executor, NativeVideo, drive, drive_rounds

if TYPE_CHECKING:
    from .autogaze import AutoGaze

GRAPHS = Graphs(FRAME_STEPS, MORE_STEPS)


class _BatchOfOne:
    """A video whose context stays on the device."""

    def __init__(self, batch: NativeBatch) -> None:
        self._batch = batch

    def execute(self, run: Run) -> Decisions:
        """See `NativeVideo`."""
        return self._batch.execute([(0, run)])[0]


def whole_frames(model: AutoGaze, controls: StreamControls) -> Graphs:
    """The graphs with which each frame is one run, whatever it chooses.

    All rows of the context are there from the first frame on. If it grew with the longest video of a batch,
    the sums over it, and so the last digits of what a video computes, would depend on the others.
    """
    steps = StreamGeneration(model.config, GRAPHS, controls).most_steps
    window = controls.window_frames(model.config)
    capacity = None if window is None else context_capacity(model.config, steps, window)
    return Graphs((steps,), (), capacity)


class Stream:
    """A video that is processed frame by frame; see `AutoGaze.stream`."""

    def __init__(self, model: AutoGaze, controls: StreamControls) -> None:
        self._video: Executor
        if model.runtime.batches:
            graphs, self._video = whole_frames(model, controls), _BatchOfOne(NativeBatch(model.runtime, 1))
        else:
            graphs, self._video = GRAPHS, NativeVideo(model.runtime)
        self._generation = StreamGeneration(model.config, graphs, controls)
        self._in_use = Lock()

    def step(self, frame: NDArray[np.float32]) -> Gaze:
        """Chooses the patches of the next frame.

        Args:
            frame: (3,H,W) float32 from the processor.

        Returns:
            A gaze of one video of one frame; ids count from 0.

        Raises:
            ValueError: if the frame has a wrong shape, dtype or range.
            RuntimeError: if another thread is in this call.
        """
        with _alone(self._in_use, "this stream is"):
            return drive(self._generation.runs(widened(frame)), [self._video])


class StreamGroup:
    """Videos that are processed side by side, a frame of each as one batch; see `AutoGaze.streams`."""

    def __init__(self, model: AutoGaze, count: int, controls: StreamControls) -> None:
        self._config, self._controls = model.config, controls
        self._graphs = whole_frames(model, controls)
        self._batch = NativeBatch(model.runtime, count)
        self._streams = [self._new() for _ in range(count)]
        self._ended = [False] * count
        self._in_use = Lock()

    def __len__(self) -> int:
        return len(self._streams)

    def restart(self, place: int) -> None:
        """The next frame of a stream is the first one of another video.

        Raises:
            ValueError: if there is no such stream.
            RuntimeError: if another thread is in `step`.
        """
        if not is_whole(place) or not 0 <= place < len(self):
            raise ValueError(f"the streams are 0 to {len(self) - 1}, got {shown(place)}")
        with _alone(self._in_use, "these streams are"):
            self._streams[place] = self._new()
            self._batch.start(place)
            self._ended[place] = False

    def step(self, frames: Sequence[NDArray[np.float32] | None]) -> list[Gaze | None]:
        """Chooses the patches of the next frame of each stream.

        Args:
            frames: for each stream (3,H,W) float32 from the processor; None ends the stream, until `restart`.

        Returns:
            For each stream a gaze of one video of one frame, or None if it has ended.

        Raises:
            ValueError: if a frame has a wrong shape, dtype or range, in which case no stream has advanced; or
                if a model computed NaN, which ends all streams.
            RuntimeError: if another thread is in this call.
        """
        if len(frames) != len(self):
            raise ValueError(f"expected a frame or None for each of {len(self)} streams, got {len(frames)}")
        with _alone(self._in_use, "these streams are"):
            images = {
                place: check_frame(widened(frame)) for place, frame in enumerate(frames) if frame is not None
            }
            for place in images:
                if self._ended[place]:
                    raise ValueError(f"stream {place} has ended: restart it before its next frame")
            self._ended = [True] * len(self)  # unless this succeeds
            places = list(images)
            gazes: list[Gaze | None] = [None] * len(self)
            if places:
                for place, gaze in zip(places, self._gazes(images), strict=True):
                    gazes[place] = gaze
            self._ended = [frame is None for frame in frames]
            return gazes

    def _gazes(self, images: dict[int, NDArray[np.float32]]) -> list[Gaze]:
        places = list(images)
        rounds = lockstep([self._streams[place].runs(image) for place, image in images.items()])
        return drive_rounds(
            rounds, lambda runs: self._batch.execute([(places[index], run) for index, run in runs])
        )

    def _new(self) -> StreamGeneration:
        return StreamGeneration(self._config, self._graphs, self._controls)


@contextmanager
def _alone(lock: Lock, who: str) -> Iterator[None]:
    """Raises where another thread is in the block."""
    if not lock.acquire(blocking=False):
        raise RuntimeError(f"{who} processing a frame in another thread: use a stream per thread")
    try:
        yield
    finally:
        lock.release()
