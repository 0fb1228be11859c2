"""Cells: the parts of a frame that a mask selects, and the pixels they cover.

A *grid* of size ``g`` divides a frame into ``g x g`` cells, whatever the frame's shape. A *cell* is
identified by its grid, row and column. Both mask sources select cells: patch-diff on a single grid, AutoGaze
on one grid per scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..frames.rectangles import IntArray
from ..limits import is_whole, shown

MAX_INT32 = 2**31 - 1


@dataclass(frozen=True)
class Cells:
    """The selected cells of one frame as four parallel arrays of length N, in the order of selection.

    Attributes:
        grid: (N,) int32, cells per side of the cell's grid, at least 1.
        row: (N,) int32, 0 .. grid - 1, from the top.
        col: (N,) int32, 0 .. grid - 1, from the left.
        confidence: (N,) float32, 0 .. 1.

    Examples:
        A quarter of the frame, and one of 14 x 14 cells:

        >>> from autogaze_web import Cells
        >>> cells = Cells.of(grid=[2, 14], row=[0, 7], col=[1, 3], confidence=[1, 0.5])
        >>> len(cells), cells.row.tolist()
        (2, [0, 7])
    """

    grid: IntArray
    row: IntArray
    col: IntArray
    confidence: NDArray[np.float32]

    @staticmethod
    def of(grid: Any, row: Any, col: Any, confidence: Any = 1.0) -> Cells:
        """Cells from array-likes; a single grid or confidence applies to every cell.

        Raises:
            ValueError: if lengths differ, a grid is below 1, or a row or column is outside its grid.
        """
        try:
            row, col = (np.asarray(given, np.int32).reshape(-1) for given in (row, col))
            grid, confidence = np.asarray(grid, np.int32), np.asarray(confidence, np.float32)
        except (ValueError, TypeError, OverflowError):
            raise ValueError(
                "grid, row and col must be whole numbers of at most 32 bits and confidence numbers"
            ) from None
        if row.shape != col.shape:
            raise ValueError(f"row has {row.size} entries and col {col.size}: give one of each per cell")
        try:
            grid = np.broadcast_to(grid, row.shape)
            confidence = np.broadcast_to(confidence, row.shape)
        except ValueError:
            raise ValueError(
                f"grid and confidence must be single numbers or have an entry for each of {row.size} cells"
            ) from None
        if row.size and int(grid.min()) < 1:
            raise ValueError(f"a grid has at least 1 cell per side, got {int(grid.min())}")
        outside = (row < 0) | (row >= grid) | (col < 0) | (col >= grid)
        if outside.any():
            i = int(np.argmax(outside))
            raise ValueError(
                f"cell {i} is at row {row[i]}, column {col[i]}: outside its {grid[i]}x{grid[i]} grid"
            )
        return Cells(grid, row, col, confidence)

    @staticmethod
    def none() -> Cells:
        """No cells at all."""
        empty = np.zeros(0, np.int32)
        return Cells(empty, empty, empty, np.zeros(0, np.float32))

    @staticmethod
    def concatenate(several: Sequence[Cells]) -> Cells:
        """Several sets of cells, concatenated."""
        several = [Cells.none(), *several]
        return Cells(
            np.concatenate([one.grid for one in several]),
            np.concatenate([one.row for one in several]),
            np.concatenate([one.col for one in several]),
            np.concatenate([one.confidence for one in several]),
        )

    def __len__(self) -> int:
        return int(self.row.size)

    def select(self, chosen: Any) -> Cells:
        """The cells that a boolean mask (N,), a slice or an array of indices selects."""
        return Cells(self.grid[chosen], self.row[chosen], self.col[chosen], self.confidence[chosen])

    def visible(self) -> Cells:
        """The cells with a confidence greater than 0, which NaN never is."""
        shown = self.confidence > 0
        return self if shown.all() else self.select(shown)


def check_frame_size(height: int, width: int) -> None:
    """Raises unless a frame can have so many pixels.

    Raises:
        ValueError: saying what is expected.
    """
    if not all(is_whole(side) and 1 <= side <= MAX_INT32 for side in (height, width)):
        size = f"{shown(width)}x{shown(height)} (width x height)"
        raise ValueError(f"a frame has at least 1 pixel per side, at most {MAX_INT32}, got {size}")


def cell_edges(grid: int, extent: int) -> tuple[IntArray, IntArray]:
    """First and end pixel (exclusive) of each of ``grid`` cells along an axis of ``extent`` pixels.

    ``start = floor(i * extent / grid)`` and ``end = ceil((i + 1) * extent / grid)`` in integers: cells
    cover the axis without gaps, and neighbours share a pixel where their border falls inside one. Every cell
    has at least one pixel, even when there are more cells than pixels.

    Returns:
        Two (grid,) int32 arrays.

    Raises:
        ValueError: if grid or extent is below 1.
    """
    if grid < 1:
        raise ValueError(f"a grid has at least 1 cell per side, got {grid}")
    if extent < 1:
        raise ValueError(f"a frame has at least 1 pixel per side, got {extent}")
    i = np.arange(grid, dtype=np.int64)
    start = i * extent // grid
    end = -(-(i + 1) * extent // grid)
    return start.astype(np.int32), end.astype(np.int32)


def cell_rectangles(cells: Cells, height: int, width: int) -> IntArray:
    """Pixel rectangles of cells in a frame of ``height x width`` pixels.

    Returns:
        (N, 4) int32 of y0, x0, y1, x1; y1 and x1 exclusive, never empty.
    """
    grid = cells.grid.astype(np.int64)
    row, col = cells.row.astype(np.int64), cells.col.astype(np.int64)
    y0, x0 = row * height // grid, col * width // grid
    y1, x1 = -(-(row + 1) * height // grid), -(-(col + 1) * width // grid)
    return np.stack([y0, x0, y1, x1], axis=-1).astype(np.int32)
