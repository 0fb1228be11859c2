"""The rival that copies motion first: what it gets for nothing, and what it pays for."""

from __future__ import annotations

import numpy as np

from autogaze_train.measure import baseline_run
from autogaze_train.motion_baseline import motion_run
from autogaze_web.frames.rgba import Rgba, as_frame


def panning(frames: int, step: int) -> list[Rgba]:
    coarse = np.random.default_rng(0).integers(0, 256, (28, 60, 3)).astype(np.uint8)
    wide = np.kron(coarse, np.ones((4, 4, 1), np.uint8))
    return [as_frame(wide[:, t * step : t * step + 112].copy()) for t in range(frames)]


def test_a_pan_costs_only_what_comes_into_view() -> None:
    clip = panning(4, 3)
    size = 112 * 112
    free = motion_run(clip, [size, 0, 0, 0])
    assert free.pixels == [size, 0, 0, 0]
    assert free.ratio == free.tokens == 0
    still = baseline_run("patch-diff", clip, [size, 0, 0, 0])
    assert free.psnr > still.psnr + 5
    # A column of cells of 8x8 pixels: the column of blocks that came into view is two cells wide.
    paid = motion_run(clip, [size, *[size // 7] * 3])
    assert paid.pixels[1:] == [size // 7] * 3
    assert paid.psnr > free.psnr + 5
    assert motion_run(clip, [size] * 4).psnr > 60


def test_as_many_pixels_are_written_as_asked_to_within_a_cell() -> None:
    clip = panning(3, 9)
    run = motion_run(clip, [0, 1000, 65])
    assert run.pixels[1:] == [16 * 64, 2 * 64]
    assert [len(each) for each in run.cells] == [0, 16, 2]
