"""The plane on the processor: NumPy, which visits only the blocks and rectangles that changed."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from ..frames import changes
from ..frames.rectangles import Box, parts_to_show
from ..frames.rgba import Rgba, allocate, as_words
from ..masks.patch_diff import cell_sums
from ..panels.mask_panel import MaskPanel
from ..panels.metrics import BlockErrors, SquaredErrorMap
from ..panels.output import OutputUpdate, draw_output
from ..panels.painted_mask import MaskDrawing
from .plane import CellSums, Draw, Drawn, Held, ReadBack, Receive, Request, Write

_EMPTY_BOX: Box = (0, 0, 0, 0)


class NumpyPlane:
    """Holds one stream's pixels in memory; see ``live.plane``.

    Write each picture into the buffer that `next_frame` returns, then answer a `Receive`.

    Attributes:
        frame: (H, W, 4) uint8, the picture that was received last.
        pending: the buffer for the next one. Until that is written, it is the picture before ``frame``.
        output: the output panel.
        mask_parts, output_parts: boxes of the panels with all pixels that the last `Draw` may have changed
            and few others.
    """

    def __init__(self) -> None:
        self.frame: Rgba = allocate(1, 1)
        self.pending: Rgba = allocate(1, 1)
        self.output: Rgba = allocate(1, 1)
        self._panel = MaskPanel()
        self._changed: changes.BlockFlags | None = None
        self._errors = SquaredErrorMap(1, 1)
        self._errors_known = False
        self._errors_ahead = False
        self.mask_parts: list[Box] = []
        self.output_parts: list[Box] = []

    @property
    def mask(self) -> Rgba:
        """The mask panel."""
        return self._panel.image

    def next_frame(self, height: int, width: int) -> Rgba:
        """The buffer (height, width, 4) uint8 to write the next picture into.

        Raises:
            ValueError: if a side is not 1 .. 16384 pixels.
        """
        if self.pending.shape[:2] != (height, width) or self.frame.shape[:2] != (height, width):
            # One after the other, so that never more than three are there.
            self.pending = allocate(height, width)
            self.frame = allocate(height, width)
        return self.pending

    def share_frames(self, other: NumpyPlane, follows: bool) -> None:
        """Makes the frame of another plane the next picture, and the one before it ``frame``, without a copy.

        Both planes have the two frames then, which must stay as they are until the next `Receive`.

        Args:
            follows: whether the one before was the last picture here, too.
        """
        self.frame, self.pending = other.pending, other.frame
        self._errors_known &= follows

    def answer(self, request: Request) -> object:
        """Executes one request, see ``live.plane``.

        Raises:
            ValueError: if a picture of another size was announced than written.
        """
        match request:
            case Receive():
                self._receive(request)
                return None
            case CellSums():
                return self._cell_sums(request)
            case Draw():
                return self._draw(request)
            case ReadBack():
                y0, x0, y1, x1 = request.box
                return self.held(request.which)[y0:y1, x0:x1].copy()
            case Write():
                self._write(request)
                return None

    def _receive(self, request: Receive) -> None:
        size = (request.height, request.width)
        if self.pending.shape[:2] != size:
            raise ValueError(f"the next frame is {self.pending.shape[:2]}, but {size} was announced")
        self.frame, self.pending = self.pending, self.frame
        self._fit_output(*size)
        self._changed = self._find_changed_blocks()
        self._errors_ahead = False

    def measure_ahead(self) -> None:
        """Measures the present picture against the output as it is, before that is drawn.

        The next `Draw` measures only what it writes. Wasted if that is everything.
        """
        if self._errors_known and not self._errors_ahead:
            self._errors.update(self.frame, self.output, self._changed_blocks)
            self._errors_ahead = True

    def give_up(self) -> None:
        """Takes the last `Receive` back: the next picture follows the one before it."""
        self.frame, self.pending = self.pending, self.frame
        self._changed, self._errors_known, self._errors_ahead = None, False, False

    def _find_changed_blocks(self) -> changes.BlockFlags:
        if self.pending.shape != self.frame.shape:
            return np.ones(changes.block_grid(as_words(self.frame).shape), np.bool_)
        return changes.changed_blocks(as_words(self.pending), as_words(self.frame))

    @property
    def _changed_blocks(self) -> changes.BlockFlags:
        """Blocks in which the two frames differ."""
        if self._changed is None:
            self._changed = self._find_changed_blocks()
        return self._changed

    def _cell_sums(self, request: CellSums) -> NDArray[np.int64]:
        return cell_sums(self.pending, self.frame, request.grid, self._changed_blocks)

    def _draw(self, request: Draw) -> Drawn:
        begun = time.perf_counter()
        update = draw_output(self.output, self.frame, request.output)
        accumulated = time.perf_counter()
        copied = request.output.kind == "copy"
        self.output_parts = (
            parts_to_show(request.output.plan.rectangles, update.box) if copied else [update.box]
        )
        mask_box = _EMPTY_BOX if request.mask is None else self._draw_mask(request.mask)
        self.mask_parts = [] if request.mask is None else parts_to_show(self._panel.touched, mask_box)
        painted = time.perf_counter()
        errors = self._squared_errors(update) if request.errors else None
        self._errors_known = request.errors
        stages = {
            "accumulate": (accumulated - begun) * 1000,
            "panel": (painted - accumulated) * 1000,
            "metrics": (time.perf_counter() - painted) * 1000,
        }
        return Drawn(errors, mask_box, stages)

    def _draw_mask(self, drawing: MaskDrawing) -> Box:
        self._panel.configure(drawing.alpha, drawing.mode, drawing.palette)
        return self._panel.draw(self.frame, drawing.mask)

    def _squared_errors(self, update: OutputUpdate) -> BlockErrors:
        self._errors.clear(update.equal)
        if not self._errors_known:
            dirty = np.ones_like(update.equal)
        else:
            dirty = update.written if self._errors_ahead else self._changed_blocks | update.written
        self._errors.update(self.frame, self.output, dirty & ~update.equal)
        return self._errors.errors

    def held(self, which: Held) -> Rgba:
        """One of its frames, (H, W, 4) uint8, without a copy."""
        return {
            "frame": self.frame,
            "previous": self.pending,
            "mask": self.mask,
            "output": self.output,
        }[which]

    def _write(self, request: Write) -> None:
        size = request.pixels.shape[:2]
        self.next_frame(*size)
        self._fit_output(*size)
        self._changed, self._errors_known = None, False
        if request.which == "mask":
            self._panel.replace(request.pixels)
        else:
            self.held(request.which)[:] = request.pixels

    def _fit_output(self, height: int, width: int) -> None:
        if self.output.shape[:2] != (height, width):
            self.output = allocate(height, width)
            self._errors, self._errors_known = SquaredErrorMap(height, width), False
