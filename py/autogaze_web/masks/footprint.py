"""The mask that is applied to a frame: the rectangles of pixels that the selected cells cover.

A ``Footprint`` is computed once per frame, and everything else is derived from it: the panel draws it, the
output copies its pixels, the metrics count them. The geometry determines how cells become rectangles:

- ``native``: every cell is its own rectangle; coarse and fine ones may overlap.
- ``deduplicated``: the same pixels, without the cells that coarser cells already cover.
- ``effective``: every cell becomes the cell of the finest grid at its centre, so that a coarse cell marks a
  place rather than an area.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ..frames.rectangles import IntArray
from .cell_table import CellTable, table_for
from .cells import Cells, check_frame_size
from .fixations import Fixations, check_cell_scale, first_of_each
from .update_plan import Lattice, UpdatePlan, plan_from_cover, plan_rectangles

Geometry = Literal["native", "deduplicated", "effective"]
Cover = tuple[Lattice, NDArray[np.bool_]]
GEOMETRIES: tuple[str, ...] = get_args(Geometry)

# The effective grid is never coarser than the finest of AutoGaze's own.
FINEST_GRID = 14


@dataclass(frozen=True)
class Footprint:
    """The mask of one frame.

    Attributes:
        fixations: the N fixations of the mask, all with a confidence above 0.
        rectangles: (N, 4) int32, their pixels: y0, x0, y1, x1, ends exclusive, never empty.
        height, width: size of the frame in pixels.
        geometry: the geometry they were computed with.
        cover: a lattice with all of their edges and which of its atoms are covered, if that is already known.
        whole_cells: whether they are known to be cells of grids over the whole frame, of their own size.
    """

    fixations: Fixations
    rectangles: IntArray
    height: int
    width: int
    geometry: Geometry = "native"
    cover: Cover | None = None
    whole_cells: bool = False

    @cached_property
    def plan(self) -> UpdatePlan:
        """The union of the rectangles."""
        if self.cover is not None:
            return plan_from_cover(*self.cover)
        return plan_rectangles(self.rectangles, self.height, self.width)

    @cached_property
    def one_grid_per_scale(self) -> bool:
        """Whether all cells of a scale lie on the same grid, so that at most their outlines overlap."""
        if self.whole_cells:
            return True
        fixations = self.fixations
        _, first, scale = np.unique(fixations.grid, return_index=True, return_inverse=True)
        one_grid = fixations.parts == fixations.parts[first][scale]
        return bool(one_grid.all() and (fixations.end - fixations.start == 1).all())


def footprint(
    cells: Cells | Fixations,
    height: int,
    width: int,
    geometry: Geometry = "native",
    cell_scale: float = 1.0,
) -> Footprint:
    """The mask of a frame of ``height x width`` pixels.

    Cells whose confidence is 0, negative or NaN are left out.

    Args:
        cells: cells or fixations of any grids or tiles.
        height, width: size of the frame.
        geometry: one of ``GEOMETRIES``.
        cell_scale: factor for the sides of the cells about their centres (``Fixations.scaled``).

    Raises:
        ValueError: for another geometry, a scale out of range or a frame without pixels.

    Examples:
        >>> from autogaze_web import Cells, footprint
        >>> footprint(Cells.of(grid=2, row=0, col=1), height=90, width=160).rectangles.tolist()
        [[0, 80, 45, 160]]

        Pixels that cells share count once:

        >>> overlapping = Cells.of(grid=[1, 2], row=[0, 0], col=[0, 1])
        >>> footprint(overlapping, 90, 160).plan.pixel_count == 90 * 160
        True
    """
    if geometry not in GEOMETRIES:
        raise ValueError(f"the mask's geometry is one of {', '.join(GEOMETRIES)}, got {geometry!r}")
    check_frame_size(height, width)
    check_cell_scale(cell_scale)
    # Numbers of any kind are keys of the table.
    height, width, cell_scale = int(height), int(width), float(cell_scale)
    if isinstance(cells, Cells) and geometry != "effective":
        cells = cells.visible()
        table = table_for(cells, height, width, cell_scale)
        if table is not None:
            chosen = table.index(cells)
            return _from_table(table, chosen, cells.confidence, height, width, geometry, cell_scale == 1)
    fixations = Fixations.of(cells).visible()
    if geometry == "effective":
        fixations = on_finest_grid(fixations)
    fixations = fixations.scaled(cell_scale)
    rectangles = fixations.rectangles(height, width)
    cover = None
    if geometry == "deduplicated":
        chosen, cover = uncovered_by_coarser(rectangles, fixations.grid, height, width)
        fixations, rectangles = fixations.select(chosen), rectangles[chosen]
    return Footprint(fixations, rectangles, height, width, geometry, cover)


def _from_table(
    table: CellTable,
    chosen: NDArray[np.intp],
    confidence: NDArray[np.float32],
    height: int,
    width: int,
    geometry: Geometry,
    whole_cells: bool,
) -> Footprint:
    """The footprint of cells, from their indices in a table."""
    cells: list[int] = chosen.tolist()
    cover = (table.lattice, table.union(cells))
    if geometry == "deduplicated":
        remaining = table.uncovered_by_coarser(cells)
        if len(remaining) < len(cells):
            chosen, confidence = chosen[remaining], confidence[remaining]
    of = table.fixations
    fixations = Fixations(of.start[chosen], of.end[chosen], of.parts[chosen], of.grid[chosen], confidence)
    return Footprint(fixations, table.rectangles[chosen], height, width, geometry, cover, whole_cells)


def uncovered_by_coarser(
    rectangles: IntArray, grid: IntArray, height: int, width: int
) -> tuple[NDArray[np.intp], Cover | None]:
    """The rectangles that are not covered by those of coarser grids, without duplicates.

    Args:
        rectangles: (N, 4) of y0, x0, y1, x1 within the frame.
        grid: (N,), their scales; a smaller grid is coarser.
        height, width: size of the frame.

    Returns:
        Ascending indices of those rectangles, whose union is the union of all. Also that union, if there is
        more than one scale.
    """
    scales, scale = np.unique(grid, return_inverse=True)
    distinct = first_of_each(np.concatenate([rectangles, scale[:, None]], axis=1))
    if scales.size < 2:
        return distinct, None
    scale, candidates = scale[distinct], rectangles[distinct]
    lattice = Lattice.of(candidates, height, width)
    covered = lattice.covered_layers(candidates, scale, scales.size)
    # Entry i: the atoms that the i coarsest scales cover.
    up_to = np.zeros((scales.size + 1, *covered.shape[1:]), np.bool_)
    np.logical_or.accumulate(covered, axis=0, out=up_to[1:])
    uncovered = distinct[lattice.uncovered(candidates, scale, up_to[:-1]) > 0]
    return uncovered, (lattice, up_to[-1])


def on_finest_grid(fixations: Fixations) -> Fixations:
    """Each fixation as the cell of the finest grid at its centre, without duplicates.

    The finest grid has as many rows as the shortest fixation fits into the frame's height, rounded, but at
    least 14, and likewise for columns. Of several fixations in one cell, that of the finest scale remains.
    """
    if len(fixations) == 0:
        return fixations
    size = fixations.end - fixations.start
    per_frame = (2 * fixations.parts + size) // (2 * size)
    finest = np.maximum(per_frame.max(axis=0), FINEST_GRID)
    centre = fixations.start + fixations.end
    cell = np.minimum(centre * finest // (2 * fixations.parts), finest - 1)
    order = np.lexsort((np.arange(len(fixations)), -fixations.grid))
    chosen = np.sort(order[first_of_each(cell[order])])
    parts = np.broadcast_to(finest, cell[chosen].shape)
    return Fixations(
        cell[chosen], cell[chosen] + 1, parts, fixations.grid[chosen], fixations.confidence[chosen]
    )
