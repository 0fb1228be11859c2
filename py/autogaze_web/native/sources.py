"""AutoGaze on native ONNX Runtime as a mask source for videos and live frames."""

from __future__ import annotations

from collections.abc import Callable

from ..frames.rgba import Rgba
from ..masks.choice import Choice, Description
from ..model.processor import AutoGazeImageProcessor
from ..tiles.inference_mode import InferenceMode
from ..tiles.tiled_clips import TiledStream
from ..tiles.tiling import TileProgress
from .autogaze import AutoGaze, Stream

OnTiles = Callable[[TileProgress], object]
"""Called after each batch of tiles with what is known up to then."""


class AutoGazeSource:
    """AutoGaze on whole frames as a mask source; made by `autogaze_source`."""

    def __init__(self, stream: Stream, processor: AutoGazeImageProcessor, description: Description) -> None:
        self._stream, self._processor, self._description = stream, processor, description

    def describe(self) -> Description:
        """See `live.sources.MaskSource`."""
        return self._description

    def choose(self, frame: Rgba) -> Choice:
        """See `live.sources.MaskSource`."""
        return self._stream.step(self._processor(frame[None, ..., :3])[0]).choice()


class TiledAutoGazeSource:
    """AutoGaze in tiles as a mask source; made by `autogaze_source`."""

    def __init__(
        self,
        model: AutoGaze,
        stream: TiledStream,
        requirement: float | None,
        description: Description,
        on_tiles: OnTiles | None,
    ) -> None:
        self._model, self._stream, self._requirement = model, stream, requirement
        self._description, self._on_tiles = description, on_tiles

    def describe(self) -> Description:
        """See `live.sources.MaskSource`."""
        return self._description

    def choose(self, frame: Rgba) -> Choice:
        """See `live.sources.MaskSource`."""
        generation = self._stream.next(frame, self._requirement)
        for progress in self._model.drive_tiles(generation):
            if self._on_tiles:
                self._on_tiles(progress)
        return generation.choice()


def autogaze_source(
    source: str,
    max_tokens: int | None = None,
    task_loss: float | None = None,
    early_stop: bool = True,
    threads: int | None = None,
    mode: InferenceMode | None = None,
    on_tiles: OnTiles | None = None,
) -> AutoGazeSource | TiledAutoGazeSource:
    """AutoGaze as a mask source.

    Args:
        source: a checkpoint's folder, or the id of a Hugging Face repository.
        max_tokens: most tokens of a frame, or of a tile; None for the checkpoint's budget.
        task_loss: the requirement at which a frame stops; None for the checkpoint's.
        early_stop: False to use the whole budget in every frame.
        mode: how frames are fed to the model; by default as a whole, with the window of its training.
        on_tiles: called after each batch of a frame's tiles.
    """
    model = AutoGaze.from_pretrained(source, threads)
    processor = AutoGazeImageProcessor.from_pretrained(source)
    config = model.config
    mode = mode or InferenceMode()
    requirement = (config.task_loss_requirement if task_loss is None else task_loss) if early_stop else None
    controls = mode.controls(config, max_tokens, requirement)
    description = mode.describe(config, controls)
    if mode.tiled:
        tiles = TiledStream(config, processor, model.graphs, mode, controls)
        return TiledAutoGazeSource(model, tiles, requirement, description, on_tiles)
    return AutoGazeSource(Stream(model, controls), processor, description)
