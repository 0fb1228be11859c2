"""How many tokens each frame may use: arguments checked and turned into budgets and requirements."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from ..frames.arrays import to_numpy
from ..limits import is_finite, is_whole, shown
from .config import AutoGazeConfig
from .tokens import token_budget

Ratio = float | Sequence[float]


class _TrainedWindow:
    def __repr__(self) -> str:
        return "max_num_frames"


TRAINED_WINDOW: Final = _TrainedWindow()
Window = int | _TrainedWindow | None


@dataclass(frozen=True)
class StreamControls:
    """How much each frame of a stream may gaze, and how far back it attends.

    Attributes:
        gazing_ratio: 0 .. 1, the share of tokens that a frame may use; None for the config's.
        task_loss_requirement: predicted loss at which a frame stops; None for no early stop. With neither
            this nor a ratio the config's defaults of both apply.
        window: number of frames that a frame attends to, itself included; ``TRAINED_WINDOW`` for the config's
            ``max_num_frames``, None for all since the start of the stream.
        max_tokens: a second limit on the tokens of a frame, at least 1: the smaller of this and the ratio's
            holds; None for no such limit.
        coverage_stop: share of the frame, 0 .. 1, at which its cells cover enough for it to end; None or 0
            for no such stop.
        first_position: position of the first row. Only differences of positions matter to the model.

    Raises:
        ValueError: if the window or ``max_tokens`` is not a number of at least 1.
    """

    gazing_ratio: float | None = None
    task_loss_requirement: float | None = None
    window: Window = TRAINED_WINDOW
    max_tokens: int | None = None
    coverage_stop: float | None = None
    first_position: int = 0

    def __post_init__(self) -> None:
        frames = self.window
        if not (frames is None or isinstance(frames, _TrainedWindow)) and (
            isinstance(frames, bool) or not isinstance(frames, int) or frames < 1
        ):
            raise ValueError(
                f"window must be a number of frames, at least 1, or None for no window, got {shown(frames)}"
            )
        if self.max_tokens is not None and (not is_whole(self.max_tokens) or self.max_tokens < 1):
            raise ValueError(
                f"max_tokens must be at least 1, or None for no limit, got {shown(self.max_tokens)}"
            )
        if self.coverage_stop is not None and not is_finite(self.coverage_stop):
            raise ValueError(
                f"the coverage stop is a share of the frame, 0 to 1, got {shown(self.coverage_stop)}"
            )

    def window_frames(self, config: AutoGazeConfig) -> int | None:
        """The window as a number of frames; None for no window."""
        return config.max_num_frames if isinstance(self.window, _TrainedWindow) else self.window


def own_budget(config: AutoGazeConfig) -> int:
    """The most tokens of a frame by the config's gazing ratio."""
    return token_budget(1.0 if config.gazing_ratio is None else config.gazing_ratio, config.tokens_per_frame)


def limited_budget(config: AutoGazeConfig, max_tokens: int | None) -> int:
    """The most tokens of a frame: ``max_tokens``, or the config's own budget if that is None."""
    return own_budget(config) if max_tokens is None else min(max_tokens, config.tokens_per_frame)


@dataclass(frozen=True)
class Controls:
    """What limits each frame.

    Attributes:
        budgets: (T,) most tokens of each frame.
        requirements: (B,T) predicted loss at which each frame of each video stops; None for no early stop.
    """

    budgets: tuple[int, ...]
    requirements: tuple[tuple[float | None, ...], ...]


def resolve_controls(
    config: AutoGazeConfig,
    gazing_ratio: Ratio | None,
    task_loss_requirement: ArrayLike | None,
    batch: int,
    frames: int,
) -> Controls:
    """The limits of each frame, by upstream's rules.

    With a ratio alone there is no early stop. With a requirement alone the budget is the whole vocabulary.
    With neither, the config's defaults apply.

    Args:
        gazing_ratio: 0 .. 1, or one for each of the T frames.
        task_loss_requirement: anything that broadcasts to (B,T).

    Raises:
        ValueError: if a value is out of range or of the wrong shape, or the config has no default.
    """
    if gazing_ratio is None and task_loss_requirement is None:
        gazing_ratio, task_loss_requirement = config.gazing_ratio, config.task_loss_requirement
        if gazing_ratio is None and task_loss_requirement is None:
            raise ValueError("this checkpoint has no default gazing ratio: give gazing_ratio (0 .. 1)")
    if gazing_ratio is None:
        budgets = (config.tokens_per_frame,) * frames
    else:
        budgets = tuple(
            token_budget(ratio, config.tokens_per_frame) for ratio in _ratios(gazing_ratio, frames)
        )
    return Controls(budgets, _requirements(task_loss_requirement, batch, frames))


def _ratios(value: Ratio, frames: int) -> list[float]:
    try:
        ratios = np.asarray(to_numpy(value), np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"gazing_ratio must be a number between 0 and 1, got {shown(value)}") from None
    if ratios.ndim == 0:
        ratios = np.full(frames, float(ratios))
    if ratios.shape != (frames,):
        raise ValueError(
            f"gazing_ratio must be one number or one for each of the {frames} frames, "
            f"got the shape {ratios.shape}"
        )
    for ratio in ratios:
        if not 0 <= ratio <= 1:
            raise ValueError(f"gazing_ratio must be between 0 and 1, got {ratio}")
    return [float(ratio) for ratio in ratios]


def _requirements(value: ArrayLike | None, batch: int, frames: int) -> tuple[tuple[float | None, ...], ...]:
    if value is None:
        return ((None,) * frames,) * batch
    try:
        array = np.asarray(to_numpy(value), np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"task_loss_requirement must be a number, got {shown(value)}") from None
    try:
        array = np.broadcast_to(array, (batch, frames))
    except ValueError:
        raise ValueError(
            f"task_loss_requirement has shape {array.shape}: expected one number or something that "
            f"broadcasts to ({batch}, {frames}), one for each video and frame"
        ) from None
    if any(math.isnan(x) for x in array.flat):
        raise ValueError("task_loss_requirement must not be NaN; leave it out for no early stop")
    return tuple(tuple(float(x) for x in row) for row in array)
