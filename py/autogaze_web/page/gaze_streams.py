"""A model's gaze at one stream of frames in the page, on whole frames or in tiles."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace
from functools import cached_property

from ..live.gazer import GazeProgress, GazeStream, HeldFrame, Picture
from ..masks.choice import Description
from ..model.clips import GazeRuns, Graphs, StreamGeneration
from ..model.controls import StreamControls, limited_budget
from ..model.graph_choice import TileGraph, graphs_of, tile_graph_of
from ..tiles.inference_mode import InferenceMode
from ..tiles.tiled_clips import TiledGeneration, TiledStream
from .bridge import Bridge, FrameUploader, ModelClock, Packer, TileClip, drive, drive_rounds
from .gpu_resize import FramePlan, frame_plan, tile_plan
from .model import PageModel

PREPARE_AFTER_S = 0.004
"""After a gaze, how long its frame has to get to the screen before the next one is prepared."""

Observer = Callable[[Picture], Callable[[GazeProgress], object] | None]
"""Called with each frame when its gaze begins; what it returns gets the complete gaze."""


@dataclass(frozen=True)
class GazeStreams:
    """Opens streams of a loaded model.

    Attributes:
        model: the checkpoint.
        graphs: those of `PageModel.choose_graphs`.
        bridge: executes the runs.
        max_tokens: most tokens of a frame or tile; None for the config's own budget.
    """

    model: PageModel
    graphs: str
    bridge: Bridge
    max_tokens: int | None

    @property
    def tile(self) -> int:
        """Pixels per side of a tile."""
        return self.model.config.input_img_size

    def open(self, mode: InferenceMode, observe: Observer | None = None) -> GazeStream:
        """A new stream; those opened before cannot be used any more.

        Args:
            observe: of gazes at whole frames.
        """
        self.bridge.restart()
        config, controls = self.model.config, self._controls(mode)
        if mode.tiled:
            graph = tile_graph_of(self.graphs, config, controls.window_frames(config))
            return TiledFrameStream(self.model, graph or self._graphs, self.bridge, mode, controls)
        return WholeFrameStream(self.model, self._graphs, self.bridge, controls, observe)

    def describe(self, mode: InferenceMode, task_loss_requirement: float | None) -> Description:
        """The model in a mode as a mask source."""
        return mode.describe(self.model.config, self._controls(mode, task_loss_requirement))

    @cached_property
    def _graphs(self) -> Graphs:
        return graphs_of(self.graphs)

    def _controls(self, mode: InferenceMode, task_loss_requirement: float | None = None) -> StreamControls:
        config = self.model.config
        controls = mode.controls(config, self.max_tokens, task_loss_requirement)
        window = controls.window_frames(config)
        if window is None:
            return controls
        # A context made for smaller budgets has room for fewer frames.
        budget = limited_budget(config, self.max_tokens)
        return replace(controls, window=self._graphs.fitting_window(config, budget, window))


class WholeFrameStream:
    """The gaze at one stream of whole frames; a `gazer.GazeStream`."""

    def __init__(
        self,
        model: PageModel,
        graphs: Graphs,
        bridge: Bridge,
        controls: StreamControls,
        observe: Observer | None = None,
    ) -> None:
        self._observe = observe
        self._processor, self._bridge, self._pack = model.processor, bridge, Packer()
        self._uploader = None
        if bridge.uploads_frames:
            side = model.config.input_img_size
            self._uploader = FrameUploader(
                bridge, lambda h, w, row: frame_plan(model.processor, h, w, row, side)
            )
        self._generation = StreamGeneration(model.config, graphs, controls)

    def submit(
        self, frame: Picture, task_loss_requirement: float | None
    ) -> AsyncGenerator[GazeProgress, None]:
        """The complete gaze of the next frame; see `gazer.GazeStream`."""
        start = time.perf_counter()
        self._generation.requirement = task_loss_requirement
        runs = self._runs(frame)
        preprocess_ms = (time.perf_counter() - start) * 1000
        return self._gaze(runs, preprocess_ms, self._observe(frame) if self._observe else None)

    async def _gaze(
        self, runs: GazeRuns, preprocess_ms: float, observed: Callable[[GazeProgress], object] | None
    ) -> AsyncGenerator[GazeProgress, None]:
        clock = ModelClock()
        gaze = await drive(runs, self._bridge, clock, self._pack)
        if self._uploader is not None:
            # Not `call_soon`: that comes before the task that waits for this gaze to draw its frame.
            asyncio.get_running_loop().call_later(PREPARE_AFTER_S, self._prepare_next)
        complete = GazeProgress(gaze.choice(), stage_ms=clock.stages(preprocess_ms))
        if observed is not None:
            observed(complete)
        yield complete

    def _prepare_next(self) -> None:
        """Prepares the next frame's first run, now that the last frame is on its way to the screen."""
        first = self._generation.prepare_next()
        if first is not None:
            self._pack.prepare(*first)

    def _runs(self, frame: Picture) -> GazeRuns:
        """The frame's runs; its pixels are processed here, or by the bridge if it does that itself."""
        if self._uploader is None:
            if isinstance(frame, HeldFrame):
                raise TypeError("this model needs the frame's pixels in memory")
            return self._generation.runs(self._processor(frame[None, ..., :3])[0])
        self._uploader.upload(frame)
        return self._generation.runs_without_frame()


class TiledFrameStream:
    """The gaze at one stream of frames in tiles, each of them a new video; a `gazer.GazeStream`.

    Args:
        graphs: the tiles graph; graphs of single frames where there is none for the budget.
        mode: one with tiles.
        controls: of every tile.
    """

    def __init__(
        self,
        model: PageModel,
        graphs: TileGraph | Graphs,
        bridge: Bridge,
        mode: InferenceMode,
        controls: StreamControls,
    ) -> None:
        self._bridge, self._graph = bridge, graphs if isinstance(graphs, TileGraph) else None
        single = graphs if isinstance(graphs, Graphs) else graphs.graphs
        at_once = 1 if self._graph is None else self._graph.at_once
        self._uploader = None
        if self._graph and bridge.uploads_frames:
            self._uploader = FrameUploader(bridge, self._plan)
        self._stream = TiledStream(
            model.config,
            model.processor,
            single,
            mode,
            controls,
            at_once,
            cuts=self._uploader is None,
        )
        self._model, self._mode, self._frames = model, mode, controls.window_frames(model.config) or 1

    def submit(
        self, frame: Picture, task_loss_requirement: float | None
    ) -> AsyncGenerator[GazeProgress, None]:
        """The gaze of the next frame, in memory; yields after each batch of tiles.

        Tiles that it has not reached have the cells that they had in the frame before.
        """
        if isinstance(frame, HeldFrame):
            raise TypeError("tiles need the frame's pixels in memory")
        start = time.perf_counter()
        generation = self._stream.next(frame, task_loss_requirement)
        if self._uploader is not None:
            self._uploader.upload(frame)
        return self._gaze(generation, (time.perf_counter() - start) * 1000)

    def _plan(self, height: int, width: int, row_pixels: int) -> FramePlan:
        tiling = self._mode.tiling(height, width, self._model.config.input_img_size)
        return tile_plan(self._model.processor, tiling, row_pixels, self._frames)

    async def _gaze(
        self, generation: TiledGeneration, preprocess_ms: float
    ) -> AsyncGenerator[GazeProgress, None]:
        tiles, clock, done = len(generation.tiling), ModelClock(), 0
        for batch in generation.batches():
            self._bridge.restart()
            size = generation.at_once if self._graph else 0
            clip = TileClip(batch.start, generation.frames)
            gazes = await drive_rounds(generation.rounds(batch), self._bridge, clock, size, clip)
            generation.add(batch, gazes)
            done += len(batch)
            progress = GazeProgress(generation.choice(), done / tiles, clock.stages(preprocess_ms), tiles)
            given = time.perf_counter()
            yield progress
            clock.leave_out(time.perf_counter() - given)
