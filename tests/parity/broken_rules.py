"""Upstream's rules 1-9, each broken alone: what a plausible mistake would do, for tests only.

A breakage patches the product's functions for the length of one test; graphs made meanwhile are broken too.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import autogaze_web.graph.build
from autogaze_web.graph.selection import Selection
from autogaze_web.model import generation
from autogaze_web.model.context import HIDDEN
from autogaze_web.model.generation import FrameRuns, Video
from autogaze_web.model.run import FrameGaze, Run

Breakage = Callable[[pytest.MonkeyPatch], None]


def rule_1_positions_continue_while_decoding(patch: pytest.MonkeyPatch) -> None:
    more = Video._more

    def broken(self: Video, steps: int) -> Run:
        frame = self._current()
        frame.tail = frame.base + frame.generated - frame.steps[-1].tokens.size + np.arange(frame.tail.size)
        return more(self, steps)

    patch.setattr(Video, "_more", broken)


def rule_2_last_step_cached_while_decoding(patch: pytest.MonkeyPatch) -> None:
    pad, end, more = Video.pad, Video.end, Video._more

    def filled(self: Video, steps: int) -> Run:
        run = more(self, steps)
        tokens = run.feeds["tokens"]
        missing = self._config.decoder.num_multi_token_pred - tokens.size
        run.feeds["tokens"] = np.pad(tokens, (0, missing), constant_values=self._config.pad_id)
        return run

    def broken_pad(self: Video, steps: int) -> FrameRuns:
        yield from pad(self, steps)
        yield self._more(1)
        self._keep_steps(0, 1)

    def broken_end(self: Video) -> FrameGaze:
        gaze = end(self)
        assert self._pending is not None
        seen = generation.seen_later(self._pending.padded)
        _, self._next_position = generation.row_positions(self._next_position, seen)
        self._pending = None
        return gaze

    patch.setattr(Video, "_more", filled)
    patch.setattr(Video, "pad", broken_pad)
    patch.setattr(Video, "end", broken_end)


def rule_3_positions_count_pads(patch: pytest.MonkeyPatch) -> None:
    def broken(start: int, visible: np.ndarray) -> tuple[np.ndarray, int]:
        # Slots ahead of a frame's first pending token are no rows at all.
        first = int(np.argmax(visible)) if visible.any() else visible.size
        return start + np.arange(visible.size) - first, start + visible.size - first

    patch.setattr(generation, "row_positions", broken)


def rule_4_pads_stay_visible(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(generation, "seen_later", lambda padded: np.ones(padded.size, bool))


def rule_5_step_cut_after_its_first_stop(patch: pytest.MonkeyPatch) -> None:
    stopping = generation.stopping_slots
    patch.setattr(
        generation,
        "stopping_slots",
        lambda losses, requirement, first_step: np.logical_or.accumulate(
            stopping(losses, requirement, first_step)
        ),
    )


def rule_6_first_slot_may_stop(patch: pytest.MonkeyPatch) -> None:
    stopping = generation.stopping_slots
    patch.setattr(
        generation,
        "stopping_slots",
        lambda losses, requirement, first_step: stopping(losses, requirement, False),  # noqa: ARG005
    )


def rule_7a_tokens_repeat_between_steps(patch: pytest.MonkeyPatch) -> None:
    more = Video._more

    def broken(self: Video, steps: int) -> Run:
        run = more(self, steps)
        run.feeds["token_bias"] = np.zeros_like(run.feeds["token_bias"])
        run.feeds["token_bias"][0, self._config.pad_id] = HIDDEN
        return run

    patch.setattr(Video, "_more", broken)


def rule_7b_tokens_repeat_inside_a_step(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Selection, "_settle", lambda self, tokens: self._first_choice())  # noqa: ARG005


def rule_7c_tokens_of_earlier_frames_excluded(patch: pytest.MonkeyPatch) -> None:
    more, end = Video._more, Video.end
    earlier: dict[int, list[int]] = {}

    def broken_end(self: Video) -> FrameGaze:
        gaze = end(self)
        earlier.setdefault(id(self), []).extend(gaze.tokens.tolist())
        return gaze

    def broken(self: Video, steps: int) -> Run:
        run = more(self, steps)
        run.feeds["token_bias"][0, earlier.get(id(self), [])] = HIDDEN
        return run

    patch.setattr(Video, "end", broken_end)
    patch.setattr(Video, "_more", broken)


def rule_8_end_of_sequence_allowed(patch: pytest.MonkeyPatch) -> None:
    never, more = autogaze_web.graph.build.never_chosen, Video._more

    def broken(self: Video, steps: int) -> Run:
        run = more(self, steps)
        run.feeds["token_bias"][0, self._config.pad_id] = 0
        return run

    patch.setattr(autogaze_web.graph.build, "never_chosen", lambda config: np.zeros_like(never(config)))
    patch.setattr(Video, "_more", broken)


def rule_9_last_step_not_cut_to_the_budget(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(generation, "slots_left", lambda generated, budget, heads: heads)  # noqa: ARG005


BREAKAGES: list[Breakage] = [
    rule_1_positions_continue_while_decoding,
    rule_2_last_step_cached_while_decoding,
    rule_3_positions_count_pads,
    rule_4_pads_stay_visible,
    rule_5_step_cut_after_its_first_stop,
    rule_6_first_slot_may_stop,
    rule_7a_tokens_repeat_between_steps,
    rule_7b_tokens_repeat_inside_a_step,
    rule_7c_tokens_of_earlier_frames_excluded,
    rule_8_end_of_sequence_allowed,
    rule_9_last_step_not_cut_to_the_budget,
]
