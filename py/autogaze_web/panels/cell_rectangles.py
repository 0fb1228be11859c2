"""What is painted for cells, as rectangles of one colour each, for kernels that paint many at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..frames.rectangles import IntArray
from ..masks.footprint import Footprint
from ..masks.update_plan import Lattice
from .palette import Palette


def cell_rectangles(mask: Footprint, palette: Palette) -> tuple[IntArray, NDArray[np.uint8]]:
    """The cells from coarse to fine, each as its fill and then its four outlines.

    Returns:
        (N, 5) of y0, x0, y1, x1 and an index of the colours, and these (K, 3).
    """
    grid = mask.fixations.grid
    order = np.argsort(grid, kind="stable")
    cells = mask.rectangles[order]
    scales = sorted(set(grid.tolist()))
    colours = [
        colour for outline in map(palette.colour_of, scales) for colour in (outline, palette.fill_of(outline))
    ]
    rectangles = np.empty((len(cells), 5, 5), np.int32)
    rectangles[..., :4] = cells[:, None]
    y0, x0, y1, x1 = cells.T
    rectangles[:, 1, 2] = np.minimum(y0 + 1, y1)  # the top line ends one row below where it begins
    rectangles[:, 2, 3] = np.minimum(x0 + 1, x1)
    rectangles[:, 3, 0] = np.maximum(y1 - 1, y0)
    rectangles[:, 4, 1] = np.maximum(x1 - 1, x0)
    rectangles[..., 4] = 2 * np.searchsorted(scales, grid[order])[:, None]
    rectangles[:, 0, 4] += 1
    return rectangles.reshape(-1, 5), np.array(colours, np.uint8).reshape(-1, 3)


def coloured_atoms(lattice: Lattice, colour_index: NDArray[np.uint8]) -> IntArray:
    """The runs of atoms of one colour in each row of a lattice.

    Args:
        lattice: the lattice.
        colour_index: (R, C), index of a colour for each atom; 0 where there is none.

    Returns:
        (N, 5) of y0, x0, y1, x1 and the index.
    """
    index = colour_index
    starts = np.ones(index.shape, np.bool_)
    np.not_equal(index[:, 1:], index[:, :-1], out=starts[:, 1:])
    row, first = np.nonzero(starts)
    # A run ends where the next one begins, the last of a row at the lattice's edge.
    end = np.append(first[1:], 0)
    end[end == 0] = index.shape[1]
    colour = index[row, first]
    drawn = colour > 0
    row, first, end = row[drawn], first[drawn], end[drawn]
    rows, columns = lattice.rows, lattice.columns
    sides = (rows[row], columns[first], rows[row + 1], columns[end], colour[drawn])
    return np.stack(sides, axis=-1).astype(np.int32)
