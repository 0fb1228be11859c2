"""The page's own accumulation, fed by the model or by something simpler at the same cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autogaze_web.frames.rgba import Rgba, as_words
from autogaze_web.masks.cells import Cells
from autogaze_web.masks.update_plan import plan_update
from autogaze_web.model.processor import AutoGazeImageProcessor
from autogaze_web.native.autogaze import AutoGaze
from autogaze_web.panels.metrics import psnr_of, squared_error
from autogaze_web.panels.output import Accumulator

from .policies import InTurn, Order, cells_of, fixed_grid, patch_diff, random_cells

Clip = Sequence[Rgba]


@dataclass(frozen=True)
class Run:
    """A clip with the cells chosen for it; the first frame is a keyframe and counts for nothing.

    Attributes:
        cells: of each frame.
        pixels: written in each frame.
        tokens: mean number of cells a frame.
        ratio: mean share of the pixels written a frame, 0 .. 1.
        psnr: in dB, of the mean squared error over all frames.
    """

    cells: list[Cells]
    pixels: list[int]
    tokens: float
    ratio: float
    psnr: float


def accumulate(clip: Clip, cells: list[Cells]) -> Run:
    """Runs the page's ``interframe`` output over a clip."""
    height, width = clip[0].shape[:2]
    accumulator, pixels, errors = Accumulator(), [], []
    for frame, chosen in zip(clip, cells, strict=True):
        plan = plan_update(chosen, height, width)
        accumulator.update(frame, plan)
        pixels.append(plan.pixel_count)
        errors.append(squared_error(as_words(frame), as_words(accumulator.image)))
    mean = sum(errors[1:]) / (len(errors) - 1)
    # Equal to the last bit: the error of a single level in a single value of a frame.
    psnr = psnr_of(max(1, round(mean)), height * width)
    return Run(
        cells,
        pixels,
        float(np.mean([len(chosen) for chosen in cells[1:]])),
        float(np.mean(pixels[1:])) / (height * width),
        psnr,
    )


def gaze_run(
    model: AutoGaze,
    processor: AutoGazeImageProcessor,
    clip: Clip,
    max_tokens: int,
    requirement: float | None = None,
) -> Run:
    """The model's cells, as a live stream chooses them.

    Args:
        max_tokens: most tokens a frame.
        requirement: task loss at which a frame ends; None: each takes all its tokens.
    """
    never = -math.inf if requirement is None else requirement
    stream = model.stream(gazing_ratio=1.0, task_loss_requirement=never, max_tokens=max_tokens)
    cells = []
    for frame in clip:
        cells.append(stream.step(processor(frame[None, ..., :3])[0]).cells())
    return accumulate(clip, cells)


BASELINES = ("patch-diff", "random", "fixed grid", "in turn")


def baseline_run(name: str, clip: Clip, pixels: list[int]) -> Run:
    """A baseline that writes in each frame at least as many pixels as were written there before it.

    Args:
        name: one of ``BASELINES``.
        pixels: of each frame, as in a run of the model.
    """
    turn = InTurn()
    orders: dict[str, Order] = {
        "patch-diff": patch_diff,
        "random": random_cells,
        "fixed grid": fixed_grid,
        "in turn": turn,
    }
    height, width = clip[0].shape[:2]
    cells = [Cells.none()]
    for index in range(1, len(clip)):
        order = orders[name](clip[index - 1], clip[index], index)
        count = 0
        while plan_update(cells_of(order[:count]), height, width).pixel_count < pixels[index]:
            # Every cell is about the 196th part of the frame: the rest cannot be done with fewer.
            done = plan_update(cells_of(order[:count]), height, width).pixel_count
            count += max(1, (pixels[index] - done) * order.size // (height * width) - 1)
        turn.took(count)
        cells.append(cells_of(order[:count]))
    return accumulate(clip, cells)
