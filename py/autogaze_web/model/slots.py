"""What a run decided: the slots that its steps filled, up to the step that ends the frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .coverage import CoverageStop
from .rules import slots_left, stopping_slots
from .run import FloatArray, NotFiniteError


@dataclass(frozen=True)
class Slots:
    """The slots that some steps filled in each of B videos, in order of choice.

    The videos may have different numbers of them: what follows in a row are pads that do not count.

    Attributes:
        tokens: (B,n) int32 ids 0 .. N - 1, N for a pad.
        padded: (B,n) bool, whether a slot is a pad.
        task_loss: (B,n) float32, the task loss predicted for each slot.
        confidence: (B,n) float32, the softmax probability of each token among those its head could still
            choose; 0 for a pad.
        counts: (B,) the slots of each video that count.
        steps: (B,) the decoder steps that each video took, 1 or more.
    """

    tokens: NDArray[np.int32]
    padded: NDArray[np.bool_]
    task_loss: FloatArray
    confidence: FloatArray
    counts: NDArray[np.intp]
    steps: NDArray[np.intp]

    @property
    def pads(self) -> int:
        """The pads of all videos that count."""
        return int(self.padded.sum()) - self.padded.size + int(self.counts.sum())

    @staticmethod
    def none(videos: int, size: int, pad_id: int) -> Slots:
        """Rows of so many slots, none of which counts."""
        shape, nothing = (videos, size), np.zeros(videos, np.intp)
        task_loss, confidence = np.zeros((2, *shape), np.float32)
        tokens = np.full(shape, pad_id, np.int32)
        return Slots(tokens, np.ones(shape, bool), task_loss, confidence, nothing, nothing.copy())

    def followed_by(self, more: Slots, rows: NDArray[np.intp], pad_id: int) -> Slots:
        """These slots, and then those that the videos ``rows`` filled in further steps."""
        added = Slots.none(len(self.tokens), more.tokens.shape[1], pad_id)
        added._write(rows, more)
        return Slots(
            np.concatenate([self.tokens, added.tokens], axis=1),
            np.concatenate([self.padded, added.padded], axis=1),
            np.concatenate([self.task_loss, added.task_loss], axis=1),
            np.concatenate([self.confidence, added.confidence], axis=1),
            self.counts + added.counts,
            self.steps + added.steps,
        )

    def _write(self, rows: NDArray[np.intp] | slice, other: Slots) -> None:
        """Writes slots to the beginning of some rows."""
        size = other.tokens.shape[1]
        self.tokens[rows, :size], self.padded[rows, :size] = other.tokens, other.padded
        self.task_loss[rows, :size], self.confidence[rows, :size] = other.task_loss, other.confidence
        self.counts[rows], self.steps[rows] = other.counts, other.steps


def side_by_side(several: Sequence[Slots], pad_id: int) -> Slots:
    """The slots of several videos, one after the other."""
    size = max(each.tokens.shape[1] for each in several)
    whole = Slots.none(sum(len(each.tokens) for each in several), size, pad_id)
    start = 0
    for each in several:
        whole._write(slice(start, start + len(each.tokens)), each)
        start += len(each.tokens)
    return whole


@dataclass(frozen=True)
class Limits:
    """What ends the frame of a video.

    Attributes:
        budget: most tokens, pads included.
        pad_id: the id of a pad.
        coverage: ends a frame once its cells cover enough of it; None for upstream's rules alone.
    """

    budget: int
    pad_id: int
    coverage: CoverageStop | None = None


def decided(
    decisions: FloatArray, requirement: FloatArray, earlier: NDArray[np.int32], limits: Limits
) -> tuple[Slots, NDArray[np.bool_]]:
    """The slots of a run of each of B videos that count.

    Args:
        decisions: (B,3,S,K), see `Decisions`.
        requirement: (B,) task loss at which each video stops; NaN for never.
        earlier: (B,m) tokens of the frame's earlier runs, no pads among them.

    Returns:
        The slots, and (B,) whether they end the frame.

    Raises:
        NotFiniteError: if a step that counts has NaN or infinity, or a pad where there should be a cell.
    """
    generated, heads = earlier.shape[1], decisions.shape[3]
    size = slots_left(generated, limits.budget, heads, decisions.shape[2])
    tokens, losses, confidence = decisions.reshape(len(decisions), 3, -1)[..., :size].transpose(1, 0, 2)
    padded = stopping_slots(losses, requirement[:, None], first=not generated)
    ends = np.logical_or.reduceat(padded, np.arange(0, size, heads), axis=1)
    if limits.coverage is not None:
        ends |= _covered(limits.coverage, earlier, tokens, heads)
    ended = ends.any(axis=1) | (generated + size >= limits.budget)
    ends[:, -1] = True
    steps = ends.argmax(axis=1) + 1
    if not np.isfinite(decisions).all():
        for each, count in zip(decisions, steps, strict=True):
            check_finite(each[:, :count])
    counts = np.minimum(steps * heads, size)
    filled = slice(int(counts.max()))
    padded = padded[:, filled] | (np.arange(filled.stop) >= counts[:, None])
    chosen = np.where(padded, np.float32(limits.pad_id), tokens[:, filled]).astype(np.int32)
    if ((chosen >= limits.pad_id) != padded).any():
        raise NotFiniteError(
            "the model chose the id of a pad as a cell, because its numbers overflow: "
            "the weights or the frame's values are out of range"
        )
    confidence = np.where(padded, np.float32(0), confidence[:, filled])
    return Slots(chosen, padded, losses[:, filled].copy(), confidence, counts, steps), ended


def _covered(
    coverage: CoverageStop, earlier: NDArray[np.int32], tokens: FloatArray, heads: int
) -> NDArray[np.bool_]:
    """(B,S): whether the cells up to a step cover enough of each video's frame."""
    ends = range(heads, tokens.shape[1] + heads, heads)
    rows = zip(earlier, tokens.astype(np.int32), strict=True)
    return np.array([[coverage.met(np.concatenate([old, new[:end]])) for end in ends] for old, new in rows])


def check_finite(values: FloatArray) -> FloatArray:
    """The values.

    Raises:
        NotFiniteError: if one of them is NaN or infinite.
    """
    if not np.isfinite(values).all():
        raise NotFiniteError(
            "the model computed NaN or infinity: the weights or the frame's values are out of range"
        )
    return values
