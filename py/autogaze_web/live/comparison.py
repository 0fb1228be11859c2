"""Another mask source on the frames that a model works on, with as much of each frame as the model chose.

The other source chooses cells of patch-diff's grid, the best first, until they cover as many pixels as the
model's cells, or until there are as many of them. Block motion moves the blocks of its own last output first,
as a codec does; that takes no pixels of the frame.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ..frames.rgba import Rgba
from ..masks.block_motion import displacements, predicted
from ..masks.cells import Cells
from ..masks.fixations import Fixations
from ..masks.patch_diff import active_cells, patch_difference
from ..masks.update_plan import Lattice
from .frame_report import FrameReport
from .settings import LiveSettings
from .view import LiveView

Rival = Literal["patch-diff", "random", "block-motion"]
Budget = Literal["pixels", "tokens", "own"]
RIVALS: tuple[str, ...] = get_args(Rival)
BUDGETS: tuple[str, ...] = get_args(Budget)


@dataclass(frozen=True)
class ComparisonSettings:
    """What a model is compared with.

    Attributes:
        rival: ``patch-diff``, the cells that changed most since the frame before; ``random``; or
            ``block-motion``, the cells that are most wrong once all blocks were copied from where they were
            in the rival's last output (in the frame before, where the output shows whole frames).
        budget: what the rival has as much of in each frame as the model: ``pixels`` (to within one cell) or
            ``tokens``; ``own``: patch-diff's threshold decides instead; random cells, which have none, get as
            many pixels.

    Raises:
        ValueError: for another name.
    """

    rival: Rival = "patch-diff"
    budget: Budget = "pixels"

    def __post_init__(self) -> None:
        if self.rival not in RIVALS:
            raise ValueError(f"a model is compared with one of {', '.join(RIVALS)}, got {self.rival!r}")
        if self.budget not in BUDGETS:
            raise ValueError(f"a comparison's budget is {', '.join(BUDGETS)}, got {self.budget!r}")


class Comparison:
    """The rival's stream.

    Attributes:
        view: its panels.

    Examples:
        The model chose a quarter of the frame; the rival gets as many pixels:

        >>> import numpy as np
        >>> from autogaze_web import Cells, LiveSettings
        >>> comparison = Comparison(ComparisonSettings(), LiveSettings())
        >>> frames = np.zeros((2, 140, 140, 4), np.uint8)
        >>> frames[1, :100] = 200
        >>> for frame in frames:
        ...     report = comparison.step(frame, Cells.of(grid=2, row=0, col=0), pixels=4900)
        >>> report.cells, report.mask_pixels
        (49, 4900)
    """

    def __init__(self, settings: ComparisonSettings, view: LiveSettings) -> None:
        self.view: LiveView = LiveView(view)
        self._settings = settings
        self._seen = 0  # the index of the model's view when it was stepped beside last
        self._own_frames = LiveView(LiveSettings(psnr=False), draw_mask=False)

    def step(self, frame: Rgba, chosen: Cells | Fixations, pixels: int) -> FrameReport:
        """Processes the frame that the model worked on, where there is no view of the model.

        Args:
            frame: (H, W, 4) uint8.
            chosen: the model's cells.
            pixels: how many pixels they cover.
        """
        self._own_frames.step(frame, chosen)
        return self.step_beside(self._own_frames, pixels)

    def step_beside(self, model: LiveView, pixels: int) -> FrameReport:
        """Processes the frame that the model's view has just processed, in that view's own memory.

        Args:
            model: with the model's cells; the same one at each call.
            pixels: how many pixels they cover.
        """
        if model.index == 1:
            self.view.restart()
        # What block motion does to the output the view learns by comparing all of it with the frame.
        follows = model.index == self._seen + 1 and self._settings.rival != "block-motion"
        self.view.share_frames(model, follows)
        self._seen = model.index
        if self._settings.rival == "block-motion" and self.view.index:
            return self._move_and_process(model.cells, pixels)
        return self._process(model.cells, pixels, self.view.frame)

    def _move_and_process(self, chosen: Cells | Fixations, pixels: int) -> FrameReport:
        view, rebuilds = self.view, self.view.settings.accumulation.mode == "interframe"
        last = view.output if rebuilds else view.frame
        moved = predicted(last, displacements(last, view.pending))
        if rebuilds:
            np.copyto(view.output, moved)
        report = self._process(chosen, pixels, moved)
        return replace(report, output_box=(0, 0, report.height, report.width))

    def _process(self, chosen: Cells | Fixations, pixels: int, before: Rgba) -> FrameReport:
        """Processes the frame, given what the rival has of it already."""
        budget, rival = self._settings.budget, self._settings.rival
        if budget == "own" and rival == "patch-diff":
            return self.view.process()
        if budget == "own" and rival == "block-motion" and self.view.index:
            return self.view.process(self.view.settings.patch_diff(before, self.view.pending))
        ranked = self._ranked(before)
        count = len(chosen) if budget == "tokens" else self._count_for(ranked, pixels)
        return self.view.process(_first(ranked, count))

    def _ranked(self, before: Rgba) -> Cells:
        """All cells that the rival might choose, the best first."""
        source = self.view.settings.patch_diff
        if self._settings.rival == "random":
            order = _shuffled(source.grid**2, self.view.index)
            return Cells.of(source.grid, order // source.grid, order % source.grid)
        if self.view.index == 0:
            return Cells.none()
        return active_cells(patch_difference(before, self.view.pending, source.grid), 0)

    def _count_for(self, ranked: Cells, pixels: int) -> int:
        """How many of the cells cover about as many pixels, to within half a cell."""
        height, width = self.view.pending.shape[:2]
        cells = _first(ranked, len(ranked))
        rectangles = self.view.settings.mask.footprint(cells, height, width).rectangles
        covered = Lattice.of(rectangles, height, width).covered_up_to(rectangles)
        # Of a hidden grid there are no rectangles.
        covered = np.append(covered, np.full(len(ranked) + 1 - covered.size, covered[-1]))
        count = int(np.searchsorted(covered[:-1], pixels))
        return count - 1 if count and pixels - covered[count - 1] < covered[count] - pixels else count


def _first(cells: Cells, count: int) -> Cells:
    first = slice(count)
    # A score is no confidence: a cell that was chosen is chosen.
    return Cells.of(cells.grid[first], cells.row[first], cells.col[first])


def _shuffled(count: int, seed: int) -> NDArray[np.intp]:
    """The numbers below ``count`` in an order that looks random; the page has no ``numpy.random``.

    They are sorted by the hash of SplitMix64 (Steele et al. 2014).
    """
    value = np.arange(count, dtype=np.uint64) + np.uint64(seed * count + 1)
    value *= np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.argsort(value ^ (value >> np.uint64(31)))
