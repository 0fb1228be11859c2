"""What a video codec does before it spends any pixels: blocks that moved are copied from where they were.

The baseline against which a choice of cells is compared: `predicted` rebuilds a frame from the comparison's
own last output and one displacement for each block, found by exhaustive search; only what is still wrong then
has to be overwritten.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..frames.rgba import Rgba, expect_image

BLOCK = 16
"""Side of a block in pixels; blocks at the right and bottom edge may be smaller."""
REACH = 7
"""Pixels that a block is searched for in every direction."""

# What a displacement costs, in grey levels times pixels: noise does not make what rests move.
_BIAS = 256

Displacements = NDArray[np.int64]


def displacements(previous: Rgba, current: Rgba, block: int = BLOCK, reach: int = REACH) -> Displacements:
    """Where each block of a frame was in the last output: that with the least absolute difference of greys.

    Args:
        previous, current: (H, W, 4) uint8 of one size.
        block: side of a block in pixels.
        reach: pixels to search in every direction; 0 leaves every block where it is.

    Returns:
        (rows, columns, 2): rows down and columns right from a block to its source, which lies within the
        output. Of equally good sources the nearest is taken.

    Raises:
        ValueError: if the images differ in size, or a number is out of range.

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
    if block < 1 or reach < 0:
        raise ValueError(f"a block has 1 pixel or more and reach is 0 or more, got {block} and {reach}")
    old, new = _grey(previous), _grey(current)
    height, width = new.shape
    rows, columns = np.arange(0, height, block), np.arange(0, width, block)
    bottoms, rights = np.minimum(rows + block, height), np.minimum(columns + block, width)
    best = np.full((rows.size, columns.size), np.iinfo(np.int64).max)
    found = np.zeros((rows.size, columns.size, 2), np.int64)
    steps = range(-reach, reach + 1)
    for down, right in sorted(((y, x) for y in steps for x in steps), key=lambda at: at[0] ** 2 + at[1] ** 2):
        # Blocks whose source lies within the output: of all others the difference is not even computed.
        tall = np.flatnonzero((rows + down >= 0) & (bottoms + down <= height))
        wide = np.flatnonzero((columns + right >= 0) & (rights + right <= width))
        if not tall.size or not wide.size:
            continue
        top, bottom = int(rows[tall[0]]), int(bottoms[tall[-1]])
        left, end = int(columns[wide[0]]), int(rights[wide[-1]])
        source = old[top + down : bottom + down, left + right : end + right]
        difference = np.abs(new[top:bottom, left:end] - source)
        by_row = np.add.reduceat(difference, rows[tall] - top, axis=0, dtype=np.int64)
        cost = np.add.reduceat(by_row, columns[wide] - left, axis=1) + (_BIAS if down or right else 0)
        part = np.s_[tall[0] : tall[-1] + 1, wide[0] : wide[-1] + 1]
        better = cost < best[part]
        best[part] = np.where(better, cost, best[part])
        found[part][better] = (down, right)
    return found


def predicted(previous: Rgba, moved: Displacements, block: int = BLOCK) -> Rgba:
    """A frame made of blocks of the last output.

    Args:
        previous: (H, W, 4) uint8.
        moved: of `displacements` for this size and block.
        block: side of a block in pixels.

    Returns:
        (H, W, 4) uint8: each block shows what the last output has at the block's place plus its displacement.

    Raises:
        ValueError: if the displacements are those of another size.
    """
    height, width = previous.shape[:2]
    if moved.shape != (-(-height // block), -(-width // block), 2):
        raise ValueError(f"displacements of {moved.shape[:2]} blocks do not fit {height}x{width} pixels")
    per_pixel = moved.repeat(block, axis=0)[:height].repeat(block, axis=1)[:, :width]
    rows = np.arange(height)[:, None] + per_pixel[..., 0]
    columns = np.arange(width) + per_pixel[..., 1]
    frame: Rgba = previous[rows, columns]
    return frame


def _grey(image: Rgba) -> NDArray[np.int32]:
    """(H, W): the sum of a pixel's colours divided by three, without its opacity."""
    total: NDArray[np.int32] = image[..., :3].sum(axis=2, dtype=np.int32) // 3
    return total
