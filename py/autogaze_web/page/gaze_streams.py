"""A model's gaze at one stream of frames in the page, on whole frames or in tiles."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from ..frames.rgba import Rgba
from ..live.gazer import GazeProgress
from ..masks.choice import Choice, Description
from ..model.graph_choice import graphs_of
from ..tiles.inference_mode import InferenceMode
from ..tiles.tiled_clips import TiledGeneration, TiledStream
from .bridge import Bridge, ModelClock, drive
from .model import PageModel, PageStream

OnTiles = Callable[[int, int], object]
"""Called with the number of tiles of a frame that are done, and of all."""


class PageTiledStream:
    """The gaze at one stream of frames in tiles; a `gazer.GazeStream`.

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
        self._bridge = bridge
        self._stream = TiledStream(
            model.config, model.processor, graphs_of(graphs), mode, model.config.gazing_ratio, max_tokens
        )
        self._requirement: float | None = None

    def require(self, task_loss_requirement: float | None) -> None:
        """Sets the requirement of the next frames."""
        self._requirement = task_loss_requirement

    def submit(self, frame: Rgba) -> AsyncGenerator[GazeProgress, None]:
        """The gaze of the next frame, (H, W, 4) uint8; yields after each batch of tiles.

        Tiles that it has not reached have the cells that they had in the frame before.
        """
        start = time.perf_counter()
        generation = self._stream.next(frame, self._requirement)
        return self._gaze(generation, (time.perf_counter() - start) * 1000)

    async def _gaze(
        self, generation: TiledGeneration, preprocess_ms: float
    ) -> AsyncGenerator[GazeProgress, None]:
        tiles, clock, done = len(generation.tiling), ModelClock(), 0
        for batch in generation.batches():
            for tile in batch:
                self._bridge.restart()
                generation.add(tile, await drive(generation.runs(tile), self._bridge, clock))
            done += len(batch)
            yield GazeProgress(generation.choice(), done / tiles, clock.stages(preprocess_ms), tiles)


class PageGaze:
    """A loaded model and its present stream.

    Args:
        model: the checkpoint.
        graphs: those of `PageModel.choose_graphs`.
        bridge: executes the runs.
        max_tokens: limit on the tokens of a frame or tile; None for the config's own.
    """

    def __init__(
        self,
        model: PageModel,
        graphs: str,
        bridge: Bridge,
        max_tokens: int | None,
    ) -> None:
        self._model, self._graphs, self._max_tokens = model, graphs, max_tokens
        self._bridge = bridge
        self._mode: InferenceMode | None = None
        self._stream: PageStream | PageTiledStream | None = None

    @property
    def tile(self) -> int:
        """Pixels per side of a tile."""
        return self._model.config.input_img_size

    def restart(self) -> None:
        """Makes the next frame the first of a new stream."""
        self._stream = None

    def describe(self, mode: InferenceMode, requirement: float | None) -> Description:
        """The model in a mode as a mask source."""
        return mode.describe(self._model.config, self._max_tokens, requirement)

    async def step(
        self, frame: Rgba, mode: InferenceMode, requirement: float | None, on_tiles: OnTiles
    ) -> Choice:
        """What is chosen of the next frame, (H, W, 4) uint8; a change of the mode starts a new stream."""
        if mode != self._mode or self._stream is None:
            self._mode, self._stream = mode, self._open(mode)
        self._stream.require(requirement)
        async with aclosing(self._stream.submit(frame)) as states:
            async for gaze in states:
                if gaze.tiles:
                    on_tiles(round(gaze.progress * gaze.tiles), gaze.tiles)
        return gaze.choice

    def _open(self, mode: InferenceMode) -> PageStream | PageTiledStream:
        model, graphs, bridge = self._model, self._graphs, self._bridge
        bridge.restart()
        if mode.tiled:
            return PageTiledStream(model, graphs, bridge, mode, self._max_tokens)
        return model.stream(
            graphs,
            bridge,
            gazing_ratio=model.config.gazing_ratio,
            window=mode.window(model.config),
            max_tokens=self._max_tokens,
            coverage_stop=mode.coverage_stop,
        )
