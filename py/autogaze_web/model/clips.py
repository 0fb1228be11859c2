"""Whole clips and live streams as generators of runs, the same natively and in a browser.

The driver of a generator executes each run it yields, for the video it names, and sends the decisions back.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..frames.resize import resize_bicubic
from .config import AutoGazeConfig
from .controls import Ratio, StreamControls, resolve_controls
from .coverage import CoverageStop
from .gaze import Gaze, assemble
from .generation import Decisions, FrameRounds, Run, Videos
from .lockstep import Runs, in_turn
from .slots import Slots
from .square_tiles import SquareTiles
from .tokens import ScaleLayout

LARGEST_VALUE: Final = 16.0
"""Pixels above this, either sign, are not normalised: the processor's range is about -6.5 .. 2.7."""

GazeRuns = Generator[tuple[int, Run], Decisions, Gaze]


def context_capacity(config: AutoGazeConfig, steps: int, window: int | None = None) -> int:
    """Rows of context that a frame graph of S steps needs to attend to a window.

    The window includes the current frame, whose rows are not in the context. Each earlier frame has at most K
    tokens of the last step of the frame before it, its vision tokens, and the tokens of S - 1 steps.

    Args:
        window: in frames; None for ``max_num_frames``.
    """
    heads, frames = config.decoder.num_multi_token_pred, window or config.max_num_frames
    return max(1, frames - 1) * (config.vision_tokens + steps * heads)


@dataclass(frozen=True)
class Graphs:
    """The graphs available to the executor of the runs.

    Attributes:
        frame_steps: S of the frame graphs.
        more_steps: S of the steps graphs.
        capacity: rows of their context; None if it grows.
    """

    frame_steps: tuple[int, ...] = (1,)
    more_steps: tuple[int, ...] = (1,)
    capacity: int | None = None

    def fitting_window(self, config: AutoGazeConfig, budget: int, window: int) -> int:
        """The largest window, at most ``window``, whose rows fit the context at ``budget`` tokens a frame.

        Only a frame that takes more steps than any frame graph has also needs rows for itself.
        """
        steps = -(-budget // config.decoder.num_multi_token_pred)
        if self.capacity is None or steps <= max(self.frame_steps):
            return window
        frame_rows = config.vision_tokens + steps * config.decoder.num_multi_token_pred
        return max(1, min(window, self.capacity // frame_rows))

    def videos(
        self, config: AutoGazeConfig, count: int = 1, window: int | None = None, first_position: int = 0
    ) -> Videos:
        """The state of new videos for these graphs."""
        steps = self.frame_steps, self.more_steps
        return Videos(config, count, window, *steps, self.capacity, first_position)


@dataclass(frozen=True)
class FrameLimits:
    """What limits each frame of a stream: its `StreamControls` with the config's defaults.

    Attributes:
        budget: most tokens.
        requirement: task loss at which a frame stops; None for no early stop.
        coverage: ends a frame once its cells cover enough of it.

    Raises:
        ValueError: if a control is out of range, or the config has no default for one that is missing.
    """

    budget: int
    requirement: float | None
    coverage: CoverageStop | None

    @staticmethod
    def of(config: AutoGazeConfig, controls: StreamControls) -> FrameLimits:
        """The limits that these controls set."""
        limits = resolve_controls(config, controls.gazing_ratio, controls.task_loss_requirement, 1, 1)
        budget, coverage = limits.budgets[0], None
        if controls.max_tokens is not None:
            budget = min(budget, controls.max_tokens)
        if controls.coverage_stop:
            coverage = CoverageStop(ScaleLayout.of(config), controls.coverage_stop)
            budget = coverage.budget(budget, config.decoder.num_multi_token_pred)
        return FrameLimits(budget, limits.requirements[0][0], coverage)


class ClipGeneration:
    """`AutoGaze.generate` without what executes it; arguments and errors are described there.

    Args:
        past: the state of the videos after the frames of earlier calls; None for new videos.

    Attributes:
        videos: the state of what runs are yielded for, which they advance: B videos, or the tiles of all.
    """

    def __init__(
        self,
        config: AutoGazeConfig,
        graphs: Graphs,
        video: NDArray[np.float32],
        gazing_ratio: Ratio | None = None,
        task_loss_requirement: ArrayLike | None = None,
        target_scales: Sequence[int] | None = None,
        target_patch_size: int | None = None,
        past: Videos | None = None,
    ) -> None:
        video = check_video(video)
        batch, frames = video.shape[:2]
        controls = resolve_controls(config, gazing_ratio, task_loss_requirement, batch, frames)
        if (target_scales is None) != (target_patch_size is None):
            raise ValueError("target_scales and target_patch_size go together: give both or neither")
        self._tiles = None
        if target_scales is not None and target_patch_size is not None:
            self._tiles = SquareTiles.plan(config, target_scales, target_patch_size)
        self._requirements = controls.requirements
        if self._tiles is not None:
            video = self._tiles.split(video)
            self._requirements = tuple(
                row for row in self._requirements for _ in range(self._tiles.per_side**2)
            )
        self._config, self._video, self._budgets = config, video, controls.budgets
        count = int(video.shape[0])
        self.videos: Videos = graphs.videos(config, count) if past is None else past
        if len(self.videos) != count:
            raise ValueError(
                f"the cache is of a call with {len(self.videos)} videos or tiles, this one has {count}"
            )

    def runs(self) -> GazeRuns:
        """All runs, frame after frame."""
        frames = []
        for t, budget in enumerate(self._budgets):
            images = [model_input(self._config, frame) for frame in self._video[:, t]]
            requirements = [row[t] for row in self._requirements]
            frames.append((yield from in_turn(self.videos.frame(images, budget, requirements))))
        gaze = assemble(frames, self._config, self._requirements)
        return gaze if self._tiles is None else self._tiles.join(gaze)


class StreamGeneration:
    """`AutoGaze.stream` without what executes it.

    Attributes:
        requirement: task loss at which the next frame stops; None for no early stop.

    Raises:
        ValueError: if a control is out of range, or the config has no default for one that is missing.
    """

    def __init__(
        self,
        config: AutoGazeConfig,
        graphs: Graphs,
        controls: StreamControls | None = None,
    ) -> None:
        controls = controls or StreamControls()
        limits = FrameLimits.of(config, controls)
        self._config, self._budget = config, limits.budget
        self.requirement: float | None = limits.requirement
        self._video = graphs.videos(config, 1, controls.window_frames(config), controls.first_position)
        self._video.coverage = limits.coverage
        self._prepared: tuple[FrameRounds, Runs] | None = None
        self._in_progress = False

    @property
    def most_steps(self) -> int:
        """Steps that a frame can take."""
        return -(-self._budget // self._config.decoder.num_multi_token_pred)

    def runs(self, frame: NDArray[np.float32]) -> GazeRuns:
        """The runs of the next frame, (3,H,W) float32 from the processor."""
        image = model_input(self._config, check_frame(frame))
        return (yield from self._gaze(self._video.frame([image], self._budget, [self.requirement])))

    def runs_without_frame(self) -> GazeRuns:
        """The same where the executor of the runs has the frame and writes it into the model's input."""
        self.prepare_next()
        assert self._prepared is not None
        (rounds, first), self._prepared = self._prepared, None
        self._video.requirements = [self.requirement]
        return (yield from self._gaze(_resumed(rounds, first)))

    def prepare_next(self) -> tuple[int, Run] | None:
        """The first run of `runs_without_frame`, before there is a frame; None if one is in progress.

        Most of the preparation of a frame's first run does not depend on the frame: do it while idle.
        """
        if self._prepared is None and not self._in_progress:
            rounds = self._video.frame([None], self._budget, [self.requirement])
            self._prepared = rounds, next(rounds)
        return None if self._prepared is None else self._prepared[1][0]

    def _gaze(self, rounds: FrameRounds) -> GazeRuns:
        self._in_progress = True
        slots = yield from in_turn(rounds)
        self._in_progress = False
        return assemble([slots], self._config, [[self.requirement]])


def _resumed(rounds: FrameRounds, runs: Runs) -> FrameRounds:
    """The rounds of a frame whose first runs were already created."""
    try:
        while True:
            runs = rounds.send((yield runs))
    except StopIteration as stop:
        slots: Slots = stop.value
        return slots


def model_input(config: AutoGazeConfig, frame: NDArray[np.float32]) -> NDArray[np.float32]:
    """(1,3,I,I): a frame (3,H,W) squashed to the model's square (rule 20)."""
    size = config.input_img_size
    return np.ascontiguousarray(resize_bicubic(frame[None], size, size))


def check_frame(frame: Any) -> NDArray[np.float32]:
    """The frame if it is one: (3,H,W) float32 of finite, normalised values.

    Raises:
        ValueError: saying what is wrong with it.
    """
    if np.ndim(frame) != 3:
        raise ValueError(f"a frame must have the shape (3, H, W), got {np.shape(frame)}")
    checked: NDArray[np.float32] = check_video(frame[None, None])[0, 0]
    return checked


def check_video(video: Any) -> NDArray[np.float32]:
    """The video if it is one: (B,T,3,H,W) float32 of finite, normalised values.

    Raises:
        ValueError: saying what is wrong with it.
    """
    if not isinstance(video, np.ndarray):
        raise ValueError(f"the video must be a NumPy array, got {type(video).__name__}")
    if video.ndim != 5:
        raise ValueError(f"the video must have 5 dimensions (B, T, 3, H, W), got the shape {video.shape}")
    if video.dtype != np.float32:
        raise ValueError(f"the video must be float32 from AutoGazeImageProcessor, got {video.dtype}")
    if video.shape[2] != 3:
        raise ValueError(
            f"the video must have 3 colour channels (B, T, 3, H, W), got the shape {video.shape}"
        )
    if 0 in video.shape:
        raise ValueError(f"the video is empty: its shape is {video.shape}")
    largest = float(np.max(np.abs(video)))
    if not largest <= LARGEST_VALUE:
        raise ValueError(
            f"the video has values up to {largest:g}, expected about -6.5 .. 2.7: "
            "normalise the frames with AutoGazeImageProcessor"
        )
    return video
