"""What each further cell of a frame adds to the output's quality, measured now and then in a stream."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..frames.rectangles import IntArray, first_covering
from ..frames.rgba import Rgba
from ..masks.footprint import footprint
from ..panels.metrics import psnr_of
from .frame_report import FrameReport
from .view import LiveView

INTERVAL_S: Final = 1.0
"""Time between two curves in the page."""

SAMPLES: Final = 60_000
"""About the most pixels that a curve is measured on."""

MAX_POINTS: Final = 40
"""Points of a curve."""

Curve = list[tuple[int, float]]
"""Numbers of cells, ascending from 0, and the PSNR in dB of the output if no more were chosen."""


def quality_curve(
    before: Rgba, frame: Rgba, rectangles: IntArray, stride: int = 1, remaining_error: int | None = None
) -> NDArray[np.float64]:
    """PSNR in dB of an output that receives only the first k cells, for k from 0 to N; it never falls.

    Args:
        before: (h, w, 4) uint8, every ``stride``-th pixel and row of the output before the frame.
        frame: (h, w, 4) uint8, the same of the frame.
        rectangles: (N, 4) y0, x0, y1, x1, the cells' pixels in the whole frame, in the order of choice.
        stride: distance of the sampled pixels and rows.
        remaining_error: squared error of the output in the whole frame after all cells; None to measure it
            on the same pixels.

    Examples:
        The left half, then all of a white frame over a black output:

        >>> import numpy as np
        >>> black, white = (np.full((2, 4, 4), value, np.uint8) for value in (0, 255))
        >>> quality_curve(black, white, np.array([[0, 0, 2, 2], [0, 0, 2, 4]])).round(2).tolist()
        [0.0, 3.01, inf]
    """
    count = len(rectangles)
    # Of several cells that cover a pixel, the first one repairs it.
    first = first_covering(-(-rectangles // stride), *frame.shape[:2])
    difference = before[..., :3].astype(np.int32) - frame[..., :3]
    errors = (difference * difference).sum(axis=2)
    repaired = np.bincount(first.ravel(), errors.ravel(), count + 1) * stride**2
    if remaining_error is not None:
        repaired[count] = remaining_error
    left = np.cumsum(repaired[::-1])[::-1]
    pixels = frame.shape[0] * frame.shape[1] * stride**2
    return np.array([psnr_of(round(error), pixels) for error in left])


class QualityCurves:
    """Measures curves of a view's frames now and then: `prepare` before a frame, `measure` after it.

    Args:
        clock: in seconds.
        interval: seconds between two curves; 0 for one of every frame.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter, interval: float = INTERVAL_S) -> None:
        self._clock, self._interval, self._last = clock, interval, -math.inf
        self._before: Rgba | None = None
        self._stride = 1

    def prepare(self, view: LiveView) -> None:
        """Copies some pixels of the output if a curve is due and the next frame can have one."""
        self._before = None
        if self.is_due(view):
            self.take(view.output)

    def is_due(self, view: LiveView) -> bool:
        """Whether it is time for a curve and the view's next frame can have one."""
        mask = view.settings.mask
        # Each rectangle has to stand for one chosen cell.
        comparable = not mask.hidden and mask.geometry != "effective"
        interframe = view.settings.accumulation.mode == "interframe"
        return interframe and comparable and view.can_redraw and self._clock() - self._last >= self._interval

    def take(self, output: Rgba) -> None:
        """Copies some pixels of the output before a frame that is to have a curve."""
        self._last = self._clock()
        self._stride = max(1, math.ceil(math.sqrt(output.shape[0] * output.shape[1] / SAMPLES)))
        self._before = output[:: self._stride, :: self._stride].copy()

    @property
    def taken(self) -> bool:
        """Whether the next frame is to have a curve."""
        return self._before is not None

    def measure(self, view: LiveView, report: FrameReport, frame: Rgba | None = None) -> Curve | None:
        """The curve of the frame that was processed last; None if there is none.

        Args:
            frame: its pixels, if the view does not have them.
        """
        before, self._before = self._before, None
        frame = (view.frame if frame is None else frame)[:: self._stride, :: self._stride]
        if before is None or before.shape != frame.shape or report.keyframe or not len(view.cells):
            return None
        cells = footprint(view.cells, report.height, report.width, "native", view.settings.mask.cell_scale)
        remaining = _squared_error(report)
        values = quality_curve(before, frame, cells.rectangles, self._stride, remaining)
        steps = np.arange(len(values))
        if steps.size > MAX_POINTS:  # more of them where the curve is steep
            steps = np.unique(np.round(np.linspace(0, math.sqrt(steps[-1]), MAX_POINTS) ** 2).astype(np.intp))
        return [(int(step), float(values[step])) for step in steps]


def _squared_error(report: FrameReport) -> int | None:
    """The squared error that a report's PSNR stands for; None if it was not measured."""
    if math.isnan(report.psnr):
        return None
    return round(255**2 * 3 * report.width * report.height / 10 ** (report.psnr / 10))
