"""Cells as pixels, in two ways with one result: cell by cell, or a whole painting in large boxes.

A few cells are drawn one by one. Many are painted on a lattice first (``CellPaint``), and what lies close
together in it is drawn at once, since NumPy's calls cost more than small rectangles do.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..frames.rectangles import WORDS_AT_ONCE, Box, IntArray, bands, bounding_box
from ..frames.rgba import Rgba, Words
from ..frames.words import BlendWeights, blend
from ..masks.footprint import Footprint
from ..masks.update_plan import Lattice, UpdatePlan, plan_from_cover
from .palette import Colour, Palette

# Rows in which rectangles are drawn together: enough to spread NumPy's overhead per call, few enough to
# pass over empty regions.
BAND_HEIGHT = 64

# What drawing a rectangle by itself costs beside its pixels, in words of pixels: measured under Pyodide,
# where a blended word takes 10 ns and a rectangle's NumPy calls 30 us.
RECTANGLE_OVERHEAD = 3000


# A box, and the values (layers, height, words) of its pixels.
Piece = tuple[Box, Words]


@dataclass(frozen=True)
class Ink:
    """How colours get onto a panel: blended over a picture, or as they are and opaque.

    Attributes:
        picture: the words of the picture; None for the colours alone.
        weights: of the blend.
        palette: the colours.
    """

    picture: Words | None
    weights: BlendWeights
    palette: Palette

    def mix(self, values: Words, box: Box) -> Words:
        """A box's words, its columns made even, from the values (layers, height, words) of its pixels."""
        if self.picture is None:
            return np.asarray(values[0])
        return blend(self.under(box), values, self.weights)

    def mix_all(self, pieces: list[Piece]) -> Iterator[tuple[Box, Words]]:
        """``mix`` for each of several boxes, in as few of NumPy's calls as for one."""
        if self.picture is None or len(pieces) == 1:
            for box, values in pieces:
                yield box, self.mix(values, box)
            return
        source = np.concatenate([self.under(box).reshape(-1) for box, _ in pieces])
        values = np.concatenate([values.reshape(len(values), -1) for _, values in pieces], axis=1)
        mixed, start = blend(source, values, self.weights), 0
        for box, (_, height, width) in ((box, values.shape) for box, values in pieces):
            yield box, mixed[start : start + height * width].reshape(height, width)
            start += height * width

    def under(self, box: Box) -> Words:
        """The picture's words of a box, its columns made even."""
        assert self.picture is not None
        return self.picture[box[0] : box[2], box[1] // 2 : -(-box[3] // 2)]


def draw_cells(image: Rgba, mask: Footprint, ink: Ink) -> None:
    """Draws a mask's cells onto an image, coarse to fine, each with its fill and its frame.

    Args:
        image: (H, W, 4) uint8.
        mask: one that keeps to grids; otherwise a cell's fill could lie on another's frame.
        ink: how.
    """
    target = _pixels(image)
    for pieces in _portions(_cell_pieces(mask, ink)):
        for box, drawn in ink.mix_all(pieces):
            _put(target, box, [box], drawn)


def _cell_pieces(mask: Footprint, ink: Ink) -> Iterator[Piece]:
    """The cells from coarse to fine, large ones cut into bands of rows."""
    weights = None if ink.picture is None else ink.weights
    grid = mask.fixations.grid
    order = np.argsort(grid, kind="stable")
    for (y0, x0, y1, x1), scale in zip(mask.rectangles[order].tolist(), grid[order].tolist(), strict=True):
        colour = ink.palette.colour_of(scale)
        shades = (colour, ink.palette.fill_of(colour))
        values = _cell_values(y1 - y0, x1 - x0, x0 % 2, shades, weights)
        for band in bands((y0, x0, y1, x1)):
            yield band, values[:, band[0] - y0 : band[2] - y0]


def _portions(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Runs of pieces that together have at most ``WORDS_AT_ONCE``, or of one."""
    portion: list[Piece] = []
    size = 0
    for piece in pieces:
        words = piece[1][0].size
        if portion and size + words > WORDS_AT_ONCE:
            yield portion
            portion, size = [], 0
        portion.append(piece)
        size += words
    if portion:
        yield portion


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


def draw_painting(image: Rgba, painted: CellPaint, ink: Ink) -> None:
    """Draws all cells of a painting onto an image of its size."""
    target = _pixels(image)
    canvas = _Canvas(painted, _values(painted.colours, None if ink.picture is None else ink.weights))
    for box, rectangles in _boxes(painted.plan):
        _put(target, box, rectangles.tolist(), ink.mix(canvas.words(box), box))


def _values(colours: NDArray[np.uint8], weights: BlendWeights | None) -> NDArray[np.uint32]:
    """What stands for each of K colours (K, 3) in a pixel: (3, K) to blend it with, or (1, K) opaque."""
    if weights is not None:
        return weights.addend(colours.T)
    opaque = np.full((len(colours), 4), 255, np.uint8)
    opaque[:, :3] = colours
    return opaque.view(np.uint32).T


@lru_cache(maxsize=256)
def _cell_values(
    height: int, width: int, odd: int, shades: tuple[Colour, Colour], weights: BlendWeights | None
) -> Words:
    """(layers, height, words) of a cell of ``height x width`` that begins at an even or odd column.

    Args:
        shades: of its frame and of its inside.
    """
    line, fill = _values(np.array(shades, np.uint8), weights).T
    values = np.empty((len(line), height, -(-(odd + width) // 2) * 2), np.uint32)
    values[:] = line[:, None, None]
    values[:, 1 : height - 1, odd + 1 : odd + width - 1] = fill[:, None, None]
    return values.view(np.uint64)


def _pixels(image: Rgba) -> NDArray[np.uint32]:
    return image.view(np.uint32)[..., 0]


def _put(target: NDArray[np.uint32], box: Box, rectangles: Iterable[Any], drawn: Words) -> None:
    """Takes over the pixels of rectangles within a box from words that begin at its even column."""
    top, left = box[0], box[1] - box[1] % 2
    source = drawn.view(np.uint32)
    for y0, x0, y1, x1 in rectangles:
        target[y0:y1, x0:x1] = source[y0 - top : y1 - top, x0 - left : x1 - left]


class _Canvas:
    """The lattice of a painting blown up to pixels, box by box."""

    def __init__(self, painted: CellPaint, values: NDArray[np.uint32]):
        """Takes what to draw for each kind of atom: (layers, K), several values for a pixel."""
        self._values = values
        self._kind = painted.kind
        self._rows, self._columns = painted.lattice.rows.tolist(), painted.lattice.columns.tolist()

    def words(self, box: Box) -> Words:
        """(layers, height, words) of the values of a box's pixels, its columns made even."""
        y0, x0, y1, x1 = box[0], box[1] - box[1] % 2, box[2], box[3] + box[3] % 2
        top, heights = _pieces(self._rows, y0, y1)
        left, widths = _pieces(self._columns, x0, x1)
        atoms = self._kind[top : top + len(heights), left : left + len(widths)]
        return self._values[:, atoms].repeat(widths, axis=2).repeat(heights, axis=1).view(np.uint64)


def _pieces(edges: list[int], start: int, end: int) -> tuple[int, list[int]]:
    """The first atom that lies in start .. end, and the lengths of it and the following ones inside."""
    first = bisect_right(edges, start) - 1
    inner = edges[first + 1 : bisect_left(edges, end)]
    # The extra column of a frame of odd width lies beyond the last edge and counts to the last atom.
    if inner and inner[-1] == edges[-1]:
        inner.pop()
    cuts = [start, *inner, end]
    return first, [b - a for a, b in pairwise(cuts)]


def _boxes(plan: UpdatePlan) -> Iterator[tuple[Box, IntArray]]:
    """Boxes to draw at once, with the plan's rectangles in each, together all of the plan's pixels.

    The rectangles that begin within BAND_HEIGHT rows are drawn together where that is cheaper than one by
    one.
    """
    rectangles = plan.rectangles
    start = 0
    while start < len(rectangles):
        limit = int(rectangles[start, 0]) + BAND_HEIGHT
        end = max(int(np.searchsorted(rectangles[:, 0], limit)), start + 1)
        band = rectangles[start:end]
        box = bounding_box(band)
        alone = int(((band[:, 2] - band[:, 0]) * (band[:, 3] - band[:, 1])).sum()) // 2
        together = (box[2] - box[0]) * (box[3] - box[1]) // 2
        if together <= alone + RECTANGLE_OVERHEAD * (len(band) - 1):
            for piece in bands(box):
                yield piece, _within(band, piece)
        else:
            for rectangle in band:
                for piece in bands(bounding_box(rectangle[None])):
                    yield piece, _within(rectangle[None], piece)
        start = end


def _within(rectangles: IntArray, box: Box) -> IntArray:
    """The parts of rectangles within a box's rows."""
    inside = rectangles[(rectangles[:, 0] < box[2]) & (rectangles[:, 2] > box[0])].copy()
    inside[:, 0] = np.maximum(inside[:, 0], box[0])
    inside[:, 2] = np.minimum(inside[:, 2], box[2])
    return inside
