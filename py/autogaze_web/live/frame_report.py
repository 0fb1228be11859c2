"""What a live view tells of a processed frame."""

from __future__ import annotations

from dataclasses import dataclass

from ..frames.rectangles import Box


@dataclass(frozen=True)
class FrameReport:
    """The numbers of one processed frame.

    Attributes:
        index: frames processed before it in this stream.
        width, height: its size in pixels.
        keyframe: whether the output took the whole frame.
        cells: number of cells that the mask source chose.
        cells_by_scale: number of cells on each grid, by its cells per side, coarse to fine; hidden scales
            included.
        mask_pixels: pixels inside the cells, each counted once.
        updated_pixels: pixels of the output that were written; all of them for keyframes.
        mask_ratio: share of the frame's pixels inside the cells, 0 .. 1.
        update_ratio: share of the output's pixels that were written, 0 .. 1; NaN for keyframes.
        update_ratio_ema: its moving average, NaN until the first sample.
        psnr: PSNR of the output against the input, in dB; infinite if they are equal, NaN for keyframes and
            where it is not measured.
        psnr_ema: its moving average, NaN until the first sample.
        mask_box, output_box: y0, x0, y1, x1 around all pixels of the panels that may have changed.
        stage_ms: time spent in each stage, by name.
    """

    index: int
    width: int
    height: int
    keyframe: bool
    cells: int
    cells_by_scale: dict[int, int]
    mask_pixels: int
    updated_pixels: int
    mask_ratio: float
    update_ratio: float
    update_ratio_ema: float
    psnr: float
    psnr_ema: float
    mask_box: Box
    output_box: Box
    stage_ms: dict[str, float]
