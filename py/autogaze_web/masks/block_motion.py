"""What a video codec does before it spends any pixels: blocks that moved are copied from where they were.

The baseline against which a choice of cells is compared: `predicted` rebuilds a frame from the comparison's
own last output and one displacement for each block, found by exhaustive search; only what is still wrong then
has to be overwritten.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..frames.rgba import Rgba, Words, allocate, as_frame, as_words, copy_into, expect_image
from .block_search import BLOCK, Greys, search

REACH: Final = 7
"""Pixels that a block is searched for in every direction."""

# A third of a sum of three bytes, rounded down, is the upper half of its product with this.
_THIRD = np.uint64(21846)
_FIRST_OF_FOUR = np.uint64(0x000000FF000000FF)
_ROWS_AT_ONCE: Final = 64

Displacements = NDArray[np.int64]


def displacements(previous: Rgba, current: Rgba, reach: int = REACH) -> Displacements:
    """Where each block of a frame was in the last output: that with the least absolute difference of greys.

    Args:
        previous, current: (H, W, 4) uint8 of one size.
        reach: pixels to search in every direction; 0 leaves every block where it is.

    Returns:
        (rows, columns, 2): rows down and columns right from a block to its source, which lies within the
        output. Of equally good sources the nearest is taken.

    Raises:
        ValueError: if the images differ in size, or ``reach`` is out of range.

    Examples:
        >>> import numpy as np
        >>> frame = np.random.default_rng(0).integers(0, 256, (48, 48, 4), dtype=np.uint8)
        >>> displacements(np.roll(frame, (3, -2), (0, 1)), frame)[1, 1].tolist()
        [3, -2]
    """
    expect_image(previous)
    expect_image(current)
    if previous.shape != current.shape:
        raise ValueError(f"both images have one size, got {previous.shape[:2]} and {current.shape[:2]}")
    if reach < 0:
        raise ValueError(f"a block is searched for 0 pixels away or more, got {reach}")
    return search(_greys(previous), _greys(current), reach)


def predicted(previous: Rgba, moved: Displacements) -> Rgba:
    """A frame made of blocks of the last output.

    Args:
        previous: (H, W, 4) uint8.
        moved: of `displacements` for this size.

    Returns:
        (H, W, 4) uint8: each block shows what the last output has at the block's place plus its displacement.

    Raises:
        ValueError: if the displacements are those of another size.
    """
    height, width = previous.shape[:2]
    if moved.shape != (-(-height // BLOCK), -(-width // BLOCK), 2):
        raise ValueError(f"displacements of {moved.shape[:2]} blocks do not fit {height}x{width} pixels")
    frame = allocate(height, width)
    copy_into(frame, previous)
    for row, column in np.argwhere(moved.any(axis=2)).tolist():
        down, right = moved[row, column].tolist()
        y0, x0 = row * BLOCK, column * BLOCK
        y1, x1 = min(y0 + BLOCK, height), min(x0 + BLOCK, width)
        frame[y0:y1, x0:x1] = previous[y0 + down : y1 + down, x0 + right : x1 + right]
    return frame


def _greys(image: Rgba) -> Greys:
    """(H, W): a third of the sum of a pixel's colours, rounded down."""
    words = as_words(as_frame(image))
    height, width = image.shape[:2]
    greys: Greys = np.empty((height, width), np.uint8)
    for top in range(0, height, _ROWS_AT_ONCE):
        some = words[top : top + _ROWS_AT_ONCE]
        total: Words = some & _FIRST_OF_FOUR
        for shift in (8, 16):
            total += some >> np.uint64(shift) & _FIRST_OF_FOUR
        total *= _THIRD
        # The upper half of each pixel's 32 bits, of which at most one byte is used.
        greys[top : top + _ROWS_AT_ONCE] = total.view(np.uint32)[:, :width] >> 16
    return greys
