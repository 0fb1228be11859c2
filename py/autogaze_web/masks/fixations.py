"""Fixations: rectangles of a frame as exact fractions of it, whatever grid or tile they come from.

The simplest fixation is a cell of a grid over the whole frame. The cells of tiles are fixations too, although
they belong to no grid of the frame: a tile may begin anywhere, and the last one may extend beyond the frame.
Masks, panels and readout accept fixations wherever they accept cells, so they need no special case for tiles.

Numerators and denominators are integers, and pixels are computed in integers: floating-point rounding never
adds or drops a row of pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..frames.rectangles import IntArray
from ..limits import expect, is_finite, shown
from .cells import Cells, check_frame_size

Integers = NDArray[np.int64]

# Cell scales are rounded to fractions with a denominator of at most this.
_SCALE_DENOMINATOR = 1000
MAX_CELL_SCALE = 64.0


@dataclass(frozen=True)
class Fixations:
    """N rectangles of one frame, in the order of selection.

    Attributes:
        start: (N, 2) int64, top and left edge, in units of 1 / ``parts`` of the frame's height and width.
        end: (N, 2) int64, bottom and right edge (exclusive) in the same units; larger than ``parts`` where a
            tile extends beyond the frame.
        parts: (N, 2) int64, the denominators.
        grid: (N,) int32, the scale: cells per side of the grid, of the frame or tile, it was selected on.
        confidence: (N,) float32; fixations without a confidence above 0 are never drawn, copied or read out.
    """

    start: Integers
    end: Integers
    parts: Integers
    grid: IntArray
    confidence: NDArray[np.float32]

    @staticmethod
    def of(cells: Cells | Fixations) -> Fixations:
        """Cells as fixations; fixations are returned unchanged."""
        if isinstance(cells, Fixations):
            return cells
        expect(cells, Cells, "the cells")
        start = np.stack([cells.row, cells.col], axis=-1).astype(np.int64)
        parts = np.repeat(cells.grid.astype(np.int64), 2).reshape(-1, 2)
        return Fixations(start, start + 1, parts, cells.grid, cells.confidence)

    @staticmethod
    def none() -> Fixations:
        """No fixations at all."""
        return Fixations.of(Cells.none())

    @staticmethod
    def concatenate(several: Sequence[Fixations]) -> Fixations:
        """Several sets of fixations of one frame, concatenated."""
        if not several:
            return Fixations.none()
        return Fixations(
            np.concatenate([one.start for one in several]),
            np.concatenate([one.end for one in several]),
            np.concatenate([one.parts for one in several]),
            np.concatenate([one.grid for one in several]),
            np.concatenate([one.confidence for one in several]),
        )

    def __len__(self) -> int:
        return int(self.grid.size)

    def select(self, chosen: Any) -> Fixations:
        """The fixations that a boolean mask (N,), a slice or an array of indices selects."""
        return Fixations(
            self.start[chosen],
            self.end[chosen],
            self.parts[chosen],
            self.grid[chosen],
            self.confidence[chosen],
        )

    def visible(self, threshold: float = 0.0) -> Fixations:
        """The fixations with a confidence greater than the threshold, which NaN never is."""
        shown = self.confidence > threshold
        return self if shown.all() else self.select(shown)

    def rectangles(self, height: int, width: int) -> IntArray:
        """Pixel rectangles in a frame of ``height x width``: ``floor`` of the start, ``ceil`` of the end.

        Returns:
            (N, 4) int32 of y0, x0, y1, x1; y1 and x1 exclusive, inside the frame and never empty.

        Raises:
            ValueError: if the frame has no pixels, or more than 32-bit integers count.
        """
        check_frame_size(height, width)
        extent = np.array([height, width], np.int64)
        first = np.clip(self.start * extent // self.parts, 0, extent - 1)
        last = np.clip(-(-self.end * extent // self.parts), first + 1, extent)
        return np.concatenate([first, last], axis=1).astype(np.int32)

    def unit_rectangles(self) -> NDArray[np.float64]:
        """(N, 4) float64 of y0, x0, y1, x1 as fractions of the frame; the ends may exceed 1, see ``end``."""
        return np.concatenate([self.start / self.parts, self.end / self.parts], axis=1)

    def scaled(self, cell_scale: float) -> Fixations:
        """Each fixation scaled about its centre, to at most the frame's size, and clipped to the frame.

        Args:
            cell_scale: factor for both sides, above 0 and at most 64; rounded to the nearest fraction with a
                denominator of at most 1000.

        Raises:
            ValueError: if the factor is outside that range or NaN.
        """
        check_cell_scale(cell_scale)
        if cell_scale == 1:
            return self
        factor = Fraction(cell_scale).limit_denominator(_SCALE_DENOMINATOR)
        # For a factor p / q all edges are integers in units of 1 / (2 * q * parts).
        p, q = max(factor.numerator, 1), factor.denominator
        parts = 2 * q * self.parts
        centre = q * (self.start + self.end)
        half = np.minimum(p * (self.end - self.start), q * self.parts)
        start = np.maximum(centre - half, 0)
        end = np.minimum(centre + half, parts)
        return Fixations(start, end, parts, self.grid, self.confidence)


def check_cell_scale(cell_scale: float) -> None:
    """Raises unless cells can be scaled by so much.

    Raises:
        ValueError: saying what is expected.
    """
    if not is_finite(cell_scale) or not 0 < cell_scale <= MAX_CELL_SCALE:
        raise ValueError(f"the cell scale is above 0 and at most {MAX_CELL_SCALE:g}, got {shown(cell_scale)}")


def without_grids(cells: Cells | Fixations, hidden: Sequence[int]) -> Cells | Fixations:
    """The cells that are on none of the hidden grids."""
    return cells.select(~np.isin(cells.grid, hidden)) if hidden else cells


def count_by_grid(cells: Cells | Fixations) -> dict[int, int]:
    """Number of cells on each grid, keyed by the grid's cells per side, coarse to fine."""
    grids, counts = np.unique(cells.grid, return_counts=True)
    return dict(zip(grids.tolist(), counts.tolist(), strict=True))


def first_of_each(rows: NDArray[Any]) -> NDArray[np.intp]:
    """Ascending indices of the first occurrence of each distinct row of (N, K).

    ``np.unique(rows, axis=0, return_index=True)`` does the same, more slowly, through structured arrays.
    """
    order = np.lexsort(rows.T)
    new = np.ones(len(rows), np.bool_)
    new[1:] = (rows[order[1:]] != rows[order[:-1]]).any(axis=1)
    return np.sort(order[new])
