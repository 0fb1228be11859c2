"""Pictures and videos of the three panels: input, mask, output, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..frames.resize import resize_bilinear_u8
from ..frames.rgba import Rgba
from ..live.pipeline import ProcessedFrame
from .video import write_mp4

SUFFIXES = (".gif", ".mp4", ".png")
SHEET_ROWS = 8
_GAP, _BACKGROUND = 4, 24


def side_by_side(processed: ProcessedFrame, panel_height: int) -> NDArray[np.uint8]:
    """The panels of a frame, each scaled to a height in pixels, on a dark background: (H,W,3) uint8."""
    height, width = processed.frame.shape[:2]
    panel_width = max(1, round(width * panel_height / height))
    panels = [
        resize_bilinear_u8(_on_dark(panel), panel_height, panel_width)
        for panel in (processed.frame, processed.mask, processed.output)
    ]
    gap = np.full((panel_height, _GAP, 3), _BACKGROUND, np.uint8)
    return np.concatenate([panels[0], gap, panels[1], gap, panels[2]], axis=1)


def write(path: Path, pictures: Iterable[NDArray[np.uint8]], frames_per_second: float) -> None:
    """Writes pictures of one size, (H,W,3) uint8, as what the file's name ends in.

    ``.gif`` and ``.mp4`` are animations; a ``.png`` shows up to eight pictures, evenly spaced, in a column.

    Raises:
        ValueError: if the name ends in something else, or the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"{path.name} must end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}")
    if suffix == ".mp4":
        write_mp4(path, pictures, frames_per_second)
        return
    try:
        from PIL import Image
    except ModuleNotFoundError:
        raise ImportError("writing pictures needs Pillow: pip install 'autogaze-web[video]'") from None
    try:
        if suffix == ".png":
            Image.fromarray(_sheet(list(pictures))).save(path)
        else:
            first, *others = (Image.fromarray(p).quantize(dither=Image.Dither.NONE) for p in pictures)
            duration = max(20, round(1000 / frames_per_second))
            first.save(path, save_all=True, append_images=others, duration=duration, loop=0)
    except OSError as error:
        raise ValueError(f"cannot write {path}: {error.strerror or error}") from None


def rendered(frames: Iterable[ProcessedFrame], panel_height: int) -> Iterator[NDArray[np.uint8]]:
    """Each frame's panels as one picture."""
    for processed in frames:
        yield side_by_side(processed, panel_height)


def _sheet(pictures: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    count = min(SHEET_ROWS, len(pictures))
    rows = [pictures[i] for i in np.linspace(0, len(pictures) - 1, count).round().astype(int)]
    gap = np.full((_GAP, rows[0].shape[1], 3), _BACKGROUND, np.uint8)
    return np.concatenate([part for row in rows for part in (row, gap)][:-1])


def _on_dark(panel: Rgba) -> NDArray[np.uint8]:
    """The panel's colours where it is opaque, the background's where it is transparent."""
    opaque = panel[..., 3:] > 0
    return np.where(opaque, panel[..., :3], np.uint8(_BACKGROUND))
