"""What the page's worker calls: a live view whose frames cross to JavaScript as flat memory and JSON.

Nothing here needs a browser; ``wasm_bridge/live_worker.mjs`` is the other side.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .frame_record import Chosen, Description, FrameRecord, FrameRecords
from .frames import Rgba, words
from .live import FrameReport, LiveSettings, LiveView
from .options import parse, requirement
from .synthetic import SYNTHETIC_SOURCES
from .trace import autogaze_description, gaze_choice, patch_diff_description

if TYPE_CHECKING:  # the page starts without a model
    from .page_model import Execute, PageModel, PageStream

Memory = NDArray[np.uint8]


class PageSession:
    """One page's live view.

    Memory of panels and frames is (H, 8 * ceil(W / 2)) uint8, contiguous: RGBA rows, with one more pixel
    in rows of odd width.
    """

    def __init__(self) -> None:
        self._view = LiveView()
        self._open_gaze: Callable[[], PageStream] | None = None
        self._gaze: PageStream | None = None
        self._requirement: float | None = None
        self._describe_gaze: Callable[[float | None], Description] | None = None
        self._records = FrameRecords()

    def configure(self, options: str) -> None:
        """Sets options, a JSON object of values by name (``options.json``); the others take their defaults.

        Raises:
            ValueError: naming each option or value that is wrong.
        """
        given = json.loads(options)
        self._view.configure(LiveSettings.of(given))
        self._requirement = requirement(parse(given))

    def restart(self) -> None:
        """Starts a new stream: the next frame is a keyframe, averages and the model's context begin anew."""
        self._view.restart()
        self._gaze = None

    def gaze_with(self, model: PageModel, graphs: str, execute: Execute, max_tokens: int | None) -> None:
        """Lets a model choose the cells from the next frame on; see `process_with_model`."""
        self._open_gaze = partial(
            model.stream, graphs, execute, gazing_ratio=model.config.gazing_ratio, max_tokens=max_tokens
        )
        self._describe_gaze = partial(autogaze_description, model.config, max_tokens=max_tokens)
        self._gaze = None

    def gaze_no_more(self) -> None:
        """Lets patch-diff choose the cells again."""
        self._open_gaze = self._gaze = None

    def frame_memory(self, height: int, width: int) -> Memory:
        """Where to write the next frame.

        Raises:
            ValueError: if a side is not 1 .. 16384 pixels.
        """
        return _memory(self._view.next_frame(height, width))

    def draw_synthetic(self, source: str, index: int, height: int, width: int) -> None:
        """Draws a synthetic source's frame as the next frame.

        Raises:
            ValueError: if there is no such source, or for a wrong size.
        """
        if source not in SYNTHETIC_SOURCES:
            raise ValueError(f"synthetic sources are {', '.join(SYNTHETIC_SOURCES)}, got {source!r}")
        SYNTHETIC_SOURCES[source](self._view.next_frame(height, width), index)

    def process(self) -> str:
        """Works on the frame and returns its ``live.FrameReport`` as JSON.

        NaN, which JSON lacks, becomes null, and infinity the string "Infinity".
        """
        report = self._view.process()
        chosen = Chosen.by_patch_diff(self._view.cells)
        return self._reported(report, chosen, patch_diff_description(self._view.settings.patch_diff), {})

    async def process_with_model(self) -> str:
        """`process`, with the cells that the model chooses for this very frame.

        The report also has ``tokens`` and decoder ``steps``, and ``gaze_ms``, the time that choosing took.

        Raises:
            ValueError: if the model computes numbers that are not finite.
            RuntimeError: if there is no model.
        """
        if self._open_gaze is None or self._describe_gaze is None:
            raise RuntimeError("no model was given")
        begun = time.perf_counter()
        stream = self._gaze = self._gaze or self._open_gaze()
        stream.require(self._requirement)
        gaze = await stream.step(self._view.pending)
        chosen = gaze_choice(gaze)
        numbers = {
            "tokens": int(chosen.tokens.size),
            "steps": chosen.steps,
            "gaze_ms": (time.perf_counter() - begun) * 1000,
        }
        report = self._view.process(chosen.cells)
        return self._reported(report, chosen, self._describe_gaze(self._requirement), numbers)

    def file(self, kind: str, video: str) -> Memory:
        """The bytes of a file about the frames of this stream (``record_files``).

        Args:
            kind: ``trace``, ``store``, ``safetensors`` or ``metrics``.
            video: JSON of what the trace says of the video, see ``record_files.trace_text``.

        Raises:
            ValueError: if there is no such kind, or no frame yet.
        """
        from . import record_files  # the page starts without

        match kind:
            case "trace":
                content = record_files.trace_text(self._records, json.loads(video)).encode()
            case "store":
                content = record_files.store_bytes(self._records, ".json")
            case "safetensors":
                content = record_files.store_bytes(self._records, ".safetensors")
            case "metrics":
                content = record_files.metrics_csv(self._records).encode()
            case _:
                raise ValueError(f"files are trace, store, safetensors or metrics, got {kind!r}")
        return np.frombuffer(content, np.uint8)

    def input_memory(self) -> Memory:
        """The frame that was processed last."""
        return _memory(self._view.frame)

    def mask_memory(self) -> Memory:
        """Its mask panel."""
        return _memory(self._view.mask)

    def output_memory(self) -> Memory:
        """The output panel after it."""
        return _memory(self._view.output)

    def _reported(
        self, report: FrameReport, chosen: Chosen, source: Description, numbers: dict[str, float]
    ) -> str:
        self._records.add(FrameRecord.of(report, chosen), source)
        return _report(report, {"recorded": len(self._records), **numbers})


def _memory(frame: Rgba) -> Memory:
    return words(frame).view(np.uint8)


def _report(report: FrameReport, more: dict[str, float]) -> str:
    return json.dumps(_plain({**asdict(report), **more}))


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "Infinity"
    return value
