"""Baselines that choose cells without a model: each orders the cells of a grid, frame by frame."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from autogaze_web.frames.rgba import Rgba
from autogaze_web.masks.cells import Cells
from autogaze_web.masks.patch_diff import patch_difference

GRID = 14
"""Cells per side: patch-diff's default, and AutoGaze's finest scale."""

Order = Callable[[Rgba, Rgba, int], NDArray[np.intp]]
"""From the previous frame, the current frame and its index to cell numbers, the best cell first."""

_GOLDEN_STEP = 121  # 196 / 1.618, rounded to the nearest number that is coprime with 196


def patch_diff(previous: Rgba, current: Rgba, _: int) -> NDArray[np.intp]:
    """The page's patch-diff: the cells by change since the previous frame."""
    return np.argsort(-patch_difference(previous, current, GRID).reshape(-1), kind="stable")


def random_cells(_previous: Rgba, _current: Rgba, index: int) -> NDArray[np.intp]:
    """A new random order in each frame."""
    return np.random.default_rng(index).permutation(GRID * GRID).astype(np.intp)


def fixed_grid(_previous: Rgba, _current: Rgba, _: int) -> NDArray[np.intp]:
    """The same cells in every frame, spread evenly over the frame."""
    return (np.arange(GRID * GRID) * _GOLDEN_STEP % (GRID * GRID)).astype(np.intp)


class InTurn:
    """All cells one after another; each frame continues where the previous one ended."""

    def __init__(self) -> None:
        self._next = 0

    def __call__(self, _previous: Rgba, _current: Rgba, _: int) -> NDArray[np.intp]:
        """The order of this frame."""
        return np.roll(np.arange(GRID * GRID), -self._next).astype(np.intp)

    def took(self, count: int) -> None:
        """Records how many cells of the last order were used."""
        self._next = (self._next + count) % (GRID * GRID)


def cells_of(numbers: NDArray[np.intp]) -> Cells:
    """Cells of the grid by number."""
    return Cells.of(GRID, numbers // GRID, numbers % GRID)
