"""Runs on their way to JavaScript, and their decisions on the way back.

Nothing here needs a browser; ``wasm_bridge/model/loaded_model.mjs`` is the other side.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..frames.rgba import as_words
from ..live.gazer import HeldFrame, Picture
from ..model.lockstep import Rounds
from ..model.run import Decisions, Run
from .gpu_resize import FramePlan
from .prompt import promptly

Result = TypeVar("Result")
Memory = NDArray[np.uint8]


class Bridge(Protocol):
    """What executes the runs of one model.

    Attributes:
        uploads_frames: whether it writes pixels into the model's input itself, see ``upload_frame``.
    """

    uploads_frames: bool

    def execute(self, header: str, packed: Memory) -> Awaitable[Any]:
        """Executes what `pack_run` or `pack_batch` packed; resolves to its decisions, a Float32Array."""

    def restart(self) -> object:
        """Forgets all videos."""

    def upload_frame(self, passes: str, rows: Memory, tables: NDArray[np.uint32] | None) -> object:
        """Takes the pixels for the next run of a frame graph that has no ``frame`` among its feeds.

        Args:
            passes: of the `FramePlan`, as JSON.
            rows: (H, 4 * row pixels); copied before it returns.
            tables: of the plan; None if they have not changed.
        """

    def keep_frame(self, plane: object) -> int:
        """Copies the frame of a plane on the same GPU, for `take_kept`; the one kept before is forgotten.

        Args:
            plane: a `PlaneBridge`.

        Returns:
            The pixels from one of its rows to the next; 0 if the bridge cannot get at it.
        """

    def take_kept(self, passes: str, tables: NDArray[np.uint32] | None) -> object:
        """`upload_frame` with the frame that was kept last."""


class FrameUploader:
    """Hands the frames of one stream to a bridge that resizes or cuts them itself.

    Args:
        plan: of frames, from their height, width and the pixels from one row to the next.
    """

    def __init__(self, bridge: Bridge, plan: Callable[[int, int, int], FramePlan]) -> None:
        self._bridge, self._plan = bridge, plan
        self._layout: tuple[int, ...] = ()
        self._passes = ""

    def upload(self, frame: Picture) -> None:
        """Uploads a frame, if the bridge does not keep it, and a `FramePlan` if its rows lie otherwise."""
        rows = None if isinstance(frame, HeldFrame) else as_words(frame).view(np.uint8)
        row_pixels = frame.row_pixels if isinstance(frame, HeldFrame) else as_words(frame).shape[1] * 2
        tables, layout = None, (*frame.shape, row_pixels)
        if layout != self._layout:
            plan = self._plan(frame.shape[0], frame.shape[1], row_pixels)
            self._layout, tables = layout, plan.tables
            self._passes = json.dumps([asdict(each) for each in plan.passes])
        if rows is None:
            self._bridge.take_kept(self._passes, tables)
        else:
            self._bridge.upload_frame(self._passes, rows, tables)


class Packer:
    """`pack_run`, with one run that may be packed in advance."""

    def __init__(self) -> None:
        self._run: Run | None = None
        self._packed: tuple[str, Memory] = ("", np.zeros(0, np.uint8))

    def prepare(self, index: int, run: Run) -> None:
        """Packs a run in advance; its feeds must not change any more."""
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
    """Executes all runs of a generator on a bridge and returns the generator's result.

    Args:
        clock: measures the time of the runs.
        pack: `pack_run` or a `Packer`.
    """
    pack = pack or pack_run
    try:
        index, run = next(runs)
        while True:
            header, packed = pack(index, run)
            start = time.perf_counter()
            answer = await promptly(bridge.execute(header, packed))
            if clock is not None:
                clock.model_s += time.perf_counter() - start
            index, run = runs.send(_decisions_of(answer.to_py(), run.steps))
    except StopIteration as stop:
        result: Result = stop.value
        return result


@dataclass(frozen=True)
class TileClip:
    """Where tiles come from if the bridge cuts them: the first tile's number, and the frames of the clip."""

    first: int
    frames: int


async def drive_rounds(
    rounds: Rounds[Result], bridge: Bridge, clock: ModelClock, size: int, clip: TileClip
) -> list[Result]:
    """Executes the rounds of tiles side by side on a bridge and returns their results.

    Args:
        clock: measures the time of the runs.
        size: tiles in a batch, of which the last one may have fewer; 0 to execute one run at a time.
        clip: of the tiles; in batches a round is a frame.
    """
    try:
        waiting = next(rounds)
        age = clip.frames
        while True:
            age -= 1
            answers = []
            for start in range(0, len(waiting), size or 1):
                batch = waiting[start : start + (size or 1)]
                place, run = batch[0]
                source = {"first": clip.first + place, "age": age}
                packed = pack_batch(place, batch, size, source) if size else pack_run(place, run)
                begun = time.perf_counter()
                answer = await promptly(bridge.execute(*packed))
                clock.model_s += time.perf_counter() - begun
                decisions = _decisions_of(answer.to_py(), run.steps * (size or 1))
                answers.append(decisions.reshape(size or 1, 3, run.steps, -1)[: len(batch)])
            waiting = rounds.send(answers[0] if len(answers) == 1 else np.concatenate(answers))
    except StopIteration as stop:
        results: list[Result] = stop.value
        return results


def _decisions_of(answer: Any, steps: int) -> Decisions:
    decisions = np.asarray(answer, np.float32)
    if decisions.size == 0 or decisions.size % (3 * steps):
        raise ValueError(
            f"a graph answered {decisions.size} numbers for {steps} steps: "
            "make the graphs again with this version's autogaze-web export"
        )
    return decisions.reshape(3, steps, -1)


class ModelClock:
    """Measures the time of runs and of what Python does between them, since its creation.

    Attributes:
        model_s: seconds that runs took.
    """

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self.model_s: float = 0.0

    def leave_out(self, seconds: float) -> None:
        """Does not count time in which something else was done, as redrawing the mask between batches."""
        self._start += seconds

    def stages(self, preprocess_ms: float) -> dict[str, float]:
        """Milliseconds by stage: before the runs, in them, and between them."""
        all_ms, model_ms = (time.perf_counter() - self._start) * 1000, self.model_s * 1000
        return {"preprocess": preprocess_ms, "model": model_ms, "decode": all_ms - model_ms}


def pack_run(video: int, run: Run) -> tuple[str, Memory]:
    """A run as a JSON header and one block of memory, so that it crosses to JavaScript in one piece.

    The header's ``feeds`` are [name, dtype, first byte, bytes] of each feed within the block; ``copies`` are
    source, count and row of each copy, one after the other.
    """
    header = {
        "video": video,
        "graph": run.graph,
        "steps": run.steps,
        "capacity": run.capacity,
        "copies": [n for copy in run.copies for n in (copy.source, copy.count, copy.row)],
    }
    return pack_arrays(header, run.feeds)


def pack_batch(
    video: int, runs: list[tuple[int, Run]], size: int, source: dict[str, int]
) -> tuple[str, Memory]:
    """Runs of the frame graph as one run of the tiles graph, packed as by `pack_run`.

    Each feed has the runs' arrays one after the other. If the batch has fewer runs than ``size``, the first
    one fills it up. A copy also has the number of its video in the batch, before the others. ``source`` says
    where the tiles are if they are not among the feeds: the first tile, and how many frames ago.
    """
    _, first = runs[0]
    header = {
        "video": video,
        "graph": "tiles",
        "steps": first.steps,
        "batch": size,
        "capacity": first.capacity,
        **source,
        "copies": [
            n
            for place, (_, run) in enumerate(runs)
            for copy in run.copies
            for n in (place, copy.source, copy.count, copy.row)
        ],
    }
    filled = [run for _, run in runs] + [first] * (size - len(runs))
    return pack_arrays(header, {name: [run.feeds[name] for run in filled] for name in first.feeds})


def pack_arrays(
    header: dict[str, Any], arrays: Mapping[str, NDArray[np.generic] | Sequence[NDArray[np.generic]]]
) -> tuple[str, Memory]:
    """Arrays as one block of memory, and a JSON header whose ``feeds`` say where each lies (`pack_run`).

    Without arrays the block is empty.

    Args:
        arrays: by name, each one or several of the same shape and type to be put one after the other.
    """
    several = {name: [each] if isinstance(each, np.ndarray) else each for name, each in arrays.items()}
    block: Memory = np.empty(sum(len(each) * each[0].nbytes for each in several.values()), np.uint8)
    feeds, start = [], 0
    for name, each in several.items():
        first, size = each[0], len(each) * each[0].nbytes
        feeds.append([name, str(first.dtype), start, size])
        _fill(block[start : start + size].view(first.dtype).reshape(len(each), *first.shape), each)
        start += size
    return json.dumps({**header, "feeds": feeds}), block


def _fill(block: NDArray[Any], arrays: Sequence[NDArray[np.generic]]) -> None:
    """Writes arrays one after the other."""
    if all(each is arrays[0] for each in arrays):  # of videos with the same layout
        block[:] = arrays[0]
        return
    for place, each in zip(block, arrays, strict=True):
        place[...] = each
