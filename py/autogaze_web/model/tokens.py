"""Token ids and what they stand for: cells, masks, positions in a video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..frames.rectangles import IntArray
from ..masks.cells import Cells
from .config import AutoGazeConfig


@dataclass(frozen=True)
class ScaleLayout:
    """How the ids 0 .. N - 1 fall into the scales' grids: ascending scales, each row-major.

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
        return tuple(int(n) for n in np.cumsum((0, *self.counts[:-1])))

    def cells(self, tokens: ArrayLike, confidence: ArrayLike = 1.0) -> Cells:
        """The cells of a frame's ids, in their order; ids of pads and above are left out.

        Args:
            tokens: (n,) frame-local ids.
            confidence: (n,) or one number, 0 .. 1.
        """
        ids = np.asarray(tokens, np.int64)
        kept = (ids >= 0) & (ids < self.tokens)
        confidence = np.broadcast_to(np.asarray(confidence, np.float32), ids.shape)[kept]
        place = _places(self.grids)[:, ids[kept].astype(np.intp)]
        return Cells(place[0], place[1], place[2], confidence)

    def gazing_mask(
        self, gazing_pos: NDArray[np.int64], padded: NDArray[np.bool_], num_gazing: Sequence[int]
    ) -> list[NDArray[np.bool_]]:
        """Which cells of each scale were chosen in each frame.

        Args:
            gazing_pos: (B,S) id + N * frame.
            padded: (B,S), whether a slot is a pad.
            num_gazing: (T,) slots of each frame, together S.

        Returns:
            For each scale (B,T,cells) bool.
        """
        batch, frames = gazing_pos.shape[0], len(num_gazing)
        chosen = np.zeros((batch, frames * self.tokens), bool)
        video, slot = np.nonzero(~padded)
        chosen[video, gazing_pos[video, slot]] = True
        ends = np.cumsum(self.counts)[:-1]
        return np.split(chosen.reshape(batch, frames, self.tokens), ends, axis=2)


@lru_cache(maxsize=16)
def _places(grids: tuple[int, ...]) -> IntArray:
    """(3, N): grid, row and column of each id."""
    parts = [np.stack([np.full(g * g, g), *np.divmod(np.arange(g * g), g)]) for g in grids]
    return np.concatenate(parts, axis=1).astype(np.int32)


def token_budget(ratio: float, tokens_per_frame: int) -> int:
    """Most tokens of a frame at a gazing ratio: ``trunc(float32(ratio) * N)`` in float32, at least 1."""
    return max(1, int(np.float32(ratio) * np.float32(tokens_per_frame)))
