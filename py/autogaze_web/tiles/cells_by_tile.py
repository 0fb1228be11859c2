"""From the fixations of a tiled frame back to the cells of each tile, the inverse of ``tiling.place``.

A vision encoder treats the tiles of a frame as videos of their own, so it needs each tile's cells.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..masks.cells import Cells
from ..masks.fixations import Fixations
from .tiling import Tiling

Integers = NDArray[np.int64]


def cells_by_tile(fixations: Fixations, tiling: Tiling) -> list[Cells]:
    """The cells of every tile, row by row, each in the order of the fixations.

    Where tiles overlap, a cell that several of them have is listed once, in the first of them.

    Raises:
        ValueError: if a fixation is no cell of this tiling.

    Examples:
        >>> from autogaze_web import Cells, Tiling
        >>> from autogaze_web.tiles.stitching import stitch
        >>> tiling = Tiling.anyres(224, 448)
        >>> stitched = stitch(tiling, [Cells.of(14, [3], [5]), Cells.of(2, [1], [0])])
        >>> [cells.grid.tolist() for cells in cells_by_tile(stitched, tiling)]
        [[14], [2]]
    """
    grid = fixations.grid.astype(np.int64)[:, None]
    if tiling.mode == "anyres":
        expected = grid * np.array([tiling.rows, tiling.columns])
        tile, cell = np.divmod(fixations.start, grid)
    else:
        expected = grid * np.array([tiling.height, tiling.width])
        tile, cell = _first_tile(fixations.start, grid, tiling)
    if (fixations.parts != expected).any() or (tile < 0).any():
        raise ValueError(
            f"the fixations are not cells of tiles of {tiling.tile} pixels in frames of "
            f"{tiling.width}x{tiling.height}: give the tiling that they were stitched with"
        )
    number = tile[:, 0] * tiling.columns + tile[:, 1]
    found = []
    for index in range(len(tiling)):
        chosen = number == index
        row, column = cell[chosen].T
        found.append(Cells.of(fixations.grid[chosen], row, column, fixations.confidence[chosen]))
    return found


def tile_edges(tiling: Tiling) -> Integers:
    """(tiles, 6): top, left, bottom, right, rows, columns of each tile; edges count in parts of the frame."""
    row, column = np.divmod(np.arange(len(tiling)), tiling.columns)
    start = np.stack([row, column], axis=-1)
    size, parts = 1, (tiling.rows, tiling.columns)
    if tiling.mode != "anyres":
        start, size, parts = start * tiling.stride, tiling.tile, (tiling.height, tiling.width)
    return np.concatenate([start, start + size, np.broadcast_to(parts, start.shape)], axis=1).astype(np.int64)


def _first_tile(start: Integers, grid: Integers, tiling: Tiling) -> tuple[Integers, Integers]:
    """Along both axes the first tile that has a cell with this start, and the cell; tile -1 if none has."""
    step, last = grid * tiling.stride, np.array([tiling.rows, tiling.columns]) - 1
    first = np.maximum(-(-(start - grid * tiling.tile + 1) // step), 0)
    tile, cell = np.full_like(start, -1), np.zeros_like(start)
    for offset in range(-(-tiling.tile // tiling.stride) + 1):
        within = start - (first + offset) * step
        fits = (tile < 0) & (within >= 0) & (within < grid * tiling.tile) & (within % tiling.tile == 0)
        fits &= first + offset <= last
        tile[fits] = (first + offset)[fits]
        cell[fits] = within[fits] // tiling.tile
    return tile, cell
