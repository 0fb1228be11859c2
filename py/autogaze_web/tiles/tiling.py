"""Large frames in model-sized tiles, and the tiles' cells merged.

- ``anyres``: the frame is stretched bilinearly to a complete grid of tiles, whatever its aspect ratio, so
  every cell of every tile is an equal part of the frame.
- ``full-resolution``: the frame is cut as it is, a tile every ``stride`` pixels. Tiles that overhang the
  right or bottom edge are padded with ``PAD_VALUE``; their cells are cut off at the frame's edge, and none
  is stretched or lost. Where tiles overlap, cells that are the same pixels become one.

A tile is a video of its own to the model (``tiled_clips.py``). ``stitching.py`` merges the tiles' cells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..frames.resize import bilinear_part, resized_by
from ..limits import MAX_SIDE, MAX_TILES, expect, is_whole, shown

TilingMode = Literal["anyres", "full-resolution"]
Floats = NDArray[np.float32]

TILE = 224
TILE_BATCH = 64

# Zero in the processor's normalised space: the light grey (189, 186, 179) in bytes, not black.
PAD_VALUE = 0.0


@dataclass(frozen=True)
class Tiling:
    """How frames of one size are cut.

    Attributes:
        mode: ``anyres`` or ``full-resolution``.
        height, width: of the frames, in pixels.
        tile: pixels per side of a tile.
        stride: pixels from one tile to the next, at most ``tile``; equal to it in ``anyres``.

    Examples:
        >>> from autogaze_web import Tiling
        >>> tiling = Tiling.anyres(1080, 1920)
        >>> tiling.rows, tiling.columns, tiling.canvas
        (5, 9, (1120, 2016))
        >>> len(Tiling.full_resolution(1080, 1920, stride=112))
        180
    """

    mode: TilingMode
    height: int
    width: int
    tile: int = TILE
    stride: int = TILE

    def __post_init__(self) -> None:
        if self.mode not in get_args(TilingMode):
            raise ValueError(
                f"frames are tiled by {' or '.join(get_args(TilingMode))}, got {shown(self.mode)}"
            )
        for what, side in (("frame", self.height), ("frame", self.width), ("tile", self.tile)):
            if not is_whole(side) or side < 1:
                raise ValueError(f"a {what} has at least 1 pixel per side, got {shown(side)}")
            if side > MAX_SIDE:
                raise ValueError(f"a {what} has at most {MAX_SIDE} pixels per side, got {shown(side)}")
        if not is_whole(self.stride) or not 1 <= self.stride <= self.tile:
            raise ValueError(
                f"the stride is 1 to {self.tile} pixels, the tile's side, so that no pixel is left out; "
                f"got {shown(self.stride)}"
            )
        if self.mode == "anyres" and self.stride != self.tile:
            raise ValueError("anyres has no stride: use full-resolution for tiles that overlap")
        if self.rows * self.columns > MAX_TILES:
            raise ValueError(
                f"a frame is cut into at most {MAX_TILES} tiles, got {self.rows * self.columns}: "
                "use a larger stride or tile, or smaller frames"
            )

    @staticmethod
    def anyres(height: int, width: int, tile: int = TILE) -> Tiling:
        """Frames stretched to the least grid of tiles that is not smaller."""
        return Tiling("anyres", height, width, tile, tile)

    @staticmethod
    def full_resolution(height: int, width: int, tile: int = TILE, stride: int | None = None) -> Tiling:
        """Frames as they are, a tile every ``stride`` pixels (default: side by side)."""
        return Tiling("full-resolution", height, width, tile, tile if stride is None else stride)

    @property
    def rows(self) -> int:
        """Rows of tiles: one begins every ``stride`` pixels inside the frame."""
        return -(-self.height // self.stride)

    @property
    def columns(self) -> int:
        """Columns of tiles."""
        return -(-self.width // self.stride)

    def __len__(self) -> int:
        return self.rows * self.columns

    @property
    def canvas(self) -> tuple[int, int]:
        """Height and width of what the tiles are cut from, never smaller than a frame."""
        return (self.rows - 1) * self.stride + self.tile, (self.columns - 1) * self.stride + self.tile

    def origin(self, index: int) -> tuple[int, int]:
        """Top and left pixel of a tile on the canvas; tiles are numbered row by row.

        Raises:
            IndexError: if there is no such tile.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"tile {index} of {len(self)}")
        row, column = divmod(index, self.columns)
        return row * self.stride, column * self.stride

    def batches(self, size: int = TILE_BATCH) -> Iterator[range]:
        """The tiles' numbers in batches of at most ``size``.

        Raises:
            ValueError: if the size is below 1.
        """
        if not is_whole(size) or size < 1:
            raise ValueError(f"a batch has at least 1 tile, got {shown(size)}")
        return (range(start, min(start + size, len(self))) for start in range(0, len(self), size))

    def budget(self, per_tile: int) -> int:
        """The most tokens of a whole frame if each tile has at most ``per_tile`` (at least 1)."""
        return max(per_tile, 1) * len(self)


class TiledFrames:
    """A clip ready to be cut. A tile's pixels are made when it is cut, so that no canvas takes memory.

    Args:
        frames: of the clip, (..., H, W) each.
        tiling: of its frames.
        normalise: makes float32 values of a piece of a frame; None if they are such values.
    """

    def __init__(
        self,
        frames: Sequence[NDArray[Any]],
        tiling: Tiling,
        normalise: Callable[[NDArray[Any]], Floats] | None = None,
    ):
        self.tiling: Tiling = tiling
        self._frames, self._normalise = frames, normalise

    @staticmethod
    def of(frames: ArrayLike, tiling: Tiling) -> TiledFrames:
        """A clip (T, ..., H, W) as the processor leaves it.

        Raises:
            ValueError: if the frames are not of the tiling's size.
        """
        expect(tiling, Tiling, "the tiling")
        clip = np.asarray(frames, np.float32)
        if clip.shape[-2:] != (tiling.height, tiling.width):
            raise ValueError(
                f"the tiling is for frames of {tiling.height}x{tiling.width} (height x width), "
                f"got {clip.shape}"
            )
        return TiledFrames(list(clip), tiling)

    def __len__(self) -> int:
        return len(self._frames)

    def cut(self, tiles: Sequence[int]) -> Floats:
        """Some tiles as (N, T, ..., tile, tile) float32, padded with ``PAD_VALUE`` where they overhang."""
        side = self.tiling.tile
        shape = (len(tiles), len(self._frames), *self._frames[0].shape[:-2], side, side)
        out = np.full(shape, PAD_VALUE, np.float32)
        for place, index in enumerate(tiles):
            for frame, pixels in enumerate(self._frames):
                piece = self._piece(pixels, index)
                out[place, frame, ..., : piece.shape[-2], : piece.shape[-1]] = piece
        return out

    def _piece(self, pixels: NDArray[Any], index: int) -> Floats:
        """A tile of a frame, without what overhangs; for ``anyres`` the frame is stretched to the canvas."""
        tiling = self.tiling
        y, x = tiling.origin(index)
        height, width = tiling.canvas if tiling.mode == "anyres" else pixels.shape[-2:]
        rows, row_taps = bilinear_part(tiling.height, height, y, y + tiling.tile)
        columns, column_taps = bilinear_part(tiling.width, width, x, x + tiling.tile)
        piece = pixels[..., rows, columns]
        return resized_by(piece if self._normalise is None else self._normalise(piece), row_taps, column_taps)
