"""The evaluation's strongest rival: the motion of a codec, then the cells that are still most wrong."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autogaze_web.frames.rgba import as_frame, as_words
from autogaze_web.masks.block_motion import displacements, predicted
from autogaze_web.masks.cells import Cells
from autogaze_web.masks.patch_diff import patch_difference
from autogaze_web.masks.update_plan import UpdatePlan, plan_update
from autogaze_web.panels.metrics import psnr_of, squared_error
from autogaze_web.panels.output import Accumulator

from .measure import Clip, Run
from .policies import GRID, cells_of

MOTION = "block motion"


def motion_run(clip: Clip, pixels: list[int]) -> Run:
    """Copies the blocks that moved, which costs no pixels, then overwrites at least so many pixels.

    Args:
        clip: the frames; the first is a keyframe, as for every method.
        pixels: the minimum for each frame, from a run of the model.
    """
    height, width = clip[0].shape[:2]
    output, cells, written, errors = clip[0], [], [], []
    for frame, least in zip(clip[1:], pixels[1:], strict=True):
        moved = as_frame(predicted(output, displacements(output, frame)))
        order = np.argsort(-patch_difference(moved, frame, GRID).reshape(-1), kind="stable")
        chosen, plan = _covering(order, least, height, width)
        accumulator = Accumulator()
        accumulator.update(moved, plan)
        accumulator.update(frame, plan)
        output = accumulator.image
        cells.append(chosen)
        written.append(plan.pixel_count)
        errors.append(squared_error(as_words(frame), as_words(output)))
    return Run(
        [Cells.none(), *cells],
        [height * width, *written],
        float(np.mean([len(each) for each in cells])),
        float(np.mean(written)) / (height * width),
        psnr_of(max(1, round(sum(errors) / len(errors))), height * width),
    )


def _covering(order: NDArray[np.intp], least: int, height: int, width: int) -> tuple[Cells, UpdatePlan]:
    """The first cells that cover at least so many pixels, and their plan."""
    low, high = 0, order.size
    while low < high:
        middle = (low + high) // 2
        enough = plan_update(cells_of(order[:middle]), height, width).pixel_count >= least
        low, high = (low, middle) if enough else (middle + 1, high)
    chosen = cells_of(order[:low])
    return chosen, plan_update(chosen, height, width)
