"""Ways to choose cells without a model, to compare with: each orders the cells of a grid, frame by frame."""

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
"""From the last frame, this one and its number to cell numbers, the most wanted first."""

_GOLDEN_STEP = 121  # 196 / 1.618, to the nearest number that has no factor in common with 196


def patch_diff(previous: Rgba, current: Rgba, _: int) -> NDArray[np.intp]:
    """The page's patch-diff: by change since the last frame."""
    return np.argsort(-patch_difference(previous, current, GRID).reshape(-1), kind="stable")


def random_cells(_previous: Rgba, _current: Rgba, index: int) -> NDArray[np.intp]:
    """Another random order in each frame."""
    return np.random.default_rng(index).permutation(GRID * GRID).astype(np.intp)


def fixed_grid(_previous: Rgba, _current: Rgba, _: int) -> NDArray[np.intp]:
    """The same cells in every frame, spread over it evenly."""
    return (np.arange(GRID * GRID) * _GOLDEN_STEP % (GRID * GRID)).astype(np.intp)


class InTurn:
    """One cell after the other, going on in each frame where the last one ended."""

    def __init__(self) -> None:
        self._next = 0

    def __call__(self, _previous: Rgba, _current: Rgba, _: int) -> NDArray[np.intp]:
        """The order of this frame."""
        return np.roll(np.arange(GRID * GRID), -self._next).astype(np.intp)

    def took(self, count: int) -> None:
        """Says how many cells were used of the last order."""
        self._next = (self._next + count) % (GRID * GRID)


def cells_of(numbers: NDArray[np.intp]) -> Cells:
    """Cells of the grid by number."""
    return Cells.of(GRID, numbers // GRID, numbers % GRID)
