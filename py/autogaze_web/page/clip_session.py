"""What the JavaScript API's worker calls: clips and streams with settings that change, as memory and JSON.

Names in the JSON are those of JavaScript: ``patchDiffGrid`` for the option ``patch-diff-grid``, ``maskRatio``
for ``mask_ratio``. Nothing here needs a browser; ``wasm_bridge/api/api_worker.mjs`` is the other side.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .. import __version__, options
from ..live.view import LiveSettings, LiveView
from ..masks.choice import Choice
from ..panels.metrics import format_psnr
from ..tiles.inference_mode import InferenceMode
from ..tiles.tiling import TILE
from .memory import Memory, frame_bytes, plain
from .points import frame_points

if TYPE_CHECKING:  # a session without a model starts sooner
    from .bridge import Bridge
    from .gaze_streams import OnTiles, PageGaze
    from .model import PageModel

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
        self._given: dict[str, options.Value] = {}
        self._values = options.parse({})
        self._gaze: PageGaze | None = None

    def version(self) -> str:
        """Of the package."""
        return __version__

    def settings(self) -> str:
        """All settings as JSON."""
        return json.dumps({_camel(name): self._values[name] for name in SETTINGS})

    def given(self) -> str:
        """The settings that were set, for `put_back`."""
        return json.dumps(self._given)

    def put_back(self, given: str) -> None:
        """Makes the settings what they were when `given` told them."""
        self._take(json.loads(given))

    def change(self, changes: str) -> None:
        """Sets settings; nothing changes if one is wrong.

        Args:
            changes: a JSON object of values by name; null takes the default.

        Raises:
            ValueError: one line for each name or value that is wrong.
        """
        given = dict(self._given)
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
        self._take(given)

    def token_limit(self) -> int:
        """Most tokens of a frame or tile, 0 for the model's own budget."""
        limit = int(self._values["max-gaze-tokens-each-frame"])
        return max(limit, int(self._values["top-k"])) if limit else 0

    def tile_count(self, height: int, width: int) -> int:
        """Tiles of a frame in the present mode, 1 if it has none.

        Raises:
            ValueError: if a side is below 1 pixel.
        """
        mode, tile = self._mode(), TILE if self._gaze is None else self._gaze.tile
        return len(mode.tiling(height, width, tile)) if mode.tiled else 1

    def gaze_with(
        self,
        model: PageModel,
        graphs: str,
        bridge: Bridge,
        max_tokens: int | None,
        on_news: Callable[[str | None], object],  # noqa: ARG002 (here frames wait for their own cells)
    ) -> None:
        """Lets a model choose the cells; its context begins anew. The arguments are `PageSession`'s."""
        from .gaze_streams import PageGaze

        self._gaze = PageGaze(model, graphs, bridge, max_tokens)

    def gaze_no_more(self) -> None:
        """Lets patch-diff choose the cells."""
        self._gaze = None

    def restart(self) -> None:
        """Forgets the frames so far: the next one is a keyframe, and the first that the model sees."""
        self._view.restart()
        self.forget_context()

    def forget_context(self) -> None:
        """Makes the next frame the first that the model sees; the output goes on."""
        if self._gaze is not None:
            self._gaze.restart()

    def frame_memory(self, height: int, width: int) -> Memory:
        """Where to write the next frame.

        Raises:
            ValueError: if a side is not 1 .. 16384 pixels.
        """
        return frame_bytes(self._view.next_frame(height, width))

    async def step(self, on_tiles: OnTiles) -> str:
        """Works on the frame that was written and returns what became of it as JSON.

        Args:
            on_tiles: told the tiles done and all of the frame, after each batch of them; what it raises
                calls off the rest.

        Returns:
            ``live.FrameReport`` without the boxes, ``psnrText``, the ``scales`` and ``points`` of
            `frame_points`, and of a model ``paddedTokens``, ``decoderSteps`` and ``gazeMs``.

        Raises:
            ValueError: if the model computes numbers that are not finite.
        """
        start, choice = time.perf_counter(), None
        source = self._view.settings.patch_diff.describe()
        if self._gaze is not None:
            requirement, mode = options.requirement(self._values), self._mode()
            source = self._gaze.describe(mode, requirement)
            choice = await self._gaze.step(self._view.pending, mode, requirement, on_tiles)
        gaze_ms = (time.perf_counter() - start) * 1000
        report = asdict(self._view.process(None if choice is None else choice.cells))
        del report["mask_box"], report["output_box"], report["cells_by_scale"]
        choice = choice or Choice.of(self._view.cells)
        more = frame_points(choice, source, *_size(self._view))
        if self._gaze is not None:
            more |= {"paddedTokens": choice.padded, "decoderSteps": choice.steps, "gazeMs": gaze_ms}
        more["psnrText"] = format_psnr(report["psnr"])
        return json.dumps(plain({**_in_camel_case(report), **more}))

    def mask_memory(self) -> Memory:
        """The mask panel of the last frame."""
        return frame_bytes(self._view.mask)

    def output_memory(self) -> Memory:
        """The output panel after it."""
        return frame_bytes(self._view.output)

    def _mode(self) -> InferenceMode:
        return InferenceMode.of(self._values)

    def _take(self, given: dict[str, options.Value]) -> None:
        self._view.configure(LiveSettings.of(given))
        self._given, self._values = given, options.parse(given)


def _setting(name: str) -> options.Option | None:
    try:
        option = options.find(re.sub("[A-Z]", lambda letter: "-" + letter[0], name))
    except ValueError:
        return None
    return option if option.name in SETTINGS else None


def _size(view: LiveView) -> tuple[int, int]:
    height, width = view.frame.shape[:2]
    return height, width


def _in_camel_case(entries: Mapping[str, Any]) -> dict[str, Any]:
    return {_camel(name): value for name, value in entries.items()}


def _camel(name: str) -> str:
    first, *others = re.split("[-_]", name)
    return first + "".join(word.capitalize() for word in others)
