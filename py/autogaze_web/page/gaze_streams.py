"""A model's gaze at one frame after the other, in whichever mode is asked for, in the page."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing

from ..frames.rgba import Rgba
from ..tiles.inference_mode import InferenceMode
from .bridge import Bridge
from .model import PageModel, PageStream
from .page_tiles import PageTiledStream
from .points import Choice, Scale

OnTiles = Callable[[int, int], object]
"""Told how many tiles of a frame are done, and how many there are."""


class PageGaze:
    """A loaded model and what it has seen.

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
        """The next frame is the first of another stream."""
        self._stream = None

    async def step(
        self, frame: Rgba, mode: InferenceMode, requirement: float | None, on_tiles: OnTiles
    ) -> Choice:
        """What is chosen of the next frame, (H, W, 4) uint8; another mode than before begins a new stream."""
        if mode != self._mode or self._stream is None:
            self._mode, self._stream = mode, self._open(mode)
        stream, grids = self._stream, self._model.config.scale_grids()
        stream.require(requirement)
        if isinstance(stream, PageStream):
            return Choice.by_gaze(await stream.step(frame), grids)
        async with aclosing(stream.look(frame)) as parts:
            async for part in parts:
                on_tiles(round(part.progress * part.tiles), part.tiles)
        height, width = frame.shape[:2]
        tiling = mode.tiling(height, width, self.tile)
        across = (tiling.rows, tiling.columns) if tiling.mode == "anyres" else None
        scales = [Scale.of(grid, across) for grid in grids]
        chosen = part.chosen
        return Choice(chosen.cells, chosen.tokens, scales, chosen.padded, chosen.steps)

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
