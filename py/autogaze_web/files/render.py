"""Pictures and videos of the three panels: input, mask, output, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from ..frames.resize import resize_bilinear_u8
from ..frames.rgba import Rgba
from ..frames.timed_frame import TimedFrame
from ..limits import MAX_SIDE
from ..live.pipeline import ProcessedFrame
from .atomic_file import atomic_file
from .gif_writer import encode_gif
from .mp4_writer import encode_mp4
from .png_writer import PngWriter
from .shown_frames import shown_frames

SUFFIXES = (".gif", ".mp4", ".png")
SHEET_ROWS = 8
_GAP, _BACKGROUND = 4, 24
_WIDEST_PANEL = (MAX_SIDE - 2 * _GAP) // 3


def side_by_side(processed: ProcessedFrame, panel_height: int) -> NDArray[np.uint8]:
    """The panels of a frame, each scaled to a height in pixels, on a dark background: (H,W,3) uint8.

    The panels of very wide frames are lower, so that the picture is at most 16384 pixels wide.
    """
    source_height, source_width = processed.frame.shape[:2]
    height, width = panel_size(source_height, source_width, panel_height)
    panels = [
        resize_bilinear_u8(_on_dark(panel), height, width)
        for panel in (processed.frame, processed.mask, processed.output)
    ]
    gap = np.full((height, _GAP, 3), _BACKGROUND, np.uint8)
    return np.concatenate([panels[0], gap, panels[1], gap, panels[2]], axis=1)


def panel_size(height: int, width: int, panel_height: int) -> tuple[int, int]:
    """Height and width of a panel.

    >>> panel_size(720, 1280, 240), panel_size(1, 4000, 240)
    ((240, 427), (1, 5458))
    """
    panel_width = max(1, round(width * panel_height / height))
    if panel_width <= _WIDEST_PANEL:
        return panel_height, panel_width
    return max(1, round(height * _WIDEST_PANEL / width)), _WIDEST_PANEL


def rendered(frames: Iterable[ProcessedFrame], panel_height: int) -> Iterator[TimedFrame]:
    """Each frame's panels as one picture, with the frame's time."""
    for processed in frames:
        timed = processed.timed_frame
        yield TimedFrame(side_by_side(processed, panel_height), timed.time, timed.duration)


class PngFiles:
    """An output that writes input, mask and output of each frame side by side: ``000000.png`` and so on.

    Needs Pillow.
    """

    def __init__(self, folder: str | Path):
        self._folder = Path(folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self.count: int = 0

    def __call__(self, processed: ProcessedFrame) -> None:
        """Writes the next file."""
        from PIL import Image

        with atomic_file(self._folder / f"{self.count:06}.png") as file:
            Image.fromarray(processed.side_by_side()).save(file, "PNG")
        self.count += 1


def encode(
    file: IO[bytes],
    suffix: str,
    pictures: Iterable[TimedFrame],
    count: int,
    time_base: Fraction | None = None,
) -> list[str]:
    """Writes pictures of one size as GIF, MP4 or PNG, one at a time.

    ``.gif`` and ``.mp4`` are animations that show each picture at its time; a ``.png`` shows up to eight
    pictures, evenly spaced, in a column.

    Args:
        file: that can seek.
        suffix: one of `SUFFIXES`.
        count: how many pictures there will be, by which those of a PNG are chosen.
        time_base: see `encode_mp4`.

    Returns:
        What could not be written as it is, a sentence each.

    Raises:
        ValueError: if the format cannot show the pictures.
    """
    if suffix == ".mp4":
        encode_mp4(file, shown_frames(pictures), time_base)
    elif suffix == ".gif":
        left_out = encode_gif(file, shown_frames(pictures))
        if left_out:
            frames = "1 frame was" if left_out == 1 else f"{left_out} frames were"
            return [f"a .gif shows at most 50 frames a second: {frames} left out"]
    else:
        _encode_sheet(file, pictures, count)
    return []


def _encode_sheet(file: IO[bytes], pictures: Iterable[TimedFrame], count: int) -> None:
    rows = min(SHEET_ROWS, count)
    wanted = set(np.linspace(0, count - 1, rows).round().astype(int).tolist())
    png: PngWriter | None = None
    written = 0
    image, is_written = None, True
    for index, picture in enumerate(pictures):
        image, is_written = picture.image, index in wanted
        if is_written:
            png = _add_row(file, png, image)
            written += 1
    if image is not None and not is_written and written < rows:  # the clip ended before it was expected to
        png = _add_row(file, png, image)
    if png is not None:
        png.close()


def _add_row(file: IO[bytes], png: PngWriter | None, image: NDArray[np.uint8]) -> PngWriter:
    if png is None:
        png = PngWriter(file, image.shape[1])
    else:
        png.write(np.full((_GAP, *image.shape[1:]), _BACKGROUND, np.uint8))
    png.write(image)
    return png


def _on_dark(panel: Rgba) -> NDArray[np.uint8]:
    """The panel's colours where it is opaque, the background's where it is transparent."""
    opaque = panel[..., 3:] > 0
    return np.where(opaque, panel[..., :3], np.uint8(_BACKGROUND))
