"""Cells as a painting: which colour each piece of a frame's lattice has.

Every cell is filled with a dark shade of its scale's colour and framed by one pixel of the pure colour;
finer scales lie on top.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..masks.cells import IntArray
from ..masks.footprint import Footprint
from ..masks.update_plan import Lattice, UpdatePlan, plan_from_cover
from .palette import Colour, Palette


@dataclass(frozen=True)
class CellPaint:
    """Cells of a frame, painted on a lattice.

    Attributes:
        lattice: all edges of the cells and of their frames.
        kind: (R, C) uint8 of the atoms: 0 where there is no cell, else an index into ``colours``.
        colours: (K, 3) uint8; entry 0 is black.
        plan: the union of the cells.
    """

    lattice: Lattice
    kind: NDArray[np.uint8]
    colours: NDArray[np.uint8]
    plan: UpdatePlan


def paint_footprint(mask: Footprint, palette: Palette) -> CellPaint:
    """Lays a mask's rectangles over each other, the coarsest grid at the bottom."""
    grid = mask.fixations.grid
    scales = np.unique(grid).tolist()
    layers = [(mask.rectangles[grid == scale], palette.colour_of(scale)) for scale in scales]
    return _paint_layers(layers, palette, mask.height, mask.width)


def paint_scale_rows(mask: Footprint, palette: Palette) -> CellPaint:
    """One band below the other for each grid that the mask has, coarse to fine, each with that grid's cells.

    Band i of n has the rows ``floor(i * height / n)`` to ``ceil((i + 1) * height / n)``; in its middle the
    cells lie in a small frame of the same shape as the whole. What the ``effective`` geometry makes of the
    cells belongs to no grid of its own and is painted in place of the bands.
    """
    if mask.geometry == "effective":
        return paint_footprint(mask, palette)
    scales = np.unique(mask.fixations.grid).tolist()
    layers = []
    for index, scale in enumerate(scales):
        top = index * mask.height // len(scales)
        band = -(-(index + 1) * mask.height // len(scales)) - top
        view = max((2 * band * mask.width + mask.height) // (2 * mask.height), 1)
        left = (mask.width - view) // 2
        chosen = mask.fixations.select(mask.fixations.grid == scale)
        offset = np.array([top, left, top, left], np.int32)
        layers.append((chosen.rectangles(band, view) + offset, palette.colour_of(scale)))
    return _paint_layers(layers, palette, mask.height, mask.width)


def frame_lines(rectangles: IntArray) -> IntArray:
    """The one-pixel top, left, bottom and right lines inside N rectangles, as (4 N, 4) rectangles."""
    y0, x0, y1, x1 = rectangles.T
    lines = ((y0, x0, y0 + 1, x1), (y0, x0, y1, x0 + 1), (y1 - 1, x0, y1, x1), (y0, x1 - 1, y1, x1))
    return np.concatenate([np.stack(line, axis=-1) for line in lines]).astype(np.int32)


def _paint_layers(
    layers: Iterable[tuple[IntArray, Colour]], palette: Palette, height: int, width: int
) -> CellPaint:
    """Paints rectangles over each other, layer by layer: their fills, then their lines."""
    shapes = [
        (shape, shade)
        for rectangles, colour in layers
        for shape, shade in ((rectangles, palette.fill_of(colour)), (frame_lines(rectangles), colour))
    ]
    edges = np.concatenate([shape for shape, _ in shapes] or [np.zeros((0, 4), np.int32)])
    layer = np.repeat(np.arange(len(shapes)), [len(shape) for shape, _ in shapes])
    colours: list[Colour] = [(0, 0, 0), *dict.fromkeys(colour for _, colour in shapes)]
    lattice = Lattice.of(edges, height, width)
    kind = np.zeros((lattice.rows.size - 1, lattice.columns.size - 1), np.uint8)
    for covered, (_, colour) in zip(lattice.covered_layers(edges, layer, len(shapes)), shapes, strict=True):
        kind[covered] = colours.index(colour)
    return CellPaint(lattice, kind, np.array(colours, np.uint8), plan_from_cover(lattice, kind > 0))
