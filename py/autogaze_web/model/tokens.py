"""Token ids, and the cells, masks and positions that they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..frames.rectangles import IntArray
from ..limits import shown
from ..masks.cells import Cells
from .config import AutoGazeConfig


@dataclass(frozen=True)
class ScaleLayout:
    """Which cell each of the ids 0 .. N - 1 is: scales ascending, the cells of each row-major.

    Attributes:
        grids: cells per side of each scale.
    """

    grids: tuple[int, ...]

    @staticmethod
    def of(config: AutoGazeConfig) -> ScaleLayout:
        """The layout of an architecture."""
        return ScaleLayout(config.scale_grids())

    @property
    def counts(self) -> tuple[int, ...]:
        """Cells of each scale."""
        return tuple(grid * grid for grid in self.grids)

    @property
    def tokens(self) -> int:
        """N, all cells of all scales."""
        return sum(self.counts)

    @property
    def offsets(self) -> tuple[int, ...]:
        """First id of each scale."""
        return tuple(accumulate(self.counts[:-1], initial=0))

    def cells(self, tokens: ArrayLike, confidence: ArrayLike = 1.0) -> Cells:
        """The cells of a frame's ids, in the same order; ids outside 0 .. N - 1 (padding) are left out.

        Args:
            tokens: (n,) frame-local ids.
            confidence: (n,) or one number, 0 .. 1.

        Raises:
            ValueError: if the ids are not whole numbers.
        """
        try:
            ids = np.asarray(tokens, np.int64)
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"token ids must be whole numbers, got {shown(tokens)}") from None
        cell_of_id, confidence = _cell_of_id(self.grids), np.asarray(confidence, np.float32)
        if confidence.shape != ids.shape:
            confidence = np.broadcast_to(confidence, ids.shape)
        valid = (ids >= 0) & (ids < cell_of_id.shape[1])
        grid, row, column = cell_of_id.take(ids[valid].astype(np.intp), axis=1)
        return Cells(grid, row, column, confidence[valid])

    def gazing_mask(
        self, gazing_pos: NDArray[np.int64], padded: NDArray[np.bool_], num_gazing: Sequence[int]
    ) -> list[NDArray[np.bool_]]:
        """The cells of each scale that were chosen in each frame.

        Args:
            gazing_pos: (B,S) id + N * frame.
            padded: (B,S), whether a slot is padding.
            num_gazing: (T,) slots of each frame; they add up to S.

        Returns:
            For each scale (B,T,cells) bool.
        """
        batch, frames = gazing_pos.shape[0], len(num_gazing)
        chosen = np.zeros((batch, frames * self.tokens), bool)
        video, slot = np.nonzero(~padded)
        chosen[video, gazing_pos[video, slot]] = True
        scales = zip(self.offsets, self.counts, strict=True)
        by_frame = chosen.reshape(batch, frames, self.tokens)
        return [by_frame[..., start : start + count] for start, count in scales]


@lru_cache(maxsize=16)
def _cell_of_id(grids: tuple[int, ...]) -> IntArray:
    """(3, N): grid, row and column of each id."""
    parts = [np.stack([np.full(g * g, g), *np.divmod(np.arange(g * g), g)]) for g in grids]
    return np.concatenate(parts, axis=1).astype(np.int32)


def token_budget(ratio: float, tokens_per_frame: int) -> int:
    """The most tokens of a frame at a gazing ratio: ``trunc(float32(ratio) * N)`` in float32, at least 1."""
    return max(1, int(np.float32(ratio) * np.float32(tokens_per_frame)))
