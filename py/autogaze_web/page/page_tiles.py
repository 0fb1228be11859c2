"""AutoGaze in tiles in the page: large frames gazed at batch by batch, with something to show after each."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator

import numpy as np

from ..frames.rgba import Rgba
from ..live.gazer import GazePart
from ..live.record import Chosen
from ..masks.fixations import Fixations
from ..model.graph_choice import graphs_of
from ..tiles.inference_mode import InferenceMode
from ..tiles.tiled_clips import TiledGeneration
from ..tiles.tiled_source import TiledClips
from ..tiles.tiling import Tiling, merged, place
from .bridge import Bridge, ModelClock, drive
from .model import PageModel


class PageTiledStream:
    """The gaze of one stream of frames in tiles; a `gazer.GazeStream`.

    Args:
        model: the checkpoint.
        graphs: those of `PageModel.choose_graphs`.
        bridge: executes the runs; every tile is a new video.
        mode: one with tiles.
        max_tokens: limit on a tile's tokens besides the config's own; None for no limit.
    """

    def __init__(
        self,
        model: PageModel,
        graphs: str,
        bridge: Bridge,
        mode: InferenceMode,
        max_tokens: int | None = None,
    ) -> None:
        self._graphs, self._bridge = graphs_of(graphs), bridge
        self._clips = TiledClips(model.config, model.processor, mode, model.config.gazing_ratio, max_tokens)
        self._requirement: float | None = None
        self._tiling: Tiling | None = None
        self._newest: dict[int, Fixations] = {}

    def require(self, task_loss_requirement: float | None) -> None:
        """Sets the requirement of the frames to come."""
        self._requirement = task_loss_requirement

    def look(self, frame: Rgba) -> AsyncGenerator[GazePart, None]:
        """The gaze of the next frame, (H, W, 4) uint8: a part after each batch of tiles.

        Tiles that are still to come have the cells that they had in the frame before.
        """
        begun = time.perf_counter()
        generation = self._clips.next(self._graphs, frame, self._requirement)
        if generation.tiling != self._tiling:
            self._tiling, self._newest = generation.tiling, {}
        return self._parts(generation, (time.perf_counter() - begun) * 1000)

    async def _parts(
        self, generation: TiledGeneration, preprocess_ms: float
    ) -> AsyncGenerator[GazePart, None]:
        tiling, clock = generation.tiling, ModelClock()
        done = 0
        for batch in generation.batches():
            for tile in batch:
                self._bridge.restart()
                gaze = await drive(generation.runs(tile), self._bridge, clock)
                generation.take(tile, gaze)
                self._newest[tile] = place(gaze.cells[-1], tile, tiling)
            done += len(batch)
            cells = merged([self._newest[tile] for tile in sorted(self._newest)])
            numbers = np.arange(len(cells), dtype=np.int64)
            chosen = Chosen(cells, numbers, generation.padded, generation.steps)
            yield GazePart(chosen, done / len(tiling), clock.stages(preprocess_ms), len(tiling))
