"""Mask sources: whatever chooses the cells of one frame after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from ..frames.rgba import Rgba
from ..masks.cells import Cells
from ..masks.choice import Choice, Description
from ..masks.fixations import Fixations
from ..masks.patch_diff import PatchDiff

FrameComparison = Callable[[Rgba, Rgba], Cells | Fixations]
"""Chooses the cells of a frame, given the previous frame and this one."""


@runtime_checkable
class MaskSource(Protocol):
    """Chooses the cells of one frame after the other."""

    def describe(self) -> Description:
        """The source and its settings, for the trace's head."""

    def choose(self, frame: Rgba) -> Choice:
        """The cells of the next frame, (H, W, 4) uint8.

        A frame stays unchanged until the next one was chosen from; copy what must last longer.
        """


class ComparisonSource:
    """A function of two frames, such as `PatchDiff`, as a mask source.

    The first frame of a size has no predecessor: nothing is chosen of it.

    Args:
        compare: the function.
    """

    def __init__(self, compare: FrameComparison) -> None:
        self._compare = compare
        self._previous: Rgba | None = None

    def describe(self) -> Description:
        """See `MaskSource`; a function other than patch-diff is described by its name."""
        if isinstance(self._compare, PatchDiff):
            return self._compare.describe()
        return {"name": getattr(self._compare, "__name__", type(self._compare).__name__), "grids": []}

    def choose(self, frame: Rgba) -> Choice:
        """See `MaskSource`."""
        previous, self._previous = self._previous, frame
        if previous is None or previous.shape != frame.shape:
            return Choice.none()
        return Choice.of(self._compare(previous, frame))
