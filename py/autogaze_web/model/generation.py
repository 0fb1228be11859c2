"""Generation as a state machine without I/O: it yields runs of the graph and is sent their decisions.

The same code is driven synchronously by native ONNX Runtime and asynchronously by a browser bridge::

    runs = batch_frame([video], [image], budget, [requirement])
    index, run = next(runs)
    while True:
        try:
            index, run = runs.send(execute(index, run))   # or: await execute(index, run)
        except StopIteration as stop:
            gaze, = stop.value
            break

`Run` and ``docs/graph.md`` say what executing a run means.

What upstream does, and this reproduces (numbers as in upstream's rules): all steps of a frame re-use the
positions of its last K prefix rows (1); a frame's last step is not cached but runs again, ahead of the next
frame's vision tokens, with positions of its own (2); positions count visible rows only (3); pads take rows,
are seen during their frame and never after (4); a slot whose predicted task loss meets the requirement is a
pad and ends the row after its step (5), but for the first slot of a frame (6); no token twice in a frame and
never end-of-sequence (7, 8); the budget cuts the last step (9).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .config import AutoGazeConfig
from .context import HIDDEN, ContextRows, Copy, copies_to
from .coverage import CoverageStop
from .rope import inverse_frequencies, rotary_tables
from .rules import row_positions, seen_later, slots_left, stopping_slots
from .run import Decisions as Decisions
from .run import FloatArray, FrameGaze
from .run import NotFiniteError as NotFiniteError
from .run import Run as Run

_GROWTH_ROWS = 256


@dataclass
class _Piece:
    """Rows of a run that are not in the context yet, all of one frame."""

    frame: int
    source: int
    visible: NDArray[np.bool_]
    pads: NDArray[np.bool_]


@dataclass
class _Step:
    """One step's slots: parallel arrays of at most K entries."""

    tokens: NDArray[np.int32]
    padded: NDArray[np.bool_]
    task_loss: FloatArray
    confidence: FloatArray


@dataclass
class _Frame:
    """The frame being worked on."""

    index: int
    budget: int
    requirement: np.float32 | None
    base: int
    tail: NDArray[np.int64]
    steps: list[_Step] = field(default_factory=list)
    fed: int = 0
    rows_with_pads: list[tuple[NDArray[np.intp], NDArray[np.bool_]]] = field(default_factory=list)

    @property
    def generated(self) -> int:
        return sum(step.tokens.size for step in self.steps)


FrameRuns = Generator[Run, Decisions, None]


class Video:
    """The state of one video between frames; frames go through `batch_frame`.

    Args:
        window: frames that a frame attends to, itself included; None for all since the beginning.
        frame_steps: S of the frame graphs that can be run. The smallest that covers the steps a frame is
            expected to take is chosen, else the largest.
        more_steps: S of the steps graphs by which a frame continues; none if every budget fits a frame graph.
        capacity: rows of a context of fixed size; None for one that grows as needed.
        first_position: position of the first row. Attention sees differences of positions only.

    Attributes:
        coverage: ends a frame once its cells cover enough of it; None for upstream's rules alone.
    """

    def __init__(
        self,
        config: AutoGazeConfig,
        window: int | None = None,
        frame_steps: Sequence[int] = (1,),
        more_steps: Sequence[int] = (1,),
        capacity: int | None = None,
        first_position: int = 0,
    ) -> None:
        if window is not None and window < 1:
            raise ValueError(f"window must be at least 1 frame, or None for no window, got {window}")
        self._config = config
        self._window = window
        self._frame_steps, self._more_steps = sorted(frame_steps), sorted(more_steps)
        self._rows = ContextRows(8, _GROWTH_ROWS) if capacity is None else ContextRows(capacity)
        self._frequencies = inverse_frequencies(config.decoder)
        self._next_position = first_position
        self._tail: NDArray[np.int64] = np.zeros(0, np.int64)
        self._pending: _Step | None = None
        self._unplaced: list[_Piece] = []
        self._frames: deque[tuple[int, list[NDArray[np.intp]]]] = deque()
        self._frame_index = 0
        self._frame: _Frame | None = None
        self._last_steps: int | None = None
        self.coverage: CoverageStop | None = None

    @property
    def steps_so_far(self) -> int:
        """Steps that the frame being worked on has taken."""
        return len(self._current().steps)

    # A frame: begin, then step until it stops, then perhaps pad, then end.

    def begin(self, image: NDArray[np.float32] | None, budget: int, requirement: float | None) -> FrameRuns:
        """Runs a frame until its budget or its requirement ends it.

        Args:
            image: (1,3,I,I) float32; None if the graph gets its frame from elsewhere.
            budget: most tokens, pads included.
            requirement: task loss at which to stop, compared in float32; None: never.
        """
        heads, vision = self._config.decoder.num_multi_token_pred, self._config.vision_tokens
        expected = self._expected_steps(budget, requirement)
        steps = next((s for s in self._frame_steps if s >= expected), self._frame_steps[-1])
        self._drop_old_frames()
        pending = self._pending
        waiting = 0 if pending is None else pending.tokens.size
        tokens = np.full(heads, self._config.pad_id, np.int32)
        visible = np.zeros(heads, bool)
        if pending is not None:
            tokens[heads - waiting :] = pending.tokens
            visible[heads - waiting :] = seen_later(pending.padded)

        first = heads - waiting
        seen = np.concatenate([visible, np.ones(vision, bool)])
        positions, self._next_position = row_positions(self._next_position, seen)
        tail = np.concatenate([self._tail, positions[first:]])[-heads:]
        tail = np.concatenate([np.full(heads - tail.size, tail[0]), tail])
        frame = _Frame(
            self._frame_index,
            budget,
            None if requirement is None else np.float32(requirement),
            self._next_position,
            tail,
        )
        self._frame = frame

        copies = self._place()
        feeds: dict[str, NDArray[np.generic]] = {
            "pending_tokens": tokens,
            "pending_bias": np.where(visible, 0.0, HIDDEN).astype(np.float32)[None],
        }
        if image is not None:
            feeds["frame"] = image
        decisions = yield self._run("frame", steps, copies, np.concatenate([positions, tail]), feeds)
        used = self._take(decisions)
        self._frames.append((frame.index, []))
        if waiting:
            self._keep(frame.index - 1, first, visible[first:], np.zeros(waiting, bool))
        self._keep(frame.index, heads, np.ones(vision, bool), np.zeros(vision, bool))
        self._keep_steps(heads + vision, used - 1)

        surprise = 1
        while not self._stopped():
            remaining = -(-(budget - frame.generated) // heads)
            missing = expected - len(frame.steps)
            if missing < 1:  # it takes more steps than expected: nobody knows how many
                missing, surprise = surprise, 2 * surprise
            steps = self._chunk(min(remaining, missing))
            decisions = yield self._more(steps)
            used = self._take(decisions)
            self._keep_steps(0, used)

    def _chunk(self, steps: int) -> int:
        """S of the steps graph to run towards so many steps: one step in vain costs less than another run."""
        covering = [s for s in self._more_steps if steps <= s <= steps + 1]
        below = [s for s in self._more_steps if s < steps]
        return (covering or below[-1:] or self._more_steps)[0]

    def require(self, requirement: float | None) -> None:
        """Changes the requirement of the frame that was begun, before the decisions of its first run."""
        self._current().requirement = None if requirement is None else np.float32(requirement)

    def _expected_steps(self, budget: int, requirement: float | None) -> int:
        """Steps that a frame will probably take: what it may take, or what the frame before it took.

        The expectation decides only how the steps are divided into runs, not what is chosen.
        """
        most, largest = -(-budget // self._config.decoder.num_multi_token_pred), self._frame_steps[-1]
        if not self._more_steps:
            if largest < most:
                raise ValueError(
                    f"a budget of {budget} tokens takes {most} steps, but the largest frame graph has "
                    f"{largest} and there is no steps graph: use a smaller budget or a larger graph"
                )
            return most
        if most <= largest or (requirement is None and self.coverage is None):
            return most
        return min(most, largest if self._last_steps is None else self._last_steps)

    def pad(self, steps: int) -> FrameRuns:
        """Goes on as upstream does for a stopped row of a batch, until the frame has ``steps`` steps.

        The stopped step's tokens and then pads are fed; all of them are seen during this frame.
        """
        frame, heads = self._current(), self._config.decoder.num_multi_token_pred
        while len(frame.steps) < steps:
            decisions = yield self._more(self._more_steps[0])
            self._keep_steps(0, 1)
            count = slots_left(frame.generated, frame.budget, heads)
            frame.steps.append(
                _Step(
                    np.full(count, self._config.pad_id, np.int32),
                    np.ones(count, bool),
                    _checked(decisions[1, 0, :count]),
                    np.zeros(count, np.float32),
                )
            )

    def end(self) -> FrameGaze:
        """Closes the frame: its pads go out of sight, its last step waits for the next frame."""
        frame = self._current()
        for rows, pads in frame.rows_with_pads:
            self._rows.hide(rows[~seen_later(pads)])
        for piece in self._unplaced:
            piece.visible &= seen_later(piece.pads)
        *fed, last = frame.steps
        seen = np.concatenate([seen_later(step.padded) for step in fed]) if fed else np.zeros(0, bool)
        positions, self._next_position = row_positions(frame.base, seen)
        self._tail = np.concatenate([frame.tail, positions])[-self._config.decoder.num_multi_token_pred :]
        self._pending = last
        self._last_steps = len(frame.steps)
        self._frame_index += 1
        self._frame = None
        return FrameGaze(
            tokens=np.concatenate([step.tokens for step in frame.steps]),
            padded=np.concatenate([step.padded for step in frame.steps]),
            task_loss=np.concatenate([step.task_loss for step in frame.steps]),
            confidence=np.concatenate([step.confidence for step in frame.steps]),
            steps=len(frame.steps),
        )

    def _current(self) -> _Frame:
        if self._frame is None:
            raise RuntimeError("no frame was begun")
        return self._frame

    def _stopped(self) -> bool:
        frame = self._current()
        return self._ends(frame.steps[-1].padded, frame.generated, np.zeros(0))

    def _ends(self, padded: NDArray[np.bool_], generated: int, more: NDArray[np.floating]) -> bool:
        """Whether a step is the last, given its pads, the slots up to it, and tokens not yet in steps."""
        frame = self._current()
        if padded.any() or generated >= frame.budget:
            return True
        if self.coverage is None:
            return False
        chosen = [*(step.tokens for step in frame.steps), more.ravel().astype(np.int32)]
        return self.coverage.met(np.concatenate(chosen))

    def _take(self, decisions: Decisions) -> int:
        """Takes a run's steps until one of them ends the frame; the number taken."""
        frame, heads = self._current(), self._config.decoder.num_multi_token_pred
        generated = frame.generated
        slots: list[NDArray[np.bool_]] = []
        for losses in decisions[1]:
            count = slots_left(generated, frame.budget, heads)
            padded = stopping_slots(losses[:count], frame.requirement, not frame.steps and not slots)
            slots.append(padded)
            generated += count
            if self._ends(padded, generated, decisions[0, : len(slots)]):
                break
        used = _checked(decisions[:, : len(slots)].copy())
        tokens = used[0].astype(np.int32)
        tokens[-1, : padded.size][padded] = self._config.pad_id  # no step before the last has pads
        used[2, -1, : padded.size][padded] = 0
        for i, padded in enumerate(slots):
            count = padded.size
            frame.steps.append(_Step(tokens[i, :count], padded, used[1, i, :count], used[2, i, :count]))
        return len(slots)

    def _more(self, steps: int) -> Run:
        """A run of the steps graph that feeds the frame's last step."""
        frame, vocab = self._current(), self._config.vocab_size
        copies = self._place()
        token_bias = np.zeros((1, vocab), np.float32)
        token_bias[0, self._config.pad_id] = HIDDEN
        for step in frame.steps:
            token_bias[0, step.tokens] = HIDDEN
        feeds: dict[str, NDArray[np.generic]] = {"tokens": frame.steps[-1].tokens, "token_bias": token_bias}
        return self._run("steps", steps, copies, frame.tail, feeds)

    def _run(
        self,
        graph: str,
        steps: int,
        copies: tuple[Copy, ...],
        positions: NDArray[np.int64],
        feeds: dict[str, NDArray[np.generic]],
    ) -> Run:
        repeats = self._config.decoder.queries_per_group + 1
        cos, sin = rotary_tables(positions, self._frequencies, repeats)
        feeds |= {"rope_cos": cos, "rope_sin": sin, "context_bias": self._rows.bias}
        return Run(graph, steps, self._rows.capacity, copies, feeds, positions)

    # Rows of the context.

    def _keep(self, frame: int, source: int, visible: NDArray[np.bool_], pads: NDArray[np.bool_]) -> None:
        self._unplaced.append(_Piece(frame, source, visible.copy(), pads))

    def _keep_steps(self, source: int, count: int) -> None:
        """Keeps the rows of the frame's next ``count`` steps that were fed in the last run."""
        frame = self._current()
        fed = frame.steps[frame.fed : frame.fed + count]
        frame.fed += count
        if fed:
            pads = np.concatenate([step.padded for step in fed])
            self._keep(frame.index, source, np.ones(pads.size, bool), pads)

    def _place(self) -> tuple[Copy, ...]:
        """Finds rows for what the last run left; what belongs to a dropped frame is forgotten."""
        owners = dict(self._frames)
        pieces = [piece for piece in self._unplaced if piece.frame in owners]
        self._unplaced = []
        if not pieces:
            return ()
        placed = self._rows.place(np.concatenate([piece.visible for piece in pieces]))
        start = 0
        for piece in pieces:
            rows = placed[start : start + piece.visible.size]
            start += piece.visible.size
            owners[piece.frame].append(rows)
            if self._frame is not None and piece.pads.any():
                self._frame.rows_with_pads.append((rows, piece.pads))
        sources = [np.arange(piece.source, piece.source + piece.visible.size) for piece in pieces]
        return copies_to(placed, np.concatenate(sources))

    def _drop_old_frames(self) -> None:
        while self._window is not None and len(self._frames) >= self._window:
            index, rows = self._frames.popleft()
            for some in rows:
                self._rows.release(some)
            if index == self._frame_index - 1:  # its last step was still waiting
                self._pending = None


def batch_frame(
    videos: Sequence[Video],
    images: Sequence[NDArray[np.float32] | None],
    budget: int,
    requirements: Sequence[float | None],
) -> Generator[tuple[int, Run], Decisions, list[FrameGaze]]:
    """One frame of each of several videos that upstream would run as a batch.

    Rows that stop early are padded until the slowest one ends, which changes their later frames as it does
    upstream (rule 19). A single video is a batch of one.

    Yields:
        Index of the video, and its run; wants the run's decisions sent back.

    Returns:
        Each video's gaze; all have the same number of slots and steps.
    """
    for index, (video, image, requirement) in enumerate(zip(videos, images, requirements, strict=True)):
        yield from _labelled(index, video.begin(image, budget, requirement))
    slowest = max(video.steps_so_far for video in videos)
    for index, video in enumerate(videos):
        yield from _labelled(index, video.pad(slowest))
    return [video.end() for video in videos]


def _labelled(index: int, runs: FrameRuns) -> Generator[tuple[int, Run], Decisions, None]:
    try:
        run = next(runs)
        while True:
            run = runs.send((yield index, run))
    except StopIteration:
        return


def _checked(values: FloatArray) -> FloatArray:
    if not np.isfinite(values).all():
        raise NotFiniteError(
            "the model computed NaN or infinity: the weights or the frame's values are out of range"
        )
    return values
