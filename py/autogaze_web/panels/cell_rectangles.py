"""What is painted for cells, as rectangles of one colour each, for kernels that paint many at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..frames.rectangles import IntArray
from ..masks.footprint import Footprint
from ..masks.update_plan import Lattice
from .palette import Palette

# A cell's fill and its top, left, bottom and right lines: which sides of the cell (y0, x0, y1, x1) theirs are
# measured from, and by how much they differ. No cell is empty, so a line of one pixel is inside it.
_SIDES = np.array([[0, 1, 2, 3], [0, 1, 0, 3], [0, 1, 2, 1], [2, 1, 2, 3], [0, 3, 2, 3]])
_ADDED = np.array([[0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [-1, 0, 0, 0], [0, -1, 0, 0]], np.int32)


def cell_rectangles(mask: Footprint) -> tuple[IntArray, tuple[int, ...]]:
    """The cells from coarse to fine, each as its fill and then its four outlines.

    Returns:
        (N, 5) of y0, x0, y1, x1 and an index of the `cell_colours` of the mask's scales, and these scales.
    """
    grid = mask.fixations.grid
    order = grid.argsort(kind="stable")
    grids = grid[order].tolist()
    scales = tuple(sorted(set(grids)))
    outline = {scale: 2 * index for index, scale in enumerate(scales)}
    rectangles = np.empty((len(grids), 5, 5), np.int32)
    np.add(mask.rectangles[order][:, _SIDES], _ADDED, out=rectangles[..., :4])
    rectangles[..., 4] = np.array([outline[each] for each in grids], np.int32)[:, None]
    rectangles[:, 0, 4] += 1
    return rectangles.reshape(-1, 5), scales


def cell_colours(scales: tuple[int, ...], palette: Palette) -> NDArray[np.uint8]:
    """(2 * S, 3): the colours of the outlines and the fills of S scales' cells."""
    outlines = [palette.colour_of(scale) for scale in scales]
    pairs = [(outline, palette.fill_of(outline)) for outline in outlines]
    return np.array(pairs, np.uint8).reshape(-1, 3)


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
