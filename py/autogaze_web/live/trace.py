"""A video through a mask source and the output panel, frame by frame: what ``trace`` and ``render`` share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..frames.rgba import Rgba, as_frame
from ..masks.cells import Cells
from ..masks.patch_diff import PatchDiff
from ..tiles.inference_mode import InferenceMode
from ..tiles.tiled_source import OnTiles, TiledClips, tiled_choice
from .record import Chosen, Description, FrameRecord
from .view import LiveSettings, LiveView

if TYPE_CHECKING:  # patch-diff needs no model
    from ..model.config import AutoGazeConfig
    from ..model.gaze import Gaze
    from ..native.autogaze import AutoGaze


@runtime_checkable
class MaskSource(Protocol):
    """Chooses the cells of one frame after the other."""

    def describe(self) -> Description:
        """The source and its settings, for the trace's head."""

    def choose(self, frame: Rgba) -> Chosen:
        """The cells of the next frame, (H,W,4) uint8."""


class PatchDiffSource:
    """Patch-diff as a mask source; the first frame has nothing to differ from."""

    def __init__(self, settings: PatchDiff) -> None:
        self._settings = settings
        self._previous: Rgba | None = None

    def describe(self) -> Description:
        """See `MaskSource`."""
        return patch_diff_description(self._settings)

    def choose(self, frame: Rgba) -> Chosen:
        """See `MaskSource`."""
        cells = Cells.none() if self._previous is None else self._settings(self._previous, frame)
        self._previous = frame
        return Chosen.by_patch_diff(cells)


class AutoGazeSource:
    """AutoGaze as a mask source; made by `autogaze_source`."""

    def __init__(self, stream: Any, processor: Any, description: Description) -> None:
        self._stream, self._processor, self._description = stream, processor, description

    def describe(self) -> Description:
        """See `MaskSource`."""
        return self._description

    def choose(self, frame: Rgba) -> Chosen:
        """See `MaskSource`."""
        gaze = self._stream.step(self._processor(frame[None, ..., :3])[0])
        return gaze_choice(gaze)


class TiledAutoGazeSource:
    """AutoGaze in tiles as a mask source; made by `autogaze_source`."""

    def __init__(
        self,
        model: AutoGaze,
        clips: TiledClips,
        requirement: float | None,
        description: Description,
        on_tiles: OnTiles | None,
    ) -> None:
        self._model, self._clips, self._requirement = model, clips, requirement
        self._description, self._on_tiles = description, on_tiles

    def describe(self) -> Description:
        """See `MaskSource`."""
        return self._description

    def choose(self, frame: Rgba) -> Chosen:
        """See `MaskSource`."""
        generation = self._clips.next(self._model.graphs, frame, self._requirement)
        for progress in self._model.drive_tiles(generation):
            if self._on_tiles:
                self._on_tiles(progress)
        return tiled_choice(generation)


def autogaze_source(
    folder: str,
    max_tokens: int | None = None,
    task_loss: float | None = None,
    early_stop: bool = True,
    threads: int | None = None,
    mode: InferenceMode | None = None,
    on_tiles: OnTiles | None = None,
) -> AutoGazeSource | TiledAutoGazeSource:
    """AutoGaze from a Hugging Face folder as a mask source.

    Args:
        max_tokens: most tokens of a frame, or of a tile; None for the checkpoint's budget.
        task_loss: the requirement at which a frame stops; None for the checkpoint's.
        early_stop: False to use the whole budget in every frame.
        mode: how frames are looked at; by default as a whole, with the window the model was trained on.
        on_tiles: told where the work on a frame's tiles stands.
    """
    from .. import AutoGaze, AutoGazeImageProcessor

    model = AutoGaze.from_pretrained(folder, threads)
    processor = AutoGazeImageProcessor.from_pretrained(folder)
    config = model.config
    mode = mode or InferenceMode()
    ratio = 1.0 if config.gazing_ratio is None else config.gazing_ratio
    requirement = (config.task_loss_requirement if task_loss is None else task_loss) if early_stop else None
    description = autogaze_description(config, max_tokens, requirement, mode)
    if mode.tiled:
        clips = TiledClips(config, processor, mode, ratio, max_tokens)
        return TiledAutoGazeSource(model, clips, requirement, description, on_tiles)
    stream = model.stream(ratio, requirement, mode.window(config), max_tokens, mode.coverage_stop)
    return AutoGazeSource(stream, processor, description)


def gaze_choice(gaze: Gaze) -> Chosen:
    """What a gaze over one frame chose."""
    padded = gaze.if_padded_gazing[0]
    steps = int(gaze.decoder_steps_each_frame[0])
    return Chosen(gaze.cells(), gaze.gazing_pos[0][~padded], int(padded.sum()), steps)


def patch_diff_description(settings: PatchDiff) -> Description:
    """Patch-diff as a trace's head names it."""
    return {"name": "patch-diff", "grids": [settings.grid], "threshold": settings.threshold}


def autogaze_description(
    config: AutoGazeConfig,
    max_tokens: int | None,
    requirement: float | None,
    mode: InferenceMode | None = None,
) -> Description:
    """AutoGaze as a trace's head names it; by default on whole frames, with its trained window."""
    mode = mode or InferenceMode()
    tile = config.input_img_size
    stride = {"tile_stride": min(mode.stride, tile)} if mode.mode == "full-resolution" else {}
    return {
        "name": "autogaze",
        "mode": mode.mode,
        **({"tile": tile, **stride} if mode.tiled else {}),
        "grids": list(config.scale_grids()),
        "gazing_ratio": 1.0 if config.gazing_ratio is None else config.gazing_ratio,
        "task_loss_requirement": requirement,
        "max_tokens": max_tokens,
        **({"coverage_stop": mode.coverage_stop} if mode.coverage_stop else {}),
        "window": mode.window(config),
    }


@dataclass(frozen=True)
class TracedFrame:
    """One frame's record and its panels.

    Attributes:
        record: what was chosen, and the numbers.
        frame, mask, output: (H,W,4) uint8 panels, valid until the next frame.
    """

    record: FrameRecord
    frame: Rgba
    mask: Rgba
    output: Rgba


def trace_frames(
    frames: Iterable[NDArray[np.uint8]], source: MaskSource, settings: LiveSettings | None = None
) -> Iterator[TracedFrame]:
    """Takes frames (H,W,3) uint8 RGB through a mask source and into the output, as the page does.

    The first frame is a keyframe, whatever the source chose of it.
    """
    view = LiveView(settings)
    for image in frames:
        frame = as_frame(image)
        chosen = source.choose(frame)
        report = view.step(frame, chosen.cells)
        yield TracedFrame(FrameRecord.of(report, chosen), view.frame, view.mask, view.output)
