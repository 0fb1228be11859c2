"""AutoGaze on native ONNX Runtime as a mask source for videos and live frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .. import options
from ..frames.rgba import Rgba
from ..masks.choice import Choice, Description
from ..model.config import AutoGazeConfig
from ..model.controls import StreamControls
from ..model.gaze import Gaze
from ..model.processor import AutoGazeImageProcessor
from ..tiles.inference_mode import InferenceMode
from ..tiles.stitching import TileProgress
from ..tiles.tiled_clips import TiledGeneration, TiledStream
from .autogaze import AutoGaze
from .pillow_processor import quickest_processor
from .streams import Stream

OnTiles = Callable[[TileProgress], object]
"""Called after each batch of tiles with what is known up to then."""


_LIMIT_OPTION = "max-gaze-tokens-each-frame"
_LOSS_OPTIONS = {"task-loss-requirement", "task-loss-requirement-db", "disable-task-loss-requirement"}


DriveTiles = Callable[[TiledGeneration], Iterator[TileProgress]]
"""Executes a tiled generation, as `AutoGaze.drive_tiles` does."""


class FrameSteps(Protocol):
    """A video that is processed frame by frame, such as a `Stream`."""

    def step(self, frame: NDArray[np.float32]) -> Gaze:
        """See `Stream.step`."""
        ...


class AutoGazeSource:
    """AutoGaze on whole frames as a mask source; made by `autogaze_source`."""

    def __init__(
        self, stream: FrameSteps, processor: AutoGazeImageProcessor, description: Description
    ) -> None:
        self._stream, self._processor, self._description = stream, processor, description

    def describe(self) -> Description:
        """See `live.sources.MaskSource`."""
        return self._description

    def choose(self, frame: Rgba) -> Choice:
        """See `live.sources.MaskSource`; the frame may be (H, W, 3)."""
        return self.choose_from(self.processed(frame))

    def processed(self, frame: Rgba) -> NDArray[np.float32]:
        """A frame as the processor makes it, (3, H', W'). Unlike the choice, it depends on no other frame."""
        image: NDArray[np.float32] = self._processor(frame[None, ..., :3])[0]
        return image

    def choose_from(self, image: NDArray[np.float32]) -> Choice:
        """What `choose` chooses of the frame that was processed."""
        return self._stream.step(image).choice()


class TiledAutoGazeSource:
    """AutoGaze in tiles as a mask source; made by `autogaze_source`."""

    def __init__(
        self,
        drive: DriveTiles,
        stream: TiledStream,
        requirement: float | None,
        description: Description,
        on_tiles: OnTiles | None,
    ) -> None:
        self._drive, self._stream, self._requirement = drive, stream, requirement
        self._description, self._on_tiles = description, on_tiles

    def describe(self) -> Description:
        """See `live.sources.MaskSource`."""
        return self._description

    def prepare(self, frame: Rgba) -> None:
        """Takes a frame, as `choose` does, as context of the next ones, without choosing from it."""
        self._stream.next(frame, self._requirement)

    def choose(self, frame: Rgba) -> Choice:
        """See `live.sources.MaskSource`; the frame may be (H, W, 3)."""
        generation = self._stream.next(frame, self._requirement)
        for progress in self._drive(generation):
            if self._on_tiles:
                self._on_tiles(progress)
        return generation.choice()


@dataclass(frozen=True)
class LoadedModel:
    """A checkpoint's model and processor, which the sources of many videos share."""

    model: AutoGaze
    processor: AutoGazeImageProcessor

    @staticmethod
    def load(source: str | Path, threads: int | None = None, device: str = "cpu") -> LoadedModel:
        """Loads a checkpoint; see `AutoGaze.from_pretrained`."""
        return LoadedModel(
            AutoGaze.from_pretrained(source, threads, device=device),
            quickest_processor(source),
        )


@dataclass(frozen=True)
class GazeSettings:
    """How a source of AutoGaze chooses.

    Attributes:
        max_tokens: most tokens of a frame, or of a tile; None for the checkpoint's budget.
        task_loss: the requirement at which a frame stops; None for the checkpoint's.
        early_stop: False to use the whole budget in every frame.
        mode: how frames are fed to the model.
    """

    max_tokens: int | None = None
    task_loss: float | None = None
    early_stop: bool = True
    mode: InferenceMode = field(default_factory=InferenceMode)

    def controls(self, config: AutoGazeConfig) -> StreamControls:
        """The controls of every frame, or tile, of a checkpoint's streams."""
        loss = config.task_loss_requirement if self.task_loss is None else self.task_loss
        return self.mode.controls(config, self.max_tokens, loss if self.early_stop else None)

    @staticmethod
    def of(given: Mapping[str, object]) -> GazeSettings:
        """From options by name. What is not given is the checkpoint's own, not the page's default.

        Raises:
            ValueError: naming each option or value that is wrong.

        >>> GazeSettings.of({"max-gaze-tokens-each-frame": 16}).max_tokens
        16
        >>> GazeSettings.of({}).max_tokens is None
        True
        """
        values = options.parse(given)
        names = {options.find(name).name for name in given}
        loss = options.requirement(values)
        has_loss = bool(names & _LOSS_OPTIONS)
        # 0 stands for the model's own budget.
        limit = int(values[_LIMIT_OPTION]) or None
        return GazeSettings(
            limit if _LIMIT_OPTION in names else None,
            loss if has_loss else None,
            loss is not None or not has_loss,
            InferenceMode.of(values),
        )


def gaze_source(
    loaded: LoadedModel,
    settings: GazeSettings,
    on_tiles: OnTiles | None = None,
    stream: FrameSteps | None = None,
    drive: DriveTiles | None = None,
) -> AutoGazeSource | TiledAutoGazeSource:
    """A loaded model as the mask source of one video.

    Args:
        on_tiles: called after each batch of a frame's tiles.
        stream: chooses from whole frames; a stream of the model by default.
        drive: executes the tiles; the model does by default.
    """
    model, mode = loaded.model, settings.mode
    config = model.config
    controls = settings.controls(config)
    description = mode.describe(config, controls)
    if mode.tiled:
        graphs, at_once = model.tile_graphs(controls)
        tiles = TiledStream(config, loaded.processor, graphs, mode, controls, at_once)
        return TiledAutoGazeSource(
            drive or model.drive_tiles, tiles, controls.task_loss_requirement, description, on_tiles
        )
    return AutoGazeSource(stream or Stream(model, controls), loaded.processor, description)


def autogaze_source(
    source: str,
    max_tokens: int | None = None,
    task_loss: float | None = None,
    early_stop: bool = True,
    threads: int | None = None,
    mode: InferenceMode | None = None,
    on_tiles: OnTiles | None = None,
) -> AutoGazeSource | TiledAutoGazeSource:
    """AutoGaze as a mask source, from a checkpoint's folder or the id of a Hugging Face repository.

    The other arguments are those of `GazeSettings`, `LoadedModel.load` and `gaze_source`; by default frames
    are fed as a whole, with the window of the model's training.
    """
    settings = GazeSettings(max_tokens, task_loss, early_stop, mode or InferenceMode())
    return gaze_source(LoadedModel.load(source, threads), settings, on_tiles)
