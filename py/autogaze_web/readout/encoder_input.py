"""The inputs of a SigLIP-like encoder for the gazed patches of a clip: multi-scale patches and positions.

The clip is resized to every scale (bicubic, square) and cut into patches. The patches of a frame are numbered
through all scales, coarse to fine, as in ``gazing_info``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..frames.resize import resize_bicubic
from .gazing_info import GazingInfo, real_positions

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class EncoderScales:
    """The scales of an encoder.

    Attributes:
        scales: pixels per side, ascending.
        patch_size: pixels per side of a patch; must divide every scale.
    """

    scales: tuple[int, ...] = (32, 64, 112, 224)
    patch_size: int = 16

    def __post_init__(self) -> None:
        if not self.scales or list(self.scales) != sorted(set(self.scales)):
            raise ValueError(f"the scales must be ascending numbers of pixels, got {self.scales}")
        if self.patch_size < 1 or any(scale < 1 or scale % self.patch_size for scale in self.scales):
            raise ValueError(f"patches of {self.patch_size} pixels do not divide scales {self.scales}")

    @property
    def grids(self) -> tuple[int, ...]:
        """Patches per side of each scale."""
        return tuple(scale // self.patch_size for scale in self.scales)

    @property
    def patches(self) -> int:
        """Number of patches of a frame in all scales together."""
        return sum(grid * grid for grid in self.grids)


def gazed_patches(video: ArrayLike, gazing: GazingInfo, encoder: EncoderScales) -> Floats:
    """The pixels of the gazed patches.

    Args:
        video: (B, T, C, H, W), normalised as the encoder expects.
        gazing: the gazed patches of these clips in these scales.
        encoder: the scales.

    Returns:
        (B, N, C * patch_size^2) float32, ordered like the weights of a convolution: channel, row, column.
        Padding gets the clip's first patch.

    Raises:
        ValueError: if the shapes do not match, or a position is beyond the clip's patches.
    """
    frames = np.asarray(video, np.float32)
    slots = _Slots.of(gazing, encoder, frames.shape)
    batch, _, channels = frames.shape[:3]
    size = encoder.patch_size
    out = np.empty((*gazing.gazing_pos.shape, channels * size * size), np.float32)
    for index, (scale, grid) in enumerate(zip(encoder.scales, encoder.grids, strict=True)):
        chosen = slots.scale == index
        if not chosen.any():
            continue
        clip = np.broadcast_to(np.arange(batch)[:, None], chosen.shape)[chosen]
        frame = slots.frame[chosen]
        # Only the frames with gazed patches of this scale are resized.
        needed, place = np.unique(clip * frames.shape[1] + frame, return_inverse=True)
        resized = resize_bicubic(frames.reshape(-1, *frames.shape[2:])[needed], scale, scale)
        resized = resized[..., : grid * size, : grid * size]
        patches = resized.reshape(len(needed), channels, grid, size, grid, size).transpose(0, 2, 4, 1, 3, 5)
        out[chosen] = patches[place, slots.row[chosen], slots.column[chosen]].reshape(-1, out.shape[-1])
    return out


def gazed_positions(embedding: ArrayLike, gazing: GazingInfo, encoder: EncoderScales) -> Floats:
    """The position embeddings of the gazed patches.

    Args:
        embedding: (P, D), the position embeddings of an image encoder, P a square number; resized (bicubic)
            to each scale's grid.
        gazing: the gazed patches.
        encoder: the scales.

    Returns:
        (B, N, D) float32. Padding gets the embedding of the first patch.

    Raises:
        ValueError: if P is not a square number, or a position is beyond the clip's patches.
    """
    pyramid = position_pyramid(embedding, encoder)
    frames = max(gazing.num_gazing_each_frame.size, 1)
    return pyramid[real_positions(gazing, frames * encoder.patches) % encoder.patches]


def position_pyramid(embedding: ArrayLike, encoder: EncoderScales) -> Floats:
    """An image encoder's position embeddings (P, D), resized to every scale: (patches of a frame, D)."""
    table = np.asarray(embedding, np.float32)
    side = math.isqrt(len(table)) if table.ndim == 2 else 0
    if side < 1 or side * side != len(table):
        raise ValueError(f"position embeddings must be (a square number, channels), got {table.shape}")
    image = table.reshape(side, side, -1).transpose(2, 0, 1)
    levels = [resize_bicubic(image, grid, grid).reshape(len(image), -1).T for grid in encoder.grids]
    return np.concatenate(levels)


@dataclass(frozen=True)
class _Slots:
    """The patch of each slot (B, N): index of its scale, frame, row and column."""

    scale: NDArray[np.int64]
    frame: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]

    @staticmethod
    def of(gazing: GazingInfo, encoder: EncoderScales, shape: tuple[int, ...]) -> _Slots:
        if len(shape) != 5 or 0 in shape or shape[0] != gazing.gazing_pos.shape[0]:
            raise ValueError(
                "the video is (batch, frames, channels, height, width) with a batch of "
                f"{gazing.gazing_pos.shape[0]}, got {shape}"
            )
        frame, patch = np.divmod(real_positions(gazing, shape[1] * encoder.patches), encoder.patches)
        ends = np.cumsum([grid * grid for grid in encoder.grids])
        scale = np.searchsorted(ends, patch, side="right")
        grid: NDArray[Any] = np.array(encoder.grids)[scale]
        row, column = np.divmod(patch - (ends[scale] - grid * grid), grid)
        return _Slots(scale, frame, row, column)
