"""Generation as a state machine without I/O: it yields runs of the graph and is sent their decisions.

The same code is driven synchronously by native ONNX Runtime and asynchronously by a browser bridge::

    rounds = videos.frame(images, budget, requirements)
    runs = next(rounds)
    while True:
        try:
            runs = rounds.send([execute(place, run) for place, run in runs])
        except StopIteration as stop:
            slots = stop.value
            break

`Run` and ``docs/graph.md`` say what executing a run means.

What upstream does, and this reproduces (numbers as in upstream's rules): all steps of a frame re-use the
positions of its last K prefix rows (1); a frame's last step is not cached but runs again, ahead of the next
frame's vision tokens, with positions of its own (2); positions count visible rows only (3); pads take rows,
are seen during their frame and never after (4); a slot whose predicted task loss meets the requirement is a
pad and ends the row after its step (5), but for the first slot of a frame (6); no token twice in a frame and
never end-of-sequence (7, 8); the budget cuts the last step (9).

``layout.py`` says which rows there are and where, ``slots.py`` which slots of a run count; here are the
tokens, and how a frame is divided into runs.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

import numpy as np
from numpy.typing import NDArray

from .config import AutoGazeConfig
from .context import HIDDEN
from .coverage import CoverageStop
from .layout import Feeds, first_frame, next_frame, next_steps
from .lockstep import Answers, Runs
from .run import Decisions as Decisions
from .run import NotFiniteError as NotFiniteError
from .run import Run as Run
from .slots import Limits, Slots, check_finite, decided

FrameRounds = Generator[Runs, Answers, Slots]
"""The rounds of one frame of several videos; returns what was decided."""


class Videos:
    """The state of B videos side by side, between frames.

    Args:
        count: B.
        window: frames that a frame attends to, itself included; None for all since the beginning.
        frame_steps: S of the frame graphs that can be run. The smallest that covers the steps a frame is
            expected to take is chosen, else the largest.
        more_steps: S of the steps graphs by which a frame continues; none if every budget fits a frame graph.
        capacity: rows of a context of fixed size; None for one that grows as needed.
        first_position: position of the first row. Attention sees differences of positions only.

    Attributes:
        requirements: (B) task losses at which the frame in progress stops, compared in float32; None: never.
            They may be changed until its first decisions.
        coverage: ends a frame once its cells cover enough of it; None for upstream's rules alone.
    """

    def __init__(
        self,
        config: AutoGazeConfig,
        count: int = 1,
        window: int | None = None,
        frame_steps: Sequence[int] = (1,),
        more_steps: Sequence[int] = (1,),
        capacity: int | None = None,
        first_position: int = 0,
    ) -> None:
        if window is not None and window < 1:
            raise ValueError(f"window must be at least 1 frame, or None for no window, got {window}")
        self._config, self._window = config, window
        self._heads = config.decoder.num_multi_token_pred
        self._frame_steps, self._more_steps = sorted(frame_steps), sorted(more_steps)
        self._layouts = [first_frame(config, window, capacity, first_position)] * count
        """Of each video's last run; at first, of the next one."""
        self._padded: list[bytes] = []
        """Which slots of each video's last run are pads; empty before the first frame."""
        self._last: Slots | None = None
        """Those of the frame before, if the next one sees them."""
        self._last_steps: int | None = None
        self.requirements: Sequence[float | None] = ()
        self.coverage: CoverageStop | None = None

    def __len__(self) -> int:
        return len(self._layouts)

    def frame(
        self,
        images: Sequence[NDArray[np.float32] | None],
        budget: int,
        requirements: Sequence[float | None],
        padded: bool = True,
    ) -> FrameRounds:
        """The next frame of each video.

        Args:
            images: of each video (1,3,I,I) float32; None if the graph gets its frame from elsewhere.
            budget: most tokens, pads included.
            requirements: see above.
            padded: whether videos that stop early go on until the slowest one ends, as in upstream's batches,
                which changes their later frames (rule 19). A single video does not depend on it.

        Yields:
            The next run of each video that is not done, with its place; wants their decisions in this order.
        """
        self.requirements = requirements
        expected = self._expected_steps(budget)
        steps = next((s for s in self._frame_steps if s >= expected), self._frame_steps[-1])
        answers = yield self._first_runs(images, steps)
        limits = Limits(budget, self._config.pad_id, self.coverage)
        requirement = np.array([np.nan if r is None else r for r in self.requirements], np.float32)
        rows, earlier = np.arange(len(self)), np.zeros((len(self), 0), np.int32)
        slots, ended = decided(np.asarray(answers, np.float32), requirement, earlier, limits)
        self._remember(rows, slots)

        surprise = 1
        while not ended.all():
            rows = rows[~ended]
            generated, taken = (int(each[rows[0]]) for each in (slots.counts, slots.steps))
            remaining, missing = -(-(budget - generated) // self._heads), expected - taken
            if missing < 1:  # they take more steps than expected: nobody knows how many
                missing, surprise = surprise, 2 * surprise
            answers = yield self._more_runs(rows, self._chunk(min(remaining, missing)), slots)
            decisions = np.asarray(answers, np.float32)
            more, ended = decided(decisions, requirement[rows], slots.tokens[rows], limits)
            self._remember(rows, more)
            slots = slots.followed_by(more, rows, self._config.pad_id)
        if padded:
            yield from self._pad(slots)
        # Closes the frame: each video's last step waits for the next one.
        self._last = None if self._window == 1 else slots
        self._last_steps = int(slots.steps.max())
        return slots

    def _first_runs(self, images: Sequence[NDArray[np.float32] | None], steps: int) -> Runs:
        """A run of the frame graph for each video."""
        if self._padded:
            layouts = zip(self._layouts, self._padded, strict=True)
            self._layouts = [next_frame(layout, padded) for layout, padded in layouts]
        pending = self._pending_tokens()
        shared = {layout: layout.feeds() for layout in set(self._layouts)}
        runs = []
        for row, (layout, image) in enumerate(zip(self._layouts, images, strict=True)):
            feeds: Feeds = {"pending_tokens": pending[row], **shared[layout]}
            if image is not None:
                feeds["frame"] = image
            runs.append((row, layout.run(steps, feeds)))
        return runs

    def _pending_tokens(self) -> NDArray[np.int32]:
        """(B,K): the tokens of each video's last step, at the end of its row."""
        none, last = np.full((len(self), self._heads), self._config.pad_id, np.int32), self._last
        if last is None:
            return none
        places = last.counts[:, None] + np.arange(-self._heads, 0)
        waiting = places >= (last.steps[:, None] - 1) * self._heads
        tokens = last.tokens[np.arange(len(self))[:, None], np.maximum(places, 0)]
        return np.where(waiting, tokens, none)

    def _more_runs(self, rows: NDArray[np.intp], steps: int, slots: Slots) -> Runs:
        """For each of some videos a run of the steps graph that feeds the frame's last step."""
        runs = []
        for row in rows.tolist():
            layout = self._layouts[row] = next_steps(self._layouts[row], self._padded[row])
            tokens = slots.tokens[row, : slots.counts[row]]
            feeds: Feeds = {"tokens": tokens[-self._heads :], "token_bias": self._token_bias(tokens)}
            runs.append((row, layout.run(steps, feeds | layout.feeds())))
        return runs

    def _token_bias(self, used: NDArray[np.int32]) -> NDArray[np.float32]:
        """(1,V): hides end-of-sequence and the tokens that a frame has used (7, 8)."""
        bias = np.zeros((1, self._config.vocab_size), np.float32)
        bias[0, self._config.pad_id] = HIDDEN
        bias[0, used] = HIDDEN
        return bias

    def _chunk(self, steps: int) -> int:
        """S of the steps graph to run towards so many steps: one step in vain costs less than another run."""
        covering = [s for s in self._more_steps if steps <= s <= steps + 1]
        below = [s for s in self._more_steps if s < steps]
        return (covering or below[-1:] or self._more_steps)[0]

    def _expected_steps(self, budget: int) -> int:
        """Steps that a frame will probably take: what it may take, or what the frame before it took.

        The expectation decides only how the steps are divided into runs, not what is chosen.
        """
        most, largest = -(-budget // self._heads), self._frame_steps[-1]
        if not self._more_steps:
            if largest < most:
                raise ValueError(
                    f"a budget of {budget} tokens takes {most} steps, but the largest frame graph has "
                    f"{largest} and there is no steps graph: use a smaller budget or a larger graph"
                )
            return most
        endless = self.coverage is None and all(each is None for each in self.requirements)
        if most <= largest or endless:
            return most
        return min(most, largest if self._last_steps is None else self._last_steps)

    def _pad(self, slots: Slots) -> Generator[Runs, Answers, None]:
        """Goes on as upstream does for stopped rows of a batch, until all have the steps of the slowest.

        The stopped step's tokens and then pads are fed; all of them are seen during this frame.
        """
        slowest = slots.steps.max()
        while (rows := np.flatnonzero(slots.steps < slowest)).size:
            answers = yield self._more_runs(rows, self._more_steps[0], slots)
            for row, decisions in zip(rows.tolist(), answers, strict=True):
                here = slice(slots.counts[row], min(slots.counts[row] + self._heads, slots.tokens.shape[1]))
                slots.task_loss[row, here] = check_finite(decisions[1, 0, : here.stop - here.start])
                slots.counts[row] = here.stop
                slots.steps[row] += 1
                self._padded[row] = slots.padded[row, here].tobytes()

    def _remember(self, rows: NDArray[np.intp], slots: Slots) -> None:
        """Remembers which slots of the last run are pads."""
        everything, size = slots.padded.tobytes(), slots.padded.shape[1]
        self._padded = self._padded or [b""] * len(self)
        for place, (row, count) in enumerate(zip(rows.tolist(), slots.counts.tolist(), strict=True)):
            self._padded[row] = everything[place * size : place * size + count]
