"""The cells of a frame as a list that a page shows: where each one is, how sure its choice was, its share."""

from __future__ import annotations

from .cells import Cells
from .fixations import Fixations

CellRow = tuple[int, int, int, int, int, float]
"""A cell's grid, its pixels y0, x0, y1, x1 (ends exclusive), and its confidence."""


def cell_rows(cells: Cells | Fixations, height: int, width: int) -> list[CellRow]:
    """Every chosen cell of a frame of ``height x width`` pixels, in the order of choice.

    Cells of tiles that lie outside the frame have the pixels nearest to them, as in a footprint.

    Raises:
        ValueError: if the frame has no pixels.

    Examples:
        >>> from autogaze_web import Cells
        >>> cell_rows(Cells.of(grid=[2, 14], row=[0, 7], col=[1, 3], confidence=[1, 0.5]), 90, 160)
        [(2, 0, 80, 45, 160, 1.0), (14, 45, 34, 52, 46, 0.5)]
    """
    fixations = Fixations.of(cells)
    rectangles = fixations.rectangles(height, width).tolist()
    rows = zip(fixations.grid.tolist(), rectangles, fixations.confidence.tolist(), strict=True)
    return [(grid, y0, x0, y1, x1, confidence) for grid, (y0, x0, y1, x1), confidence in rows]
