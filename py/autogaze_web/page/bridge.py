"""Runs on their way to JavaScript, and their decisions on the way back.

Nothing here needs a browser; ``wasm_bridge/model/loaded_model.mjs`` is the other side.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Generator
from dataclasses import asdict
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..model.generation import Decisions, Run
from .gpu_resize import FramePlan

Result = TypeVar("Result")
Memory = NDArray[np.uint8]


class Bridge(Protocol):
    """What executes the runs of one model.

    Attributes:
        takes_frames: whether it brings pixels into the model's input itself, see ``take_frame``.
    """

    takes_frames: bool

    def execute(self, header: str, packed: Memory) -> Awaitable[Any]:
        """Executes one run, see `pack_run`; answers its decisions, a Float32Array."""

    def restart(self) -> object:
        """Forgets all videos."""

    def take_frame(self, passes: str, rows: Memory, tables: NDArray[np.uint32] | None) -> object:
        """Takes the pixels of which the next run of a frame graph without a ``frame`` makes its own.

        Args:
            passes: those of their `FramePlan`, as JSON.
            rows: (H, 4 * row pixels); copied before it returns.
            tables: the plan's; None if they are those of the frame before.
        """


class FrameGiver:
    """Gives a bridge the frames of one stream, and a plan whenever their size changes."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._plan: FramePlan | None = None
        self._passes = ""

    def give(self, plan: FramePlan, rows: Memory) -> None:
        """Gives a frame; see `Bridge.take_frame`."""
        new = plan is not self._plan
        if new:
            self._plan, self._passes = plan, json.dumps([asdict(each) for each in plan.passes])
        self._bridge.take_frame(self._passes, rows, plan.tables if new else None)


class Packer:
    """`pack_run`, which can be done for one run before it is asked for."""

    def __init__(self) -> None:
        self._run: Run | None = None
        self._packed: tuple[str, Memory] = ("", np.zeros(0, np.uint8))

    def early(self, index: int, run: Run) -> None:
        """Packs a run that will be asked for; its feeds must not change any more."""
        self._run, self._packed = run, pack_run(index, run)

    def __call__(self, index: int, run: Run) -> tuple[str, Memory]:
        """See `pack_run`."""
        return self._packed if run is self._run else pack_run(index, run)


async def drive(
    runs: Generator[tuple[int, Run], Decisions, Result],
    bridge: Bridge,
    clock: ModelClock | None = None,
    pack: Callable[[int, Run], tuple[str, Memory]] | None = None,
) -> Result:
    """Has all runs of a generator executed and returns the generator's result.

    Args:
        clock: takes the time.
        pack: `pack_run`, or what does as it does.
    """
    pack = pack or pack_run
    try:
        index, run = next(runs)
        while True:
            header, packed = pack(index, run)
            begun = time.perf_counter()
            answer = await bridge.execute(header, packed)
            if clock is not None:
                clock.model_s += time.perf_counter() - begun
            decisions = np.asarray(answer.to_py(), np.float32).reshape(3, run.steps, -1)
            index, run = runs.send(decisions)
    except StopIteration as stop:
        result: Result = stop.value
        return result


class ModelClock:
    """How long runs take, and all that is around them, from when it was made.

    Attributes:
        model_s: seconds that runs took.
    """

    def __init__(self) -> None:
        self._begun, self.model_s = time.perf_counter(), 0.0

    def stages(self, preprocess_ms: float) -> dict[str, float]:
        """The time so far by stage: before the runs, in them, and around them."""
        all_ms, model_ms = (time.perf_counter() - self._begun) * 1000, self.model_s * 1000
        return {"preprocess": preprocess_ms, "model": model_ms, "decode": all_ms - model_ms}


def pack_run(video: int, run: Run) -> tuple[str, Memory]:
    """A run as a JSON header and one block of memory, so that it crosses to JavaScript in one piece.

    The header's ``feeds`` are [name, dtype, first byte, bytes] of each feed within the block; ``copies`` are
    source, count and row of each copy, one after the other.
    """
    feeds, parts, start = [], [], 0
    for name, array in run.feeds.items():
        part = np.ascontiguousarray(array).reshape(-1)
        feeds.append([name, str(part.dtype), start, part.nbytes])
        parts.append(part.view(np.uint8))
        start += part.nbytes
    header = {
        "video": video,
        "graph": run.graph,
        "steps": run.steps,
        "copies": [n for copy in run.copies for n in (copy.source, copy.count, copy.row)],
        "feeds": feeds,
    }
    return json.dumps(header), np.concatenate(parts)
