"""The page worker's interface: a live view whose frames cross to JavaScript as flat memory and JSON.

Nothing here needs a browser; ``wasm_bridge/live/live_session.mjs`` is the other side.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from ..frames.synthetic import SYNTHETIC_SOURCES
from ..live.frame_report import FrameReport
from ..live.quality_curve import QualityCurves
from ..live.record import FrameRecord, FrameRecords
from ..live.settings import LiveSettings
from ..live.view import LiveView
from ..masks.cell_list import cell_rows
from ..masks.choice import Choice, Description
from ..masks.patch_diff import PatchDiff
from ..options import parse
from .hook_panel import SHOWN, PageHook, source_of
from .memory import Memory, frame_bytes, plain
from .page_gaze import PageGaze
from .pixels import PagePixels
from .prompt import begin
from .stream_files import gaze_stream_file, stream_file

if TYPE_CHECKING:  # the page starts without a model
    from ..live.comparison import Comparison
    from .bridge import Bridge
    from .encoder_model import PageEncoder
    from .encoder_runs import EncoderBridge
    from .encoder_session import OnFrame
    from .gpu_plane import PlaneBridge
    from .model import PageModel


class PageSession:
    """One page's live view."""

    def __init__(self) -> None:
        self._view = LiveView()
        self._pixels = PagePixels(self._view)
        self._gpu_wanted = False
        self._gaze = PageGaze()
        self._records = FrameRecords()
        self._time: float | None = None
        self._loop = 0
        self._compared: Comparison | None = None
        self._curves = QualityCurves()
        self._tints = False
        self._hook = PageHook(self._view)
        self._was_submitted = False
        self._waits = False

    @property
    def still(self) -> bool:
        """See `PageGaze`."""
        return self._gaze.still

    @still.setter
    def still(self, still: bool) -> None:
        self._gaze.still = still

    def set_hook(self, code: str) -> str:
        """Sets the code of the user's hook (``user_hook``), which runs on every frame; empty for none."""
        return self._hook.set(code)

    def modules(self) -> str:
        """The names of the modules that `source` shows, a JSON list in the order of processing."""
        return json.dumps(SHOWN)

    def source(self, name: str) -> str:
        """The text of a module of this package, see ``hook_panel.SHOWN``."""
        return source_of(name)

    def configure(self, options: str) -> None:
        """Sets options, a JSON object of values by name (``options.json``); the others take their defaults.

        Raises:
            ValueError: naming each option or value that is wrong.
        """
        given = json.loads(options)
        self._view.configure(LiveSettings.of(given))
        if self._compared is not None:
            self._compared.view.configure(self._view.settings)
        values = parse(given)
        self._gaze.configure(values)
        self._gpu_wanted = values["pixels"] == "gpu"
        self._tints = values["tint-stale"] is True and values["visualization-mode"] == "interframe"

    def restart(self) -> None:
        """Starts a new stream: the next frame is a keyframe, averages and the model's context are reset."""
        self._view.restart()
        if self._compared is not None:
            self._compared.view.restart()
        self._gaze.restart()
        self._was_submitted = False

    def refresh(self) -> None:
        """Makes the next frame, or the next `redraw`, a keyframe."""
        self._view.refresh()

    def set_model(
        self,
        model: PageModel,
        graphs: str,
        bridge: Bridge,
        max_tokens: int | None,
        on_update: Callable[[str | None], object],
    ) -> None:
        """Lets a model choose the cells from the next frame on; see `process_with_model`.

        Args:
            model: the checkpoint.
            graphs: those of `PageModel.choose_graphs`.
            bridge: executes the runs.
            max_tokens: most tokens of a frame; None for the config's own budget.
            on_update: see `Gazer`.
        """
        self._gaze.set_model(model, graphs, bridge, max_tokens, on_update)

    def limit_tokens(self, max_tokens: int | None) -> None:
        """Sets the limit on a frame's tokens from the next frame on.

        The model's stream is restarted: it chooses what it would if it was loaded now with this limit.

        Args:
            max_tokens: see `set_model`; `PageModel.choose_graphs` must choose the graphs in use for it.
        """
        self._gaze.limit_tokens(max_tokens)

    def clear_model(self) -> None:
        """Lets patch-diff choose the cells."""
        self._gaze.clear_model()

    async def fetch_gazed_picture(self) -> None:
        """Has `set_encoder` begin with the picture that is shown, wherever it is."""
        await self._pixels.fetch_gazed_picture()

    def set_encoder(self, model: PageEncoder, bridge: EncoderBridge, on_frame: OnFrame, full: bool) -> None:
        """Encodes the frames that a model gazes at as a whole, from now on, beside the panels.

        Args:
            model, bridge, on_frame, full: see `LiveEncoder`.
        """
        self._gaze.start_encoder(model, bridge, on_frame, full, self._pixels.gazed_picture)

    def encode_all(self, full: bool) -> None:
        """Sets whether all patches of a frame are encoded, too."""
        self._gaze.encoder.encode_all(full)

    def clear_encoder(self) -> None:
        """Encodes nothing from now on."""
        self._gaze.encoder.clear()

    def encoder_counters(self) -> str:
        """How many frames were ``encoded``, and how many ``skipped`` for a newer one, as JSON."""
        return self._gaze.encoder.counters()

    def compare(self, rival: str | None, budget: str = "pixels") -> None:
        """Has another mask source work on the same frames as the model, from the next one on.

        While it does, reports of `process_with_model` have its own report as ``compared``.

        Args:
            rival, budget: see `ComparisonSettings`; no rival ends the comparison.

        Raises:
            ValueError: for another name.
        """
        from ..live.comparison import Comparison, ComparisonSettings  # the page starts without

        settings = None if rival is None else ComparisonSettings(rival, budget)  # type: ignore[arg-type]
        self._compared = None if settings is None else Comparison(settings, self._view.settings)

    @property
    def wants_gpu(self) -> bool:
        """Whether the next frame's pixels belong on the GPU; hooks and comparisons want them in memory."""
        return self._gpu_wanted and not self._hook.is_set and self._compared is None

    async def move_to_gpu(self, bridge: PlaneBridge) -> None:
        """Moves the stream's pixels to the GPU; see `expect_frame` and `process_on_gpu`."""
        await self._pixels.move_to_gpu(bridge)

    async def move_to_memory(self) -> None:
        """Moves them back."""
        await self._pixels.move_to_memory()

    def lose_gpu(self) -> None:
        """Goes on in memory without the pixels, which were lost with the GPU.

        The frame that was being processed has to be processed again; it becomes a keyframe.
        """
        if self._pixels.on_gpu:
            self._pixels.lose()

    def expect_frame(self, height: int, width: int) -> None:
        """Announces the size of the next frame, which is brought to the GPU."""
        self._view.expect_size(height, width)

    def frame_memory(self, height: int, width: int) -> Memory:
        """Where to write the next frame.

        Raises:
            ValueError: if a side is not 1 .. 16384 pixels.
        """
        return frame_bytes(self._view.next_frame(height, width))

    def draw_synthetic(self, source: str, index: int, height: int, width: int) -> None:
        """Draws a synthetic source's frame as the next frame.

        Raises:
            ValueError: if there is no such source, or for a wrong size.
        """
        if source not in SYNTHETIC_SOURCES:
            raise ValueError(f"synthetic sources are {', '.join(SYNTHETIC_SOURCES)}, got {source!r}")
        SYNTHETIC_SOURCES[source](self._view.next_frame(height, width), index)

    def process(self, time: float | None = None, loop: int = 0) -> str:
        """Processes the frame and returns its `FrameReport` as JSON.

        It also has ``grids``, those of the mask source, and ``recorded``, the number of frames available for
        files. With the option ``tint-stale`` it has ``stale``: ``blocks``, `LiveView.stale_blocks` row by row
        as 0 and 1, and their number of ``columns``. NaN, which JSON lacks, becomes null, and infinity the
        string "Infinity".

        Args:
            time: at which the frame is shown, in seconds, for traces; None if unknown.
            loop: how many times its file had been played before.
        """
        self._time, self._loop = time, loop
        return self._reported_with_patch_diff(self._view.process(), self._view.settings.patch_diff)

    def begin_on_gpu(
        self, answer: Callable[[str], object], time: float | None = None, loop: int = 0
    ) -> Awaitable[str]:
        """Begins `process_on_gpu` at once and calls ``answer`` with its report, see ``prompt.begin``."""
        return begin(self.process_on_gpu(time, loop), answer)

    def begin_with_model(
        self,
        answer: Callable[[str], object],
        time: float | None = None,
        loop: int = 0,
        again: bool = False,
    ) -> Awaitable[str]:
        """Begins `process_with_model` at once and calls ``answer`` with its report, see ``prompt.begin``."""
        return begin(self.process_with_model(time, loop, again), answer)

    async def process_on_gpu(self, time: float | None = None, loop: int = 0) -> str:
        """`process`, for a frame that was brought to the GPU."""
        self._time, self._loop = time, loop
        return await self._process_without(redraw=False)

    def _reported_with_patch_diff(self, report: FrameReport, source: PatchDiff) -> str:
        return self._reported(report, Choice.of(self._view.cells), source.describe(), {})

    async def process_with_model(self, time: float | None = None, loop: int = 0, again: bool = False) -> str:
        """`process` with the model's cells: this frame's own if the model keeps up, else the latest ones.

        The report also has ``gazes``, the number of complete gazes in this stream, ``mask_timing``, which is
        ``own`` if the frame waited for its cells, else ``newest``, and once there are cells

        - ``tokens`` without padding, decoder ``steps``, the time ``gaze_ms`` that choosing took and
          ``gaze_stage_ms`` of its stages;
        - ``gaze_progress``, the share of that gaze that is done, 1 if complete;
        - ``tiles``, the number of tiles that the frame is cut into, 0 for none;
        - ``mask_age_frames`` and ``mask_age_ms``: the age of the frame that the cells were chosen for, 0 for
          this one;
        - now and then ``curve``, see `QualityCurves`; not in tiles.

        If the model fails, patch-diff chooses the cells.

        Args:
            time, loop: see `process`.
            again: whether this frame was lost with the GPU. A model that has it does not get it twice.

        Raises:
            RuntimeError: if there is no model.
        """
        self._time, self._loop = time, loop
        waited = self._gaze.waits()
        has_it = again and self._was_submitted
        self._was_submitted = False
        if not has_it and self._gaze.needs(self._view.index):
            picture = await self._pixels.picture_for_gaze(False, self._gaze.frame_keeper)
            self._was_submitted = True
            self._waits = waited and not self._pixels.on_gpu
            try:
                await self._gaze.submit(picture, self._view.index)
            finally:
                self._waits = False
        report = await self._process_with(waited)
        self._was_submitted = False
        return report

    def use_wait(self) -> None:
        """Has a frame in memory that waits for its own cells do what it needs besides them.

        To be called while the model is at work; does nothing where no frame waits.
        """
        if self._waits:
            self._view.prepare()

    async def redraw(self, changed: bool) -> str | None:
        """Draws the last frame again, with cells that were accepted since; None if there are none.

        Args:
            changed: whether settings or the mask source have changed, so that it is drawn in any case. It is
                submitted to a model that did not get it yet.
        """
        if not self._view.can_redraw:
            return None
        gaze = self._gaze
        if not gaze.active:
            return await self._process_without(redraw=True) if changed else None
        if changed and gaze.is_new:
            picture = await self._pixels.picture_for_gaze(True, gaze.frame_keeper)
            await gaze.submit(picture, self._view.index - 1)
        elif not changed and not gaze.has_news:
            return None
        return await self._process_with(False, redraw=True)

    async def _process_without(self, redraw: bool) -> str:
        # Options may change while the GPU works; the view takes them before its first wait.
        source = self._view.settings.patch_diff
        report = await self._pixels.run(self._view.frame_steps(redraw=redraw))
        return self._reported_with_patch_diff(report, source)

    async def _process_with(self, waited: bool, redraw: bool = False) -> str:
        if not self._gaze.active:
            return await self._process_without(redraw)
        # What options say of it may change while the GPU works.
        gazed = self._gaze.newest(waited)
        numbers = gazed.numbers
        # Cells of tiles come in the order of their confidence, not in that of their choice.
        if not redraw and not self._gaze.mode.tiled and self._curves.is_due(self._view):
            self._curves.take(await self._pixels.read("output"))
        report = await self._pixels.run(self._view.frame_steps(gazed.choice.cells, redraw))
        if not redraw and self._curves.taken:
            curve = self._curves.measure(self._view, report, await self._pixels.read("frame"))
            numbers |= {"curve": curve} if curve else {}
        if self._compared is not None and not redraw:
            compared = self._compared.step_beside(self._view, report.mask_pixels)
            numbers["compared"] = asdict(compared)
        return self._reported(report, gazed.choice, gazed.source, numbers, gazed.age)

    def cells(self) -> str:
        """The cells of the last frame in the order of choice, as JSON.

        It has the frame's ``width`` and ``height``, ``cells`` as rows of `cell_rows`, the mask ``source`` and
        ``rebuilt``: whether the output panel shows earlier frames outside the cells.
        """
        height, width = self._view.size
        rebuilt = self._view.settings.accumulation.mode == "interframe" and self._hook.image is None
        source = "autogaze" if self._gaze.active else "patch-diff"
        rows = cell_rows(self._view.cells, height, width)
        return json.dumps(
            {"width": width, "height": height, "source": source, "rebuilt": rebuilt, "cells": rows}
        )

    def file(self, kind: str, video: str) -> Memory:
        """The bytes of a file about the frames of this stream.

        Args:
            kind, video: see `stream_file`.

        Raises:
            ValueError: as that does.
        """
        return stream_file(self._records, kind, video)

    def gaze_file(self, request: str) -> Memory:
        """The bytes of a file of the gaze at the frames of this stream, see `gaze_stream_file`."""
        return gaze_stream_file(self._records, self._view.size, request)

    def input_memory(self) -> Memory:
        """The frame that was processed last."""
        return frame_bytes(self._view.frame)

    def mask_memory(self) -> Memory:
        """Its mask panel."""
        return frame_bytes(self._view.mask)

    def output_memory(self) -> Memory:
        """The output panel after it, or what the hook made of it."""
        return frame_bytes(self._view.output if self._hook.image is None else self._hook.image)

    def compared_memory(self, panel: str) -> Memory:
        """The ``mask`` or ``output`` panel of the comparison.

        Raises:
            RuntimeError: if there is none.
        """
        if self._compared is None:
            raise RuntimeError("nothing is compared")
        view = self._compared.view
        return frame_bytes(view.mask if panel == "mask" else view.output)

    def _reported(
        self,
        report: FrameReport,
        choice: Choice,
        source: Description,
        numbers: dict[str, object],
        age: int = 0,
    ) -> str:
        self._records.add(FrameRecord.of(report, choice, age, self._time, self._loop), source)
        grids = sorted(source["grids"])
        if self._tints:
            stale = self._view.stale_blocks
            blocks = (stale + np.uint8(ord("0"))).tobytes().decode()
            numbers["stale"] = {"columns": stale.shape[1], "blocks": blocks}
        hooked = self._hook.run(report, choice.tokens)
        more = {"recorded": len(self._records), "grids": grids, **numbers, **hooked}
        return json.dumps(plain({**vars(report), **more}) | self._parts_to_show(hooked.get("output_box")))

    def _parts_to_show(self, hooked: object) -> dict[str, object]:
        """``mask_parts`` and ``output_parts`` of `NumpyPlane`, if Python has the pixels.

        Args:
            hooked: the box of the output that a hook has changed instead, if there is one.
        """
        if self._pixels.on_gpu:
            return {}
        output = self._view.output_parts if hooked is None else [hooked]
        return {"mask_parts": self._view.mask_parts, "output_parts": output}
