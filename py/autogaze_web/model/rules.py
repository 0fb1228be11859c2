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
    losses: NDArray[np.float32], requirement: NDArray[np.float32], first: bool
) -> NDArray[np.bool_]:
    """Which slots become pads: each that meets the requirement (rule 5), in float32.

    A frame's very first slot never does (rule 6). One pad or more ends the frame after the step.

    Args:
        losses: (B,n) predicted task losses.
        requirement: (B,1); NaN for none.
        first: whether these are a frame's first slots.
    """
    stopping = losses <= requirement
    if first:
        stopping[:, 0] = False
    return stopping


def slots_left(generated: int, budget: int, heads: int, steps: int) -> int:
    """Slots of the next steps that count: all heads of each, or as many as the budget allows (rule 9)."""
    return min(steps * heads, budget - generated)
