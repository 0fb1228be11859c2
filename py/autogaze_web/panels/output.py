"""The output panel: what a viewer would see who receives only the selected cells.

``interframe`` keeps the previous output and copies the covered pixels of each new frame into it, like the
predicted frames of a video codec. ``full-blend`` shows the current frame with the covered pixels blended
with white, each pixel once however many cells overlap there.

An update plan is applied to pixels in one of two ways with the same result. *Sparse*: rectangle by rectangle,
at the cost of the pixels plus a little for each rectangle. *Dense*: the whole frame through a mask, whatever
the plan. Which is faster depends on the number of pixels per rectangle; ``python tests/bench/crossover.py``
measures the break-even point.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ..frames import changes
from ..frames.pixel_kernels import blended_paints, installed
from ..frames.rectangles import Box, IntArray, bands
from ..frames.rgba import Rgba, allocate, as_words
from ..frames.words import BlendWeights, blend, both_lanes
from ..masks.update_plan import UpdatePlan

OutputMode = Literal["interframe", "full-blend"]
OUTPUT_MODES: tuple[str, ...] = get_args(OutputMode)

WHITE = 255

# Plans with fewer frame pixels per rectangle are applied densely: limits for copying and for blending.
DENSE_BELOW, DENSE_BLEND_BELOW = 2500, 6000


@dataclass(frozen=True)
class Accumulation:
    """Settings of the output.

    Attributes:
        mode: ``interframe`` or ``full-blend``.
        keyframe_interval: number of frames from one keyframe to the next; 0 for a keyframe only at the start
            and after a change of size or mode.
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


@dataclass(frozen=True, eq=False)
class OutputDrawing:
    """What is to become of the output at one frame.

    Attributes:
        kind: ``keyframe`` for the whole frame, ``copy`` for the plan's pixels of it over the output before,
            ``lighten`` for the whole frame with the plan's pixels blended with white.
        plan: the pixels that the frame's cells cover.
        alpha: weight of white, 0 .. 1.
    """

    kind: Literal["keyframe", "copy", "lighten"]
    plan: UpdatePlan
    alpha: float

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the frame in pixels."""
        return int(self.plan.lattice.rows[-1]), int(self.plan.lattice.columns[-1])

    @property
    def keyframe(self) -> bool:
        """Whether the output takes the whole frame."""
        return self.kind == "keyframe"

    @property
    def updated_pixels(self) -> int:
        """Number of pixels updated: all of a keyframe, otherwise those of the plan."""
        return math.prod(self.size) if self.keyframe else self.plan.pixel_count

    @property
    def box(self) -> Box:
        """A box around all pixels of the output that may change."""
        return self.plan.box if self.kind == "copy" else (0, 0, *self.size)


class OutputSchedule:
    """Decides what each frame of a stream does to the output, without touching pixels."""

    def __init__(self, settings: Accumulation) -> None:
        self.settings: Accumulation = settings
        self._index = 0

    def configure(self, settings: Accumulation) -> None:
        """Changes the settings; a new mode restarts with a keyframe, a new interval does not."""
        if settings.mode != self.settings.mode:
            self.reset()
        self.settings = settings

    def reset(self) -> None:
        """Makes the next frame a keyframe."""
        self._index = 0

    @property
    def keeps_output(self) -> bool:
        """Whether the next frame keeps the output outside its plan."""
        interval = self.settings.keyframe_interval
        due = interval > 0 and self._index % interval == 0
        return self._index > 0 and not due and self.settings.mode == "interframe"

    def next(self, plan: UpdatePlan, redraw: bool = False) -> OutputDrawing:
        """The next frame's drawing.

        Args:
            plan: the pixels that the cells cover in this frame.
            redraw: whether this is the previous frame again, which does not count towards the interval.
        """
        interval = self.settings.keyframe_interval
        due = interval > 0 and self._index % interval == 0
        keyframe = self._index == 0 or (due and not redraw)
        if keyframe or not redraw:
            self._index += 1
        alpha = self.settings.blend_alpha
        if keyframe:
            return OutputDrawing("keyframe", plan, alpha)
        return OutputDrawing("copy" if self.settings.mode == "interframe" else "lighten", plan, alpha)


@dataclass(frozen=True)
class OutputUpdate:
    """How one frame changed the output.

    Attributes:
        keyframe: whether the whole frame was copied.
        updated_pixels: number of pixels updated: all of a keyframe, otherwise those of the plan.
        written: blocks (``changes.block_grid``) in which the output may have changed.
        box: a box around all pixels of the output that may have changed.
        equal: blocks in which the output is known to equal the input.
    """

    keyframe: bool
    updated_pixels: int
    written: changes.BlockFlags
    box: Box
    equal: changes.BlockFlags


def draw_output(image: Rgba, frame: Rgba, drawing: OutputDrawing) -> OutputUpdate:
    """Draws one frame's output.

    Args:
        image: (H, W, 4) uint8, the output after the frame before.
        frame: (H, W, 4) uint8.
        drawing: for a frame of this size.
    """
    grid = changes.block_grid(as_words(frame).shape)
    if drawing.kind == "keyframe":
        image[:] = frame
        written = equal = np.ones(grid, np.bool_)
    else:
        if drawing.kind == "copy":
            written, equal = _copy_blocks(image, frame, drawing.plan)
        else:
            touched, _ = covered_blocks(drawing.plan)
            image[:] = frame
            lighten_plan(image, frame, drawing.plan, drawing.alpha)
            written, equal = np.ones(grid, np.bool_), ~touched
    return OutputUpdate(drawing.keyframe, drawing.updated_pixels, written, drawing.box, equal)


class Accumulator:
    """The persistent output of one stream of frames; ``image`` is (H, W, 4) uint8 after the first update."""

    def __init__(self, settings: Accumulation | None = None):
        self._schedule = OutputSchedule(settings or Accumulation())
        self.image: Rgba = allocate(1, 1)

    def configure(self, settings: Accumulation) -> None:
        """Changes the settings; a new mode restarts with a keyframe, a new interval does not."""
        self._schedule.configure(settings)

    def reset(self) -> None:
        """Makes the next frame a keyframe."""
        self._schedule.reset()

    def update(self, frame: Rgba, plan: UpdatePlan, redraw: bool = False) -> OutputUpdate:
        """Updates the output from a frame: all of it at a keyframe, otherwise the pixels of the plan.

        Args:
            frame: (H, W, 4) uint8; a change of size restarts with a keyframe.
            plan: the pixels that the cells cover in this frame.
            redraw: see `OutputSchedule.next`.
        """
        if self.image.shape != frame.shape:
            self.image = allocate(*frame.shape[:2])
            self.reset()
        return draw_output(self.image, frame, self._schedule.next(plan, redraw))


def is_dense(plan: UpdatePlan, blended: bool = False) -> bool:
    """Whether copying (or blending) the whole frame through a mask is cheaper than rectangle by rectangle."""
    limit = DENSE_BLEND_BELOW if blended else DENSE_BELOW
    return int(plan.lattice.rows[-1]) * int(plan.lattice.columns[-1]) < limit * len(plan.rectangles)


def copy_plan(output: Rgba, frame: Rgba, plan: UpdatePlan) -> None:
    """Copies the planned pixels of a frame into the output."""
    (copy_dense if is_dense(plan) else copy_sparse)(output, frame, plan)


def copy_sparse(output: Rgba, frame: Rgba, plan: UpdatePlan) -> None:
    """``copy_plan``, rectangle by rectangle."""
    for y0, x0, y1, x1 in plan.rectangles.tolist():
        output[y0:y1, x0:x1] = frame[y0:y1, x0:x1]


def copy_dense(output: Rgba, frame: Rgba, plan: UpdatePlan) -> None:
    """``copy_plan``, through a mask of the whole frame."""
    np.copyto(_whole(output), _whole(frame), where=plan.pixels())


def _copy_blocks(
    output: Rgba, frame: Rgba, plan: UpdatePlan
) -> tuple[changes.BlockFlags, changes.BlockFlags]:
    """``copy_plan``; returns the ``covered_blocks``."""
    if kernels := installed():
        pixels = kernels.copy_rectangles(as_words(output), as_words(frame), plan.rectangles)
        return pixels > 0, pixels == _block_edges(*frame.shape[:2])[2]
    copy_plan(output, frame, plan)
    return covered_blocks(plan)


def lighten_plan(output: Rgba, frame: Rgba, plan: UpdatePlan, alpha: float) -> None:
    """Writes the planned pixels of a frame, blended with white, into the output."""
    if kernels := installed():
        white = blended_paints(np.full((1, 3), WHITE, np.uint8), BlendWeights.of(alpha))
        rectangles = np.zeros((len(plan.rectangles), 5), np.int32)
        rectangles[:, :4] = plan.rectangles
        kernels.paint_rectangles(as_words(output), as_words(frame), rectangles, white)
        return
    (lighten_dense if is_dense(plan, blended=True) else lighten_sparse)(output, frame, plan, alpha)


def lighten_sparse(output: Rgba, frame: Rgba, plan: UpdatePlan, alpha: float) -> None:
    """``lighten_plan``, rectangle by rectangle."""
    weights, white = _white(alpha)
    source = as_words(frame)
    target = _whole(output)
    for rectangle in plan.rectangles.tolist():
        for y0, x0, y1, x1 in bands(rectangle):
            mixed = blend(source[y0:y1, x0 // 2 : -(-x1 // 2)], white, weights).view(np.uint32)
            target[y0:y1, x0:x1] = mixed[:, x0 % 2 : x0 % 2 + x1 - x0]


def lighten_dense(output: Rgba, frame: Rgba, plan: UpdatePlan, alpha: float) -> None:
    """``lighten_plan``, through a mask of the whole frame."""
    weights, white = _white(alpha)
    source, target, mask = as_words(frame), _whole(output), plan.pixels()
    for y0, _, y1, _ in bands((0, 0, *frame.shape[:2])):
        rows = slice(y0, y1)
        mixed = blend(source[rows], white, weights).view(np.uint32)
        np.copyto(target[rows], mixed[:, : target.shape[1]], where=mask[rows])


def covered_blocks(plan: UpdatePlan) -> tuple[changes.BlockFlags, changes.BlockFlags]:
    """The blocks (``changes.block_grid``) that a plan touches, and those that it covers completely."""
    rows, columns = plan.lattice.rows, plan.lattice.columns
    y, x, area = _block_edges(int(rows[-1]), int(columns[-1]))
    heights = _sums_between(y, plan.covered.T, rows).T
    pixels = _sums_between(x, heights, columns)
    return pixels > 0, pixels == area


@lru_cache(maxsize=8)
def _block_edges(height: int, width: int) -> tuple[IntArray, IntArray, IntArray]:
    """The edges of a frame's blocks along both axes, and the number of pixels in each block."""
    y, x = (
        np.minimum(np.arange(0, extent + size, size, dtype=np.int32), extent)
        for extent, size in ((height, changes.BLOCK_ROWS), (width, 2 * changes.BLOCK_WORDS))
    )
    return y, x, np.multiply.outer(np.diff(y), np.diff(x))


def _sums_between(edges: IntArray, values: NDArray[Any], lines: IntArray) -> IntArray:
    """Sums over the pixels between neighbouring edges of values that are constant within each atom.

    Args:
        edges: (E,) pixel edges, ascending from the first to the last line.
        values: (N, A), one value for each atom between the lines.
        lines: (A + 1,) pixel edges of a lattice.

    Returns:
        (N, E - 1).
    """
    before = np.zeros((len(values), len(lines)), np.int32)
    np.cumsum(values * (lines[1:] - lines[:-1]), axis=1, out=before[:, 1:])
    atom = np.searchsorted(lines[1:-1], edges, side="right")
    up_to: IntArray = before[:, atom] + values[:, atom] * (edges - lines[atom])
    return up_to[:, 1:] - up_to[:, :-1]


def _white(alpha: float) -> tuple[BlendWeights, NDArray[np.uint64]]:
    weights = BlendWeights.of(alpha)
    return weights, both_lanes(weights.addend([WHITE] * 3)).reshape(3, 1, 1)


def _whole(image: Rgba) -> NDArray[np.uint32]:
    """(H, W): each pixel as one integer."""
    return image.view(np.uint32)[..., 0]
