"""Multi-scale patches and positions of a clip for a SigLIP-like encoder, of the gazed patches alone.

The clip is resized to every scale (bicubic, a square), cut into patches, and the patches of all scales of a
frame, coarse to fine, are numbered as ``gazing_info`` numbers them.
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
        patch_size: pixels per side of a patch; divides every scale.
    """

    scales: tuple[int, ...] = (32, 64, 112, 224)
    patch_size: int = 16

    def __post_init__(self) -> None:
        if not self.scales or list(self.scales) != sorted(set(self.scales)):
            raise ValueError(f"scales are ascending numbers of pixels, got {self.scales}")
        if self.patch_size < 1 or any(scale < 1 or scale % self.patch_size for scale in self.scales):
            raise ValueError(f"patches of {self.patch_size} pixels do not divide scales {self.scales}")

    @property
    def grids(self) -> tuple[int, ...]:
        """Patches per side of each scale."""
        return tuple(scale // self.patch_size for scale in self.scales)

    @property
    def patches(self) -> int:
        """Patches of a frame, all scales together."""
        return sum(grid * grid for grid in self.grids)


def gazed_patches(video: ArrayLike, gazing: GazingInfo, encoder: EncoderScales) -> Floats:
    """The pixels of the gazed patches.

    Args:
        video: (B, T, C, H, W), normalised as the encoder wants it.
        gazing: for these clips and scales.
        encoder: the scales.

    Returns:
        (B, N, C * patch_size^2) float32, the weights' order of a convolution: channel, row, column. Padded
        slots hold the first patch of the clip.

    Raises:
        ValueError: if the shapes do not fit, or a position is beyond the clip's patches.
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
        # Only the frames that are looked at on this scale are resized.
        needed, place = np.unique(clip * frames.shape[1] + frame, return_inverse=True)
        resized = resize_bicubic(frames.reshape(-1, *frames.shape[2:])[needed], scale, scale)
        patches = resized.reshape(len(needed), channels, grid, size, grid, size).transpose(0, 2, 4, 1, 3, 5)
        out[chosen] = patches[place, slots.row[chosen], slots.column[chosen]].reshape(-1, out.shape[-1])
    return out


def gazed_positions(embedding: ArrayLike, gazing: GazingInfo, encoder: EncoderScales) -> Floats:
    """The position embeddings of the gazed patches.

    Args:
        embedding: (P, D), an image encoder's, P the square of a whole number; resized (bicubic) to each
            scale's grid.
        gazing: the slots.
        encoder: the scales.

    Returns:
        (B, N, D) float32; padded slots hold that of the first patch.

    Raises:
        ValueError: if P is no square or a position is beyond the clip's patches.
    """
    pyramid = position_pyramid(embedding, encoder)
    frames = max(gazing.num_gazing_each_frame.size, 1)
    return pyramid[real_positions(gazing, frames * encoder.patches) % encoder.patches]


def position_pyramid(embedding: ArrayLike, encoder: EncoderScales) -> Floats:
    """An image encoder's position embeddings (P, D), resized to every scale: (patches of a frame, D)."""
    table = np.asarray(embedding, np.float32)
    side = math.isqrt(len(table)) if table.ndim == 2 else 0
    if side < 1 or side * side != len(table):
        raise ValueError(f"position embeddings are (a square number, channels), got {table.shape}")
    image = table.reshape(side, side, -1).transpose(2, 0, 1)
    levels = [resize_bicubic(image, grid, grid).reshape(len(image), -1).T for grid in encoder.grids]
    return np.concatenate(levels)


@dataclass(frozen=True)
class _Slots:
    """What each slot (B, N) holds: the scale's index, frame, row and column."""

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
