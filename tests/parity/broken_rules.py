"""Upstream's rules 1-9, each broken alone: what a plausible mistake would do, for tests only.

A breakage patches the product's functions for the length of one test; graphs made meanwhile are broken too.
Layouts are made anew for each breakage, and forgotten after it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import autogaze_web.graph.build
from autogaze_web.graph.selection import Selection
from autogaze_web.model import generation, layout, slots
from autogaze_web.model.context import HIDDEN
from autogaze_web.model.generation import FrameRounds, Videos
from autogaze_web.model.layout import Layout
from autogaze_web.model.lockstep import Runs
from autogaze_web.model.slots import Slots

Breakage = Callable[[pytest.MonkeyPatch], None]


def forget_layouts() -> None:
    """The next runs have new layouts."""
    layout.first_frame.cache_clear()
    layout._remembered.cache_clear()


def rule_1_positions_continue_while_decoding(patch: pytest.MonkeyPatch) -> None:
    next_steps = generation.next_steps

    def broken(before: Layout, padded: bytes) -> Layout:
        made, heads = next_steps(before, padded), before._tail.size
        decoded = made._seen.size
        return replace(made, positions=made._base + decoded + np.arange(heads))

    patch.setattr(generation, "next_steps", broken)


def rule_2_last_step_cached_while_decoding(patch: pytest.MonkeyPatch) -> None:
    frame, more = Videos.frame, Videos._more_runs

    def filled(self: Videos, rows: np.ndarray, steps: int, slots: Slots) -> Runs:
        runs = more(self, rows, steps, slots)
        for _, run in runs:
            tokens = run.feeds["tokens"]
            missing = self._config.decoder.num_multi_token_pred - tokens.size
            run.feeds["tokens"] = np.pad(tokens, (0, missing), constant_values=self._config.pad_id)
        return runs

    def broken(self: Videos, *args: Any, **kwargs: Any) -> FrameRounds:
        found = yield from frame(self, *args, **kwargs)
        yield self._more_runs(np.arange(len(self)), 1, found)
        # As if another step followed that nothing waits for: its slots are none.
        self._padded = [b""] * len(self)
        self._last = None
        return found

    def all_fed(before: Layout, padded: bytes) -> tuple[np.ndarray, np.ndarray]:
        return split(before, padded) if padded else (before._fed, np.zeros(0, bool))

    split = layout._fed_and_last
    patch.setattr(Videos, "_more_runs", filled)
    patch.setattr(Videos, "frame", broken)
    patch.setattr(layout, "_fed_and_last", all_fed)


def rule_3_positions_count_pads(patch: pytest.MonkeyPatch) -> None:
    def broken(start: int, visible: np.ndarray) -> tuple[np.ndarray, int]:
        # Slots ahead of a frame's first pending token are no rows at all.
        first = int(np.argmax(visible)) if visible.any() else visible.size
        return start + np.arange(visible.size) - first, start + visible.size - first

    patch.setattr(layout, "row_positions", broken)


def rule_4_pads_stay_visible(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(layout, "seen_later", lambda padded: np.ones(padded.size, bool))


def rule_5_step_cut_after_its_first_stop(patch: pytest.MonkeyPatch) -> None:
    stopping = slots.stopping_slots
    patch.setattr(
        slots,
        "stopping_slots",
        lambda losses, requirement, first: np.logical_or.accumulate(
            stopping(losses, requirement, first), axis=1
        ),
    )


def rule_6_first_slot_may_stop(patch: pytest.MonkeyPatch) -> None:
    stopping = slots.stopping_slots
    patch.setattr(
        slots,
        "stopping_slots",
        lambda losses, requirement, first: stopping(losses, requirement, False),  # noqa: ARG005
    )


def rule_7a_tokens_repeat_between_steps(patch: pytest.MonkeyPatch) -> None:
    bias = Videos._token_bias
    patch.setattr(Videos, "_token_bias", lambda self, used: bias(self, used[:0]))


def rule_7b_tokens_repeat_inside_a_step(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Selection, "_settle", lambda self, tokens: self._first_choice())  # noqa: ARG005


def rule_7c_tokens_of_earlier_frames_excluded(patch: pytest.MonkeyPatch) -> None:
    frame, more = Videos.frame, Videos._more_runs
    earlier: dict[Videos, list[np.ndarray]] = {}

    def broken_frame(self: Videos, *args: Any, **kwargs: Any) -> FrameRounds:
        found = yield from frame(self, *args, **kwargs)
        earlier.setdefault(self, []).append(found.tokens)
        return found

    def broken(self: Videos, rows: np.ndarray, steps: int, found: Slots) -> Runs:
        runs = more(self, rows, steps, found)
        for row, run in runs:
            for tokens in earlier.get(self, []):
                run.feeds["token_bias"][0, tokens[row]] = HIDDEN
        return runs

    patch.setattr(Videos, "frame", broken_frame)
    patch.setattr(Videos, "_more_runs", broken)


def rule_8_end_of_sequence_allowed(patch: pytest.MonkeyPatch) -> None:
    never, bias = autogaze_web.graph.build.never_chosen, Videos._token_bias

    def broken(self: Videos, used: np.ndarray) -> np.ndarray:
        hidden = bias(self, used)
        hidden[0, self._config.pad_id] = 0
        return hidden

    patch.setattr(autogaze_web.graph.build, "never_chosen", lambda config: np.zeros_like(never(config)))
    patch.setattr(Videos, "_token_bias", broken)


def rule_9_last_step_not_cut_to_the_budget(patch: pytest.MonkeyPatch) -> None:
    def broken(generated: int, budget: int, heads: int, steps: int) -> int:
        return min(steps, -(-(budget - generated) // heads)) * heads

    patch.setattr(slots, "slots_left", broken)


BREAKAGES: Sequence[Breakage] = [
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
