"""Draws cells onto a panel: each with an outline in its scale's colour and a darker fill, fine cells on top.

There are two ways with the same result. A few cells are drawn one by one (``draw_cells``). For many cells the
frame is cut along all of their edges, each piece gets its colour (``paint_footprint``), and neighbouring
pieces are drawn together (``draw_painted``), because a NumPy call costs more than the pixels of a small
rectangle.
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

from ..frames.pixel_kernels import PixelKernels, blended_paints, installed, opaque_paints
from ..frames.rectangles import WORDS_AT_ONCE, Box, IntArray, bands, bounding_box
from ..frames.rgba import Rgba, Words, as_words
from ..frames.words import BlendWeights, blend
from ..masks.footprint import Footprint
from ..masks.update_plan import Lattice, UpdatePlan, plan_from_cover
from .cell_rectangles import cell_colours, cell_rectangles, coloured_atoms
from .palette import Colour, Palette

# Height of the bands in which rectangles are drawn together: enough to amortise NumPy's overhead per call,
# few enough rows that empty regions are skipped.
BAND_HEIGHT = 64

# Fixed cost of drawing a single rectangle, in words of pixels: under Pyodide blending a word takes 10 ns and
# the NumPy calls of a rectangle 30 us.
RECTANGLE_OVERHEAD = 3000


# A box, and the colour values (layers, height, words) of its pixels.
Piece = tuple[Box, Words]


@dataclass(frozen=True)
class CellStyle:
    """How cells look: their colours blended over a picture, or opaque.

    Boxes are widened to even columns, so that they consist of whole words.

    Attributes:
        picture: words of the picture; None for opaque colours.
        weights: weights of the blend.
        palette: the colours.
    """

    picture: Words | None
    weights: BlendWeights
    palette: Palette

    @property
    def blend_weights(self) -> BlendWeights | None:
        """The weights of the blend; None for opaque colours."""
        return None if self.picture is None else self.weights

    def render(self, values: Words, box: Box) -> Words:
        """The drawn words of a box, from the colour values (layers, height, words) of its pixels."""
        if self.picture is None:
            return np.asarray(values[0])
        return blend(self._picture_in(box), values, self.weights)

    def render_all(self, pieces: list[Piece]) -> Iterator[tuple[Box, Words]]:
        """``render`` for several boxes with no more NumPy calls than for one."""
        if self.picture is None or len(pieces) == 1:
            for box, values in pieces:
                yield box, self.render(values, box)
            return
        source = np.concatenate([self._picture_in(box).reshape(-1) for box, _ in pieces])
        values = np.concatenate([values.reshape(len(values), -1) for _, values in pieces], axis=1)
        blended, start = blend(source, values, self.weights), 0
        for box, (_, height, width) in ((box, values.shape) for box, values in pieces):
            yield box, blended[start : start + height * width].reshape(height, width)
            start += height * width

    def _picture_in(self, box: Box) -> Words:
        assert self.picture is not None
        return self.picture[box[0] : box[2], box[1] // 2 : -(-box[3] // 2)]


def draw_cells(image: Rgba, mask: Footprint, style: CellStyle) -> None:
    """Draws a mask's cells onto an image one by one, coarse to fine.

    Args:
        image: (H, W, 4) uint8.
        mask: a mask with one grid per scale; otherwise a cell's fill could cover the outline of another.
        style: the colours and the picture behind them.
    """
    if len(mask.rectangles) == 0:
        return
    if kernels := installed():
        rectangles, scales = cell_rectangles(mask)
        _paint(kernels, image, style, rectangles, _cell_paints(scales, style.palette, style.blend_weights))
        return
    target = _pixels(image)
    for pieces in _batches(_cell_pieces(mask, style)):
        for box, drawn in style.render_all(pieces):
            _copy_rectangles(target, box, [box], drawn)


def _paint(
    kernels: PixelKernels,
    image: Rgba,
    style: CellStyle,
    rectangles: NDArray[np.int32],
    paints: NDArray[np.uint32],
) -> None:
    """Paints rectangles (N, 5) with an index of a style's paints (K, 2, 4)."""
    target = as_words(image)
    kernels.paint_rectangles(target, target if style.picture is None else style.picture, rectangles, paints)


def _paints(colours: NDArray[np.uint8], weights: BlendWeights | None) -> NDArray[np.uint32]:
    """Paints of colours (K, 3): blended, or opaque without weights."""
    return opaque_paints(colours) if weights is None else blended_paints(colours, weights)


@lru_cache(maxsize=64)
def _cell_paints(
    scales: tuple[int, ...], palette: Palette, weights: BlendWeights | None
) -> NDArray[np.uint32]:
    """The paints of the `cell_colours` of some scales."""
    return _paints(cell_colours(scales, palette), weights)


def _cell_pieces(mask: Footprint, style: CellStyle) -> Iterator[Piece]:
    """The cells from coarse to fine, large ones cut into bands of rows."""
    grid = mask.fixations.grid
    order = np.argsort(grid, kind="stable")
    for (y0, x0, y1, x1), scale in zip(mask.rectangles[order].tolist(), grid[order].tolist(), strict=True):
        outline = style.palette.colour_of(scale)
        colours = (outline, style.palette.fill_of(outline))
        values = _cell_values(y1 - y0, x1 - x0, x0 % 2, colours, style.blend_weights)
        for band in bands((y0, x0, y1, x1)):
            yield band, values[:, band[0] - y0 : band[2] - y0]


def _batches(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Consecutive pieces in batches of at most ``WORDS_AT_ONCE`` words, but at least one piece."""
    batch: list[Piece] = []
    size = 0
    for piece in pieces:
        words = piece[1][0].size
        if batch and size + words > WORDS_AT_ONCE:
            yield batch
            batch, size = [], 0
        batch.append(piece)
        size += words
    if batch:
        yield batch


@dataclass(frozen=True)
class PaintedLattice:
    """A frame's lattice with a colour for each atom.

    Attributes:
        lattice: lattice of the edges of all cells and outlines.
        colour_index: (R, C) uint8, index into ``colours`` for each atom; 0 where there is no cell.
        colours: (K, 3) uint8; entry 0 is black.
        plan: the union of the cells.
    """

    lattice: Lattice
    colour_index: NDArray[np.uint8]
    colours: NDArray[np.uint8]
    plan: UpdatePlan


def paint_footprint(mask: Footprint, palette: Palette) -> PaintedLattice:
    """A mask's cells painted over each other, coarse to fine."""
    grid = mask.fixations.grid
    scales = np.unique(grid).tolist()
    layers = [(mask.rectangles[grid == scale], palette.colour_of(scale)) for scale in scales]
    return _paint_layers(layers, palette, mask.height, mask.width)


def paint_scale_rows(mask: Footprint, palette: Palette) -> PaintedLattice:
    """The cells of each scale in a band of their own, one below the other, coarse to fine.

    Band i of n covers the rows ``floor(i * height / n)`` to ``ceil((i + 1) * height / n)``. In its middle the
    cells lie in a small frame with the aspect ratio of the whole. In the ``effective`` geometry
    all scales are on one grid, so its cells are painted without bands.
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
        cells = mask.fixations.select(mask.fixations.grid == scale)
        offset = np.array([top, left, top, left], np.int32)
        layers.append((cells.rectangles(band, view) + offset, palette.colour_of(scale)))
    return _paint_layers(layers, palette, mask.height, mask.width)


def _outlines(rectangles: IntArray, thickness: int = 1) -> IntArray:
    """The top, left, bottom and right lines inside N rectangles, as (4 N, 4) rectangles."""
    y0, x0, y1, x1 = rectangles.T
    bottom, right = np.minimum(y0 + thickness, y1), np.minimum(x0 + thickness, x1)
    top, left = np.maximum(y1 - thickness, y0), np.maximum(x1 - thickness, x0)
    lines = ((y0, x0, bottom, x1), (y0, x0, y1, right), (top, x0, y1, x1), (y0, left, y1, x1))
    return np.concatenate([np.stack(line, axis=-1) for line in lines]).astype(np.int32)


def _paint_layers(
    layers: Iterable[tuple[IntArray, Colour]], palette: Palette, height: int, width: int
) -> PaintedLattice:
    """Paints rectangles over each other, layer by layer: first the fills of a layer, then its outlines."""
    shapes = [
        (shape, colour)
        for rectangles, outline in layers
        for shape, colour in ((rectangles, palette.fill_of(outline)), (_outlines(rectangles), outline))
    ]
    return _paint_shapes(shapes, height, width)


def paint_lines(layers: Iterable[tuple[IntArray, Colour, int]], height: int, width: int) -> PaintedLattice:
    """Paints outlines over each other, layer by layer: rectangles, their colour, their thickness."""
    shapes = [(_outlines(rectangles, thickness), colour) for rectangles, colour, thickness in layers]
    return _paint_shapes(shapes, height, width)


def _paint_shapes(shapes: list[tuple[IntArray, Colour]], height: int, width: int) -> PaintedLattice:
    """Paints rectangles of one colour each over each other."""
    edges = np.concatenate([shape for shape, _ in shapes] or [np.zeros((0, 4), np.int32)])
    layer = np.repeat(np.arange(len(shapes)), [len(shape) for shape, _ in shapes])
    colours: list[Colour] = [(0, 0, 0), *dict.fromkeys(colour for _, colour in shapes)]
    lattice = Lattice.of(edges, height, width)
    index = np.zeros((lattice.rows.size - 1, lattice.columns.size - 1), np.uint8)
    for covered, (_, colour) in zip(lattice.covered_layers(edges, layer, len(shapes)), shapes, strict=True):
        index[covered] = colours.index(colour)
    return PaintedLattice(lattice, index, np.array(colours, np.uint8), plan_from_cover(lattice, index > 0))


def draw_painted(image: Rgba, painted: PaintedLattice, style: CellStyle) -> None:
    """Draws all cells of a painted lattice onto an image of its size."""
    if kernels := installed():
        rectangles = coloured_atoms(painted.lattice, painted.colour_index)
        _paint(kernels, image, style, rectangles, _paints(painted.colours, style.blend_weights))
        return
    target = _pixels(image)
    magnifier = _Magnifier(painted, _colour_values(painted.colours, style.blend_weights))
    for box, rectangles in _boxes(painted.plan):
        _copy_rectangles(target, box, rectangles.tolist(), style.render(magnifier.words(box), box))


def _colour_values(colours: NDArray[np.uint8], weights: BlendWeights | None) -> NDArray[np.uint32]:
    """A pixel's values for each of K colours (K, 3): (3, K) addends of a blend, or (1, K) opaque pixels."""
    if weights is not None:
        return weights.addend(colours.T)
    opaque = np.full((len(colours), 4), 255, np.uint8)
    opaque[:, :3] = colours
    return opaque.view(np.uint32).T


@lru_cache(maxsize=256)
def _cell_values(
    height: int, width: int, odd: int, colours: tuple[Colour, Colour], weights: BlendWeights | None
) -> Words:
    """(layers, height, words): the values of a cell of ``height x width`` pixels.

    Args:
        height, width: size of the cell.
        odd: 1 if the cell begins at an odd column, else 0.
        colours: of its outline and of its fill.
        weights: weights of the blend; None for opaque colours.
    """
    line, fill = _colour_values(np.array(colours, np.uint8), weights).T
    values = np.empty((len(line), height, -(-(odd + width) // 2) * 2), np.uint32)
    values[:] = line[:, None, None]
    values[:, 1 : height - 1, odd + 1 : odd + width - 1] = fill[:, None, None]
    return values.view(np.uint64)


def _pixels(image: Rgba) -> NDArray[np.uint32]:
    return image.view(np.uint32)[..., 0]


def _copy_rectangles(target: NDArray[np.uint32], box: Box, rectangles: Iterable[Any], drawn: Words) -> None:
    """Copies the pixels of rectangles within a box from the box's drawn words."""
    top, left = box[0], box[1] - box[1] % 2
    source = drawn.view(np.uint32)
    for y0, x0, y1, x1 in rectangles:
        target[y0:y1, x0:x1] = source[y0 - top : y1 - top, x0 - left : x1 - left]


class _Magnifier:
    """Expands boxes of a painted lattice from atoms to pixels."""

    def __init__(self, painted: PaintedLattice, values: NDArray[np.uint32]):
        """Takes the values (layers, K) of a pixel for each of the lattice's colours."""
        self._values = values
        self._colour_index = painted.colour_index
        self._rows, self._columns = painted.lattice.rows.tolist(), painted.lattice.columns.tolist()

    def words(self, box: Box) -> Words:
        """(layers, height, words): the values of a box's pixels."""
        y0, x0, y1, x1 = box[0], box[1] - box[1] % 2, box[2], box[3] + box[3] % 2
        top, heights = _atoms_between(self._rows, y0, y1)
        left, widths = _atoms_between(self._columns, x0, x1)
        atoms = self._colour_index[top : top + len(heights), left : left + len(widths)]
        return self._values[:, atoms].repeat(widths, axis=2).repeat(heights, axis=1).view(np.uint64)


def _atoms_between(edges: list[int], start: int, end: int) -> tuple[int, list[int]]:
    """Index of the first atom between two pixels, and the lengths of all atoms' parts between them."""
    first = bisect_right(edges, start) - 1
    inner = edges[first + 1 : bisect_left(edges, end)]
    # The extra column of a frame of odd width lies beyond the last edge and belongs to the last atom.
    if inner and inner[-1] == edges[-1]:
        inner.pop()
    cuts = [start, *inner, end]
    return first, [b - a for a, b in pairwise(cuts)]


def _boxes(plan: UpdatePlan) -> Iterator[tuple[Box, IntArray]]:
    """Boxes that are drawn at once, each with the plan's rectangles in it; together they cover the plan.

    Rectangles that begin within BAND_HEIGHT rows are drawn together if that is cheaper than one by one.
    """
    rectangles = plan.rectangles
    start = 0
    while start < len(rectangles):
        limit = int(rectangles[start, 0]) + BAND_HEIGHT
        end = max(int(np.searchsorted(rectangles[:, 0], limit)), start + 1)
        group = rectangles[start:end]
        box = bounding_box(group)
        separate = int(((group[:, 2] - group[:, 0]) * (group[:, 3] - group[:, 1])).sum()) // 2
        together = (box[2] - box[0]) * (box[3] - box[1]) // 2
        if together <= separate + RECTANGLE_OVERHEAD * (len(group) - 1):
            for band in bands(box):
                yield band, _rows_within(group, band)
        else:
            for rectangle in group:
                for band in bands(bounding_box(rectangle[None])):
                    yield band, _rows_within(rectangle[None], band)
        start = end


def _rows_within(rectangles: IntArray, box: Box) -> IntArray:
    """Rectangles clipped to a box's rows; those without any are left out."""
    inside = rectangles[(rectangles[:, 0] < box[2]) & (rectangles[:, 2] > box[0])].copy()
    inside[:, 0] = np.maximum(inside[:, 0], box[0])
    inside[:, 2] = np.minimum(inside[:, 2], box[2])
    return inside
