"""A model's gaze at one frame after the other, in whichever mode is asked for, in the page."""

from __future__ import annotations

from collections.abc import Callable

from .frame_points import Choice, Scale
from .frames import Rgba
from .graph_choice import graphs_of
from .inference_mode import InferenceMode
from .page_model import Execute, PageModel, PageStream, drive
from .tiled_source import TiledClips, tiled_choice

OnTiles = Callable[[int, int], object]
"""Told how many tiles of a frame are done, and how many there are."""


class PageGaze:
    """A loaded model and what it has seen.

    Args:
        model: the checkpoint.
        graphs: those of `PageModel.choose_graphs`.
        execute: executes a run.
        restart: lets what executes the runs forget all videos.
        max_tokens: limit on the tokens of a frame or tile; None for the config's own.
    """

    def __init__(
        self,
        model: PageModel,
        graphs: str,
        execute: Execute,
        restart: Callable[[], object],
        max_tokens: int | None,
    ) -> None:
        self._model, self._graphs, self._max_tokens = model, graphs, max_tokens
        self._execute, self._forget = execute, restart
        self._mode: InferenceMode | None = None
        self._stream: PageStream | None = None
        self._clips: TiledClips | None = None

    @property
    def tile(self) -> int:
        """Pixels per side of a tile."""
        return self._model.config.input_img_size

    def restart(self) -> None:
        """The next frame is the first of another stream."""
        self._mode = None

    async def step(
        self, frame: Rgba, mode: InferenceMode, requirement: float | None, on_tiles: OnTiles
    ) -> Choice:
        """What is chosen of the next frame, (H, W, 4) uint8; another mode than before begins a new stream."""
        if mode != self._mode:
            self._begin(mode)
        grids = self._model.config.scale_grids()
        if self._stream is not None:
            self._stream.require(requirement)
            return Choice.by_gaze(await self._stream.step(frame), grids)
        assert self._clips is not None
        generation = self._clips.next(graphs_of(self._graphs), frame, requirement)
        done = 0
        for batch in generation.batches():
            for tile in batch:
                self._forget()
                generation.take(tile, await drive(generation.runs(tile), self._execute))
            done += len(batch)
            on_tiles(done, len(generation.tiling))
        chosen = tiled_choice(generation)
        tiling = generation.tiling
        across = (tiling.rows, tiling.columns) if tiling.mode == "anyres" else None
        scales = [Scale.of(grid, across) for grid in grids]
        return Choice(chosen.cells, chosen.tokens, scales, chosen.padded, chosen.steps)

    def _begin(self, mode: InferenceMode) -> None:
        self._forget()
        self._mode, self._stream, self._clips = mode, None, None
        config, ratio = self._model.config, self._model.config.gazing_ratio
        if mode.tiled:
            self._clips = TiledClips(config, self._model.processor, mode, ratio, self._max_tokens)
        else:
            self._stream = self._model.stream(
                self._graphs,
                self._execute,
                gazing_ratio=ratio,
                window=mode.window(config),
                max_tokens=self._max_tokens,
                coverage_stop=mode.coverage_stop,
            )
