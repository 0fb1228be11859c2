"""A checkpoint in the page: read, checked and driven here, executed by the bridge's ONNX Runtime.

Nothing here needs a browser; ``wasm_bridge/page_model.mjs`` is the other side.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checkpoint import Checkpoint
from .clips import TRAINED_WINDOW, ClipGeneration, Graphs, StreamGeneration, Window
from .config import AutoGazeConfig
from .controls import Ratio
from .frame_plan import FramePlan, frame_plan
from .frames import Rgba, words
from .gaze import Gaze
from .gazer import GazePart
from .generation import Decisions, Run
from .graph_choice import choose_graphs, graphs_of, is_for_gpu
from .processor import AutoGazeImageProcessor
from .safetensors_header import Buffer
from .trace import gaze_choice

Result = TypeVar("Result")

Execute = Callable[[str, NDArray[np.uint8]], Awaitable[Any]]
"""Executes one run, a JSON header and the packed feeds; answers the decisions, a Float32Array."""


class PageModel:
    """One checkpoint.

    Args:
        config, preprocessor: the texts of ``config.json`` and ``preprocessor_config.json``; the latter may
            be missing, then the released model's processing applies.
        weights: the bytes of ``model.safetensors``.

    Raises:
        ValueError: if a file is damaged or does not fit the others; the message says which.
    """

    def __init__(self, config: str, preprocessor: str | None, weights: Buffer) -> None:
        self.config = AutoGazeConfig.from_json(config)
        self.processor = _processor(preprocessor)
        self._checkpoint: Checkpoint | None = Checkpoint.from_bytes(self.config, weights)

    def weight_names(self) -> list[str]:
        """Names of the tensors, by which the graphs know them."""
        return list(self._loaded().weights)

    def weight_memory(self, name: str) -> NDArray[np.uint8]:
        """A tensor as little-endian float32 bytes."""
        return np.ascontiguousarray(self._loaded().weights[name]).reshape(-1).view(np.uint8)

    def forget_weights(self) -> None:
        """Frees the weights, once ONNX Runtime has its own copy of them."""
        self._checkpoint = None

    def choose_graphs(
        self, manifest: str, max_tokens: int | None, more: bool = False, target: str = "cpu"
    ) -> str:
        """Which graphs of ``graphs.json`` to load, as JSON; see `graph_choice.choose_graphs`."""
        return choose_graphs(manifest, self.config, max_tokens, more, target)

    def stream(self, graphs: str, execute: Execute, **controls: Any) -> PageStream:
        """A live stream on the chosen graphs; ``controls`` are those of `AutoGaze.stream`."""
        return PageStream(self, graphs_of(graphs), execute, is_for_gpu(graphs), **controls)

    async def generate(
        self,
        graphs: str,
        execute: Execute,
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
        return await drive(generation.runs(), execute)

    def _loaded(self) -> Checkpoint:
        if self._checkpoint is None:
            raise RuntimeError("the weights were freed")
        return self._checkpoint


class PageStream:
    """The gaze of one stream of frames, see `PageModel.stream`.

    Args:
        on_gpu: whether who executes the runs makes the model's input of pixels itself (``frame_plan``).
    """

    def __init__(
        self,
        model: PageModel,
        graphs: Graphs,
        execute: Execute,
        on_gpu: bool,
        gazing_ratio: float | None = None,
        task_loss_requirement: float | None = None,
        window: Window = TRAINED_WINDOW,
        max_tokens: int | None = None,
        coverage_stop: float | None = None,
    ) -> None:
        self._config, self._processor, self._execute = model.config, model.processor, execute
        self._on_gpu = on_gpu
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

    def look(self, frame: Rgba) -> AsyncGenerator[GazePart, None]:
        """The gaze of the next frame, (H, W, 4) uint8, in one part; see `gazer.GazeStream`."""
        begun = time.perf_counter()
        pixels, processed = None, None
        if self._on_gpu:
            pixels = self._pixels(frame)
        else:
            processed = self._processor(frame[None, ..., :3])[0]
        return self._parts(processed, pixels, (time.perf_counter() - begun) * 1000)

    async def _parts(
        self, processed: NDArray[np.float32] | None, pixels: Pixels | None, preprocess_ms: float
    ) -> AsyncGenerator[GazePart, None]:
        timed = TimedExecute(self._execute)
        gaze = await drive(self._generation.runs(processed), timed, pixels)
        yield GazePart(gaze_choice(gaze), stage_ms=timed.stages(preprocess_ms))

    async def step(self, frame: Rgba) -> Gaze:
        """The gaze of the next frame, (H, W, 4) uint8."""
        if self._on_gpu:
            return await drive(self._generation.runs(None), self._execute, self._pixels(frame))
        return await self.step_processed(self._processor(frame[None, ..., :3])[0])

    async def step_processed(self, frame: NDArray[np.float32]) -> Gaze:
        """The gaze of the next frame, (3, H, W) float32 from the processor."""
        return await drive(self._generation.runs(frame), self._execute)

    def _pixels(self, frame: Rgba) -> Pixels:
        """A copy of the frame, with a plan if the last one's does not fit it."""
        rows = words(frame).view(np.uint8)
        height, width = frame.shape[:2]
        if self._plan is None or self._plan_size != (height, width):
            side = self._config.input_img_size
            self._plan = frame_plan(self._processor, height, width, rows.shape[1] // 4, side)
            self._plan_size = (height, width)
            return Pixels(rows.copy(), self._plan, new=True)
        return Pixels(rows.copy(), self._plan, new=False)


class TimedExecute:
    """Executes runs and adds up how long that takes."""

    def __init__(self, execute: Execute) -> None:
        self._execute = execute
        self._begun, self._model_s = time.perf_counter(), 0.0

    async def __call__(self, header: str, packed: NDArray[np.uint8]) -> Any:
        """See `Execute`."""
        called = time.perf_counter()
        answer = await self._execute(header, packed)
        self._model_s += time.perf_counter() - called
        return answer

    def stages(self, preprocess_ms: float) -> dict[str, float]:
        """The time so far by stage: before the runs, in them, and around them."""
        all_ms, model_ms = (time.perf_counter() - self._begun) * 1000, self._model_s * 1000
        return {"preprocess": preprocess_ms, "model": model_ms, "decode": all_ms - model_ms}


@dataclass(frozen=True)
class Pixels:
    """A frame that the bridge itself brings into the model's input.

    Attributes:
        rows: (H, 4 * row pixels) uint8.
        plan: what to do with it.
        new: whether the plan is another than the last frame's.
    """

    rows: NDArray[np.uint8]
    plan: FramePlan
    new: bool


async def drive(
    runs: Generator[tuple[int, Run], Decisions, Result], execute: Execute, pixels: Pixels | None = None
) -> Result:
    """Has all runs of a generator executed and returns the generator's result.

    Args:
        pixels: for runs of frame graphs that have no ``frame`` of their own.
    """
    try:
        index, run = next(runs)
        while True:
            header, packed = pack_run(index, run, pixels)
            answer = await execute(header, packed)
            decisions = np.asarray(answer.to_py(), np.float32).reshape(3, run.steps, -1)
            index, run = runs.send(decisions)
    except StopIteration as stop:
        result: Result = stop.value
        return result


def pack_run(video: int, run: Run, pixels: Pixels | None = None) -> tuple[str, NDArray[np.uint8]]:
    """A run as a JSON header and one block of memory, so that it crosses to JavaScript in one piece.

    The header's ``feeds`` are [name, dtype, first byte, bytes] of each feed within the block; ``copies`` are
    source, count and row of each copy, one after the other. With pixels it has the ``passes`` of their plan,
    and the block their ``pixels`` and, if the plan is new, its ``tables``.
    """
    arrays = dict(run.feeds)
    header: dict[str, Any] = {
        "video": video,
        "graph": run.graph,
        "steps": run.steps,
        "copies": [n for copy in run.copies for n in (copy.source, copy.count, copy.row)],
    }
    if pixels is not None and run.graph == "frame":
        header["passes"] = [asdict(each) for each in pixels.plan.passes]
        arrays["pixels"] = pixels.rows
        if pixels.new:
            arrays["tables"] = pixels.plan.tables
    feeds, parts, start = [], [], 0
    for name, array in arrays.items():
        part = np.ascontiguousarray(array).reshape(-1)
        feeds.append([name, str(part.dtype), start, part.nbytes])
        parts.append(part.view(np.uint8))
        start += part.nbytes
    return json.dumps({**header, "feeds": feeds}), np.concatenate(parts)


def _processor(text: str | None) -> AutoGazeImageProcessor:
    if text is None:
        return AutoGazeImageProcessor()
    try:
        return AutoGazeImageProcessor.from_dict(json.loads(text))
    except json.JSONDecodeError as error:
        raise ValueError(f"preprocessor_config.json is not valid JSON ({error}): fetch it again") from None
