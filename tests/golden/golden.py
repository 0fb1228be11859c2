"""The golden images of the mask panels: what they show, and how to write them anew (``--write``)."""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from autogaze_web.frames.rgba import as_frame
from autogaze_web.masks.cells import Cells
from autogaze_web.masks.footprint import GEOMETRIES, footprint
from autogaze_web.panels.mask_panel import PANEL_MODES, MaskPanel

FOLDER = Path(__file__).parent

# Cells of all four scales, apart and inside each other.
CELLS = Cells.of(
    [2, 4, 4, 7, 7, 7, 7, 14, 14, 14, 14, 14, 14, 14],
    [1, 0, 1, 0, 1, 5, 6, 0, 1, 4, 7, 12, 13, 9],
    [0, 3, 2, 5, 1, 1, 5, 0, 11, 13, 8, 3, 13, 9],
)


def frame():
    """The photograph below the masks: (90, 161, 4) uint8."""
    return as_frame(np.asarray(Image.open(FOLDER / "frame.png").convert("RGB")))


def draw(geometry, mode):
    """One golden image: (90, 161, 4) uint8."""
    image = frame()
    mask = footprint(CELLS, *image.shape[:2], geometry)
    panel = MaskPanel(0.38, mode)
    panel.draw(image, mask)
    return panel.image


def path_of(geometry, mode):
    return FOLDER / f"{geometry}_{mode}.png"


if __name__ == "__main__" and "--write" in sys.argv:
    for geometry in GEOMETRIES:
        for mode in PANEL_MODES:
            Image.fromarray(draw(geometry, mode)).save(path_of(geometry, mode), optimize=True)
