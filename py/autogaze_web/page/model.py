"""A checkpoint in the page: read, checked and driven here, executed by the bridge's ONNX Runtime.

Nothing here needs a browser; ``wasm_bridge/model/loaded_model.mjs`` is the other side.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..formats.safetensors import Buffer
from ..frames.rgba import Rgba, as_words
from ..live.gazer import GazeProgress
from ..model.checkpoint import check_entries, weight_entries
from ..model.clips import TRAINED_WINDOW, ClipGeneration, GazeRuns, Graphs, StreamGeneration, Window
from ..model.config import AutoGazeConfig
from ..model.controls import Ratio
from ..model.gaze import Gaze
from ..model.graph_choice import choose_graphs, graphs_of
from ..model.processor import AutoGazeImageProcessor
from .bridge import Bridge, FrameGiver, ModelClock, Packer, drive
from .gpu_resize import FramePlan, frame_plan


class PageModel:
    """One checkpoint.

    Args:
        config, preprocessor: the texts of ``config.json`` and ``preprocessor_config.json``; the latter may
            be missing, then the released model's processing applies.
        header: the first bytes of ``model.safetensors``: its header with the length before it.
        file_bytes: how many bytes the whole file has.

    Raises:
        ValueError: if a file is damaged or does not fit the others; the message says which.
    """

    def __init__(self, config: str, preprocessor: str | None, header: Buffer, file_bytes: int) -> None:
        self.config = AutoGazeConfig.from_json(config)
        self.processor = _processor(preprocessor)
        self._entries = weight_entries(header, file_bytes)
        check_entries(self.config, self._entries)

    def weight_table(self) -> str:
        """Where the weights lie in the file, as JSON: name, dtype, first byte and end of each tensor."""
        entries = self._entries.items()
        return json.dumps([[name, entry.dtype, entry.start, entry.end] for name, entry in entries])

    def choose_graphs(
        self, manifest: str, max_tokens: int | None, more: bool = False, target: str = "cpu"
    ) -> str:
        """Which graphs of ``graphs.json`` to load, as JSON; see `graph_choice.choose_graphs`."""
        return choose_graphs(manifest, self.config, max_tokens, more, target)

    def stream(self, graphs: str, bridge: Bridge, **controls: Any) -> PageStream:
        """A live stream on the chosen graphs; ``controls`` are those of `AutoGaze.stream`."""
        return PageStream(self, graphs_of(graphs), bridge, **controls)

    async def generate(
        self,
        graphs: str,
        bridge: Bridge,
        video: NDArray[np.float32],
        gazing_ratio: Ratio | None = None,
        task_loss_requirement: ArrayLike | None = None,
        target_scales: Sequence[int] | None = None,
        target_patch_size: int | None = None,
    ) -> Gaze:
        """`AutoGaze.generate` in the page."""
        generation = ClipGeneration(
            self.config,
            graphs_of(graphs),
            video,
            gazing_ratio,
            task_loss_requirement,
            target_scales,
            target_patch_size,
        )
        return await drive(generation.runs(), bridge)


class PageStream:
    """The gaze of one stream of frames, see `PageModel.stream`."""

    def __init__(
        self,
        model: PageModel,
        graphs: Graphs,
        bridge: Bridge,
        gazing_ratio: float | None = None,
        task_loss_requirement: float | None = None,
        window: Window = TRAINED_WINDOW,
        max_tokens: int | None = None,
        coverage_stop: float | None = None,
    ) -> None:
        self._side, self._processor, self._bridge = model.config.input_img_size, model.processor, bridge
        self._giver = FrameGiver(bridge) if bridge.takes_frames else None
        self._pack = Packer()
        self._plan: FramePlan | None = None
        self._plan_size = (0, 0)
        self._generation = StreamGeneration(
            model.config,
            graphs,
            gazing_ratio,
            task_loss_requirement,
            window,
            max_tokens,
            coverage_stop=coverage_stop,
        )

    def require(self, task_loss_requirement: float | None) -> None:
        """Sets the requirement of the frames to come; the context stays."""
        self._generation.requirement = task_loss_requirement

    def submit(self, frame: Rgba) -> AsyncGenerator[GazeProgress, None]:
        """The complete gaze of the next frame, (H, W, 4) uint8; see `gazer.GazeStream`."""
        begun = time.perf_counter()
        processed = self._bring(frame)
        return self._gaze(processed, (time.perf_counter() - begun) * 1000)

    async def step(self, frame: Rgba) -> Gaze:
        """The gaze of the next frame, (H, W, 4) uint8."""
        return await self.step_processed(self._bring(frame))

    async def step_processed(self, frame: NDArray[np.float32] | None) -> Gaze:
        """The gaze of the next frame, (3, H, W) float32 from the processor; None if the bridge has it."""
        return await drive(self._runs(frame), self._bridge)

    async def _gaze(
        self, frame: NDArray[np.float32] | None, preprocess_ms: float
    ) -> AsyncGenerator[GazeProgress, None]:
        clock = ModelClock()
        gaze = await drive(self._runs(frame), self._bridge, clock, self._pack)
        if self._giver is not None:
            asyncio.get_running_loop().call_soon(self._begin_early)
        yield GazeProgress(gaze.choice(), stage_ms=clock.stages(preprocess_ms))

    def _runs(self, frame: NDArray[np.float32] | None) -> GazeRuns:
        return self._generation.runs_without_frame() if frame is None else self._generation.runs(frame)

    def _begin_early(self) -> None:
        """Prepares the next frame's first run, now that the last frame is on its way to the screen."""
        first = self._generation.begin_early()
        if first is not None:
            self._pack.early(*first)

    def _bring(self, frame: Rgba) -> NDArray[np.float32] | None:
        """The frame as the model's processor makes it; None if the bridge has taken it instead."""
        if self._giver is None:
            processed: NDArray[np.float32] = self._processor(frame[None, ..., :3])[0]
            return processed
        rows = as_words(frame).view(np.uint8)
        height, width = frame.shape[:2]
        if self._plan is None or self._plan_size != (height, width):
            self._plan = frame_plan(self._processor, height, width, rows.shape[1] // 4, self._side)
            self._plan_size = (height, width)
        self._giver.give(self._plan, rows)
        return None


def _processor(text: str | None) -> AutoGazeImageProcessor:
    return AutoGazeImageProcessor() if text is None else AutoGazeImageProcessor.from_json(text)
