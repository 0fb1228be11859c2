"""The token grids of downstream models: of images, and of videos cut into tubelets."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..limits import MAX_GRID_TOKENS, is_whole, shown

Tokens = NDArray[np.int64]


def _are_counts(*sides: int) -> bool:
    return all(is_whole(side) and side >= 1 for side in sides)


def _check_count(tokens: int) -> None:
    if tokens > MAX_GRID_TOKENS:
        raise ValueError(f"a token grid has at most {MAX_GRID_TOKENS:,} tokens, got {shown(tokens)}")


@dataclass(frozen=True)
class ImageGrid:
    """Tokens of one image: ``height x width``, numbered row by row."""

    height: int
    width: int

    def __post_init__(self) -> None:
        if not _are_counts(self.height, self.width):
            raise ValueError(
                f"a token grid has at least 1x1 tokens, got {shown(self.height)}x{shown(self.width)}"
            )
        _check_count(self.height * self.width)

    @staticmethod
    def square(token_count: int) -> ImageGrid:
        """The square grid with a number of tokens.

        Raises:
            ValueError: if the number is not a perfect square of at least 1.
        """
        side = math.isqrt(max(token_count, 0))
        if side < 1 or side * side != token_count:
            raise ValueError(
                f"{token_count} tokens do not make a square grid: give ImageGrid(height, width) instead"
            )
        return ImageGrid(side, side)

    def __len__(self) -> int:
        return self.height * self.width


@dataclass(frozen=True)
class VideoGrid:
    """Tokens of a clip: ``temporal_bins`` grids of ``height x width``, numbered bin by bin and row by row."""

    temporal_bins: int
    height: int
    width: int

    def __post_init__(self) -> None:
        if not _are_counts(self.temporal_bins, self.height, self.width):
            raise ValueError(
                "a video's token grid has at least 1x1x1 tokens, got "
                f"{shown(self.temporal_bins)}x{shown(self.height)}x{shown(self.width)}"
            )
        _check_count(self.temporal_bins * self.height * self.width)

    @property
    def image(self) -> ImageGrid:
        """The grid of one temporal bin."""
        return ImageGrid(self.height, self.width)

    def __len__(self) -> int:
        return self.temporal_bins * self.height * self.width


@dataclass(frozen=True)
class PatchGeometry:
    """How a video encoder cuts a clip into patches.

    Attributes:
        frames: number of frames of the clip.
        height, width: size of a frame in pixels.
        tubelet: frames per patch.
        patch_height, patch_width: pixels per patch.
    """

    frames: int
    height: int
    width: int
    tubelet: int = 2
    patch_height: int = 16
    patch_width: int = 16

    def grid(self) -> VideoGrid:
        """The token grid.

        Raises:
            ValueError: if a number is below 1 or a side is not a whole number of patches.
        """
        bins = []
        for name, whole, part in (
            ("frames", self.frames, self.tubelet),
            ("height", self.height, self.patch_height),
            ("width", self.width, self.patch_width),
        ):
            if whole < 1 or part < 1 or whole % part:
                raise ValueError(f"the clip's {name} of {whole} cannot be cut into patches of {part}")
            bins.append(whole // part)
        return VideoGrid(*bins)


def video_coordinates(tokens: ArrayLike, grid: VideoGrid) -> NDArray[np.int32]:
    """The positions of video tokens.

    Args:
        tokens: (N,) token numbers.
        grid: the grid in which they are numbered.

    Returns:
        (N, 3) int32 of temporal bin, row, column.

    Raises:
        ValueError: if a token is outside the grid.
    """
    flat = np.asarray(tokens, np.int64).reshape(-1)
    outside = (flat < 0) | (flat >= len(grid))
    if outside.any():
        wrong = int(flat[np.argmax(outside)])
        raise ValueError(
            f"token {wrong} is outside the {grid.temporal_bins}x{grid.height}x{grid.width} grid of "
            f"{len(grid)} tokens"
        )
    rest, column = np.divmod(flat, grid.width)
    temporal_bin, row = np.divmod(rest, grid.height)
    return np.stack([temporal_bin, row, column], axis=-1).astype(np.int32)
