"""How many tokens each frame may use: arguments checked and turned into budgets and requirements."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..frames.arrays import to_numpy
from .config import AutoGazeConfig
from .tokens import token_budget

Ratio = float | Sequence[float]


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
    except (TypeError, ValueError):
        raise ValueError(f"gazing_ratio must be a number between 0 and 1, got {value!r}") from None
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
    except (TypeError, ValueError):
        raise ValueError(f"task_loss_requirement must be a number, got {value!r}") from None
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
