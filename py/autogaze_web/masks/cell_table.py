"""All cells of some grids over a frame of one size, with what the masks of many frames have in common.

A stream chooses among the same few hundred cells in every frame. Their pixels, the lattice of their edges and
the atoms that each of them covers are computed once. What remains of a frame is a union of sets of atoms,
which are Python integers: one operation takes less time than any call of NumPy.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from operator import or_

import numpy as np
from numpy.typing import NDArray

from ..frames.rectangles import IntArray
from .cells import Cells
from .fixations import Fixations
from .update_plan import Lattice

# A cell's atoms are at most about 1.5 kilobytes then (enlarged cells of grids of 1 to 11 cells a side), and
# those of a table half a megabyte.
MOST_CELLS = 512

# A frame's cells may be of any of the four scales.
_TABLES = 2**4


@dataclass(frozen=True, eq=False)
class CellTable:
    """N cells.

    Attributes:
        grids: their grids, ascending.
        fixations: the cells, coarse to fine, row by row, all with a confidence of 1.
        rectangles: (N, 4) int32, their pixels (``Fixations.rectangles``).
        scale: N indices into ``grids``.
        lattice: the lattice of all of their edges.
        atoms: N sets of atoms of the lattice, which the cells cover: bit ``row * columns + column``.
        twins: N indices of the first cell of the same grid that has the same pixels, as a rule itself.
    """

    grids: tuple[int, ...]
    fixations: Fixations
    rectangles: IntArray
    scale: list[int]
    lattice: Lattice
    atoms: list[int]
    twins: list[int]

    def index(self, cells: Cells) -> NDArray[np.intp]:
        """(n,): the indices of some of the cells."""
        first: NDArray[np.intp] = _first_of_grid(self.grids)[cells.grid]
        return first + (cells.row * cells.grid + cells.col)

    def union(self, chosen: Iterable[int]) -> NDArray[np.bool_]:
        """(R, C): the atoms that some of the cells cover."""
        covered = 0
        for cell in chosen:
            covered |= self.atoms[cell]
        rows, columns = self.lattice.rows.size - 1, self.lattice.columns.size - 1
        packed = np.frombuffer(covered.to_bytes(-(-rows * columns // 8), "little"), np.uint8)
        flags = np.unpackbits(packed, count=rows * columns, bitorder="little")
        return flags.view(np.bool_).reshape(rows, columns)

    def uncovered_by_coarser(self, chosen: list[int]) -> list[int]:
        """``footprint.uncovered_by_coarser`` for some of the cells: which of them remain, ascending.

        Args:
            chosen: their indices in the table.
        """
        covered = [0] * len(self.grids)
        for cell in chosen:
            covered[self.scale[cell]] |= self.atoms[cell]
        coarser = list(accumulate(covered, or_, initial=0))
        remaining: dict[int, int] = {}  # the first position of each cell
        for position, cell in enumerate(chosen):
            if self.atoms[cell] & ~coarser[self.scale[cell]]:
                remaining.setdefault(self.twins[cell], position)
        return list(remaining.values())


def table_for(cells: Cells, height: int, width: int, cell_scale: float) -> CellTable | None:
    """The table of all cells of the cells' grids; None for grids of too many.

    Args:
        cells: the cells.
        height, width: size of the frame, which ``check_frame_size`` accepts.
        cell_scale: see ``Fixations.scaled``.
    """
    grids = tuple(sorted(set(cells.grid.tolist())))
    if sum(grid * grid for grid in grids) > MOST_CELLS:
        return None
    return _cell_table(grids, height, width, cell_scale)


@lru_cache(maxsize=_TABLES)
def _cell_table(grids: tuple[int, ...], height: int, width: int, cell_scale: float) -> CellTable:
    places = [(grid, row, column) for grid in grids for row in range(grid) for column in range(grid)]
    cells = Cells.of(*np.array(places, np.int32).reshape(-1, 3).T)
    fixations = Fixations.of(cells).scaled(cell_scale)
    rectangles = fixations.rectangles(height, width)
    lattice = Lattice.of(rectangles, height, width)
    y0, x0, y1, x1 = (side[:, None] for side in lattice.atoms_of(rectangles))
    rows, columns = np.arange(lattice.rows.size - 1), np.arange(lattice.columns.size - 1)
    in_rows, in_columns = (y0 <= rows) & (rows < y1), (x0 <= columns) & (columns < x1)
    covered = (in_rows[:, :, None] & in_columns[:, None]).reshape(len(cells), rows.size * columns.size)
    atoms = [
        int.from_bytes(row.tobytes(), "little") for row in np.packbits(covered, axis=1, bitorder="little")
    ]
    scale = np.searchsorted(grids, cells.grid).tolist()
    first: dict[tuple[int, int], int] = {}
    twins = [first.setdefault(cell, index) for index, cell in enumerate(zip(scale, atoms, strict=True))]
    return CellTable(grids, fixations, rectangles, scale, lattice, atoms, twins)


@lru_cache(maxsize=_TABLES)
def _first_of_grid(grids: tuple[int, ...]) -> NDArray[np.intp]:
    """Index of the first cell of each grid, by grid."""
    first = np.zeros(max(grids, default=0) + 1, np.intp)
    first[list(grids)] = list(accumulate((grid * grid for grid in grids[:-1]), initial=0))[: len(grids)]
    return first
