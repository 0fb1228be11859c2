"""Upstream's small rules of generation, each a function of arrays (numbers as in upstream's rules)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def row_positions(start: int, visible: NDArray[np.bool_]) -> tuple[NDArray[np.int64], int]:
    """Positions of rows, and the position after them: hidden rows do not count (rule 3).

    A hidden row has the position of the visible one before it.
    """
    positions = start - 1 + np.cumsum(visible, dtype=np.int64)
    return positions, start + int(np.count_nonzero(visible))


def seen_later(padded: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which tokens of a finished frame are seen by later ones: all but pads (rule 4)."""
    return ~padded


def stopping_slots(
    losses: NDArray[np.float32], requirement: np.float32 | None, first_step: bool
) -> NDArray[np.bool_]:
    """Which slots of a step become pads: each that meets the requirement (rule 5), in float32.

    A frame's very first slot never does (rule 6). One pad or more ends the row after the step.
    """
    if requirement is None:
        return np.zeros(losses.size, bool)
    stopping = losses <= requirement
    if first_step:
        stopping[0] = False
    return stopping


def slots_left(generated: int, budget: int, heads: int) -> int:
    """Slots of the next step that count: all heads, or as many as the budget still allows (rule 9)."""
    return min(heads, budget - generated)
