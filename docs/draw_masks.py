"""Draws the pictures of masks.md with the package itself: ``python docs/draw_masks.py``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from autogaze_web.frames.rgba import Rgba, as_frame
from autogaze_web.masks.cells import Cells, cell_rectangles
from autogaze_web.masks.footprint import GEOMETRIES, Footprint, Geometry, footprint
from autogaze_web.panels.mask_panel import PANEL_MODES, MaskPanel, PanelMode
from autogaze_web.panels.palette import Palette
from autogaze_web.tiles.stitching import stitch
from autogaze_web.tiles.tiling import Tiling

PICTURES = Path(__file__).parent / "pictures"
FRAME = Path(__file__).parents[1] / "tests" / "golden" / "frame.png"

ENLARGED, GAP, CAPTION = 2, 12, 18
BACKGROUND, TEXT = (255, 255, 255), (40, 40, 40)

# Cells of all four scales, apart and inside each other.
CELLS = Cells.of(
    [2, 4, 7, 7, 14, 14, 14, 14],
    [1, 0, 0, 5, 1, 9, 7, 12],
    [0, 2, 4, 5, 9, 2, 12, 4],
)


def scales() -> Image.Image:
    """The four grids of a frame with their token numbers."""
    tiles, first = [], 0
    for grid in (2, 4, 7, 14):
        side = 224
        tile = Image.new("RGB", (side, side), (0, 0, 0))
        draw = ImageDraw.Draw(tile)
        row, col = np.divmod(np.arange(grid * grid), grid)
        for token, (y0, x0, y1, x1) in enumerate(
            cell_rectangles(Cells.of(grid, row, col), side, side).tolist()
        ):
            draw.rectangle((x0, y0, x1 - 1, y1 - 1), outline=Palette.named().colour_of(grid))
            if grid < 14 or token in (0, 13, 195):
                draw.text(((x0 + x1) / 2, (y0 + y1) / 2), str(first + token), TEXT_ON_BLACK, anchor="mm")
        tiles.append((f"{grid}x{grid}: tokens {first} to {first + grid * grid - 1}", tile))
        first += grid * grid
    return beside(tiles)


def geometries() -> Image.Image:
    """The example's cells in each geometry."""
    return beside([(geometry, panel(geometry, "image-overlay")) for geometry in GEOMETRIES])  # type: ignore[arg-type]


def panels() -> Image.Image:
    """The example's mask in each panel mode."""
    return beside([(mode, panel("native", mode)) for mode in PANEL_MODES])  # type: ignore[arg-type]


def tiles() -> Image.Image:
    """A cell of the 7x7 and one of the 14x14 grid in every tile of a 161x90 frame, for both tiling modes."""
    height, width = picture().shape[:2]
    cells = Cells.of([7, 14], [1, 9], [2, 4])
    drawings = []
    for name, tiling in (
        ("anyres: stretched to 2x3 tiles of 64", Tiling.anyres(height, width, 64)),
        ("full-resolution: tiles of 64, cut at the edge", Tiling.full_resolution(height, width, 64)),
        ("full-resolution, stride 32: duplicates merged", Tiling.full_resolution(height, width, 64, 32)),
    ):
        stitched = stitch(tiling, [cells] * len(tiling))
        drawings.append((name, drawn(footprint(stitched, height, width), "image-overlay")))
    return beside(drawings)


def picture() -> Rgba:
    """The photograph under the masks."""
    return as_frame(np.asarray(Image.open(FRAME).convert("RGB")))


def panel(geometry: Geometry, mode: PanelMode) -> Image.Image:
    """The example's cells, drawn in a geometry and a panel mode."""
    height, width = picture().shape[:2]
    return drawn(footprint(CELLS, height, width, geometry), mode)


def drawn(mask: Footprint, mode: PanelMode) -> Image.Image:
    """A mask drawn over the photograph, enlarged, with grey behind transparent pixels."""
    view = MaskPanel(0.55, mode)
    view.draw(picture(), mask)
    image = Image.new("RGBA", (mask.width, mask.height), (210, 210, 210, 255))
    image.alpha_composite(Image.fromarray(view.image))
    size = (mask.width * ENLARGED, mask.height * ENLARGED)
    return image.convert("RGB").resize(size, Image.Resampling.NEAREST)


def beside(drawings: Sequence[tuple[str, Image.Image]]) -> Image.Image:
    """Captioned drawings side by side; four wide ones in two rows."""
    columns = 2 if len(drawings) == 4 and drawings[0][1].width > 250 else len(drawings)
    rows = -(-len(drawings) // columns)
    width, height = drawings[0][1].width + GAP, drawings[0][1].height + CAPTION + GAP
    sheet = Image.new("RGB", (columns * width - GAP, rows * height - GAP), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for index, (caption, drawing) in enumerate(drawings):
        x, y = index % columns * width, index // columns * height
        draw.text((x, y + 2), caption, TEXT)
        sheet.paste(drawing, (x, y + CAPTION))
    return sheet


TEXT_ON_BLACK = (230, 230, 230)
DRAWINGS: dict[str, Callable[[], Image.Image]] = {
    "mask-scales.png": scales,
    "mask-geometries.png": geometries,
    "mask-panels.png": panels,
    "mask-tiles.png": tiles,
}


def main() -> None:
    """Writes all drawings, or those named on the command line."""
    PICTURES.mkdir(exist_ok=True)
    for name in sys.argv[1:] or DRAWINGS:
        DRAWINGS[name]().save(PICTURES / name, optimize=True)


if __name__ == "__main__":
    main()
