"""The mask panel: a frame's mask in the colours of its scales, with or without the picture.

- ``image-mask-only``: the cells blended over the picture, transparent black elsewhere.
- ``image-overlay``: the cells blended over the picture, the plain picture elsewhere.
- ``overlay``: the opaque cells on black.
- ``outlines``: the dimmed picture with the cells lit and outlined (``outlines``).
- ``scale-rows``: the opaque cells of each scale in a band of their own, on black (``paint_scale_rows``).
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from ..frames.pixel_kernels import installed
from ..frames.rectangles import Box, IntArray, box_around, pixel_count
from ..frames.rgba import Rgba, allocate, as_words
from ..frames.words import BlendWeights
from ..masks.footprint import Footprint
from .cell_drawing import CellStyle, draw_cells, draw_painted, paint_footprint, paint_scale_rows
from .outlines import dim, light, paint_outlines
from .palette import STANDARD, Palette

PanelMode = Literal["image-mask-only", "image-overlay", "overlay", "scale-rows", "outlines"]
PANEL_MODES: tuple[str, ...] = get_args(PanelMode)

TRANSPARENT_BLACK, OPAQUE_BLACK = (0, 0, 0, 0), (0, 0, 0, 255)

# How the cells are painted in the modes that always paint them on a lattice.
CELL_PAINTERS = {"scale-rows": paint_scale_rows, "outlines": paint_outlines}

# Up to MAX_SINGLE_CELLS cells are drawn one by one, which avoids a lattice of all their edges, unless they
# overlap so much that this draws more than MAX_OVERDRAW times the pixels they cover. Measured under Pyodide:
# at 640x360, 48 cells of all scales take equally long either way.
MAX_SINGLE_CELLS = 80
MAX_OVERDRAW = 2


class MaskPanel:
    """A persistent mask panel that is redrawn only where the last mask was or the new one is.

    Attributes:
        image: (H, W, 4) uint8.
        mode: one of ``PANEL_MODES``.
        touched: (N, 4) int32, rectangles that contain all pixels that the last ``draw`` may have changed.
    """

    def __init__(
        self, blend_alpha: float = 0.38, mode: PanelMode = "image-mask-only", palette: str = STANDARD
    ):
        self.image: Rgba = allocate(1, 1)
        self.mode = mode
        self._blank = True
        self._drawn: IntArray = np.zeros((0, 4), np.int32)
        self._drawn_box: Box = (0, 0, 0, 0)
        self.touched: IntArray = self._drawn
        self.configure(blend_alpha, mode, palette)

    def configure(self, blend_alpha: float, mode: PanelMode, palette: str = STANDARD) -> None:
        """Changes the settings from the next ``draw`` on; until then the image stays as it is.

        Args:
            blend_alpha: weight of the colours over the picture, 0 .. 1.
            mode: one of ``PANEL_MODES``.
            palette: name of a palette (``Palette.named``).

        Raises:
            ValueError: if the weight is out of range, or the mode or palette is unknown.
        """
        if mode not in PANEL_MODES:
            raise ValueError(f"the mask panel's mode is one of {', '.join(PANEL_MODES)}, got {mode!r}")
        self._weights, self._palette = BlendWeights.of(blend_alpha), Palette.named(palette)
        self._blank |= mode != self.mode
        self.mode = mode

    def replace(self, image: Rgba) -> None:
        """Shows an image (H, W, 4) until the next ``draw``."""
        self.image = allocate(*image.shape[:2])
        self.image[:] = image
        self._blank = True

    def draw(self, frame: Rgba, mask: Footprint) -> Box:
        """Draws the mask of a frame in place of the previous one.

        Args:
            frame: (H, W, 4) uint8.
            mask: the mask of a frame of that size.

        Returns:
            A box around all pixels that may have changed.
        """
        if self.image.shape != frame.shape:
            self.image = allocate(*frame.shape[:2])
            self._blank = True
        redrawn = self.mode in ("outlines", "image-overlay")
        if self._blank or redrawn:
            self._drawn_box, self._blank = (0, 0, *frame.shape[:2]), False
            self._drawn = np.array([self._drawn_box], np.int32)
        if self.mode == "outlines":
            dim(frame, self.image)
            light(self.image, frame, mask)
        elif self.mode == "image-overlay":
            self.image[:] = frame
        else:
            self._clear(TRANSPARENT_BLACK if self.mode == "image-mask-only" else OPAQUE_BLACK)
        over_picture = self.mode in ("image-mask-only", "image-overlay")
        style = CellStyle(as_words(frame) if over_picture else None, self._weights, self._palette)
        paint = CELL_PAINTERS.get(self.mode, paint_footprint)
        if self.mode in CELL_PAINTERS or not _one_by_one(mask):
            painted = paint(mask, self._palette)
            draw_painted(self.image, painted, style)
            drawn, box = painted.plan.rectangles, painted.plan.box
        else:
            draw_cells(self.image, mask, style)
            drawn, box = mask.rectangles, mask.plan.box
        touched = box_around(self._drawn_box, box)
        self.touched = np.concatenate([self._drawn, drawn])
        # Cleared by the next draw: many rectangles are cleared at once, as their bounding box.
        many = len(drawn) > MAX_SINGLE_CELLS
        self._drawn, self._drawn_box = np.array([box], np.int32) if many else drawn, box
        return touched

    def _clear(self, pixel: tuple[int, int, int, int]) -> None:
        value = int.from_bytes(pixel, "little")
        if kernels := installed():
            kernels.fill_rectangles(as_words(self.image), self._drawn, value)
            return
        pixels = self.image.view(np.uint32)[..., 0]
        for y0, x0, y1, x1 in self._drawn.tolist():
            pixels[y0:y1, x0:x1] = value


def _one_by_one(mask: Footprint) -> bool:
    """Whether a mask's cells can be drawn one by one with less work than on a lattice."""
    if len(mask.rectangles) > MAX_SINGLE_CELLS or not mask.one_grid_per_scale:
        return False
    return pixel_count(mask.rectangles) <= MAX_OVERDRAW * mask.plan.pixel_count
