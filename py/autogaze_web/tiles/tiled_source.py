"""AutoGaze in tiles as a mask source for live frames: each frame a clip of its own, of the newest frames."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np

from ..frames.rgba import Rgba
from ..live.record import Chosen
from ..model.clips import Graphs
from ..model.config import AutoGazeConfig
from ..model.processor import AutoGazeImageProcessor
from ..model.run import FloatArray
from .inference_mode import InferenceMode
from .tiled_clips import TiledGeneration
from .tiling import TiledFrames, TileProgress, Tiling, on_canvas

OnTiles = Callable[[TileProgress], object]
"""Told after each batch of tiles what is known so far."""


class TiledClips:
    """Makes the tiled generation of each next frame; frames of another size begin anew.

    Args:
        processor: of the checkpoint; its resizing is left out.
        mode: one with tiles.
    """

    def __init__(
        self,
        config: AutoGazeConfig,
        processor: AutoGazeImageProcessor,
        mode: InferenceMode,
        gazing_ratio: float | None = None,
        max_tokens: int | None = None,
    ) -> None:
        self._config, self._processor = config, processor.without_resizing()
        self._mode, self._ratio, self._max_tokens = mode, gazing_ratio, max_tokens
        self._canvases: deque[FloatArray] = deque(maxlen=mode.window(config))
        self._tiling: Tiling | None = None

    def next(self, graphs: Graphs, frame: Rgba, requirement: float | None) -> TiledGeneration:
        """The generation for a frame (H, W, 4) uint8 and those before it, as many as a clip has."""
        height, width = frame.shape[:2]
        tiling = self._mode.tiling(height, width, self._config.input_img_size)
        if tiling != self._tiling:
            self._tiling = tiling
            self._canvases.clear()
        (processed,) = self._processor(frame[None, ..., :3])
        self._canvases.append(on_canvas(processed, tiling))
        return TiledGeneration(
            self._config,
            graphs,
            TiledFrames(np.stack(self._canvases), tiling),
            self._ratio,
            requirement,
            self._max_tokens,
            self._mode.batch_size,
            self._mode.coverage_stop,
        )


def tiled_choice(generation: TiledGeneration) -> Chosen:
    """What all tiles together chose of a clip's last frame; its cells are numbered one after the other."""
    cells = generation.progress().frames[-1]
    return Chosen(cells, np.arange(len(cells), dtype=np.int64), generation.padded, generation.steps)
