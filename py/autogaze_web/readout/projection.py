"""Projects fixations onto the tokens of a downstream model, to select the patches it needs.

A frame's fixations become rectangles, the rectangles become tokens of an image grid, and the tokens of all
frames become tokens of a video grid, whose patches span several frames. Each step is a function of its own.
Tokens are listed without duplicates, in the order in which AutoGaze selected them.

>>> from autogaze_web.masks.cells import Cells
>>> frame_tokens(Cells.of(2, 0, 1), ImageGrid(4, 4)).tolist()
[2, 3, 6, 7]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..masks.cells import Cells
from ..masks.fixations import Fixations
from .token_grids import ImageGrid, Tokens, VideoGrid, video_coordinates

Rectangles = NDArray[np.float64]
Frame = Cells | Fixations

# A rectangle that reaches less than this many tokens into the next token does not touch it.
BORDER_TOLERANCE = 1e-6


@dataclass(frozen=True)
class ReadoutOptions:
    """How a frame's fixations become rectangles and tokens.

    Attributes:
        confidence_threshold: fixations with this confidence or less are left out.
        max_fixations: use only the first N fixations; None for all.
        fixation_scale: factor for the sides of the fixations about their centres (``Fixations.scaled``).
        dilation: number of tokens by which every rectangle grows on each side.
        max_tokens: return only the first N tokens of a frame; None for all.
    """

    confidence_threshold: float = 0.0
    max_fixations: int | None = None
    fixation_scale: float = 1.0
    dilation: int = 0
    max_tokens: int | None = None

    def __post_init__(self) -> None:
        if np.isnan(self.confidence_threshold):
            raise ValueError("the confidence threshold is a number, got NaN")
        _check_count("max_fixations", self.max_fixations)
        _check_count("max_tokens", self.max_tokens)
        _check_count("dilation", self.dilation)
        Fixations.none().scaled(self.fixation_scale)


@dataclass(frozen=True)
class VideoReadoutOptions:
    """How frames' tokens become a clip's.

    Attributes:
        tubelet: number of frames in a temporal bin.
        dilation: number of tokens of the video grid by which every rectangle grows on each side.
        min_tokens: minimum number of tokens; missing ones are spread evenly over the clip.
        max_tokens: return only the first N tokens; None for all.
    """

    tubelet: int = 1
    dilation: int = 0
    min_tokens: int = 0
    max_tokens: int | None = None

    def __post_init__(self) -> None:
        if self.tubelet < 1:
            raise ValueError(f"a tubelet lasts at least 1 frame, got {self.tubelet}")
        _check_count("dilation", self.dilation)
        _check_count("min_tokens", self.min_tokens)
        _check_count("max_tokens", self.max_tokens)
        if self.max_tokens is not None and self.max_tokens < self.min_tokens:
            raise ValueError(f"max_tokens of {self.max_tokens} is less than min_tokens of {self.min_tokens}")

    def exactly(self, tokens: int) -> VideoReadoutOptions:
        """The same options with a fixed number of tokens (or the whole grid, if it has fewer)."""
        return replace(self, min_tokens=tokens, max_tokens=tokens)


@dataclass(frozen=True)
class Projection:
    """How a clip's fixations become video tokens: both grids with their options."""

    image: ImageGrid
    video: VideoGrid
    image_options: ReadoutOptions = field(default_factory=ReadoutOptions)
    video_options: VideoReadoutOptions = field(default_factory=VideoReadoutOptions)


def frame_rectangles(frame: Frame, options: ReadoutOptions | None = None) -> Rectangles:
    """The rectangles of a frame's fixations as fractions of the frame.

    Returns:
        (N, 4) float64 of y0, x0, y1, x1, in the order of selection. Values above 1 are outside the frame.
    """
    options = options or ReadoutOptions()
    chosen = Fixations.of(frame).visible(options.confidence_threshold)
    if options.max_fixations is not None:
        chosen = chosen.select(slice(options.max_fixations))
    return chosen.scaled(options.fixation_scale).unit_rectangles()


def rectangle_tokens(
    rectangles: Rectangles, grid: ImageGrid, dilation: int = 0, max_tokens: int | None = None
) -> Tokens:
    """The distinct tokens that rectangles touch, in the order of the rectangles, row by row in each.

    Args:
        rectangles: (N, 4) of y0, x0, y1, x1 as fractions of the image; empty ones touch nothing.
        grid: the tokens of the image.
        dilation: number of tokens by which each rectangle grows on each side.
        max_tokens: return only the first N tokens; None for all.

    Returns:
        (M,) int64.
    """
    return _first_seen(_touched(rectangles, grid, dilation))[:max_tokens]


def frame_tokens(frame: Frame, grid: ImageGrid, options: ReadoutOptions | None = None) -> Tokens:
    """The tokens of an image grid that a frame's fixations touch: (M,) int64, in the order of selection."""
    options = options or ReadoutOptions()
    rectangles = frame_rectangles(frame, options)
    return rectangle_tokens(rectangles, grid, options.dilation, options.max_tokens)


def clip_tokens(
    frames: Sequence[Frame], grid: ImageGrid, options: ReadoutOptions | None = None
) -> list[Tokens]:
    """``frame_tokens`` for every frame of a clip."""
    return [frame_tokens(frame, grid, options) for frame in frames]


def rectangles_to_video_tokens(
    frames: Sequence[Rectangles], grid: VideoGrid, options: VideoReadoutOptions | None = None
) -> Tokens:
    """The video tokens that the frames' rectangles touch.

    Frames beyond the grid's last temporal bin are ignored. If fewer than ``min_tokens`` are touched, the
    evenly spaced tokens ``round(i * (total - 1) / min_tokens)`` are added, and then the lowest unused ones.

    Args:
        frames: for each frame (N, 4) of y0, x0, y1, x1 as fractions of the frame.
        grid: the tokens of the clip.
        options: tubelet, dilation and limits.

    Returns:
        (M,) int64: touched tokens bin by bin, in the order of the rectangles, then the added ones.
    """
    options = options or VideoReadoutOptions()
    chosen = [np.zeros(0, np.int64)]
    for index, rectangles in enumerate(frames[: grid.temporal_bins * options.tubelet]):
        tokens = _touched(rectangles, grid.image, options.dilation)
        chosen.append(tokens + index // options.tubelet * len(grid.image))
    tokens = _first_seen(np.concatenate(chosen))[: options.max_tokens]
    return _fill_up(tokens, options.min_tokens, len(grid))


def tokens_to_video_tokens(
    frames: Sequence[Tokens],
    image_grid: ImageGrid,
    video_grid: VideoGrid,
    options: VideoReadoutOptions | None = None,
) -> Tokens:
    """The video tokens that the image tokens of frames touch (``rectangles_to_video_tokens``).

    Raises:
        ValueError: if a token is outside the image grid.
    """
    return rectangles_to_video_tokens(
        [token_rectangles(tokens, image_grid) for tokens in frames], video_grid, options
    )


def token_rectangles(tokens: Tokens, grid: ImageGrid) -> Rectangles:
    """The rectangles of tokens of an image grid: (N, 4) float64 of y0, x0, y1, x1, fractions of the image.

    Raises:
        ValueError: if a token is outside the grid.
    """
    flat = np.asarray(tokens, np.int64).reshape(-1)
    if flat.size and (int(flat.min()) < 0 or int(flat.max()) >= len(grid)):
        raise ValueError(
            f"tokens {flat.min()} .. {flat.max()} are not all in the {grid.height}x{grid.width} grid "
            f"of {len(grid)} tokens"
        )
    row, column = np.divmod(flat, grid.width)
    size = (grid.height, grid.width)
    return np.stack([row / size[0], column / size[1], (row + 1) / size[0], (column + 1) / size[1]], axis=-1)


def clip_video_tokens(frames: Sequence[Frame], projection: Projection) -> Tokens:
    """The video tokens of a clip's fixations, projected through the image grid: (M,) int64."""
    tokens = clip_tokens(frames, projection.image, projection.image_options)
    return tokens_to_video_tokens(tokens, projection.image, projection.video, projection.video_options)


def batch_video_tokens(clips: Sequence[Sequence[Frame]], projection: Projection) -> list[Tokens]:
    """``clip_video_tokens`` for every clip of a batch."""
    return [clip_video_tokens(frames, projection) for frames in clips]


def batch_video_coordinates(clips: Sequence[Sequence[Frame]], projection: Projection) -> NDArray[np.int32]:
    """The positions of a batch's video tokens: (N, 4) int32 of clip, temporal bin, row, column."""
    batch = batch_video_tokens(clips, projection)
    rows = [
        np.insert(video_coordinates(tokens, projection.video), 0, index, axis=1)
        for index, tokens in enumerate(batch)
    ]
    return np.concatenate(rows) if rows else np.zeros((0, 4), np.int32)


def _touched(rectangles: Rectangles, grid: ImageGrid, dilation: int) -> Tokens:
    """All tokens that rectangles touch, rectangle by rectangle, with duplicates."""
    rectangles = np.asarray(rectangles, np.float64).reshape(-1, 4)
    size = np.array([grid.height, grid.width])
    full = (rectangles[:, 2] > rectangles[:, 0]) & (rectangles[:, 3] > rectangles[:, 1])
    # Comparisons with NaN are false, so NaN becomes 0 before the cast to integers.
    rectangles = np.clip(np.where(full[:, None], rectangles, 0.0), 0.0, 1.0)
    first = np.floor(rectangles[:, :2] * size + BORDER_TOLERANCE).astype(np.int64)
    last = np.ceil(rectangles[:, 2:] * size - BORDER_TOLERANCE).astype(np.int64)
    last = np.maximum(last, first + 1)
    first, last = np.maximum(first - dilation, 0), np.minimum(last + dilation, size)
    extent = np.where(full[:, None], np.maximum(last - first, 0), 0)
    count = (extent[:, 0] * extent[:, 1]).astype(np.intp)  # 32 bits wide under WebAssembly
    owner = np.repeat(np.arange(len(rectangles)), count)
    within = np.arange(owner.size) - np.repeat(np.cumsum(count) - count, count)
    row, column = np.divmod(within, np.maximum(extent[owner, 1], 1))
    tokens: Tokens = (first[owner, 0] + row) * grid.width + first[owner, 1] + column
    return tokens


def _first_seen(tokens: Tokens) -> Tokens:
    """The distinct tokens, in the order of their first occurrence."""
    _, index = np.unique(tokens, return_index=True)
    return tokens[np.sort(index)]


def _fill_up(tokens: Tokens, minimum: int, total: int) -> Tokens:
    needed = min(minimum, total)
    if tokens.size >= needed:
        return tokens
    spread = (np.arange(needed) * (total - 1) + needed // 2) // needed
    return _first_seen(np.concatenate([tokens, spread, np.arange(total)]))[:needed]


def _check_count(name: str, value: int | None) -> None:
    if value is not None and value < 0:
        raise ValueError(f"{name} is a number of at least 0, got {value}")
