"""The output panel: what a viewer would see who is sent only the cells that matter.

``interframe`` keeps the last output and copies the covered pixels of each new frame into it, like a video
codec's predicted frames. ``full-blend`` shows the current frame with the covered pixels blended with
white, each once however many cells overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from ..frames import changes
from ..frames.rgba import Rgba, allocate, words
from ..frames.words import BlendWeights
from ..masks.update_plan import Box, UpdatePlan, bounding_box
from .plan_pixels import copy_plan, covered_blocks, lighten_plan

OutputMode = Literal["interframe", "full-blend"]
OUTPUT_MODES: tuple[str, ...] = get_args(OutputMode)


@dataclass(frozen=True)
class Accumulation:
    """Settings of the output.

    Attributes:
        mode: ``interframe`` or ``full-blend``.
        keyframe_interval: every so many frames a whole frame is sent; 0 means only the first one and
            those after a change of size or mode.
        blend_alpha: weight of white in ``full-blend``, 0 .. 1.
    """

    mode: OutputMode = "interframe"
    keyframe_interval: int = 0
    blend_alpha: float = 0.38

    def __post_init__(self) -> None:
        if self.mode not in OUTPUT_MODES:
            raise ValueError(f"the output mode is one of {', '.join(OUTPUT_MODES)}, got {self.mode!r}")
        if self.keyframe_interval < 0:
            raise ValueError(
                f"the keyframe interval is a number of frames, 0 for never, got {self.keyframe_interval}"
            )
        BlendWeights.of(self.blend_alpha)


@dataclass(frozen=True)
class OutputUpdate:
    """What one frame did to the output.

    Attributes:
        keyframe: whether the whole frame was taken over.
        updated_pixels: pixels written: all of a keyframe, else those of the plan.
        written: blocks (``changes.block_grid``) in which the output may differ from before.
        box: around all pixels of the output that may differ from before.
        equal: blocks in which the output now equals the input for certain.
    """

    keyframe: bool
    updated_pixels: int
    written: changes.BlockFlags
    box: Box
    equal: changes.BlockFlags


class Accumulator:
    """The persistent output of one stream of frames; ``image`` is (H, W, 4) uint8 after the first update."""

    def __init__(self, settings: Accumulation | None = None):
        self.settings = settings or Accumulation()
        self.image: Rgba = allocate(1, 1)
        self._index = 0

    def configure(self, settings: Accumulation) -> None:
        """Takes new settings; a new mode starts over with a keyframe, a new interval does not."""
        if settings.mode != self.settings.mode:
            self.reset()
        self.settings = settings

    def reset(self) -> None:
        """Makes the next frame a keyframe."""
        self._index = 0

    def update(self, frame: Rgba, plan: UpdatePlan, again: bool = False) -> OutputUpdate:
        """Brings the output up to a new frame of which only the planned pixels are known.

        Args:
            frame: (H, W, 4) uint8; another size than the last one's starts over.
            plan: the pixels that the cells cover in this frame.
            again: it is the last frame once more, which counts for no keyframe.
        """
        height, width = frame.shape[:2]
        if self.image.shape != frame.shape:
            self.image = allocate(height, width)
            self.reset()
        interval = self.settings.keyframe_interval
        due = interval > 0 and self._index % interval == 0
        keyframe = self._index == 0 or (due and not again)
        if keyframe or not again:
            self._index += 1
        grid = changes.block_grid(words(frame).shape)
        if keyframe:
            self.image[:] = frame
            everywhere = np.ones(grid, np.bool_)
            return OutputUpdate(True, height * width, everywhere, (0, 0, height, width), everywhere)
        touched, inside = covered_blocks(plan)
        if self.settings.mode == "interframe":
            copy_plan(self.image, frame, plan)
            written, equal = touched, inside
            box = bounding_box(plan.rectangles)
        else:
            self.image[:] = frame
            lighten_plan(self.image, frame, plan, self.settings.blend_alpha)
            box = (0, 0, height, width)
            written, equal = np.ones(grid, np.bool_), ~touched
        return OutputUpdate(False, plan.pixel_count, written, box, equal)
