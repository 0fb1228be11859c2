"""Runs the page's accumulation with the cells of the model, or of a simpler method at the same cost."""

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
    """The result for a clip. The means exclude the first frame, which is a keyframe.

    Attributes:
        cells: the cells chosen in each frame.
        pixels: the number of pixels written in each frame.
        tokens: mean number of cells per frame.
        ratio: mean share of the pixels written per frame, 0 .. 1.
        psnr: in dB, from the mean squared error over all frames.
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
    # If output and input are equal, count an error of one level in one value of a frame.
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
    """Runs the model as a live stream.

    Args:
        model: the model to run.
        processor: its image processor.
        clip: the frames.
        max_tokens: largest number of tokens per frame.
        requirement: task loss at which a frame ends; None to use all tokens in every frame.
    """
    never = -math.inf if requirement is None else requirement
    stream = model.stream(gazing_ratio=1.0, task_loss_requirement=never, max_tokens=max_tokens)
    cells = []
    for frame in clip:
        cells.append(stream.step(processor(frame[None, ..., :3])[0]).cells())
    return accumulate(clip, cells)


BASELINES = ("patch-diff", "random", "fixed grid", "round robin")


def baseline_run(name: str, clip: Clip, pixels: list[int]) -> Run:
    """Runs a baseline that writes at least a given number of pixels in each frame.

    Args:
        name: one of ``BASELINES``.
        clip: the frames.
        pixels: the minimum for each frame, from a run of the model.
    """
    turn = InTurn()
    orders: dict[str, Order] = {
        "patch-diff": patch_diff,
        "random": random_cells,
        "fixed grid": fixed_grid,
        "round robin": turn,
    }
    height, width = clip[0].shape[:2]
    cells = [Cells.none()]
    for index in range(1, len(clip)):
        order = orders[name](clip[index - 1], clip[index], index)
        count = 0
        while plan_update(cells_of(order[:count]), height, width).pixel_count < pixels[index]:
            # Each cell covers about 1/196 of the frame: the remaining pixels need at least this many.
            done = plan_update(cells_of(order[:count]), height, width).pixel_count
            count += max(1, (pixels[index] - done) * order.size // (height * width) - 1)
        turn.took(count)
        cells.append(cells_of(order[:count]))
    return accumulate(clip, cells)
