"""Upstream's resolution adaptation: a larger video as a batch of tiles, and the tiles' gazes merged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .config import AutoGazeConfig
from .gaze import Gaze
from .tokens import ScaleLayout


@dataclass(frozen=True)
class SquareTiles:
    """How square frames are cut for upstream's ``target_scales``; `Tiling` cuts frames of any shape.

    Attributes:
        tile: side of a tile in pixels.
        per_side: tiles along each side.
        side: side of a frame in pixels, before padding on the right and bottom.
        tile_grids: cells per side of each scale in one tile.
        grids: cells per side of each scale in the whole frame.
    """

    tile: int
    per_side: int
    side: int
    tile_grids: tuple[int, ...]
    grids: tuple[int, ...]

    @staticmethod
    def plan(
        config: AutoGazeConfig, target_scales: Sequence[int], target_patch_size: int
    ) -> SquareTiles | None:
        """The tiles for frames of ``target_scales[-1]`` pixels; None if the scales are the model's own.

        Args:
            target_scales: ascending sides of the scales in pixels, one for each scale of the model.
            target_patch_size: side in pixels of a cell of every scale.

        Raises:
            ValueError: if they do not fit the model or each other.
        """
        try:
            scales, patch = tuple(int(s) for s in target_scales), int(target_patch_size)
        except (TypeError, ValueError):
            raise ValueError(
                "target_scales must be integers and target_patch_size an integer, "
                f"got {target_scales!r} and {target_patch_size!r}"
            ) from None
        own = config.scale_grids()
        if len(scales) != len(own) or list(scales) != sorted(set(scales)) or patch < 1 or scales[0] < patch:
            raise ValueError(
                f"target_scales must be {len(own)} ascending sizes in pixels, each at least "
                f"target_patch_size, got {list(scales)} and {patch}"
            )
        grids = tuple(scale // patch for scale in scales)
        if scales == config.scales and grids == own:
            return None
        tile = config.vision_grid * patch
        per_side = -(-scales[-1] // tile)
        return SquareTiles(tile, per_side, scales[-1], own, grids)

    def split(self, video: NDArray[np.float32]) -> NDArray[np.float32]:
        """(B,T,3,H,W) to (B * tiles,T,3,tile,tile), row by row; padded with 0, the mean colour.

        Raises:
            ValueError: if the frames are not square of ``side`` pixels.
        """
        batch, frames, channels, height, width = video.shape
        if (height, width) != (self.side, self.side):
            raise ValueError(
                f"with target_scales up to {self.side} the video must be {self.side}x{self.side} pixels, "
                f"got {height}x{width}: resize it first"
            )
        pad, n = self.per_side * self.tile - self.side, self.per_side
        video = np.pad(video, [(0, 0)] * 3 + [(0, pad)] * 2)
        tiles = video.reshape(batch, frames, channels, n, self.tile, n, self.tile)
        tiles = tiles.transpose(0, 3, 5, 1, 2, 4, 6)
        return np.ascontiguousarray(tiles.reshape(batch * n * n, frames, channels, self.tile, self.tile))

    def join(self, tiles: Gaze) -> Gaze:
        """The tiles' gazes on the whole frame's grids; ids are in ascending order, not in order of choice."""
        layout = ScaleLayout(self.grids)
        confidence = self._whole(self._confidences(tiles))
        chosen = self._whole([mask.astype(np.float32) for mask in tiles.gazing_mask]) > 0
        batch, frames, n = chosen.shape
        counts = chosen.sum(axis=2)
        num_gazing = counts.max(axis=0)
        total = int(num_gazing.sum())
        positions = np.zeros((batch, total), np.int64)
        padded = np.ones((batch, total), bool)
        probability = np.zeros((batch, total), np.float32)
        start = 0
        for t in range(frames):
            end = start + int(num_gazing[t])
            positions[:, start:end] = t * n - 1
            for b in range(batch):
                ids = np.flatnonzero(chosen[b, t])
                here = slice(start, start + ids.size)
                positions[b, here], padded[b, here] = ids + t * n, False
                probability[b, here] = confidence[b, t, ids]
            start = end
        required = tiles.task_loss_requirement
        return Gaze(
            gazing_pos=positions,
            if_padded_gazing=padded,
            num_gazing_each_frame=num_gazing.astype(np.int64),
            gazing_mask=layout.gazing_mask(positions, padded, [int(k) for k in num_gazing]),
            num_vision_tokens_each_frame=n,
            confidence=probability,
            task_loss_prediction=None,
            decoder_steps_each_frame=tiles.decoder_steps_each_frame,
            layout=layout,
            scales=tiles.scales,
            task_loss_requirement=None if required is None else required[:: self.per_side**2],
            has_task_loss_requirement=tiles.has_task_loss_requirement,
        )

    def _confidences(self, tiles: Gaze) -> list[NDArray[np.float32]]:
        """The confidence of each chosen cell, by scale as (tiles,T,cells)."""
        batch, frames = tiles.gazing_mask[0].shape[:2]
        values = np.zeros((batch, frames * tiles.layout.tokens), np.float32)
        video, slot = np.nonzero(~tiles.if_padded_gazing)
        values[video, tiles.gazing_pos[video, slot]] = tiles.confidence[video, slot]
        ends = np.cumsum(tiles.layout.counts)[:-1]
        return np.split(values.reshape(batch, frames, -1), ends, axis=2)

    def _whole(self, scales: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Stitches each scale's (B * tiles,T,cells), crops to the frame's grid and concatenates: (B,T,N)."""
        n = self.per_side
        parts = []
        for values, tile_grid, grid in zip(scales, self.tile_grids, self.grids, strict=True):
            frames = values.shape[1]
            cells = values.reshape(-1, n, n, frames, tile_grid, tile_grid).transpose(0, 3, 1, 4, 2, 5)
            cells = cells.reshape(-1, frames, n * tile_grid, n * tile_grid)[..., :grid, :grid]
            parts.append(cells.reshape(cells.shape[0], frames, grid * grid))
        return np.concatenate(parts, axis=2)
