"""The mask that is applied to a frame: which rectangles of pixels the chosen cells stand for.

A ``Footprint`` is made once per frame, and everything else is derived from it: the panel paints it, the
output copies it, the metrics count it. The geometry mode decides how cells become rectangles:

- ``native``: every cell is its rectangle, coarse and fine ones over each other.
- ``deduplicated``: the same pixels without the cells that coarser ones cover already.
- ``effective``: every cell is the one cell of the finest grid around its centre, so that a coarse cell marks
  a place rather than an area.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ..frames.rectangles import IntArray
from .cells import Cells
from .fixations import Fixations, first_of_each
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
        fixations: what it consists of, none without confidence.
        rectangles: (N, 4) int32, their pixels: y0, x0, y1, x1, ends exclusive, never empty.
        height, width: of the frame, in pixels.
        geometry: how they came about.
        cover: a lattice of the edges and which of its atoms are covered, where it is known already.
    """

    fixations: Fixations
    rectangles: IntArray
    height: int
    width: int
    geometry: Geometry = "native"
    cover: Cover | None = None

    @cached_property
    def plan(self) -> UpdatePlan:
        """The union of the rectangles."""
        if self.cover is not None:
            return plan_from_cover(*self.cover)
        return plan_rectangles(self.rectangles, self.height, self.width)

    @cached_property
    def keeps_to_grids(self) -> bool:
        """Whether all cells of a scale are cells of one grid, so that at most their outlines overlap."""
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
        cells: chosen on any grids or tiles.
        height, width: of the frame.
        geometry: one of ``GEOMETRIES``.
        cell_scale: factor of the cells' sides about their centres (``Fixations.scaled``).

    Raises:
        ValueError: for another geometry, a scale out of range or a frame without pixels.
    """
    if geometry not in GEOMETRIES:
        raise ValueError(f"the mask's geometry is one of {', '.join(GEOMETRIES)}, got {geometry!r}")
    fixations = Fixations.of(cells).visible()
    if geometry == "effective":
        fixations = on_finest_grid(fixations)
    fixations = fixations.scaled(cell_scale)
    rectangles = fixations.rectangles(height, width)
    cover = None
    if geometry == "deduplicated":
        kept, cover = uncovered_by_coarser(rectangles, fixations.grid, height, width)
        fixations, rectangles = fixations.select(kept), rectangles[kept]
    return Footprint(fixations, rectangles, height, width, geometry, cover)


def uncovered_by_coarser(
    rectangles: IntArray, grid: IntArray, height: int, width: int
) -> tuple[NDArray[np.intp], Cover | None]:
    """The rectangles that add pixels to those of coarser grids, each of them once.

    Args:
        rectangles: (N, 4) of y0, x0, y1, x1 within the frame.
        grid: (N,), their scales; those of a smaller grid count as coarser.
        height, width: of the frame.

    Returns:
        Indices of the rectangles to keep, ascending, whose union is that of all; and that union, if there is
        more than one scale.
    """
    scales, scale = np.unique(grid, return_inverse=True)
    kept = first_of_each(np.concatenate([rectangles, scale[:, None]], axis=1))
    if scales.size < 2:
        return kept, None
    scale, candidates = scale[kept], rectangles[kept]
    lattice = Lattice.of(candidates, height, width)
    covered = lattice.covered_layers(candidates, scale, scales.size)
    # Entry i: what the i coarsest scales cover.
    up_to = np.zeros((scales.size + 1, *covered.shape[1:]), np.bool_)
    np.logical_or.accumulate(covered, axis=0, out=up_to[1:])
    adding = kept[lattice.uncovered(candidates, scale, up_to[:-1]) > 0]
    return adding, (lattice, up_to[-1])


def on_finest_grid(fixations: Fixations) -> Fixations:
    """Each fixation's centre as a cell of the finest grid among them, at least 14x14; repeats are left out.

    The finest grid has as many rows as the least high fixation fits into the frame, rounded, and likewise
    for columns.
    """
    if len(fixations) == 0:
        return fixations
    size = fixations.end - fixations.start
    per_frame = (2 * fixations.parts + size) // (2 * size)
    finest = np.maximum(per_frame.max(axis=0), FINEST_GRID)
    centre = fixations.start + fixations.end
    cell = np.minimum(centre * finest // (2 * fixations.parts), finest - 1)
    # Of several in one cell the finest remains, as it would lie on top.
    order = np.lexsort((np.arange(len(fixations)), -fixations.grid))
    kept = np.sort(order[first_of_each(cell[order])])
    parts = np.broadcast_to(finest, cell[kept].shape)
    return Fixations(cell[kept], cell[kept] + 1, parts, fixations.grid[kept], fixations.confidence[kept])
