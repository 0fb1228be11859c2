"""The coverage stop: a frame ends when its cells cover enough of it.

It saves tokens for places that coarser cells cover already. NVIDIA's code has no such stop, so it is off by
default.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from .tokens import ScaleLayout

MOST_CELLS_PER_SIDE = 256


class CoverageStop:
    """Whether the cells of a frame's tokens cover a given share of the frame.

    Coverage is counted on the coarsest grid that every scale's grid divides. Where that would be finer than
    256x256, a grid of 256x256 is used, and a cell covers every part that it touches.

    Args:
        layout: which cell each token id is.
        ratio: share of the frame, above 0 and at most 1.

    Raises:
        ValueError: for another share.
    """

    def __init__(self, layout: ScaleLayout, ratio: float) -> None:
        if not 0 < ratio <= 1:
            raise ValueError(f"the coverage stop is a share of the frame above 0 and at most 1, got {ratio}")
        self._layout, self._ratio = layout, ratio
        self._side = min(math.lcm(*layout.grids), MOST_CELLS_PER_SIDE)

    def budget(self, budget: int, heads: int) -> int:
        """The most tokens that a frame may need, at most ``budget``.

        That is the number of finest cells that cover the share, rounded up to steps of ``heads`` tokens.
        """
        if self._ratio == 1:
            return budget
        finest = math.ceil(self._ratio * max(self._layout.grids) ** 2)
        return min(budget, -(-finest // heads) * heads)

    def met(self, tokens: ArrayLike) -> bool:
        """Whether the cells of these ids cover the share; padding does not count."""
        cells = self._layout.cells(tokens)
        covered = np.zeros((self._side, self._side), np.bool_)
        side, grid = self._side, cells.grid.astype(np.int64)
        top, left = cells.row * side // grid, cells.col * side // grid
        bottom, right = -(-(cells.row + 1) * side // grid), -(-(cells.col + 1) * side // grid)
        for y0, x0, y1, x1 in np.stack([top, left, bottom, right], axis=-1).tolist():
            covered[y0:y1, x0:x1] = True
        return int(covered.sum()) >= math.ceil(self._ratio * covered.size)
