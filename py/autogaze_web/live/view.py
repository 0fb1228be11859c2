"""One stream of frames through the whole path: mask source, update plan, output, mask panel, numbers."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..frames import changes
from ..frames.rectangles import Box
from ..frames.rgba import Rgba, copy_into, expect_image
from ..limits import expect
from ..masks.cells import Cells
from ..masks.fixations import Fixations, count_by_grid
from ..masks.patch_diff import active_cells, scores_of
from ..panels.metrics import BlockErrors, Ema, blocks_below, psnr_of
from ..panels.output import OutputSchedule
from ..panels.painted_mask import MaskDrawing
from .frame_report import FrameReport
from .numpy_plane import NumpyPlane
from .plane import CellSums, Draw, Drawn, Held, Receive, Request, Steps, run_steps
from .settings import LiveSettings

STALE_BELOW_DB: Final = 30.0
"""A block of the output with a lower PSNR differs visibly from the frame."""


class LiveView:
    """Processes the frames of one stream; a change of their size starts it over with a keyframe.

    Pass each frame to ``step``. To avoid a copy, write it into the buffer that ``next_frame`` returns and
    call ``process``. The panels are ``frame``, ``mask`` and ``output``, each (H, W, 4) uint8 and valid until
    the next call.

    Args:
        settings: output, mask and panel.
        draw_mask: False leaves the mask panel empty, which saves its time where nobody looks at it.

    Examples:
        Patch-diff chooses the cells:

        >>> import numpy as np
        >>> from autogaze_web import Cells, LiveView
        >>> view = LiveView()
        >>> view.step(np.zeros((90, 160, 3), np.uint8)).keyframe
        True
        >>> report = view.step(np.full((90, 160, 3), 255, np.uint8))
        >>> report.cells, report.update_ratio
        (196, 1.0)

        With cells of your own only their pixels of the output are updated:

        >>> report = view.step(np.zeros((90, 160, 3), np.uint8), Cells.of(grid=2, row=0, col=0))
        >>> report.update_ratio, view.output[0, 0, 0].item(), view.output[-1, -1, 0].item()
        (0.25, 0, 255)
    """

    def __init__(self, settings: LiveSettings | None = None, draw_mask: bool = True):
        self.settings: LiveSettings = LiveSettings() if settings is None else settings
        expect(self.settings, LiveSettings, "settings")
        self._draw_mask = draw_mask
        self._plane = NumpyPlane()
        self._cells: Cells | Fixations = Cells.none()
        self._schedule = OutputSchedule(self.settings.accumulation)
        self._keyframe: bool
        self._prepared = False
        self._ratio_ema: Ema
        self._psnr_ema: Ema
        self._errors: BlockErrors | None
        self._start(1, 1)

    @property
    def frame(self) -> Rgba:
        """The frame that was processed last."""
        return self._plane.frame

    @property
    def pending(self) -> Rgba:
        """The buffer that ``process`` will take as the next frame."""
        return self._plane.pending

    @property
    def mask(self) -> Rgba:
        """The mask panel of the last processed frame."""
        return self._plane.mask

    @property
    def output(self) -> Rgba:
        """The output panel after the last processed frame."""
        return self._plane.output

    @property
    def index(self) -> int:
        """How many frames of this stream were processed."""
        return self._index

    @property
    def cells(self) -> Cells | Fixations:
        """The cells of the last processed frame."""
        return self._cells

    def configure(self, settings: LiveSettings) -> None:
        """Takes new settings from the next frame on. A new output mode starts with a keyframe."""
        expect(settings, LiveSettings, "settings")
        self._schedule.configure(settings.accumulation)
        self.settings = settings

    @property
    def stale_blocks(self) -> changes.BlockFlags:
        """Blocks (``changes.block_grid``) in which the output differs visibly from the frame.

        All are False if the PSNR is not measured.
        """
        height, width = self._size
        if self._errors is None:
            return np.zeros(changes.block_grid((height, -(-width // 2))), np.bool_)
        return blocks_below(self._errors, height, width, STALE_BELOW_DB)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels of the last frame, or of the next one if that is known."""
        return self._size

    @property
    def can_redraw(self) -> bool:
        """Whether there is a frame of this stream to draw again."""
        return self._index > 0 and self._has_pixels

    @property
    def mask_parts(self) -> list[Box]:
        """Boxes with all pixels of ``mask`` that the last frame may have changed, and few others."""
        return self._plane.mask_parts

    @property
    def output_parts(self) -> list[Box]:
        """The same for ``output``."""
        return self._plane.output_parts

    def answer(self, request: Request) -> Any:
        """Has the view's own plane execute a request."""
        return self._plane.answer(request)

    def held(self, which: Held) -> Rgba:
        """One of the frames of the view's own plane, without a copy."""
        return self._plane.held(which)

    def free_pixels(self) -> None:
        """Frees the view's own plane, while another one has the pixels."""
        self._plane = NumpyPlane()

    def lose_pixels(self) -> None:
        """Goes on without the pixels, which were lost with the plane: the next frame is a keyframe."""
        self._has_pixels = False
        self._errors = None
        self._schedule.reset()

    def refresh(self) -> None:
        """Makes the next frame, or the next `redraw`, a keyframe."""
        self._schedule.reset()

    def restart(self) -> None:
        """Forgets the stream: the next frame is the first of a new one."""
        self._start(*self._size)

    def next_frame(self, height: int, width: int) -> Rgba:
        """The buffer (height, width, 4) uint8 to write the next frame into.

        Raises:
            ValueError: if a side is not 1 .. 16384 pixels.
        """
        self._give_up_prepared()
        buffer = self._plane.next_frame(height, width)
        self.expect_size(height, width)
        return buffer

    def share_frames(self, other: LiveView, follows: bool) -> None:
        """Takes the frame that another view has processed as the next one for `process`, without a copy.

        Both views have its last two frames then, which must stay as they are until this one is done.

        Args:
            other: the view.
            follows: whether this view has processed the frame before, and the other one nothing between.
        """
        self.expect_size(*other.frame.shape[:2])
        self._plane.share_frames(other._plane, follows)

    def step(self, image: NDArray[np.uint8], cells: Cells | Fixations | None = None) -> FrameReport:
        """Processes the next frame.

        Args:
            image: (H, W, 3) or (H, W, 4) uint8.
            cells: the frame's, from any mask source; by default patch-diff chooses them.

        Raises:
            ValueError: if the image has another rank, dtype or number of channels, or an impossible size.
        """
        _check_cells(cells)
        image = expect_image(image)
        copy_into(self.next_frame(*image.shape[:2]), image)
        return self.process(cells)

    def process(self, cells: Cells | Fixations | None = None) -> FrameReport:
        """Processes the frame that was written into ``next_frame``'s buffer.

        Args:
            cells: the frame's, from any mask source; by default patch-diff chooses them.
        """
        return run_steps(self.frame_steps(cells), self._plane.answer)

    def redraw(self, cells: Cells | Fixations | None = None) -> FrameReport:
        """Processes the last frame again with the current settings; the output continues from its last state.

        The report replaces the previous one: it has the same index and does not count in averages.

        Args:
            cells: the frame's, from any mask source; by default patch-diff chooses them from the same two
                frames as before. The buffer of ``next_frame`` must not have been written to since.

        Raises:
            RuntimeError: if no frame of this stream was processed yet.
        """
        return run_steps(self.frame_steps(cells, redraw=True), self._plane.answer)

    def prepare(self) -> None:
        """Does all that the frame in ``next_frame``'s buffer needs before its cells are known.

        `process`, which does it otherwise, has less to do then. Only for frames of the view's own plane.
        """
        if self._prepared:
            return
        self._plane.answer(Receive(*self._size))
        self._prepared = True
        if self.settings.psnr and self._schedule.keeps_output:
            self._plane.measure_ahead()

    def frame_steps(self, cells: Cells | Fixations | None = None, redraw: bool = False) -> Steps[FrameReport]:
        """`process`, or `redraw`, as requests to the plane that has the pixels (``live.plane``).

        Raises:
            RuntimeError: as `redraw`.
        """
        if redraw and not self.can_redraw:
            raise RuntimeError("there is no frame to redraw: process one first")
        _check_cells(cells)
        clock = _StageClock()
        height, width = self._size
        if not redraw:
            if not self._prepared:
                yield Receive(height, width)
            self._prepared = False
            self._first = self._index == 0 or not self._has_pixels
        clock.lap("changes")
        self._cells = (yield from self._choose_cells()) if cells is None else cells
        clock.lap("mask")
        settings, blend_alpha = self.settings, self.settings.accumulation.blend_alpha
        mask = settings.mask.footprint(self._cells, height, width)
        drawing = self._schedule.next(mask.plan, redraw)
        keyframe = self._keyframe = drawing.keyframe or (redraw and self._keyframe)
        clock.lap("plan")
        panel = MaskDrawing(mask, settings.mask.panel, blend_alpha, settings.mask.palette)
        drawn: Drawn = yield Draw(drawing, panel if self._draw_mask else None, settings.psnr)
        clock.insert(drawn.stage_ms)
        self._index += not redraw
        self._has_pixels = True
        self._errors = drawn.errors
        ratio, psnr = math.nan, math.nan
        if not keyframe:
            ratio = drawing.updated_pixels / (height * width)
            if drawn.errors is not None:
                psnr = psnr_of(int(drawn.errors.sum()), height * width)
                if not redraw:
                    self._psnr_ema.add(psnr)
            if not redraw:
                self._ratio_ema.add(ratio)
        clock.lap("metrics")
        return FrameReport(
            index=self._index - 1,
            width=width,
            height=height,
            keyframe=keyframe,
            cells=len(self._cells),
            cells_by_scale=count_by_grid(self._cells),
            mask_pixels=mask.plan.pixel_count,
            updated_pixels=height * width if keyframe else drawing.updated_pixels,
            mask_ratio=mask.plan.ratio,
            update_ratio=ratio,
            update_ratio_ema=self._ratio_ema.value,
            psnr=psnr,
            psnr_ema=self._psnr_ema.value,
            mask_box=drawn.mask_box,
            output_box=drawing.box,
            stage_ms=clock.milliseconds,
        )

    def expect_size(self, height: int, width: int) -> None:
        """Starts over if the next frame has another size; `next_frame` does so by itself."""
        if self._size != (height, width):
            self._start(height, width)

    def _give_up_prepared(self) -> None:
        """A frame that was prepared is not processed: another one comes, or a new stream."""
        if self._prepared:
            self._prepared = False
            self._plane.give_up()

    def _start(self, height: int, width: int) -> None:
        self._give_up_prepared()
        self._size = (height, width)
        self._index = 0
        self._first, self._keyframe, self._has_pixels = True, True, True
        self._cells = Cells.none()
        self._ratio_ema, self._psnr_ema = Ema(), Ema()
        self._errors = None
        self._schedule.reset()

    def _choose_cells(self) -> Steps[Cells]:
        if self._first:
            return Cells.none()
        source = self.settings.patch_diff
        sums = yield CellSums(source.grid, *self._size)
        return active_cells(scores_of(sums, *self._size), source.threshold)


def _check_cells(cells: object) -> None:
    if cells is not None:
        expect(cells, (Cells, Fixations), "the cells")


class _StageClock:
    def __init__(self) -> None:
        self.milliseconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.milliseconds[stage] = self.milliseconds.get(stage, 0) + (now - self._last) * 1000
        self._last = now

    def insert(self, stages: Mapping[str, float]) -> None:
        """Takes the stages that a plane measured since the last lap."""
        self.milliseconds |= stages
        self._last = time.perf_counter()
