"""One stream of frames through the whole path: mask source, update plan, output, mask panel, numbers."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .. import options
from ..frames import changes
from ..frames.rectangles import Box
from ..frames.rgba import Rgba, allocate, as_words, copy_into, expect_image
from ..limits import expect
from ..masks.cells import Cells
from ..masks.fixations import Fixations, count_by_grid, without_grids
from ..masks.footprint import Footprint, Geometry, footprint
from ..masks.patch_diff import PatchDiff, active_cells, patch_difference
from ..panels.mask_panel import MaskPanel, PanelMode
from ..panels.metrics import Ema, SquaredErrorMap, psnr_of
from ..panels.output import Accumulation, Accumulator, OutputUpdate
from ..panels.palette import STANDARD

_EMPTY_BOX: Box = (0, 0, 0, 0)

STALE_BELOW_DB: Final = 30.0
"""A block of the output with a lower PSNR differs visibly from the frame."""


@dataclass(frozen=True)
class MaskSettings:
    """How cells become the mask, and how it is shown.

    Attributes:
        geometry: which rectangles the cells stand for (``masks.footprint``).
        cell_scale: factor of their sides.
        panel: how the mask panel shows them (``panels.mask_panel``).
        hidden: grids whose cells are left out of the mask: they are neither drawn nor copied nor counted.
        palette: colours of the panel (``panels.palette``).
    """

    geometry: Geometry = "native"
    cell_scale: float = 1.0
    panel: PanelMode = "image-mask-only"
    hidden: tuple[int, ...] = ()
    palette: str = STANDARD

    def __post_init__(self) -> None:
        self.footprint(Cells.none(), 1, 1)
        MaskPanel(mode=self.panel, palette=self.palette)

    def footprint(self, cells: Cells | Fixations, height: int, width: int) -> Footprint:
        """The mask of a frame of ``height x width`` pixels: what panel, output and numbers are made from."""
        return footprint(without_grids(cells, self.hidden), height, width, self.geometry, self.cell_scale)


@dataclass(frozen=True)
class LiveSettings:
    """How a live view masks and shows its frames.

    Attributes:
        patch_diff: the mask source's grid and threshold.
        accumulation: output mode, keyframes and blend.
        mask: geometry and panel.
        psnr: whether to measure the PSNR, which takes a third of the time of a camera's frame.

    Examples:
        >>> from autogaze_web import LiveSettings
        >>> settings = LiveSettings.of({"patch-diff-threshold": 0.3, "mask-geometry": "deduplicated"})
        >>> settings.patch_diff.threshold, settings.mask.geometry
        (0.3, 'deduplicated')
        >>> LiveSettings.of({"mask-geometry": "round"})
        Traceback (most recent call last):
        ValueError: ...
    """

    patch_diff: PatchDiff = field(default_factory=PatchDiff)
    accumulation: Accumulation = field(default_factory=Accumulation)
    mask: MaskSettings = field(default_factory=MaskSettings)
    psnr: bool = True

    def __post_init__(self) -> None:
        expect(self.patch_diff, PatchDiff, "patch_diff")
        expect(self.accumulation, Accumulation, "accumulation")
        expect(self.mask, MaskSettings, "mask")

    @staticmethod
    def of(given: Mapping[str, object]) -> LiveSettings:
        """Settings from options by name (``options.json``), defaults for the rest.

        Raises:
            ValueError: naming each option or value that is wrong.
        """
        values = options.parse(given)
        return LiveSettings(
            PatchDiff(int(values["patch-diff-grid"]), float(values["patch-diff-threshold"])),
            Accumulation(
                str(values["visualization-mode"]),  # type: ignore[arg-type]
                int(values["keyframe-duration"]),
                float(values["blend-alpha"]),
            ),
            MaskSettings(
                str(values["mask-geometry"]),  # type: ignore[arg-type]
                float(values["mask-cell-scale"]),
                str(values["mask-visualization"]),  # type: ignore[arg-type]
                options.grids_of(str(values["hidden-scales"])),
                str(values["palette"]),
            ),
            bool(values["show-psnr"]) or bool(values["tint-stale"]),
        )


@dataclass(frozen=True)
class FrameReport:
    """The numbers of one processed frame.

    Attributes:
        index: frames processed before it in this stream.
        width, height: its size in pixels.
        keyframe: whether the output took the whole frame.
        cells: number of cells that the mask source chose.
        cells_by_scale: number of cells on each grid, by its cells per side, coarse to fine; hidden scales
            included.
        mask_pixels: pixels inside the cells, each counted once.
        updated_pixels: pixels of the output that were written; all of them for keyframes.
        mask_ratio: share of the frame's pixels inside the cells, 0 .. 1.
        update_ratio: share of the output's pixels that were written, 0 .. 1; NaN for keyframes.
        update_ratio_ema: its moving average, NaN until the first sample.
        psnr: PSNR of the output against the input, in dB; infinite if they are equal, NaN for keyframes and
            where it is not measured.
        psnr_ema: its moving average, NaN until the first sample.
        mask_box, output_box: y0, x0, y1, x1 around all pixels of the panels that may have changed.
        stage_ms: time spent in each stage, by name.
    """

    index: int
    width: int
    height: int
    keyframe: bool
    cells: int
    cells_by_scale: dict[int, int]
    mask_pixels: int
    updated_pixels: int
    mask_ratio: float
    update_ratio: float
    update_ratio_ema: float
    psnr: float
    psnr_ema: float
    mask_box: Box
    output_box: Box
    stage_ms: dict[str, float]


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
        self.frame: Rgba = allocate(1, 1)
        # The previous frame, until the next one is written there.
        self._back_buffer: Rgba = allocate(1, 1)
        self._cells: Cells | Fixations = Cells.none()
        self._accumulator = Accumulator(self.settings.accumulation)
        mask = self.settings.mask
        self._panel = MaskPanel(self.settings.accumulation.blend_alpha, mask.panel, mask.palette)
        self._keyframe: bool
        self._ratio_ema: Ema
        self._psnr_ema: Ema
        self._start(1, 1)

    @property
    def pending(self) -> Rgba:
        """The buffer that ``process`` will take as the next frame."""
        return self._back_buffer

    @property
    def mask(self) -> Rgba:
        """The mask panel of the last processed frame."""
        return self._panel.image

    @property
    def output(self) -> Rgba:
        """The output panel after the last processed frame."""
        return self._accumulator.image

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
        self._panel.configure(settings.accumulation.blend_alpha, settings.mask.panel, settings.mask.palette)
        self._accumulator.configure(settings.accumulation)
        self.settings = settings

    @property
    def stale_blocks(self) -> changes.BlockFlags:
        """Blocks (``changes.block_grid``) in which the output differs visibly from the frame.

        All are False if the PSNR is not measured.
        """
        return self._errors.below(STALE_BELOW_DB) & self._errors_known

    def refresh(self) -> None:
        """Makes the next frame, or the next `redraw`, a keyframe."""
        self._accumulator.reset()

    def restart(self) -> None:
        """Forgets the stream: the next frame is the first of a new one."""
        self._start(*self.frame.shape[:2])

    def next_frame(self, height: int, width: int) -> Rgba:
        """The buffer (height, width, 4) uint8 to write the next frame into.

        Raises:
            ValueError: if a side is not 1 .. 16384 pixels.
        """
        if self._back_buffer.shape[:2] != (height, width) or self.frame.shape[:2] != (height, width):
            # One after the other, so that never more than three are there.
            self._back_buffer = allocate(height, width)
            self.frame = allocate(height, width)
            self._start(height, width)
        return self._back_buffer

    def share_frames(self, other: LiveView, follows: bool) -> None:
        """Takes the frame that another view has processed as the next one for `process`, without a copy.

        Both views have its last two frames then, which must stay as they are until this one is done.

        Args:
            other: the view.
            follows: whether this view has processed the frame before, and the other one nothing between.
        """
        height, width = other.frame.shape[:2]
        if self.frame.shape[:2] != (height, width):
            self._start(height, width)
        self.frame, self._back_buffer = other._back_buffer, other.frame
        self._errors_known &= follows

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
        _check_cells(cells)
        self.frame, self._back_buffer = self._back_buffer, self.frame
        self._first = self._index == 0
        self._index += 1
        return self._process(cells)

    def redraw(self, cells: Cells | Fixations | None = None) -> FrameReport:
        """Processes the last frame again with the current settings; the output continues from its last state.

        The report replaces the previous one: it has the same index and does not count in averages.

        Args:
            cells: the frame's, from any mask source; by default patch-diff chooses them from the same two
                frames as before. The buffer of ``next_frame`` must not have been written to since.

        Raises:
            RuntimeError: if no frame of this stream was processed yet.
        """
        if self._index == 0:
            raise RuntimeError("there is no frame to redraw: process one first")
        _check_cells(cells)
        return self._process(cells, redraw=True)

    def _process(self, cells: Cells | Fixations | None, redraw: bool = False) -> FrameReport:
        clock = _StageClock()
        changed = self._find_changed_blocks()
        clock.lap("changes")
        self._cells = self._choose_cells(changed) if cells is None else cells
        clock.lap("mask")
        height, width = self.frame.shape[:2]
        mask = self.settings.mask.footprint(self._cells, height, width)
        plan = mask.plan
        clock.lap("plan")
        update = self._accumulator.update(self.frame, plan, redraw)
        keyframe = update.keyframe or (redraw and self._keyframe)
        self._keyframe = keyframe
        clock.lap("accumulate")
        mask_box = self._panel.draw(self.frame, mask) if self._draw_mask else _EMPTY_BOX
        clock.lap("panel")
        error = self._squared_error(changed, update)
        ratio, psnr = math.nan, math.nan
        if not keyframe:
            ratio = update.updated_pixels / (height * width)
            if error is not None:
                psnr = psnr_of(error, height * width)
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
            mask_pixels=plan.pixel_count,
            updated_pixels=height * width if keyframe else update.updated_pixels,
            mask_ratio=plan.ratio,
            update_ratio=ratio,
            update_ratio_ema=self._ratio_ema.value,
            psnr=psnr,
            psnr_ema=self._psnr_ema.value,
            mask_box=mask_box,
            output_box=update.box,
            stage_ms=clock.milliseconds,
        )

    def _start(self, height: int, width: int) -> None:
        self._index = 0
        self._first, self._keyframe = True, True
        self._cells = Cells.none()
        self._ratio_ema, self._psnr_ema = Ema(), Ema()
        self._errors, self._errors_known = SquaredErrorMap(height, width), True
        self._accumulator.reset()

    def _find_changed_blocks(self) -> changes.BlockFlags:
        """Blocks that differ from the previous frame; all of them in the first one."""
        if self._first:
            return np.ones(changes.block_grid(as_words(self.frame).shape), np.bool_)
        return changes.changed_blocks(as_words(self._back_buffer), as_words(self.frame))

    def _choose_cells(self, changed: changes.BlockFlags) -> Cells:
        if self._first:
            return Cells.none()
        source = self.settings.patch_diff
        scores = patch_difference(self._back_buffer, self.frame, source.grid, changed)
        return active_cells(scores, source.threshold)

    def _squared_error(self, changed: changes.BlockFlags, update: OutputUpdate) -> int | None:
        """The squared error of the output against the frame; None if it is not measured."""
        self._errors_known &= self.settings.psnr
        if not self.settings.psnr:
            return None
        self._errors.clear(update.equal)
        dirty = changed | update.written if self._errors_known else np.ones_like(changed)
        self._errors_known = True
        return self._errors.update(self.frame, self.output, dirty & ~update.equal)


def _check_cells(cells: object) -> None:
    if cells is not None:
        expect(cells, (Cells, Fixations), "the cells")


class _StageClock:
    def __init__(self) -> None:
        self.milliseconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.milliseconds[stage] = (now - self._last) * 1000
        self._last = now
