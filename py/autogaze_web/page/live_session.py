"""The page worker's interface: a live view whose frames cross to JavaScript as flat memory and JSON.

Nothing here needs a browser; ``wasm_bridge/live/live_session.mjs`` is the other side.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import numpy as np

from ..frames.rgba import Rgba
from ..frames.synthetic import SYNTHETIC_SOURCES
from ..limits import shown
from ..live.gazer import GazeProgress, Gazer, GazeStream, LatestGaze, Timing
from ..live.quality_curve import QualityCurves
from ..live.record import FrameRecord, FrameRecords
from ..live.view import FrameReport, LiveSettings, LiveView
from ..masks.cell_list import cell_rows
from ..masks.choice import Choice, Description
from ..options import parse, requirement
from ..tiles.inference_mode import InferenceMode
from .hook_panel import SHOWN, PageHook, source_of
from .memory import Memory, frame_bytes, plain

if TYPE_CHECKING:  # the page starts without a model
    from ..live.comparison import Comparison
    from .bridge import Bridge
    from .encoder_model import PageEncoder
    from .encoder_runs import EncoderBridge
    from .encoder_session import LiveEncoder, OnFrame
    from .gaze_streams import GazeStreams
    from .model import PageModel


class PageSession:
    """One page's live view.

    Attributes:
        still: whether the frames of this stream are one picture, over and over. A model then gazes at the
            first one alone: at a second, equal frame it would choose next to nothing.
    """

    def __init__(self) -> None:
        self.still = False
        self._view = LiveView()
        self._gazer: Gazer | None = None
        self._shown: LatestGaze | None = None
        self._requirement: float | None = None
        self._still_requirement: float | None = None
        self._timing: Timing = "auto"
        self._mode = InferenceMode()
        self._streams: GazeStreams | None = None
        self._records = FrameRecords()
        self._time: float | None = None
        self._loop = 0
        self._compared: Comparison | None = None
        self._curves = QualityCurves()
        self._tints = False
        self._hook = PageHook(self._view)
        self._encoder: LiveEncoder | None = None
        self._submitted_index = 0

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
        self._requirement = requirement(values)
        self._timing = str(values["mask-timing"])  # type: ignore[assignment]
        self._tints = values["tint-stale"] is True and values["visualization-mode"] == "interframe"
        mode = InferenceMode.of(values)
        if mode != self._mode and self._gazer is not None:
            self._gazer.restart()
        self._mode = mode

    def restart(self) -> None:
        """Starts a new stream: the next frame is a keyframe, averages and the model's context are reset."""
        self._view.restart()
        if self._compared is not None:
            self._compared.view.restart()
        if self._gazer is not None:
            self._gazer.restart()
        if self._encoder is not None:
            self._encoder.restart()

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
        from .gaze_streams import GazeStreams  # the page starts without a model

        self.clear_model()
        self._streams = GazeStreams(model, graphs, bridge, max_tokens)
        self._gazer = Gazer(self._open_stream, on_update)

    def limit_tokens(self, max_tokens: int | None) -> None:
        """Sets the limit on a frame's tokens from the next frame on.

        The model's stream is restarted: it chooses what it would if it was loaded now with this limit.

        Args:
            max_tokens: see `set_model`; `PageModel.choose_graphs` must choose the graphs in use for it.
        """
        if self._streams is not None and self._gazer is not None:
            self._streams = replace(self._streams, max_tokens=max_tokens)
            self._gazer.restart()

    def _open_stream(self) -> GazeStream:
        if self._streams is None:
            raise RuntimeError("no model was given")
        if self._encoder is not None:
            self._encoder.restart()
        return self._streams.open(self._mode, self._observe)

    def clear_model(self) -> None:
        """Lets patch-diff choose the cells."""
        if self._gazer is not None:
            self._gazer.close()
        self._gazer = self._streams = None

    def set_encoder(self, model: PageEncoder, bridge: EncoderBridge, on_frame: OnFrame, full: bool) -> None:
        """Encodes the frames that a model gazes at as a whole, from now on, beside the panels.

        Args:
            model, bridge, on_frame, full: see `LiveEncoder`.
        """
        from .encoder_session import LiveEncoder  # the page starts without

        self.clear_encoder()
        self._encoder = LiveEncoder(model, bridge, on_frame, full)
        gazer = self._gazer
        latest = None if gazer is None else gazer.latest
        if gazer is not None and latest is not None and latest.index == gazer.index and not latest.gaze.tiles:
            # A picture that stands still is gazed at no more.
            observed = self._observe(self._view.frame)
            if observed is not None and latest.gaze.progress >= 1:
                observed(latest.gaze)

    def encode_all(self, full: bool) -> None:
        """Sets whether all patches of a frame are encoded, too."""
        if self._encoder is not None:
            self._encoder.full = full

    def clear_encoder(self) -> None:
        """Encodes nothing from now on."""
        if self._encoder is not None:
            self._encoder.close()
        self._encoder = None

    def encoder_counters(self) -> str:
        """How many frames were ``encoded``, and how many ``skipped`` for a newer one, as JSON."""
        encoder = self._encoder
        return json.dumps({} if encoder is None else {"encoded": encoder.encoded, "skipped": encoder.skipped})

    def _observe(self, frame: Rgba) -> Callable[[GazeProgress], None] | None:
        """See `gaze_streams.Observer`."""
        encoder, streams = self._encoder, self._streams
        if encoder is None or streams is None:
            return None
        grids = streams.model.config.scale_grids()
        if grids != encoder.grids:
            encoder.fail(
                f"the model chooses cells of {shown(list(grids))} per side, but the encoder reads patches of "
                f"{shown(list(encoder.grids))} per side: use a model for its scales"
            )
            return None
        return encoder.take(frame, self._submitted_index)

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
        return self._process_with_patch_diff()

    def _process_with_patch_diff(self, redraw: bool = False) -> str:
        report = self._view.redraw() if redraw else self._view.process()
        source = self._view.settings.patch_diff.describe()
        return self._reported(report, Choice.of(self._view.cells), source, {})

    async def process_with_model(self, time: float | None = None, loop: int = 0) -> str:
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

        Raises:
            RuntimeError: if there is no model.
        """
        if self._gazer is None:
            raise RuntimeError("no model was given")
        self._time, self._loop = time, loop
        self._gazer.timing = self._timing
        waited = self._gazer.waits
        if self._needs_gaze(self._gazer):
            self._submitted_index = self._view.index
            await self._gazer.submit(self._view.pending, self._requirement)
        return self._process_with(self._gazer, waited)

    def _needs_gaze(self, gazer: Gazer) -> bool:
        """Whether the model has to gaze at the next frame; at a still picture it does so once."""
        if not self.still:
            return True
        if gazer.index >= 0 and self._requirement != self._still_requirement:
            gazer.restart()
        self._still_requirement = self._requirement
        return gazer.index < 0 or self._view.index == 0

    async def redraw(self, changed: bool) -> str | None:
        """Draws the last frame again, with cells that were accepted since; None if there are none.

        Args:
            changed: whether settings or the mask source have changed, so that it is drawn in any case. It is
                submitted to a model that did not get it yet.
        """
        if self._view.index == 0:
            return None
        gazer = self._gazer
        if gazer is None or gazer.closed:
            return self._process_with_patch_diff(redraw=True) if changed else None
        if changed and gazer.index < 0:
            gazer.timing = self._timing
            self._submitted_index = self._view.index - 1
            await gazer.submit(self._view.frame, self._requirement)
        elif not changed and (gazer.latest is None or gazer.latest is self._shown):
            return None
        return self._process_with(gazer, False, redraw=True)

    def _process_with(self, gazer: Gazer, waited: bool, redraw: bool = False) -> str:
        if gazer.closed or self._streams is None:
            return self._process_with_patch_diff(redraw)
        latest = self._shown = gazer.latest
        choice = Choice.none() if latest is None else latest.gaze.choice
        age = 0
        numbers: dict[str, object] = {"gazes": gazer.gazes}
        if latest is not None:
            age = gazer.index - latest.index
            waited |= self.still
            numbers |= {
                "tokens": int(choice.tokens.size),
                "steps": choice.steps,
                "gaze_ms": latest.seconds * 1000,
                "gaze_stage_ms": dict(latest.gaze.stage_ms),
                "gaze_progress": latest.gaze.progress,
                "tiles": latest.gaze.tiles,
                "mask_age_frames": age,
                "mask_age_ms": (gazer.submitted - latest.submitted) * 1000,
            }
        numbers["mask_timing"] = "own" if waited else "newest"
        process = self._view.redraw if redraw else self._view.process
        # Cells of tiles come in the order of their confidence, not in that of their choice.
        if not redraw and not self._mode.tiled:
            self._curves.prepare(self._view)
        report = process(choice.cells)
        if not redraw and (curve := self._curves.measure(self._view, report)):
            numbers["curve"] = curve
        if self._compared is not None and not redraw:
            compared = self._compared.step_beside(self._view, report.mask_pixels)
            numbers["compared"] = asdict(compared)
        requirement = self._requirement if latest is None else latest.requirement
        source = self._streams.describe(self._mode, requirement)
        return self._reported(report, choice, source, numbers, age)

    def cells(self) -> str:
        """The cells of the last frame in the order of choice, as JSON.

        It has the frame's ``width`` and ``height``, ``cells`` as rows of `cell_rows`, the mask ``source`` and
        ``rebuilt``: whether the output panel shows earlier frames outside the cells.
        """
        height, width = self._view.frame.shape[:2]
        rebuilt = self._view.settings.accumulation.mode == "interframe" and self._hook.image is None
        source = "patch-diff" if self._gazer is None or self._gazer.closed else "autogaze"
        rows = cell_rows(self._view.cells, height, width)
        return json.dumps(
            {"width": width, "height": height, "source": source, "rebuilt": rebuilt, "cells": rows}
        )

    def file(self, kind: str, video: str) -> Memory:
        """The bytes of a file about the frames of this stream (``files.exports``).

        Args:
            kind: ``trace``, ``store``, ``safetensors`` or ``metrics``.
            video: JSON with the trace's fields of the video, see ``exports.trace_text``.

        Raises:
            ValueError: if there is no such kind, or no frame yet.
        """
        from ..files import exports  # the page starts without

        match kind:
            case "trace":
                content = exports.trace_text(self._records, json.loads(video)).encode()
            case "store":
                content = exports.store_bytes(self._records, ".json")
            case "safetensors":
                content = exports.store_bytes(self._records, ".safetensors")
            case "metrics":
                content = exports.metrics_csv(self._records).encode()
            case _:
                raise ValueError(f"files are trace, store, safetensors or metrics, got {kind!r}")
        return np.frombuffer(content, np.uint8)

    def gaze_file(self, request: str) -> Memory:
        """The bytes of a file of the gaze at the frames of this stream, see ``gaze_export.gaze_file``.

        Args:
            request: JSON.

        Raises:
            ValueError: if the request is wrong, or there is no frame yet.
        """
        from ..files.gaze_export import gaze_file  # the page starts without

        height, width = self._view.frame.shape[:2]
        content = gaze_file(self._records, height, width, json.loads(request))
        return np.frombuffer(content, np.uint8)

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
        numbers |= self._hook.run(report, choice.tokens)
        return _report(report, {"recorded": len(self._records), "grids": grids, **numbers})


def _report(report: FrameReport, more: dict[str, object]) -> str:
    return json.dumps(plain({**asdict(report), **more}))
