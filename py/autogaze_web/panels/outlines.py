"""Outlines: the dimmed picture, its masked part at full brightness, each cell outlined in its scale's colour.

The coarser a scale, the thicker its outlines, so that scales are distinguishable without their colours too.
"""

from __future__ import annotations

import numpy as np

from ..frames.pixel_kernels import installed
from ..frames.rgba import Rgba, as_words
from ..masks.footprint import Footprint
from .cell_drawing import PaintedLattice, paint_lines
from .palette import Palette, outline_lines

# The shorter side of a frame, in pixels, for each pixel of a line.
_SIDE_PER_LINE = 360


def line_width(grid: int, height: int, width: int) -> int:
    """Thickness in pixels of the outlines of a grid's cells in a frame of ``height x width`` pixels.

    >>> [line_width(grid, 640, 640) for grid in (2, 4, 7, 14)]
    [8, 6, 4, 2]
    """
    return outline_lines(grid) * max(round(min(height, width) / _SIDE_PER_LINE), 1)


def dim(frame: Rgba, image: Rgba) -> None:
    """Writes a frame (H, W, 4) at three eighths of its brightness into an image of its size."""
    source = as_words(frame)
    if kernels := installed():
        kernels.dim(source, as_words(image))
        return
    quarter = (source >> np.uint64(2)) & np.uint64(0x003F3F3F003F3F3F)
    eighth = (source >> np.uint64(3)) & np.uint64(0x001F1F1F001F1F1F)
    as_words(image)[:] = quarter + eighth + (source & np.uint64(0xFF000000FF000000))


def light(image: Rgba, frame: Rgba, mask: Footprint) -> None:
    """Copies the masked pixels of a frame into an image."""
    for y0, x0, y1, x1 in mask.plan.rectangles.tolist():
        image[y0:y1, x0:x1] = frame[y0:y1, x0:x1]


def paint_outlines(mask: Footprint, palette: Palette) -> PaintedLattice:
    """The outlines of a mask's cells, fine cells on top."""
    grid = mask.fixations.grid
    layers = [
        (mask.rectangles[grid == scale], palette.colour_of(scale), line_width(scale, mask.height, mask.width))
        for scale in np.unique(grid).tolist()
    ]
    return paint_lines(layers, mask.height, mask.width)
