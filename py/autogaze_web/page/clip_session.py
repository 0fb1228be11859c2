"""The interface of the JavaScript API's worker: clips and streams with settings, as memory and JSON.

Names in the JSON are those of JavaScript: ``patchDiffGrid`` for the option ``patch-diff-grid``, ``maskRatio``
for ``mask_ratio``. Nothing here needs a browser; ``wasm_bridge/api/api_worker.mjs`` is the other side.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import __version__, options
from ..live.gazer import GazeStream
from ..live.record import FrameRecord, FrameRecords
from ..live.settings import LiveSettings
from ..live.view import LiveView
from ..masks.choice import Choice
from ..panels.metrics import format_psnr
from ..tiles.inference_mode import InferenceMode
from ..tiles.tiling import TILE
from .memory import Memory, frame_bytes, plain
from .points import frame_points

if TYPE_CHECKING:  # a session without a model starts sooner
    from .bridge import Bridge
    from .gaze_streams import GazeStreams
    from .model import PageModel

OnTiles = Callable[[int, int], object]
"""Called with the number of tiles of a frame that are done, and of all."""

SETTINGS = (
    "task-loss-requirement",
    "max-gaze-tokens-each-frame",
    "top-k",
    "mode",
    "tile-stride",
    "tile-batch-size",
    "frames-per-clip",
    "coverage-stop",
    "patch-diff-threshold",
    "patch-diff-grid",
    "visualization-mode",
    "keyframe-duration",
    "blend-alpha",
    "mask-visualization",
    "mask-geometry",
    "mask-cell-scale",
    "hidden-scales",
    "palette",
)
"""The options (``options.json``) that a session has; the others are the page's."""


class ClipSession:
    """Settings, and the frames of one clip or stream at a time."""

    def __init__(self) -> None:
        self._view = LiveView()
        self._overrides: dict[str, options.Value] = {}
        self._values = options.parse({})
        self._streams: GazeStreams | None = None
        self._stream: GazeStream | None = None
        self._stream_mode = InferenceMode()
        self._records = FrameRecords()

    def version(self) -> str:
        """Of the package."""
        return __version__

    def settings(self) -> str:
        """All settings as JSON."""
        return json.dumps({_camel(name): self._values[name] for name in SETTINGS})

    def overrides(self) -> str:
        """The settings that differ from the defaults, as JSON for `restore`."""
        return json.dumps(self._overrides)

    def restore(self, overrides: str) -> None:
        """Restores the settings that `overrides` returned."""
        self._apply(json.loads(overrides))

    def change(self, changes: str) -> None:
        """Sets settings; nothing changes if one is wrong.

        Args:
            changes: a JSON object of values by name; null takes the default.

        Raises:
            ValueError: one line for each name or value that is wrong.
        """
        given = dict(self._overrides)
        problems = []
        for name, value in json.loads(changes).items():
            option = _setting(name)
            if option is None:
                names = ", ".join(_camel(each) for each in SETTINGS)
                problems.append(f"there is no setting {name!r}; the settings are {names}")
                continue
            given.pop(option.name, None)
            if value is None:
                continue
            try:
                given[option.name] = option.parse(value)
            except ValueError as error:
                problems.append(str(error).replace(option.name, _camel(option.name), 1))
        if problems:
            raise ValueError("\n".join(problems))
        self._apply(given)

    def token_limit(self) -> int:
        """The most tokens of a frame or tile, 0 for the model's own budget."""
        limit = int(self._values["max-gaze-tokens-each-frame"])
        return max(limit, int(self._values["top-k"])) if limit else 0

    def tile_count(self, height: int, width: int) -> int:
        """Number of tiles of a frame in the current mode, 1 without tiles.

        Raises:
            ValueError: if a side is below 1 pixel.
        """
        mode, tile = self._mode(), TILE if self._streams is None else self._streams.tile
        return len(mode.tiling(height, width, tile)) if mode.tiled else 1

    def set_model(
        self,
        model: PageModel,
        graphs: str,
        bridge: Bridge,
        max_tokens: int | None,
        on_update: Callable[[str | None], object],  # noqa: ARG002 (here frames wait for their own cells)
    ) -> None:
        """Lets a model choose the cells, with an empty context. The arguments are `PageSession`'s."""
        from .gaze_streams import GazeStreams

        self._streams = GazeStreams(model, graphs, bridge, max_tokens)
        self._stream = None

    def clear_model(self) -> None:
        """Lets patch-diff choose the cells."""
        self._streams = self._stream = None

    def restart(self) -> None:
        """Starts a new stream: the next frame is a keyframe, and the first of the model's context."""
        self._view.restart()
        self.continue_output()

    def continue_output(self) -> None:
        """Starts a new clip whose output goes on from the one before."""
        self._records.clear()
        self.forget_context()

    def forget_context(self) -> None:
        """Makes the next frame the first of the model's context; the output goes on."""
        self._stream = None

    def frame_memory(self, height: int, width: int) -> Memory:
        """Where to write the next frame.

        Raises:
            ValueError: if a side is not 1 .. 16384 pixels.
        """
        return frame_bytes(self._view.next_frame(height, width))

    async def step(self, on_tiles: OnTiles) -> str:
        """Processes the frame that was written and returns its results as JSON.

        Args:
            on_tiles: called after each batch of tiles; an error that it raises aborts the rest.

        Returns:
            `FrameReport` without the boxes, ``psnrText``, the ``scales`` and ``points`` of `frame_points`,
            and with a model ``paddedTokens``, ``decoderSteps`` and ``gazeMs``.

        Raises:
            ValueError: if the model computes numbers that are not finite.
        """
        gazed: dict[str, Any] = {}
        if self._streams is None:
            source = self._view.settings.patch_diff.describe()
            report = self._view.process()
            choice = Choice.of(self._view.cells)
        else:
            start, mode, requirement = time.perf_counter(), self._mode(), options.requirement(self._values)
            source = self._streams.describe(mode, requirement)
            choice = await self._gaze(self._streams, mode, requirement, on_tiles)
            gaze_ms = (time.perf_counter() - start) * 1000
            gazed = {"paddedTokens": choice.padded, "decoderSteps": choice.steps, "gazeMs": gaze_ms}
            report = self._view.process(choice.cells)
        self._records.add(FrameRecord.of(report, choice), source)
        entries = asdict(report)
        del entries["mask_box"], entries["output_box"], entries["cells_by_scale"]
        points = frame_points(choice, source, report.height, report.width)
        more = {**points, **gazed, "psnrText": format_psnr(report.psnr)}
        return json.dumps(plain({**_in_camel_case(entries), **more}))

    async def _gaze(
        self, streams: GazeStreams, mode: InferenceMode, requirement: float | None, on_tiles: OnTiles
    ) -> Choice:
        """The choice of the frame that was written; a change of the mode starts a new stream."""
        if self._stream is None or mode != self._stream_mode:
            self._stream_mode, self._stream = mode, streams.open(mode)
        async with aclosing(self._stream.submit(self._view.pending, requirement)) as states:
            async for gaze in states:
                if gaze.tiles:
                    on_tiles(round(gaze.progress * gaze.tiles), gaze.tiles)
        return gaze.choice

    def gaze_file(self, request: str) -> Memory:
        """The bytes of a file of the gaze at the clip or stream, see ``gaze_export.gaze_file``.

        Args:
            request: JSON.

        Raises:
            ValueError: if the request is wrong, or there is no frame yet.
        """
        from ..files.gaze_export import gaze_file  # most clips are not saved

        height, width = self._view.frame.shape[:2]
        content = gaze_file(self._records, height, width, json.loads(request))
        return np.frombuffer(content, np.uint8)

    def mask_memory(self) -> Memory:
        """The mask panel of the last frame."""
        return frame_bytes(self._view.mask)

    def output_memory(self) -> Memory:
        """The output panel after it."""
        return frame_bytes(self._view.output)

    def _mode(self) -> InferenceMode:
        return InferenceMode.of(self._values)

    def _apply(self, given: dict[str, options.Value]) -> None:
        self._view.configure(LiveSettings.of(given))
        self._overrides, self._values = given, options.parse(given)


def _setting(name: str) -> options.Option | None:
    try:
        option = options.find(re.sub("[A-Z]", lambda letter: "-" + letter[0], name))
    except ValueError:
        return None
    return option if option.name in SETTINGS else None


def _in_camel_case(entries: Mapping[str, Any]) -> dict[str, Any]:
    return {_camel(name): value for name, value in entries.items()}


def _camel(name: str) -> str:
    first, *others = re.split("[-_]", name)
    return first + "".join(word.capitalize() for word in others)
